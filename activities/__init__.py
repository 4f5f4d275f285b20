"""The steps of the workflow: one verb each, one side effect each, each safe to run twice."""

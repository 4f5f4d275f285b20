"""The least that a durable function app can be: one orchestrator, one activity."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
from durabletask import task

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def greet(context: task.OrchestrationContext, name: str) -> Generator[task.Task[Any], Any, str]:
    """Say hello through the activity."""
    greeting: str = yield context.call_activity("say", input=name)
    return greeting


@app.activity_trigger(input_name="name")
def say(name: str) -> str:
    """Say hello."""
    return f"Hello {name}"

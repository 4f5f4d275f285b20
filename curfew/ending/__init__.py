"""Taking an access back, step by step, and reading back that it is gone."""

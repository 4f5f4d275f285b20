"""A sample app that no worker indexes: the timer's annotation is not a timer's."""

import azure.functions as func

app = func.FunctionApp()


@app.timer_trigger(arg_name="timer", schedule="0 0 4 * * *")
def wrong(timer: func.HttpRequest) -> None:
    """Never runs."""

"""A sample app: timers, and everything that a worker can say."""

import logging
import sys
import warnings

import azure.functions as func
from opentelemetry import trace

app = func.FunctionApp()
_log = logging.getLogger("sample.timers")


def _status(timer: func.TimerRequest) -> dict[str, str]:
    status: dict[str, str] = getattr(timer, "schedule_status", {})
    return status


@app.timer_trigger(arg_name="timer", schedule="%EVERY%")
def ticking(timer: func.TimerRequest) -> None:
    _log.info("tick", extra={"past_due": timer.past_due, "status": _status(timer)})


@app.timer_trigger(arg_name="timer", schedule="0 0 4 1 1 *", run_on_startup=True)
async def starting(timer: func.TimerRequest) -> None:
    _log.info("started")


@app.timer_trigger(arg_name="timer", schedule="1.00:00:00")
async def daily(timer: func.TimerRequest) -> None:
    with trace.get_tracer("sample").start_as_current_span("daily work") as span:
        span.set_attribute("subject", "a span attribute")
        _log.debug("quietly %s", "formatted")
        sys.stdout.write("on stdout\n")
        sys.stderr.write("on stderr\n")
        warnings.warn("as a warning", stacklevel=1)


@app.timer_trigger(arg_name="timer", schedule="0 0 4 1 1 *")
def failing(timer: func.TimerRequest) -> None:
    raise RuntimeError("the timer fails")

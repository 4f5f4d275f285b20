"""What runs by the clock: the sweep, the watch, the check. The functions' names are state.

The library is imported inside each: it brings Microsoft's clients with it, and a cold start does
not pay for them. What fails is reported and goes no further: an exception's text would be in the
host's log, and may quote anything (rule 7).
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import azure.durable_functions as df
import azure.functions as func

from curfew.events import Event, report
from curfew.services import current
from triggers.engine import Engine, telling

blueprint = df.Blueprint()


@blueprint.function_name("sweep")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False, use_monitor=True
)
@blueprint.durable_client_input(client_name="client")
async def run_sweep(timer: func.TimerRequest, client: df.DurableFunctionsClient) -> None:  # noqa: ARG001 - the host hands it in by its name
    """End every grant whose time is up."""

    def begin() -> Awaitable[object]:
        from curfew.net.sweeping import sweep

        return sweep(current(), telling(Engine(client)))

    await _run(begin, Event.SWEEP_FAILED)


@blueprint.function_name("watch")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 12 * * * *", run_on_startup=False, use_monitor=True
)
async def run_watch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - as above
    """Look into every directory for accounts that no grant accounts for."""

    def begin() -> Awaitable[object]:
        from curfew.net.watching import watch

        return watch(current())

    await _run(begin, Event.WATCH_FAILED)


@blueprint.function_name("check")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 7 2 * * *", run_on_startup=False, use_monitor=True
)
async def run_nightly_check(timer: func.TimerRequest) -> None:  # noqa: ARG001 - as above
    """Look at what each tenant lacks, before somebody needs it."""

    def begin() -> Awaitable[object]:
        from curfew.preflight.checking import check_everywhere

        return check_everywhere(current())

    await _run(begin, Event.CHECK_FAILED)


async def _run(begin: Callable[[], Awaitable[object]], failed: Event) -> None:
    """Run one; what keeps it from beginning is reported here, all else by the library itself."""
    try:
        running = begin()
    except Exception as error:  # noqa: BLE001 - the host's log is not told
        report(failed, error)
        return
    with suppress(Exception):
        await running

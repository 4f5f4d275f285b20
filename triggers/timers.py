"""What runs by the clock: the sweep and the watch. The functions' names are state.

The library is imported inside each: it brings Microsoft's clients with it, and a cold start does
not pay for them. What fails is reported by the library; an exception's text would be in the
host's log, and may quote anything (rule 7).
"""

from contextlib import suppress

import azure.durable_functions as df
import azure.functions as func

from curfew.errors import CurfewError
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
    from curfew.net.sweeping import sweep

    with suppress(CurfewError):
        await sweep(current(), telling(Engine(client)))


@blueprint.function_name("watch")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 12 * * * *", run_on_startup=False, use_monitor=True
)
async def run_watch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - as above
    """Look into every directory for accounts that no grant accounts for."""
    from curfew.net.watching import watch

    with suppress(CurfewError):
        await watch(current())

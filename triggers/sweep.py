"""The sweep and the watch over HTTP: run both now, and say what came of it."""

from dataclasses import replace

import azure.durable_functions as df

from curfew.model.sweeps import SafetyReport
from curfew.net.rounds import Limits
from triggers.edge import Call, Reply, serve
from triggers.engine import telling

blueprint = df.Blueprint()

# Azure's front answers for an app that has not within 230 seconds.
_PATIENCE = Limits(run=90.0, tenant=60.0)


async def run_sweep(call: Call) -> Reply:
    """Sweep, then watch, beside whatever the timers do; what is not reached is left to them."""
    from curfew.net.sweeping import sweep
    from curfew.net.watching import watch

    swept = await sweep(call.services, telling(call.workflows), _PATIENCE)
    watched = await watch(call.services, replace(_PATIENCE, within=2))
    return Reply(SafetyReport(sweep=swept, watch=watched))


serve(blueprint, run_sweep)

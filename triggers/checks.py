"""The preflight over HTTP: look now, or read what the last look found."""

import azure.durable_functions as df

from curfew.errors import NotFound
from triggers.edge import Call, Reply, serve
from triggers.settings import tenant_of

blueprint = df.Blueprint()


async def run_check(call: Call) -> Reply:
    """Look at a tenant: nothing is changed in it, and what is wrong is an answer, not an error."""
    from curfew.preflight.checking import check

    return Reply(await check(call.services, await tenant_of(call)))


async def read_check(call: Call) -> Reply:
    """What the last look found, in the night or when somebody asked."""
    tenant = await tenant_of(call)
    report = await call.services.checks.latest(tenant.id)
    if report is None:
        message = "The tenant was never checked."
        raise NotFound(message)
    return Reply(report)


for _handler in (run_check, read_check):
    serve(blueprint, _handler)

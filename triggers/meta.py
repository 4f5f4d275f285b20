"""What the app says of itself: its health and its OpenAPI document."""

import azure.durable_functions as df

from curfew.callers import AppRole, Caller
from curfew.concurrency import settled
from curfew.errors import Denied, Missing
from curfew.events import Event, report
from curfew.services import Services
from triggers.edge import Call, Reply, serve
from triggers.openapi import document
from triggers.views import Health

blueprint = df.Blueprint()

_NOT_THERE = "00000000-0000-0000-0000-000000000000"


async def read_health(call: Call) -> Reply:
    """Liveness for anyone; for an administrator also whether what it depends on answers.

    The home tenant must say who the people are before anything is given by consent or later.
    """
    caller = call.signed_in
    if caller is None or AppRole.ADMINISTRATOR not in caller.roles:
        return Reply(Health(status="ok"))
    services = call.services
    names = ("ledger", "vault", "home")
    results = await settled(_ledger(services), _vault(services), _home(services, caller))
    checks = {}
    for name, result in zip(names, results, strict=True):
        checks[name] = "ok"
        if isinstance(result, BaseException):
            report(Event.REQUEST_FAILED, result, operation="read_health")
            checks[name] = "refuses" if isinstance(result, Denied) else "does not answer"
    healthy = all(check == "ok" for check in checks.values())
    return Reply(Health(status="ok" if healthy else "degraded", checks=checks))


async def read_openapi(_: Call) -> Reply:
    """The OpenAPI document, made from the models that validate."""
    return Reply(document())


for _handler in (read_health, read_openapi):
    serve(blueprint, _handler)


async def _ledger(services: Services) -> None:
    try:
        await services.tenants.get(_NOT_THERE)
    except Missing:
        return


async def _vault(services: Services) -> None:
    await services.vault.is_retired(_NOT_THERE)


async def _home(services: Services, caller: Caller) -> None:
    await services.home.members.find(caller.id)

"""What the handlers of grants share: who may see which, and how an accepted one is answered."""

from collections.abc import Callable
from http import HTTPStatus

from curfew.errors import Missing, NotFound
from curfew.model.grants import GrantView, Lease
from triggers.edge import Call, Reply
from triggers.operations import Reach

_POLL_AFTER = {"Retry-After": "3"}
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5)


async def seen(call: Call) -> Lease:
    """A grant that the caller reaches by this operation. Others do not exist for him."""
    message = "There is no such grant."
    try:
        lease = await call.services.leases.find(call.path["grantId"])
    except Missing as error:
        raise NotFound(message) from error
    is_own = Reach.OWN in call.reach and lease.technician.id == call.caller.id
    if not is_own and not call.reach & {Reach.ALL, Reach.DECIDES}:
        raise NotFound(message)
    return lease


async def verdict(call: Call, grant_id: str, is_answered: Callable[[Lease], bool]) -> Lease:
    """The grant once the workflow has answered, or as it stands when that takes too long."""
    lease = await call.services.leases.find(grant_id)
    for pause in _PAUSES:
        if is_answered(lease):
            break
        await call.services.pause(pause)
        lease = await call.services.leases.find(grant_id)
    return lease


def accepted(lease: Lease) -> Reply:
    """The grant as it is, with the address at which to look again."""
    headers = {"Location": address(lease.plan.grant_id), **_POLL_AFTER}
    return Reply(GrantView.of(lease), HTTPStatus.ACCEPTED, headers)


def address(grant_id: str) -> str:
    """Where a grant is."""
    return f"/api/grants/{grant_id}"

"""What the handlers share: who may see and decide what, and how an accepted grant is answered."""

from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus

from curfew.entitled import groups_of
from curfew.entitlements import is_among
from curfew.errors import Conflict, Forbidden, Missing, NotFound
from curfew.model.base import Model
from curfew.model.grants import GrantView, Lease
from curfew.model.profiles import Profile
from triggers.edge import Call, Reply
from triggers.operation import Reach

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


async def offered(call: Call, profiles: Sequence[Profile]) -> list[Profile]:
    """Those of the profiles that the caller reaches: all, or what he may ask for.

    The directory is asked at most once for all of them together.
    """
    if Reach.ALL in call.reach:
        return list(profiles)
    caller = call.caller
    groups = await groups_of(call.services, caller, *(profile.requesters for profile in profiles))
    return [each for each in profiles if is_among(each.requesters, caller.id, groups)]


async def require_decider(call: Call, lease: Lease, concerned: Collection[str]) -> None:
    """Refuse a caller who may not decide on this grant: he is concerned, or not an approver of it.

    Where the profile has been removed nobody is left to say whose it is, and every approver may
    still refuse.

    Raises:
        Forbidden: he may see the grant, and no more.
    """
    caller = call.caller
    if caller.id in concerned:
        message = "Nobody decides about his own access."
        raise Forbidden(message)
    try:
        profile = await call.services.tenants.profile(lease.plan.tenant_id, lease.profile)
    except Missing:
        return
    groups = await groups_of(call.services, caller, profile.approvers)
    if not is_among(profile.approvers, caller.id, groups):
        message = "Others decide on grants of this profile: you are not among its approvers."
        raise Forbidden(message)


async def tell(call: Call, lease: Lease, event: str, message: Model) -> None:
    """Say something to the workflow of a grant.

    Raises:
        Conflict: it has none any more.
    """
    try:
        await call.workflows.tell(lease.plan, event, message)
    except Missing as error:
        detail = "The grant's workflow is gone; what it has given is being taken back."
        raise Conflict(detail, link=address(lease.plan.grant_id)) from error


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

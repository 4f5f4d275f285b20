"""A write of giving that lands after the end of its grant, and is undone by its own step.

Engines repeat steps, and a step may be held up between its look at the lease and its write.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from curfew.ending.removing import remove_access
from curfew.ending.steps import (
    disable_account,
    remove_methods,
    retire_credential,
    revoke_sessions,
    rotate_password,
)
from curfew.errors import Missing, NoOpenLease
from curfew.guards import leased
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.handovers import Handover
from curfew.rights import in_turn
from curfew.services import Services


async def lease_after(services: Services, plan: Plan) -> Lease | None:
    """The lease once more, after a write; None when the grant is ending or over."""
    try:
        lease = await services.leases.get(plan.grant_id)
    except Missing:
        return None
    return lease if lease.state in {GrantState.PROVISIONING, GrantState.ACTIVE} else None


async def require_still_given(services: Services, plan: Plan, **places: Any) -> None:  # noqa: ANN401 - fields of Handover
    """After a write to an account of our own: undo it all if the grant has ended meanwhile.

    `places` are where new credentials lie. Of a grant that an earlier run of the step has brought
    to its beginning, they replace those that are dead by now.

    Raises:
        NoOpenLease: it has ended, and nothing of it is left.
    """
    lease = await lease_after(services, plan)
    if lease is None:
        await take_back_again(services, plan)
        message = "The grant ended before this step did."
        raise NoOpenLease(message)
    if lease.state is GrantState.ACTIVE and any(places.values()):
        await hand_over(services, plan, **places)


async def hand_over(services: Services, plan: Plan, **places: Any) -> None:  # noqa: ANN401 - fields of Handover
    """Write into an active lease where its credentials lie from now on.

    Raises:
        NoOpenLease: the grant is ending or over.
    """

    def write(now: Lease) -> Lease:
        if now.state is not GrantState.ACTIVE:
            message = "The grant is not active any more."
            raise NoOpenLease(message)
        handover: Handover = now.handover.model_copy(update=places)
        return now.handing_over(handover)

    with leased():
        await services.leases.change(plan.grant_id, write)


async def take_back_again(services: Services, plan: Plan) -> None:
    """Every step of an ending once more: disable first, then the rest.

    Each leaves an account alone that is another grant's by now.
    """
    steps: tuple[Callable[[Services, Plan], Coroutine[Any, Any, Any]], ...] = (
        disable_account,
        revoke_sessions,
        remove_access,
        remove_methods,
        rotate_password,
        retire_credential,
    )
    await in_turn(*(step(services, plan) for step in steps))

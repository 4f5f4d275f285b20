"""After an extension: what Microsoft keeps of the expiry moves along."""

from datetime import datetime, timedelta

from curfew.ending.removing import remove_access
from curfew.entra.directory import Directory
from curfew.errors import NoOpenLease, Unlicensed
from curfew.giving.counting import others_of, roles_given
from curfew.giving.equipping import new_pass
from curfew.giving.opening import pass_minutes
from curfew.giving.undoing import hand_over, lease_after, take_back_again
from curfew.guards import account_of
from curfew.model.grants import GrantState, Lease
from curfew.model.messages import Activation
from curfew.model.profiles import GrantKind, RoleMode
from curfew.rights import in_turn, justified, ticketed
from curfew.services import Services


async def prolong_access(services: Services, activation: Activation) -> None:
    """Move PIM's schedules to the new expiry, and replace a pass that would lapse before it.

    Only while the grant is active: an ending that begins meanwhile is not to find, after it has
    looked, what this step has made.

    Raises:
        NoOpenLease: the grant is ending or over; nothing of this step is left.
        Unusable: the tenant has switched passes off; the old one lapses when it would have.
    """
    plan = activation.plan
    lease = await lease_after(services, plan)
    if lease is None or lease.state is not GrantState.ACTIVE or lease.expires_at is None:
        raise _over()
    # The lease has the last word on the expiry, and on what was given.
    until = lease.expires_at
    directory = services.directory_of(plan)
    await in_turn(
        _move_schedules(services, directory, lease, until), _renew_pass(services, lease, until)
    )
    if await lease_after(services, plan) is None:
        await _undo(services, lease)
        raise _over()


async def _move_schedules(
    services: Services, directory: Directory, lease: Lease, until: datetime
) -> None:
    """Move what PIM keeps; of a user what was given, and no earlier than another grant needs it."""
    plan = lease.plan
    if plan.kind is GrantKind.ROLE:
        others = await others_of(services, plan)
        needed = {role: others.longest(role, until) for role in roles_given(plan)}
    elif plan.role_mode is RoleMode.DIRECT:
        return
    else:
        needed = {role.id: until for role in plan.roles}
    try:
        ends = await directory.schedules.active(account_of(plan))
    except Unlicensed:
        return
    shorter = {role: end for role, end in needed.items() if (now := ends.get(role)) and now < end}
    await in_turn(
        *(
            directory.schedules.extend(
                account_of(plan), role, end, justification=justified(plan), ticket=ticketed(plan)
            )
            for role, end in shorter.items()
        )
    )


async def _renew_pass(services: Services, lease: Lease, until: datetime) -> None:
    """Another pass in the place of one that would lapse before the expiry, if it lives longer."""
    held = lease.handover.temporary_access_pass
    if held is None or held.lapses_at is None or held.lapses_at >= until:
        return
    remaining = until - services.clock()
    directory = services.directory_of(lease.plan)
    minutes = await pass_minutes(directory, remaining)
    if services.clock() + timedelta(minutes=minutes) <= held.lapses_at:
        return
    kept = await new_pass(services, lease.plan, minutes)
    try:
        await hand_over(services, lease.plan, temporary_access_pass=kept)
    except NoOpenLease:
        await take_back_again(services, lease.plan)
        raise


async def _undo(services: Services, lease: Lease) -> None:
    if lease.kind is GrantKind.ROLE:
        await remove_access(services, lease.plan)
    else:
        await take_back_again(services, lease.plan)


def _over() -> NoOpenLease:
    message = "The grant is not active any more."
    return NoOpenLease(message)

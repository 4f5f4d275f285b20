"""Taking away what an account may do: of our own account everything, of a user what was given."""

from contextlib import suppress

from curfew.concurrency import together
from curfew.ending.record import on_record
from curfew.entra.directory import Directory
from curfew.errors import Missing, ServiceError
from curfew.giving.counting import groups_given, others_of, roles_given
from curfew.guards import account_of
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.profiles import GrantKind
from curfew.rights import groups_to_leave, leave_groups, take_every_role, take_roles
from curfew.services import Services


async def remove_access(services: Services, plan: Plan) -> None:
    """Remove every role and eligibility of the account, and every group it got into.

    Everything, not only the profile's: the account is Curfew's own, and whoever held its roles
    could have given it more. Of a role grant's user only what was given and no other grant of
    his keeps.

    Raises:
        TooSoon: PIM removes nothing in the first five minutes of its assignment.
    """
    known = await on_record(services, plan)
    if known is None or known.account_id is None:
        return
    if known.kind is GrantKind.ROLE:
        await _give_back(services, known)
        return
    directory = services.directory_of(known)
    await together(
        take_every_role(directory, known.account_id, known.assignments),
        _leave_groups(directory, known),
    )


async def _leave_groups(directory: Directory, plan: Plan) -> None:
    try:
        groups = await groups_to_leave(directory, plan)
    except Missing:
        # An account that is gone is in none. Whether it is, reading back will tell.
        return
    await leave_groups(directory, account_of(plan), groups)


async def _give_back(services: Services, plan: Plan) -> None:
    """Take from a user what was given and no other live grant of his keeps.

    First the lease says that this grant is ending, so that others do not count on it: of two that
    end at once each sees the other end, and both remove. Without a ledger nobody can be counted:
    then all that this grant is known to have given goes, and the step comes again.
    """
    directory = services.directory_of(plan)
    try:
        # A lease that is gone without being over keeps nothing from being taken back.
        with suppress(Missing):
            await _mark_ending(services, plan)
        kept = (await others_of(services, plan)).kept
    except ServiceError:
        await take_given(directory, plan, set())
        raise
    await take_given(directory, plan, kept)


async def take_given(directory: Directory, plan: Plan, kept: set[str]) -> None:
    """Take what a role grant has given, but for what is kept."""
    account_id = account_of(plan)
    roles = set(roles_given(plan)) - kept
    made = [made_id for role, made_id in plan.assigned.items() if role in roles]
    await together(
        take_roles(directory, account_id, roles, made),
        leave_groups(directory, account_id, set(groups_given(plan)) - kept),
    )


async def _mark_ending(services: Services, plan: Plan) -> Lease:
    def end(lease: Lease) -> Lease:
        is_marked = lease.state is GrantState.ENDING or lease.state.over
        return lease if is_marked else lease.as_ending(services.clock())

    return await services.leases.change(plan.grant_id, end)

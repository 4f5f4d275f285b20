"""Roles and groups for an existing user: given on top of what is his own, under a counted mark.

The access begins with the first role, so the expiry is armed before anything is given.
"""

from collections.abc import Iterable

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.errors import CurfewError, NoOpenLease, NotYet, ServiceError
from curfew.giving.activating import activate, arm
from curfew.giving.counting import Marked, groups_given, items_of, mark, others_of, roles_given
from curfew.giving.undoing import lease_after
from curfew.guards import account_of, open_lease, replicating
from curfew.model.grants import Plan
from curfew.model.messages import Activation, Assigned
from curfew.model.profiles import RoleMode
from curfew.rights import (
    Given,
    give_roles,
    in_turn,
    join_groups,
    justified,
    leave_groups,
    role_ends,
    take_roles,
    ticketed,
)
from curfew.services import Services


async def arm_expiry(services: Services, activation: Activation) -> None:
    """Write expiry, deadline and plan into the lease, before anything is given.

    Raises:
        NoOpenLease: the lease is gone or ending, or the time was up before.
    """
    await arm(services, activation)


async def lend(services: Services, plan: Plan) -> Assigned:
    """Mark what is to be given, then give it. A second run marks anew, and gives what is missing.

    Raises:
        NoOpenLease: the grant is not being given any more, or its expiry is not armed.
        NotYet: another grant of the same role is just ending, or the user has not replicated.
        NoLicence: the profile insists on PIM, and the tenant has no licence for it.
    """
    lease = await open_lease(services, plan)
    directory = services.directory_of(plan)
    if lease.expires_at is None:
        message = "The expiry is not armed."
        raise NoOpenLease(message)
    until = lease.expires_at
    marked = await mark(services, directory, plan, until)
    groups = groups_given(marked.plan)
    try:
        with replicating():
            given, joined = await together(
                _give(directory, marked), join_groups(directory, marked.plan, groups)
            )
    except CurfewError:
        # Of what was given at once one thing may have failed and another not.
        if await lease_after(services, plan) is None:
            everything = Given(scheduled=frozenset(roles_given(marked.plan)))
            await _undo(services, directory, marked.plan, everything, groups)
        raise
    if await lease_after(services, plan) is None:
        await _undo(services, directory, marked.plan, given, joined)
        message = "The grant ended before this step did."
        raise NoOpenLease(message)
    assigned = {**plan.assigned, **marked.plan.assigned, **given.assignments}
    known = marked.plan.model_copy(update={"assigned": assigned})
    return Assigned(assignments=tuple(assigned.values()), plan=known)


async def _give(directory: Directory, marked: Marked) -> Given:
    plan = marked.plan
    given = await give_roles(directory, plan, marked.until)
    if plan.role_mode is RoleMode.DIRECT or not given.scheduled:
        # A role that PIM keeps for a shorter time cannot be given plainly beside that.
        await together(
            *(
                directory.schedules.extend(
                    account_of(plan),
                    role,
                    marked.until[role],
                    justification=justified(plan),
                    ticket=ticketed(plan),
                )
                for role in marked.timed
            )
        )
    return given


async def _undo(
    services: Services, directory: Directory, plan: Plan, given: Given, joined: Iterable[str]
) -> None:
    """Take away what this run gave after the end, but for what another live grant keeps."""
    try:
        kept = (await others_of(services, plan)).kept
    except ServiceError:
        kept = set()
    account_id = account_of(plan)
    roles = {*given.assignments, *given.scheduled} - kept
    made = [made_id for role, made_id in given.assignments.items() if role in roles]
    await in_turn(
        take_roles(directory, account_id, roles, made),
        leave_groups(directory, account_id, set(joined) - kept),
    )


async def confirm_access(services: Services, activation: Activation) -> None:
    """Read back that the user has it all, his own or given; only then the grant is active.

    Raises:
        NoOpenLease: the lease is gone or ending.
        NotYet: the directory does not show it all yet.
    """
    plan = activation.plan
    directory = services.directory_of(plan)
    lease = await arm(services, activation)
    with replicating():
        ends, groups = await together(
            role_ends(directory, account_of(plan)),
            directory.access.member_groups(account_of(plan)),
        )
    if not set(items_of(plan)) <= {*ends, *groups}:
        message = "The directory does not show all that was given yet."
        raise NotYet(message)
    await activate(services, activation, lease)

"""Roles and groups of one account in its directory: given, read and taken away, plain or by PIM.

Nothing here knows a ledger: which of them are to be given or taken, the callers say.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from curfew.concurrency import settled, together
from curfew.entra.access import WHOLE_DIRECTORY
from curfew.entra.directory import Directory
from curfew.entra.schedules import Eligibility, Ticket
from curfew.errors import AlreadyExists, NoLicence, Unlicensed
from curfew.guards import account_of
from curfew.model.grants import Plan
from curfew.model.profiles import RoleMode

_LONGEST_JUSTIFICATION = 500


@dataclass(frozen=True, slots=True)
class Given:
    """What a run has given: the ids of plain assignments by role, and the roles that PIM keeps.

    The id of an assignment that was there already is not known.
    """

    assignments: Mapping[str, str] = field(default_factory=dict)
    scheduled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PimRoles:
    """What PIM keeps for an account: its roles, some day or now, and those it may activate.

    Plain assignments are not among them.
    """

    planned: tuple[Eligibility, ...] = ()
    eligible: tuple[Eligibility, ...] = ()


async def give_roles(directory: Directory, plan: Plan, until: Mapping[str, datetime]) -> Given:
    """Give each role until its moment, as the plan's role mode says.

    Raises:
        NoLicence: the profile insists on PIM, and the tenant has no licence for it.
        Missing: the account is not known yet where roles are kept.
    """
    account_id = account_of(plan)
    if plan.role_mode is not RoleMode.DIRECT and until:
        try:
            await together(*(_schedule(directory, plan, role, end) for role, end in until.items()))
        except Unlicensed as error:
            if plan.role_mode is RoleMode.PIM:
                message = "This profile gives its roles through PIM, and the tenant has no licence."
                raise NoLicence(message) from error
        else:
            return Given(scheduled=frozenset(until))
    made = await together(*(directory.access.assign_role(account_id, role) for role in until))
    return Given({role: made_id for role, made_id in zip(until, made, strict=True) if made_id})


async def _schedule(directory: Directory, plan: Plan, role_id: str, until: datetime) -> None:
    try:
        await directory.schedules.assign(
            account_of(plan), role_id, until, justification=justified(plan), ticket=ticketed(plan)
        )
    except AlreadyExists:
        # Held without an end, by an assignment of ours that was made while there was no licence.
        return


def justified(plan: Plan) -> str:
    """What the tenant's administrators read in PIM."""
    return (plan.justification or f"Grant {plan.grant_id}")[:_LONGEST_JUSTIFICATION]


def ticketed(plan: Plan) -> Ticket | None:
    """The ticket as PIM shows it."""
    return (plan.ticket.system, plan.ticket.number) if plan.ticket else None


async def join_groups(directory: Directory, plan: Plan, groups: Iterable[str]) -> list[str]:
    """Put the account into groups, and answer those that it was not in."""
    wanted = list(groups)
    joining = (directory.access.join_group(account_of(plan), group) for group in wanted)
    added = await together(*joining)
    return [group for group, was_added in zip(wanted, added, strict=True) if was_added]


async def pim_roles(directory: Directory, account_id: str) -> PimRoles:
    """What PIM keeps for an account; nothing in a tenant without a licence for it."""
    schedules = directory.schedules
    try:
        eligible = await schedules.eligible(account_id)
        planned, ends = await together(schedules.planned(account_id), schedules.active(account_id))
    except Unlicensed:
        return PimRoles()
    for_good = {role for role, end in ends.items() if end is None}
    kept = [p for p in planned if not (p.scope == WHOLE_DIRECTORY and p.role_id in for_good)]
    return PimRoles(tuple(kept), tuple(eligible))


async def role_ends(directory: Directory, account_id: str) -> dict[str, datetime | None]:
    """Every role that an account holds over the whole directory, and when it ends by itself.

    None is for good, and what nobody can say better.
    """
    held = set((await directory.access.directory_roles(account_id)).values())
    try:
        ends = await directory.schedules.active(account_id)
    except Unlicensed:
        ends = {}
    return {role: ends.get(role) for role in held | set(ends)}


async def roles_held(directory: Directory, account_id: str) -> set[str]:
    """Every role that an account holds over the whole directory, or that PIM is about to give it.

    An ending reads back with this: what PIM has accepted comes into effect minutes later.
    """
    ends, coming = await together(
        role_ends(directory, account_id), _coming_from_pim(directory, account_id)
    )
    return {*ends, *coming}


async def _coming_from_pim(directory: Directory, account_id: str) -> set[str]:
    """The roles that PIM keeps for a time, whether or not it has put them into effect yet.

    A grant asks for its roles at once, so what was made to begin later is not a grant's.
    """
    try:
        planned = await directory.schedules.planned(account_id)
    except Unlicensed:
        return set()
    everywhere = (each for each in planned if each.scope == WHOLE_DIRECTORY)
    return {each.role_id for each in everywhere if each.timed and not each.later}


async def take_every_role(directory: Directory, account_id: str, made: Iterable[str]) -> None:
    """Take every role from an account of our own, and every eligibility.

    Whoever held its roles could have given it more. Assignments that this grant made go by their
    ids as well, because a list may lag behind. What PIM is asked first may be refused in its
    first five minutes; the plain removal is tried all the same.
    """
    await in_turn(
        _take_from_pim(directory, account_id, None),
        _take_assignments(directory, account_id, directory.access.assigned_roles, None, made),
    )


async def take_roles(
    directory: Directory, account_id: str, roles: set[str], made: Iterable[str]
) -> None:
    """Take these roles from somebody's account, and nothing else."""
    await in_turn(
        _take_from_pim(directory, account_id, roles),
        _take_assignments(directory, account_id, directory.access.directory_roles, roles, made),
    )


async def _take_from_pim(directory: Directory, account_id: str, roles: set[str] | None) -> None:
    """End what PIM keeps; of an account of our own (None) everything, eligibilities as well.

    Of somebody's account also what PIM has not put into effect yet, or it appears afterwards.
    """
    schedules = directory.schedules
    if roles is None:
        kept = await pim_roles(directory, account_id)
        await together(
            *(schedules.remove_eligibility(account_id, each) for each in kept.eligible),
            *(schedules.remove(account_id, each.role_id, each.scope) for each in kept.planned),
        )
        return
    try:
        ends, coming = await together(
            schedules.active(account_id), _coming_from_pim(directory, account_id)
        )
    except Unlicensed:
        return
    for_good = {role for role, end in ends.items() if end is None}
    timed = roles & ({*ends, *coming} - for_good)
    await together(*(schedules.remove(account_id, role) for role in timed))


async def _take_assignments(
    directory: Directory,
    account_id: str,
    read: Callable[[str], Awaitable[dict[str, str]]],
    roles: set[str] | None,
    made: Iterable[str],
) -> None:
    assigned = await read(account_id)
    taken = {each for each, role in assigned.items() if roles is None or role in roles}
    await together(*(directory.access.remove_assignment(each) for each in {*taken, *made}))


async def leave_groups(directory: Directory, account_id: str, groups: Iterable[str]) -> None:
    """Take an account out of groups."""
    await together(*(directory.access.leave_group(account_id, group) for group in groups))


async def roles_left(directory: Directory, account_id: str) -> int:
    """How many roles an account of our own has left, those it may activate itself included."""
    assigned, kept = await together(
        directory.access.assigned_roles(account_id), pim_roles(directory, account_id)
    )
    unlisted = {each for each in kept.planned if each.role_id not in assigned.values()}
    return len(assigned) + len(unlisted) + len(kept.eligible)


async def groups_to_leave(directory: Directory, plan: Plan) -> set[str]:
    """The groups that an account of our own is in for this grant, or got into since it began.

    Raises:
        Missing: the directory says that there is no such account.
    """
    memberships = await directory.access.memberships(account_of(plan))
    before = {*plan.role_groups_before, *(plan.groups_before or ())}
    looked = plan.groups_before is not None
    since = {group for group, privileged in memberships.items() if looked or privileged} - before
    return since | ({group.id for group in plan.groups} & set(memberships))


async def in_turn(*steps: Coroutine[Any, Any, object]) -> None:
    """Take every step, one after the other, whatever becomes of those before; then raise."""
    failures = []
    waiting = list(steps)
    try:
        while waiting:
            (outcome,) = await settled(waiting.pop(0))
            if isinstance(outcome, BaseException):
                failures.append(outcome)
    finally:
        # Left over only when this very step is cancelled, by a sweep whose time is up.
        for step in waiting:
            step.close()
    if failures:
        raise failures[0]

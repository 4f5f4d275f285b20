"""Overlapping role grants: which roles and groups are whose, per user (rule 9).

What a user holds and no live grant has given him is his own: it is spared. Everything else that a
grant gives is marked as given in its lease before it is given, and the last of the grants that
have it so marked takes it away.

A grant that ends writes so into its lease before it counts; one that begins writes its mark
before it counts. So of two at the same moment at least one sees the other: the ending keeps what
the beginning has marked, or the beginning waits until the ending is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.errors import Missing, NotYet
from curfew.guards import account_of, leased, require_open
from curfew.model.grants import GrantState, Lease, Plan
from curfew.rights import role_ends
from curfew.services import Services


@dataclass(frozen=True, slots=True)
class Marked:
    """A role grant whose plan tells what is the user's own, and until when each role is needed.

    `timed` are the roles that he holds already, though for a shorter time.
    """

    plan: Plan
    until: dict[str, datetime]
    timed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Others:
    """The other live role grants of a user."""

    leases: tuple[Lease, ...]

    @property
    def given(self) -> set[str]:
        """What any of them has given, those that are ending included."""
        return _given(self.leases)

    @property
    def kept(self) -> set[str]:
        """What one of them has given that goes on: nobody else takes that away."""
        return _given(lease for lease in self.leases if not _is_ending(lease))

    @property
    def leaving(self) -> set[str]:
        """What one of them has given that is ending, and may be about to take away."""
        return _given(lease for lease in self.leases if _is_ending(lease))

    def longest(self, item: str, until: datetime) -> datetime:
        """How long an item is needed: until this moment, or longer for one of them."""
        going_on = [lease for lease in self.leases if not _is_ending(lease)]
        ends = [
            lease.expires_at or lease.plan.until for lease in going_on if item in lease.plan.given
        ]
        return max([until, *(end for end in ends if end)])


async def others_of(services: Services, plan: Plan) -> Others:
    """The other live role grants of a plan's user; an unreadable ledger is an error."""
    leases = await services.leases.of_principal(plan.tenant_id, account_of(plan))
    return Others(tuple(lease for lease in leases if lease.plan.grant_id != plan.grant_id))


async def mark(services: Services, directory: Directory, plan: Plan, until: datetime) -> Marked:
    """Tell what is the user's own from what this grant gives, and write it into the lease.

    The leases are read before the directory and after it: a grant that was over, or that began,
    in between is among them. What lapses by itself before this grant is over is no possession.

    Raises:
        NoOpenLease: the grant is not being given any more.
        NotYet: another grant of the same role or group is just ending.
    """
    account_id = account_of(plan)
    before = await others_of(services, plan)
    ends, memberships = await together(
        role_ends(directory, account_id), _memberships(directory, account_id)
    )
    after = await others_of(services, plan)
    lasting = {role for role, end in ends.items() if end is None or end >= until}
    own = (lasting | memberships) - before.given - after.given
    items = items_of(plan)

    def write(now: Lease) -> Lease:
        require_open(now)
        given = [item for item in items if item not in own or item in now.plan.given]
        spared = [item for item in items if item not in given]
        marked = {"given": tuple(given), "spared": tuple(spared)}
        return now.model_copy(update={"plan": now.plan.model_copy(update=marked)})

    with leased():
        lease = await services.leases.change(plan.grant_id, write)
    others = await others_of(services, plan)
    if others.leaving & set(lease.plan.given):
        message = "Another grant of the same role or group to this user is just ending."
        raise NotYet(message)
    needed = {role: others.longest(role, until) for role in roles_given(lease.plan)}
    shorter = {role for role in needed if (end := ends.get(role)) and end < needed[role]}
    return Marked(lease.plan, needed, frozenset(shorter))


def items_of(plan: Plan) -> list[str]:
    """The ids of all that a plan gives: roles first, then groups."""
    return [*(role.id for role in plan.roles), *(group.id for group in plan.groups)]


def roles_given(plan: Plan) -> list[str]:
    """The roles that a role grant has given and the user did not have."""
    return [role.id for role in plan.roles if role.id in plan.given]


def groups_given(plan: Plan) -> list[str]:
    """The groups that a role grant has put the user into."""
    return [group.id for group in plan.groups if group.id in plan.given]


async def _memberships(directory: Directory, account_id: str) -> set[str]:
    try:
        return await directory.access.member_groups(account_id)
    except Missing as error:
        message = "The directory does not show the user's groups."
        raise NotYet(message) from error


def _is_ending(lease: Lease) -> bool:
    return lease.state is GrantState.ENDING


def _given(leases: Iterable[Lease]) -> set[str]:
    return {item for lease in leases for item in lease.plan.given}

"""What of an account on record is not as its last ending left it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from curfew.concurrency import together
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import Method
from curfew.entra.schedules import Eligibility
from curfew.errors import Unlicensed
from curfew.ledger import AccountRecord
from curfew.model.tenants import Tenant
from curfew.services import Services

_CLOCKS_DIFFER = timedelta(minutes=5)


class Fact(StrEnum):
    """What is not as it should be. The names stand in records and alerts: never rename one."""

    ENABLED = "enabled"
    ROLES = "roles"
    ELIGIBLE_ROLES = "eligible-roles"
    GROUPS = "groups"
    METHODS = "sign-in-methods"
    PASSWORD = "password"  # noqa: S105 - the name of a fact
    RENAMED = "renamed"
    MARK = "mark"
    GUEST = "guest"
    SYNCED = "synced"


ACUTE = frozenset(
    {Fact.ENABLED, Fact.ROLES, Fact.ELIGIBLE_ROLES, Fact.GROUPS, Fact.METHODS, Fact.PASSWORD}
)
"""What an ending takes back. The others say that the account changed hands, and are reported."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds, besides being there."""

    roles: Iterable[str]
    eligible: Iterable[Eligibility]
    groups: Iterable[str]
    methods: Iterable[Method]


async def held_by(directory: Directory, account_id: str) -> Held:
    """Read what an account holds: four calls, and an error where one of them is not answered."""
    roles, eligible, groups, methods = await together(
        directory.access.assigned_roles(account_id),
        _eligible(directory, account_id),
        directory.access.role_groups(account_id),
        directory.methods.registered(account_id),
    )
    return Held(roles.values(), eligible, groups, methods)


async def _eligible(directory: Directory, account_id: str) -> list[Eligibility]:
    try:
        return await directory.schedules.eligible(account_id)
    except Unlicensed:
        return []


async def suspicious_in(services: Services, tenant: Tenant) -> list[str]:
    """The names of the accounts that the watch has warned of, and has not ended yet.

    Raises:
        Unreadable: a record cannot be read, so nobody can tell of its account.
    """
    return [
        record.user_principal_name
        async for record in services.accounts.of_tenant(tenant.id)
        if ACUTE.intersection(record.suspicions)
        and record.adopted_by is None
        and record.account_id not in tenant.break_glass
    ]


def facts_of(record: AccountRecord, account: Account, held: Held) -> tuple[Fact, ...]:
    """What is not as the last ending left it; nothing is the rule."""
    spared = record.spared_methods
    methods = [each for each in held.methods if not (each.has_own_id and each.id in spared)]
    groups = [group for group in held.groups if group not in record.spared_groups]
    same_name = account.user_principal_name.lower() == record.user_principal_name.lower()
    holds = {
        Fact.ENABLED: account.enabled,
        Fact.ROLES: any(held.roles),
        Fact.ELIGIBLE_ROLES: any(held.eligible),
        Fact.GROUPS: bool(groups),
        Fact.METHODS: bool(methods),
        Fact.PASSWORD: _is_later(account.password_changed_at, record.last_ended_at),
        Fact.RENAMED: not same_name,
        Fact.MARK: bool(record.mark) and account.mark != record.mark,
        Fact.GUEST: account.guest,
        Fact.SYNCED: account.synced,
    }
    return tuple(fact for fact, is_so in holds.items() if is_so)


def _is_later(changed_at: datetime | None, ended_at: datetime | None) -> bool:
    """Whether the password was changed after the last ending, by more than clocks may differ."""
    return (
        changed_at is not None and ended_at is not None and changed_at > ended_at + _CLOCKS_DIFFER
    )

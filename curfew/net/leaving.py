"""How a tenant is forgotten: repeatable steps, of which the last makes all the others moot.

In this order: the accounts, if that was asked for; then Curfew's own directory roles, the very last
write to the directory, after which it could end nothing there any more; then the answers of the
checks and the invitations; then the settings with their profiles. A crash in between leaves a
tenant that is still leaving, and the next sweep begins again. The audit trail stays, with an entry
for each step, and so do the records of accounts that are still there: should the tenant come back,
Curfew knows its own.

Never while a lease is live, nor while the watch has warned of an account: neither could be ended.
And never once somebody has written the settings anew: a tenant that was forgotten by another and
taken in again is not the one that leaves.
"""

from datetime import timedelta
from logging import WARNING

from curfew.entra.pace import Purpose
from curfew.errors import CurfewError, Denied, Missing, Rejected, Throttled, Unavailable
from curfew.events import Event, emit, report
from curfew.ledger import AccountRecord
from curfew.ledger.reading import readable
from curfew.model.audit import Action, AuditEntry
from curfew.model.tenants import Tenant
from curfew.net.rounds import Limits, one_by_one
from curfew.net.suspicion import ACUTE, Fact, facts_of, held_by, suspicious_in
from curfew.onboarding.commands import ASKED_FOR
from curfew.services import Services

_PATIENCE = timedelta(hours=1)
"""For how long a directory that does not answer is asked again to let go of our roles."""

_LIMITS = Limits()


async def leave(services: Services, tenant: Tenant) -> bool:
    """Forget a tenant that is leaving; False where it has to stay a while.

    Raises:
        CurfewError: something could not be read or written. What was done stays done.
    """
    if not await _is_as_read(services, tenant):
        return False
    if await _is_live(services, tenant) or await suspicious_in(services, tenant):
        return False
    if tenant.delete_accounts and not await _delete_accounts(services, tenant):
        return False
    # A request that had read the settings before may have written its lease meanwhile.
    if await _is_live(services, tenant) or not await _let_go_of_roles(services, tenant):
        return False
    if not await _is_as_read(services, tenant):
        return False
    # Afterwards nobody would be left to write it; nobody's access hangs on a tenant that stays.
    await services.audit.append(
        _entry(tenant, Action.TENANT_DELETED, tenant.display_name, tenant.etag)
    )
    await services.checks.forget(tenant.id)
    await services.invitations.forget(tenant.id)
    await services.tenants.delete(tenant)
    emit(Event.TENANT_LEFT, tenant=tenant.id)
    return True


async def _is_as_read(services: Services, tenant: Tenant) -> bool:
    """Whether nobody has changed or forgotten the tenant since it was read."""
    try:
        return (await services.tenants.get(tenant.id)).etag == tenant.etag
    except Missing:
        return False


async def _is_live(services: Services, tenant: Tenant) -> bool:
    """Whether a lease is there, or a row that may be one."""
    live, spoiled = await readable(services.leases.live(tenant.id))
    return bool(live) or spoiled is not None


async def _delete_accounts(services: Services, tenant: Tenant) -> bool:
    """Put Curfew's accounts into the bin; False while the watch has one of them to end first.

    Only those on record, whose last ending was verified, and of which reading says that they are
    as it left them. One that an administrator adopted, an emergency account, and one that changed
    hands are not touched; those, and what the tenant refuses to delete, are told.
    """
    left: list[str] = []
    in_use: list[str] = []

    async def delete(record: AccountRecord) -> None:
        try:
            facts = await _deleted(services, tenant, record)
        except (Denied, Rejected) as error:
            report(Event.STEP_FAILED, error, step="delete_account", tenant=tenant.id)
            facts = None
        if facts is None or facts - ACUTE:
            left.append(record.user_principal_name)
        elif facts:
            in_use.append(record.user_principal_name)

    records = [record async for record in services.accounts.of_tenant(tenant.id)]
    ours = [
        record
        for record in records
        if record.account_id
        and record.account_id not in tenant.break_glass
        and record.adopted_by is None
    ]
    await one_by_one(ours, delete, _LIMITS)
    if left and not in_use:
        emit(Event.TENANT_ACCOUNTS_LEFT, level=WARNING, tenant=tenant.id, accounts=len(left))
        names = ", ".join(sorted(left))
        await services.audit.append(_entry(tenant, Action.TENANT_ACCOUNTS_LEFT, names, names))
    return not in_use


async def _deleted(
    services: Services, tenant: Tenant, record: AccountRecord
) -> frozenset[str] | None:
    """What keeps an account from being deleted: nothing, and it is; None where nobody can tell.

    The record forgets the object id and keeps whose account it was. What crashes in between is
    found gone by the next try.
    """
    account_id, name = record.account_id or "", record.user_principal_name
    with services.pace(tenant.id).turn("leave", Purpose.GIVING):
        directory = services.directory(tenant.id, tenant.connection)
        account = await directory.accounts.look(account_id)
        if account is not None:
            if record.last_ended_at is None:
                return None
            held = await held_by(directory, account_id)
            if facts := frozenset(facts_of(record, account, held)):
                return facts
            if not await _is_free(services, tenant, record):
                return frozenset({Fact.ENABLED})
            await directory.accounts.delete(account_id)
    await services.audit.append(_entry(tenant, Action.ACCOUNT_DELETED, name, account_id))
    emit(Event.ACCOUNT_DELETED, tenant=tenant.id, account=account_id, count=1)
    await services.accounts.change(
        tenant.id, name, lambda known: known.model_copy(update={"account_id": None})
    )
    return frozenset()


async def _is_free(services: Services, tenant: Tenant, record: AccountRecord) -> bool:
    """Whether no grant has the account, and nobody has adopted or suspected it since it was read.

    Otherwise the next round decides anew.
    """
    name = record.user_principal_name
    if await services.leases.holder(tenant.id, name) is not None:
        return False
    known = await services.accounts.find(tenant.id, name)
    return known is not None and known.etag == record.etag


async def _let_go_of_roles(services: Services, tenant: Tenant) -> bool:
    """Take our own directory roles away; False where it is worth another try.

    What cannot be taken away is the customer's to remove, and told; it keeps no tenant for ever.
    """
    app_id = tenant.connection.client_id or services.settings.app_id
    access = services.directory(tenant.id, tenant.connection).access
    try:
        assigned = await _own_roles(services, tenant, app_id)
    except CurfewError as error:
        return await _is_left(services, tenant, app_id, error)
    if not assigned:
        return True
    if not await _is_as_read(services, tenant):
        return False
    mark = ",".join(sorted(assigned.values()))
    await services.audit.append(_entry(tenant, Action.TENANT_ACCESS_REMOVED, app_id, mark))
    try:
        for assignment_id in assigned:
            await access.remove_assignment(assignment_id)
    except CurfewError as error:
        return await _is_left(services, tenant, app_id, error)
    return True


async def _own_roles(services: Services, tenant: Tenant, app_id: str) -> dict[str, str]:
    """The roles of our own service principal, by assignment; none where it is gone already.

    An application of the customer's own may serve him otherwise: of its roles only those are ours
    that Curfew asks for.
    """
    with services.pace(tenant.id).turn("leave", Purpose.ENDING):
        directory = services.directory(tenant.id, tenant.connection)
        try:
            principal = await directory.principals.own(app_id)
        except Missing:
            return {}
        assigned = await directory.access.assigned_roles(principal.id)
    if app_id == services.settings.app_id:
        return assigned
    return {found: role for found, role in assigned.items() if role in ASKED_FOR}


async def _is_left(services: Services, tenant: Tenant, app_id: str, error: CurfewError) -> bool:
    """Whether to leave in spite of a failure: told is what the customer must remove himself."""
    report(Event.STEP_FAILED, error, step="let_go_of_roles", tenant=tenant.id)
    since = tenant.leaving_since or services.clock()
    if isinstance(error, Throttled | Unavailable) and services.clock() < since + _PATIENCE:
        return False
    emit(
        Event.TENANT_ACCESS_LEFT,
        level=WARNING,
        tenant=tenant.id,
        application=app_id,
        remove="the enterprise application of this id, with its directory roles",
        reason=error.code,
    )
    entry = _entry(tenant, Action.TENANT_ACCESS_LEFT, app_id, error.code, reason=error.detail)
    await services.audit.append(entry)
    return True


def _entry(
    tenant: Tenant, action: Action, target: str, mark: str, *, reason: str | None = None
) -> AuditEntry:
    since = tenant.leaving_since.isoformat() if tenant.leaving_since else ""
    return AuditEntry(
        key=f"{tenant.id}:{action}:{since}:{mark}",
        tenant=tenant.id,
        action=action,
        target=target,
        reason=reason,
    )

"""What the watch does about an account that no grant accounts for: warn, take back, or delete."""

from datetime import datetime
from logging import WARNING

from curfew.entra.accounts import Account
from curfew.entra.pace import Purpose
from curfew.errors import AlreadyExists
from curfew.events import Event, emit
from curfew.ids import new_grant_id
from curfew.ledger import AccountRecord
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import EndReason, GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind, EndingMode
from curfew.model.sweeps import CURFEW, FRESH, WARNED, WATCH_PROFILE, Noticed
from curfew.model.tenants import Tenant
from curfew.net.suspicion import ACUTE, Fact
from curfew.net.taking_back import ending_of, take_back
from curfew.services import Services

_IN_USE = "The account was in use without a grant: "
_IDLE = "The account has been idle for longer than the tenant keeps one."


async def judge(
    services: Services,
    tenant: Tenant,
    record: AccountRecord,
    account: Account,
    facts: tuple[Fact, ...],
) -> Noticed | None:
    """Warn of what is new, take back what was warned of, delete what is idle, or do nothing.

    Only what an ending can mend is taken back, and of a synchronised account nothing (rule 8). A
    grant that has begun since the account was looked at makes all of this its own business.
    """
    now = services.clock()
    if not (facts or record.suspicions or _is_idle(tenant, record, now)):
        return None
    if not await _is_still_free(services, tenant, record):
        return None
    was_warned_of = bool(ACUTE.intersection(record.suspicions))
    since = record.suspected_since if was_warned_of and record.suspected_since else now
    is_acute = bool(ACUTE.intersection(facts)) and Fact.SYNCED not in facts
    if is_acute and was_warned_of and now >= since + WARNED:
        remark = _IN_USE + ", ".join(facts)
        lease = _lease(tenant, record, account, EndReason.SWEPT, remark, now)
        return await _take_back(services, lease, remark)
    if facts != record.suspicions:
        return await _suspect(services, tenant, record, account, facts, since)
    if facts:
        return Noticed.SUSPECTED
    lease = _lease(tenant, record, account, EndReason.IDLE, _IDLE, now)
    return await _take_back(services, lease, _IDLE)


async def _suspect(
    services: Services,
    tenant: Tenant,
    record: AccountRecord,
    account: Account,
    facts: tuple[Fact, ...],
    since: datetime,
) -> Noticed | None:
    """Write down what is suspicious, and report what is new of it."""
    noted = {"suspicions": facts, "suspected_since": since if facts else None}

    def note(known: AccountRecord) -> AccountRecord:
        # One that is known by its mark only is named from here on: it can be listed and adopted.
        found = {"account_id": known.account_id or account.id}
        return known.model_copy(update=noted | found)

    await services.accounts.change(tenant.id, record.user_principal_name, note)
    if not set(facts).difference(record.suspicions):
        return Noticed.SUSPECTED if facts else None
    emit(
        Event.ACCOUNT_SUSPICIOUS,
        level=WARNING,
        tenant=tenant.id,
        account=account.id,
        facts=", ".join(facts),
    )
    entry = AuditEntry(
        key=f"{account.id}:{Action.SWEEP_WARNED}:{since.isoformat()}:{','.join(facts)}",
        tenant=tenant.id,
        action=Action.SWEEP_WARNED,
        target=record.user_principal_name,
        after={"suspicions": list(facts)},
    )
    await services.audit.note(entry)
    return Noticed.WARNED


async def _is_still_free(services: Services, tenant: Tenant, record: AccountRecord) -> bool:
    """Whether no grant has begun, or begun and ended, while the directory was read."""
    name = record.user_principal_name
    if await services.leases.holder(tenant.id, name) is not None:
        return False
    known = await services.accounts.find(tenant.id, name)
    return known is not None and (known.last_ended_at, known.adopted_by) == (
        record.last_ended_at,
        record.adopted_by,
    )


async def _is_still_ours(services: Services, plan: Plan) -> bool:
    """Whether nobody put the account out of Curfew's hands until its claim was written.

    An adoption looks for a claim after it was recorded: one of the two sees the other.
    """
    record = await services.accounts.find(plan.tenant_id, plan.user_principal_name)
    tenant = await services.tenants.get(plan.tenant_id)
    is_adopted = record is None or record.adopted_by is not None
    return not is_adopted and plan.account_id not in tenant.break_glass


def _is_idle(tenant: Tenant, record: AccountRecord, now: datetime) -> bool:
    allowed, ended = tenant.delete_idle_after, record.last_ended_at
    if allowed is None or ended is None or not record.account_id or tenant.leaving_since:
        return False
    return now >= ended + allowed


async def _take_back(services: Services, lease: Lease, remark: str) -> Noticed | None:
    """End what no grant began: by a lease of its own, whose claim keeps requests away."""
    try:
        await services.leases.open(lease)
    except AlreadyExists:
        return None
    is_ours = False
    try:
        is_ours = await _is_still_ours(services, lease.plan)
    finally:
        if not is_ours:
            await services.leases.withdraw(lease)
    if not is_ours:
        return None
    plan, reason = lease.plan, lease.end_reason
    with services.pace(plan.tenant_id).turn("watch", Purpose.ENDING):
        result = await take_back(services, lease, ending_of(lease, remark))
    emit(
        Event.GRANT_SWEPT,
        level=WARNING,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        result=result.swept,
        reason=reason,
        detail=result.detail,
    )
    if not result.swept.over:
        return Noticed.ENDING
    await services.audit.note(AuditEntry.of_grant(lease, Action.SWEEP_ENDED, reason=reason))
    return Noticed.DELETED if result.deleted else Noticed.ENDED


def _lease(
    tenant: Tenant,
    record: AccountRecord,
    account: Account,
    reason: EndReason,
    remark: str,
    now: datetime,
) -> Lease:
    """The lease of an ending that no request began: it spares nothing that the account has."""
    plan = Plan(
        grant_id=new_grant_id(tenant.id),
        tenant_id=tenant.id,
        cloud=tenant.cloud,
        connection=tenant.connection,
        technician_id=record.technician_id,
        user_principal_name=record.user_principal_name,
        display_name=account.display_name,
        mark=record.mark,
        account_id=account.id,
        opened=True,
        groups_before=(),
        roles=(),
        credential=CredentialKind.NONE,
        duration=FRESH,
        provision_by=now,
        ending_mode=EndingMode.DELETE if reason is EndReason.IDLE else EndingMode.DISABLE,
    )
    return Lease(
        plan=plan,
        state=GrantState.ENDING,
        tenant_name=tenant.display_name,
        profile=WATCH_PROFILE,
        technician=Person(id=record.technician_id, name=account.display_name),
        requested_at=now,
        deadline=now,
        end_reason=reason,
        end_remark=remark,
        ended_by=CURFEW,
    )

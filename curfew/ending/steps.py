"""Taking back: each function one side effect on the way to a verified end, each repeatable.

Nothing here asks a policy, a setting or a licence (rule 3). What is gone already is done; what
cannot be read is not done. The workflow runs these steps round after round until `verify_ended`
finds nothing left, and only then `close_grant` writes "ended" (rule 4).
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime

from curfew import passwords
from curfew.concurrency import together
from curfew.ending.record import on_record
from curfew.ending.removing import remove_access
from curfew.ending.verifying import disagreement, methods_since
from curfew.errors import CurfewError, Denied, Missing, NotYet, Rejected
from curfew.events import Event, emit, report
from curfew.giving.opening import record_account
from curfew.guards import LEDGERS_TIME, account_of
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.messages import (
    Announced,
    Closing,
    Deletion,
    Ending,
    EndingNotice,
    Located,
    Revocation,
    Rotation,
    Search,
    StuckNotice,
    settles_at,
)
from curfew.model.profiles import CredentialKind, GrantKind
from curfew.services import Services

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def announce_ending(services: Services, notice: EndingNotice) -> Announced:
    """Write down that the grant is ending, and why: from here on nothing is given any more.

    From now on it is overdue as well, so that the sweep sees an ending that nobody works at.
    Answers whether the sweep was quicker, and the grant is in the history as verified.
    """
    ending = notice.ending

    def end(lease: Lease) -> Lease:
        return lease.as_ending(services.clock()).model_copy(update=ending.as_told)

    plan = notice.plan
    try:
        lease = await services.leases.change(plan.grant_id, end)
    except Missing:
        return Announced(over=await _is_in_history(services, plan))
    await services.audit.note(_noted(lease, Action.GRANT_ENDING, ending))
    emit(
        Event.GRANT_ENDING,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        reason=ending.reason,
        actor=ending.by.id if ending.by else None,
        failure=ending.failure,
    )
    return Announced()


async def _is_in_history(services: Services, plan: Plan) -> bool:
    try:
        return (await services.leases.find(plan.grant_id)).state is GrantState.ENDED
    except Missing:
        # Withdrawn: what was begun under it all the same is still to be taken back.
        return False


async def locate_account(services: Services, search: Search) -> Located:
    """Find the account of a grant that failed before it knew one.

    The lease may know it; else it is looked for by name, and is ours only if it carries the
    lease's mark. Absence is certain only once a creation without an answer has had its time to
    show (`look_again_at`). A role grant's user is known by his object id or not at all.
    """
    plan = search.plan
    refused: str | None = None
    try:
        lease = await services.leases.get(plan.grant_id)
    except Missing:
        if plan.kind is GrantKind.ROLE:
            return Located(plan=plan)
        # Withdrawn. If another grant has the account by now, it is that one's to take back.
        if await services.leases.holder(plan.tenant_id, plan.user_principal_name):
            return Located(plan=plan)
    else:
        if lease.plan.opened:
            return Located(plan=lease.plan)
        if plan.kind is GrantKind.ROLE:
            return Located(plan=plan)
        # It was on record before, and this grant was not let near it: it bears our mark, and may
        # be an emergency account by now, or an administrator's.
        refused = lease.plan.account_id
    directory = services.directory_of(plan)
    account = await directory.accounts.find(plan.user_principal_name)
    if account is not None and account.mark == plan.mark and account.id != refused:
        found = plan.model_copy(update={"account_id": account.id, "opened": True})
        await record_account(services, found)
        return Located(plan=found)
    if account is None and search.unsure_since:
        settles = settles_at(search.unsure_since)
        if services.clock() < settles:
            return Located(plan=plan, look_again_at=settles)
    return Located(plan=plan)


async def disable_account(services: Services, plan: Plan) -> None:
    """Disable the account: the first call of every ending. One in the bin is deleted for good."""
    known = await _account_grant(services, plan)
    if known is None:
        return
    accounts = services.directory_of(known).accounts
    try:
        await accounts.set_enabled(account_of(known), enabled=False)
    except Missing:
        await accounts.purge(account_of(known))


async def revoke_sessions(services: Services, plan: Plan) -> Revocation:
    """Refuse every refresh token that the account was ever given.

    Answers from when on sessions counted before, by the directory's own clock.

    Raises:
        NotYet: the directory shows the account and says that it is not there.
    """
    known = await on_record(services, plan)
    if known is None or known.account_id is None:
        return Revocation()
    accounts = services.directory_of(known).accounts
    before = await accounts.look(known.account_id)
    try:
        await accounts.revoke_sessions(known.account_id)
    except Missing as error:
        if before is not None:
            raise disagreement() from error
        return Revocation()
    if before is None:
        raise disagreement()
    return Revocation(revoked_after=before.sessions_valid_from or _EPOCH)


async def remove_methods(services: Services, plan: Plan) -> None:
    """Remove the Temporary Access Pass and every sign-in method that was not there before."""
    known = await _account_grant(services, plan)
    if known is None:
        return
    methods = services.directory_of(known).methods
    account_id = account_of(known)
    try:
        registered = await methods_since(services, known)
    except Missing:
        return
    await together(*(methods.remove(account_id, method) for method in registered))


async def rotate_password(services: Services, plan: Plan) -> Rotation:
    """Set a password that nobody keeps: it exists in this function only (rule 7).

    Answers the time of the last change before this one, by the directory's own clock.

    Raises:
        NotYet: the password was set on an account that the directory does not show.
    """
    known = await _account_grant(services, plan)
    if known is None:
        return Rotation()
    accounts = services.directory_of(known).accounts
    account_id = account_of(known)
    before = await accounts.look(account_id)
    try:
        await accounts.set_password(account_id, passwords.generate())
    except Missing as error:
        if before is not None:
            raise disagreement() from error
        return Rotation()
    # The watch lives on it; no ending waits for its sake.
    with suppress(CurfewError, TimeoutError):
        async with asyncio.timeout(LEDGERS_TIME):
            await services.accounts.note_rotation(known, services.clock())
    if before is None:
        raise disagreement()
    return Rotation(rotated_after=before.password_changed_at or _EPOCH)


async def retire_credential(services: Services, plan: Plan) -> None:
    """Disable every version of the grant's secrets in the vault."""
    if plan.credential is CredentialKind.NONE:
        return
    await together(
        services.vault.retire(plan.password_secret), services.vault.retire(plan.pass_secret)
    )


async def delete_account(services: Services, plan: Plan) -> Deletion:
    """Put the account into the bin, after its ending was verified. One that is gone is done.

    It is disabled and stripped once more before: it may be long since that was read back, and from
    the bin it could come back as it went in.

    Only while this grant holds the account, and by the object id on record. The record forgets
    the object id, and keeps whose account it was: the next grant makes a new one.

    Deleting is tidiness, and the access is over without it: where the tenant refuses it, that is
    reported and answered, and keeps the grant open no longer.
    """
    holder = await services.leases.holder(plan.tenant_id, plan.user_principal_name)
    record = await services.accounts.find(plan.tenant_id, plan.user_principal_name)
    if holder != plan.grant_id or record is None or record.account_id != account_of(plan):
        # An earlier run of this very step makes the record forget the id.
        was_here = holder == plan.grant_id and record is not None and record.account_id is None
        return Deletion(deleted=was_here)
    known = await _account_grant(services, plan)
    if known is None:
        return Deletion(deleted=False)
    accounts = services.directory_of(known).accounts
    # In the bin already: an earlier run put it there. It is not deleted for good.
    with suppress(Missing):
        await accounts.set_enabled(account_of(known), enabled=False)
    await remove_access(services, known)
    try:
        await accounts.delete(account_of(known))
    except (Denied, Rejected) as error:
        about = {"grant": plan.grant_id, "tenant": plan.tenant_id}
        report(Event.STEP_FAILED, error, step="delete_account", **about)
        return Deletion(deleted=False)
    await services.accounts.change(
        plan.tenant_id,
        plan.user_principal_name,
        lambda record: record.model_copy(update={"account_id": None}),
    )
    # Deleted accounts count against the tenant's quota for thirty days.
    emit(Event.ACCOUNT_DELETED, grant=plan.grant_id, tenant=plan.tenant_id, count=1)
    await services.audit.note(
        AuditEntry(
            key=f"{plan.grant_id}:{Action.ACCOUNT_DELETED}",
            tenant=plan.tenant_id,
            action=Action.ACCOUNT_DELETED,
            target=plan.user_principal_name,
            grant=plan.grant_id,
        )
    )
    return Deletion()


async def close_grant(services: Services, closing: Closing) -> None:
    """Move the lease to the history as ended, with the evidence, and free the account.

    Raises:
        NotYet: the lease holds no evidence. What counts was written there by reading back.
    """
    ending = closing.ending
    try:
        lease = await services.leases.get(closing.plan.grant_id)
    except Missing:
        return
    if lease.evidence is None or not lease.evidence.clean:
        message = "Nobody has read back that it is over."
        raise NotYet(message)
    plan = lease.plan if lease.plan.opened else closing.plan
    evidence = lease.evidence.model_copy(
        update={"account_deleted": closing.evidence.account_deleted}
    )
    over = {
        "plan": plan,
        "state": GrantState.ENDED,
        "stuck": False,
        **ending.as_told,
        "evidence": evidence,
        "ended_at": services.clock(),
    }
    if plan.kind is GrantKind.ACCOUNT:
        # The watch lives on it; no grant stays open for its sake.
        with suppress(CurfewError):
            await services.accounts.note_end(plan, services.clock())
    ended = lease.model_copy(update=over)
    # The announcement may have been missed in an outage; what is there already changes nothing.
    await services.audit.note(_noted(ended, Action.GRANT_ENDING, ending))
    await services.audit.note(
        _noted(ended, Action.GRANT_ENDED, ending, evidence=evidence.to_json())
    )
    await services.leases.close(ended)
    emit(
        Event.GRANT_ENDED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        reason=ending.reason,
        actor=ending.by.id if ending.by else None,
    )


def _noted(lease: Lease, action: Action, ending: Ending, **after: object) -> AuditEntry:
    return AuditEntry.of_grant(
        lease,
        action,
        actor=ending.by,
        reason=ending.remark or ending.failure,
        after={"reason": ending.reason.value, **after},
    )


async def flag_stuck(services: Services, notice: StuckNotice) -> None:
    """Raise the alert, and mark the lease: a whole round did not take the access back.

    The alert goes out first: it must not depend on a ledger that may be what is broken.
    """
    plan = notice.plan
    emit(
        Event.GRANT_STUCK,
        level=logging.ERROR,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        round=notice.round,
        failures=", ".join(notice.failures),
    )
    flag = {"stuck": True, "rounds": notice.round}
    try:
        lease = await services.leases.change(plan.grant_id, lambda now: now.model_copy(update=flag))
    except Missing:
        return
    if notice.round == 1:
        reason = ", ".join(notice.failures)
        entry = AuditEntry.of_grant(lease, Action.GRANT_STUCK, reason=reason)
        await services.audit.note(entry)


async def _account_grant(services: Services, plan: Plan) -> Plan | None:
    """The plan on record, if it is for an account of Curfew's own that this step may touch."""
    known = await on_record(services, plan)
    if known is None or known.account_id is None or known.kind is GrantKind.ROLE:
        return None
    return known

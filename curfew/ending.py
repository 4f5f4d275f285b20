"""Taking back: each function one side effect on the way to a verified end, each repeatable.

Nothing here asks a policy, a setting or a licence (rule 3). What is gone already is done; what
cannot be read is not done. The workflow runs these steps round after round until `verify_ended`
finds nothing left, and only then `close_grant` writes "ended" (rule 4).
"""

import logging
from datetime import UTC, datetime

from curfew import passwords
from curfew.concurrency import together
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import Method
from curfew.errors import Missing, NotYet
from curfew.events import Event, emit
from curfew.guards import account_of
from curfew.model.grants import Evidence, GrantState, Lease, Plan
from curfew.model.messages import (
    Closing,
    EndingNotice,
    Located,
    Revocation,
    Rotation,
    Search,
    StuckNotice,
    Verification,
    settles_at,
)
from curfew.opening import record_account
from curfew.services import Services

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def announce_ending(services: Services, notice: EndingNotice) -> None:
    """Write down that the grant is ending, and why: from here on nothing is given any more."""
    ending = notice.ending

    def end(lease: Lease) -> Lease:
        said = {
            "state": GrantState.ENDING,
            "end_reason": ending.reason,
            "ended_by": ending.by,
            "end_remark": ending.remark,
            "failure": ending.failure,
        }
        return lease.model_copy(update=said)

    plan = notice.plan
    try:
        await services.leases.change(plan.grant_id, end)
    except Missing:
        return
    emit(
        Event.GRANT_ENDING,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        reason=ending.reason,
        actor=ending.by.id if ending.by else None,
        failure=ending.failure,
    )


async def locate_account(services: Services, search: Search) -> Located:
    """Find the account of a grant that failed before it knew one.

    The lease may know it; else it is looked for by name, and is ours only if it carries the
    lease's mark. Absence is certain only once a creation without an answer has had its time to
    show (`look_again_at`).
    """
    plan = search.plan
    try:
        lease = await services.leases.get(plan.grant_id)
    except Missing:
        # Withdrawn. If another grant has the account by now, it is that one's to take back.
        if await services.leases.holder(plan.tenant_id, plan.user_principal_name):
            return Located(plan=plan)
    else:
        if lease.plan.opened:
            return Located(plan=lease.plan)
    directory = services.directory(plan.tenant_id, plan.connection)
    account = await directory.accounts.find(plan.user_principal_name)
    if account is not None and account.mark == plan.mark:
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
    accounts = _directory(services, plan).accounts
    try:
        await accounts.set_enabled(account_of(plan), enabled=False)
    except Missing:
        await accounts.purge(account_of(plan))


async def revoke_sessions(services: Services, plan: Plan) -> Revocation:
    """Refuse every refresh token that the account was ever given.

    Answers from when on sessions counted before, by the directory's own clock.

    Raises:
        NotYet: the directory shows the account and says that it is not there.
    """
    accounts = _directory(services, plan).accounts
    before = await accounts.look(account_of(plan))
    try:
        await accounts.revoke_sessions(account_of(plan))
    except Missing as error:
        if before is not None:
            raise _disagreement() from error
        return Revocation()
    if before is None:
        raise _disagreement()
    return Revocation(revoked_after=before.sessions_valid_from or _EPOCH)


async def remove_access(services: Services, plan: Plan) -> None:
    """Remove every role assignment of the account, and role-assignable groups it got into.

    Every assignment, not only the profile's: the account is Curfew's own, and whoever held its
    roles could have given it more. Those that this grant made go by their ids as well, because
    a list may lag behind.
    """
    access = _directory(services, plan).access
    account_id = account_of(plan)
    try:
        assigned = {*await access.assigned_roles(account_id), *plan.assignments}
        groups = await _groups_since(services, plan)
    except Missing:
        return
    await together(
        *(access.remove_assignment(assignment_id) for assignment_id in assigned),
        *(access.leave_group(account_id, group_id) for group_id in groups),
    )


async def remove_methods(services: Services, plan: Plan) -> None:
    """Remove the Temporary Access Pass and every sign-in method that was not there before."""
    methods = _directory(services, plan).methods
    account_id = account_of(plan)
    try:
        registered = await _methods_since(services, plan)
    except Missing:
        return
    await together(*(methods.remove(account_id, method) for method in registered))


async def rotate_password(services: Services, plan: Plan) -> Rotation:
    """Set a password that nobody keeps: it exists in this function only (rule 7).

    Answers the time of the last change before this one, by the directory's own clock.

    Raises:
        NotYet: the password was set on an account that the directory does not show.
    """
    accounts = _directory(services, plan).accounts
    account_id = account_of(plan)
    before = await accounts.look(account_id)
    try:
        await accounts.set_password(account_id, passwords.generate())
    except Missing as error:
        if before is not None:
            raise _disagreement() from error
        return Rotation()
    if before is None:
        raise _disagreement()
    return Rotation(rotated_after=before.password_changed_at or _EPOCH)


async def retire_credential(services: Services, plan: Plan) -> None:
    """Disable every version of the grant's secrets in the vault."""
    await together(
        services.vault.retire(plan.password_secret), services.vault.retire(plan.pass_secret)
    )


async def verify_ended(services: Services, verification: Verification) -> Evidence:
    """Read everything back: the directory and the vault, not what the steps believe.

    An answer that does not come is an error, never an empty list.
    """
    plan = verification.plan
    retired = all(
        await together(
            services.vault.is_retired(plan.password_secret),
            services.vault.is_retired(plan.pass_secret),
        )
    )
    account = await _account(services, plan)
    if account is None:
        return await _evidence_of_absence(services, plan, credential_disabled=retired)
    roles, groups, methods = await together(
        _directory(services, plan).access.assigned_roles(account.id),
        _groups_since(services, plan),
        _methods_since(services, plan),
    )
    return Evidence(
        verified_at=services.clock(),
        account_existed=True,
        account_disabled=not account.enabled,
        roles_left=len(roles),
        groups_left=len(groups),
        methods_left=len(methods),
        password_changed_at=account.password_changed_at,
        password_rotated=_is_past(account.password_changed_at, verification.rotated_after),
        sessions_revoked=_is_past(account.sessions_valid_from, verification.revoked_after),
        credential_disabled=retired,
    )


async def close_grant(services: Services, closing: Closing) -> None:
    """Move the lease to the history as ended, with the evidence, and free the account."""
    plan, ending = closing.plan, closing.ending
    try:
        lease = await services.leases.get(plan.grant_id)
    except Missing:
        return
    over = {
        "plan": plan,
        "state": GrantState.ENDED,
        "stuck": False,
        "end_reason": ending.reason,
        "ended_by": ending.by,
        "end_remark": ending.remark,
        "failure": ending.failure,
        "evidence": closing.evidence,
        "ended_at": services.clock(),
    }
    await services.leases.close(lease.model_copy(update=over))
    emit(
        Event.GRANT_ENDED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        reason=ending.reason,
        actor=ending.by.id if ending.by else None,
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
        await services.leases.change(plan.grant_id, lambda now: now.model_copy(update=flag))
    except Missing:
        return


def _directory(services: Services, plan: Plan) -> Directory:
    return services.directory(plan.tenant_id, plan.connection)


async def _evidence_of_absence(
    services: Services, plan: Plan, *, credential_disabled: bool
) -> Evidence:
    """The evidence where there is no account: nothing can be left, unless it is in the bin."""
    accounts = _directory(services, plan).accounts
    gone = plan.account_id is None or not await accounts.is_deleted(plan.account_id)
    return Evidence(
        verified_at=services.clock(),
        account_existed=False,
        account_disabled=gone,
        roles_left=0,
        groups_left=0,
        methods_left=0,
        password_rotated=True,
        sessions_revoked=True,
        credential_disabled=credential_disabled,
    )


async def _account(services: Services, plan: Plan) -> Account | None:
    """The account, None when it is gone: several readings and a write say so."""
    if plan.account_id is None:
        return None
    accounts = _directory(services, plan).accounts
    if (account := await accounts.look(plan.account_id)) is not None:
        return account
    try:
        await accounts.set_enabled(plan.account_id, enabled=False)
    except Missing:
        return None
    raise _disagreement()


def _disagreement() -> NotYet:
    message = "One part of the directory shows the account, and another says it is not there."
    return NotYet(message)


def _is_past(shown: datetime | None, before: datetime | None) -> bool:
    """Whether a time that the directory shows has moved on since a step read it."""
    return shown is not None and before is not None and shown > before


async def _methods_since(services: Services, plan: Plan) -> list[Method]:
    registered = await _directory(services, plan).methods.registered(account_of(plan))
    return [method for method in registered if method.id not in plan.methods_before]


async def _groups_since(services: Services, plan: Plan) -> list[str]:
    groups = await _directory(services, plan).access.role_groups(account_of(plan))
    return [group for group in groups if group not in plan.role_groups_before]

"""Reading everything back: the directory and the vault, not what the steps believe (rule 4).

An answer that does not come is an error, never an empty list.
"""

from contextlib import suppress
from datetime import datetime

from curfew.concurrency import together
from curfew.ending.record import on_record
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import Method
from curfew.errors import Missing, NotYet, ServiceError
from curfew.giving.counting import groups_given, others_of, roles_given
from curfew.guards import account_of
from curfew.model.evidence import Evidence
from curfew.model.grants import Lease, Plan
from curfew.model.messages import Verification
from curfew.model.profiles import GrantKind
from curfew.rights import groups_to_leave, roles_held, roles_left
from curfew.services import Services


async def verify_ended(services: Services, verification: Verification) -> Evidence:
    """What is left of a grant. Of one whose account is another grant's by now, nothing is.

    Evidence that is clean is written into the lease, and counts only there, until the next look.

    Raises:
        NotYet: one part of the directory shows the account, and another does not.
    """
    known = await on_record(services, verification.plan)
    if known is None:
        evidence = _nothing_of_ours(services)
    else:
        verification = verification.model_copy(update={"plan": known})
        read_back = _role_grant if known.kind is GrantKind.ROLE else _account_grant
        evidence = await read_back(services, verification)
    await _put_down(services, verification.plan, evidence)
    return evidence


async def _put_down(services: Services, plan: Plan, evidence: Evidence) -> None:
    """Write what was read into the lease if it is clean; if not, what was read before is void."""

    def note(lease: Lease) -> Lease:
        if lease.state.over:
            return lease
        if not evidence.clean:
            return lease.model_copy(update={"evidence": None})
        return lease.as_ending(services.clock()).model_copy(update={"evidence": evidence})

    # What is left is to be taken back whether or not the ledger can be written.
    passed_over = Missing if evidence.clean else ServiceError
    with suppress(passed_over):
        await services.leases.change(plan.grant_id, note)


async def _account_grant(services: Services, verification: Verification) -> Evidence:
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
    directory = services.directory_of(plan)
    roles, groups, methods = await together(
        roles_left(directory, account.id),
        groups_to_leave(directory, plan),
        methods_since(services, plan),
    )
    return Evidence(
        verified_at=services.clock(),
        account_existed=True,
        account_disabled=not account.enabled,
        roles_left=roles,
        groups_left=len(groups),
        methods_left=len(methods),
        password_changed_at=account.password_changed_at,
        password_rotated=_is_past(account.password_changed_at, verification.rotated_after),
        sessions_revoked=_is_past(account.sessions_valid_from, verification.revoked_after),
        credential_disabled=retired,
    )


async def _role_grant(services: Services, verification: Verification) -> Evidence:
    """What a user still has that was given to him and that no other grant of his keeps."""
    plan = verification.plan
    if plan.account_id is None:
        return _nothing_of_ours(services)
    directory = services.directory_of(plan)
    account, roles, groups, others = await together(
        directory.accounts.look(account_of(plan)),
        roles_held(directory, account_of(plan)),
        _groups(directory, account_of(plan)),
        others_of(services, plan),
    )
    if (account is None) != (groups is None):
        raise disagreement()
    return Evidence(
        verified_at=services.clock(),
        account_existed=account is not None,
        account_disabled=None,
        roles_left=len((set(roles_given(plan)) & roles) - others.kept),
        groups_left=len((set(groups_given(plan)) & (groups or set())) - others.kept),
        methods_left=0,
        password_rotated=None,
        sessions_revoked=account is None
        or _is_past(account.sessions_valid_from, verification.revoked_after),
        credential_disabled=None,
    )


def _nothing_of_ours(services: Services) -> Evidence:
    """The evidence where the ledger says that the grant is over and the account not its own."""
    return Evidence(
        verified_at=services.clock(),
        account_existed=True,
        account_disabled=None,
        roles_left=0,
        groups_left=0,
        methods_left=0,
        password_rotated=None,
        sessions_revoked=True,
        credential_disabled=None,
    )


async def _evidence_of_absence(
    services: Services, plan: Plan, *, credential_disabled: bool
) -> Evidence:
    """The evidence where there is no account: nothing can be left, unless it is in the bin."""
    accounts = services.directory_of(plan).accounts
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
    accounts = services.directory_of(plan).accounts
    if (account := await accounts.look(plan.account_id)) is not None:
        return account
    try:
        await accounts.set_enabled(plan.account_id, enabled=False)
    except Missing:
        return None
    raise disagreement()


async def _groups(directory: Directory, account_id: str) -> set[str] | None:
    """The groups of a user, None where the directory says that there is none."""
    try:
        return await directory.access.member_groups(account_id)
    except Missing:
        return None


async def methods_since(services: Services, plan: Plan) -> list[Method]:
    """The sign-in methods that the account did not have before."""
    registered = await services.directory_of(plan).methods.registered(account_of(plan))
    return [method for method in registered if method.id not in plan.methods_before]


def disagreement() -> NotYet:
    """One 404 against another answer: unknown, and to be looked at again."""
    message = "One part of the directory shows the account, and another says it is not there."
    return NotYet(message)


def _is_past(shown: datetime | None, before: datetime | None) -> bool:
    """Whether a time that the directory shows has moved on since a step read it."""
    return shown is not None and before is not None and shown > before

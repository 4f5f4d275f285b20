"""The credential of a grant over HTTP: seen by its requester, a few times, and made anew."""

from datetime import datetime, timedelta

import azure.durable_functions as df

from curfew.concurrency import together
from curfew.errors import Changed, Conflict, Denied, Missing, UsedUp
from curfew.events import Event, emit
from curfew.ids import new_consent_id
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import GrantView, Lease
from curfew.model.handovers import (
    MOST_RENEWALS,
    CredentialView,
    Renewal,
    SecretVersion,
)
from curfew.model.messages import RENEW_EVENT, RenewOrder
from curfew.model.profiles import CredentialKind
from triggers.edge import Call, Reply, serve
from triggers.sharing import accepted, address, seen, tell, verdict

blueprint = df.Blueprint()

_TRIES = 6
_PAUSE = 0.05
_ANSWERED_WITHIN = timedelta(minutes=2)
"""How long a wish is under way; one that nobody answered in this time is given up."""
_UNANSWERED = "It was not answered in time."


async def reveal_credential(call: Call) -> Reply:
    """The credential of an active grant, to its requester and to nobody else, so many times.

    Read, counted under the lease's ETag, put on record, and only then told: of any number of
    callers at once no more get it than may, and none whom the trail does not name. It is read
    first, so that an outage of the vault uses up nothing.
    """
    lease, password, temporary_access_pass = await _read_and_counted(call)
    plan, left = lease.plan, lease.reveals_left or 0
    # On record before it is told: a reveal that nobody can prove is none.
    entry = AuditEntry.of_grant(
        lease,
        Action.CREDENTIAL_REVEALED,
        mark=new_consent_id(),
        actor=_caller(call),
        after={"revealsLeft": left},
    )
    await call.services.audit.append(entry)
    emit(
        Event.CREDENTIAL_REVEALED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        actor=call.caller.id,
        left=left,
    )
    return Reply(
        CredentialView(
            user_principal_name=plan.user_principal_name,
            password=password,
            temporary_access_pass=temporary_access_pass,
            sign_in_address=call.services.settings.cloud.portal,
            expires_at=lease.expires_at or call.services.clock(),
            reveals_left=left,
        )
    )


async def renew_credential(call: Call) -> Reply:
    """Ask for a new credential: the one before is worth nothing from then on.

    The wish is written into the lease, where the workflow looks for it. While one is under way
    another is the same wish.
    """
    lease = await seen(call)
    grant_id = lease.plan.grant_id
    asked = Renewal(id=new_consent_id(), by=_caller(call), requested_at=call.services.clock())
    lease = await _put_down(call, lease, asked)
    wish = lease.renewals[-1]
    if wish.id == asked.id:
        entry = AuditEntry.of_grant(
            lease, Action.CREDENTIAL_RENEWAL_REQUESTED, mark=wish.id, actor=wish.by
        )
        await call.services.audit.append(entry)
        await tell(call, lease, RENEW_EVENT, RenewOrder(id=wish.id))
        emit(
            Event.CREDENTIAL_RENEWAL_REQUESTED,
            grant=grant_id,
            tenant=lease.plan.tenant_id,
            actor=call.caller.id,
        )

    def is_answered(now: Lease) -> bool:
        answered = now.renewal(wish.id)
        return answered is None or answered.settled or not now.is_usable(call.services.clock())

    lease = await verdict(call, grant_id, is_answered)
    answered = lease.renewal(wish.id)
    if answered is not None and answered.done_at is not None:
        return Reply(GrantView.of(lease))
    if answered is not None and answered.failure is not None:
        raise Conflict(answered.failure, link=address(grant_id))
    if is_answered(lease):
        raise _not_active(grant_id)
    return accepted(lease)


for _handler in (reveal_credential, renew_credential):
    serve(blueprint, _handler)


async def _put_down(call: Call, lease: Lease, asked: Renewal) -> Lease:
    """The lease with the wish, or with another of this moment; where the workflow looks for it."""
    grant_id = lease.plan.grant_id
    _require_active(call, lease)

    def put_down(now: Lease) -> Lease:
        _require_active(call, now)
        latest = now.renewals[-1] if now.renewals else None
        if latest is not None and _is_under_way(latest, asked.requested_at):
            return now
        if len(now.renewals) >= MOST_RENEWALS:
            message = f"A grant gets {MOST_RENEWALS} new credentials at most. Ask for a new grant."
            raise UsedUp(message, link=address(grant_id))
        if latest is not None and not latest.settled:
            now = now.with_renewal(latest.model_copy(update={"failure": _UNANSWERED}))
        return now.with_renewal(asked)

    try:
        return await call.services.leases.change(grant_id, put_down, known=lease)
    except Missing as error:
        raise _not_active(grant_id) from error


async def _read_and_counted(call: Call) -> tuple[Lease, str | None, str | None]:
    for remaining in reversed(range(_TRIES)):
        lease = await seen(call)
        try:
            password, temporary_access_pass = await _read(call, lease)
            return await _count(call, lease), password, temporary_access_pass
        except (Changed, Denied, Missing):
            # Others are counting too, the credential was just replaced, or the grant is ending.
            if not remaining:
                raise
            await call.services.pause(_PAUSE * (_TRIES - remaining))
    raise AssertionError


async def _read(call: Call, lease: Lease) -> tuple[str | None, str | None]:
    _require_revealable(call, lease)
    password, temporary_access_pass = await together(
        _value(call, lease.handover.password), _value(call, lease.handover.temporary_access_pass)
    )
    return password, temporary_access_pass


async def _value(call: Call, secret: SecretVersion | None) -> str | None:
    if secret is None:
        return None
    return (await call.services.vault.read(secret.name, secret.version)).get_secret_value()


async def _count(call: Call, read: Lease) -> Lease:
    """The lease with one more reveal of the credential that was read.

    Raises:
        Changed: it was replaced since.
        UsedUp: others were quicker.
    """

    def count(now: Lease) -> Lease:
        _require_revealable(call, now)
        if now.handover != read.handover:
            raise Changed("ledger", "count a reveal")
        return now.model_copy(update={"reveals": now.reveals + 1})

    return await call.services.leases.change(read.plan.grant_id, count, known=read)


def _require_revealable(call: Call, lease: Lease) -> None:
    """Refuse where there is nothing to show, not yet or not any more, and what was shown enough."""
    _require_active(call, lease)
    link = address(lease.plan.grant_id)
    if lease.renewing:
        message = "A new credential is being made. If that takes minutes, ask for another."
        raise Conflict(message, link=link)
    if not lease.reveals_left:
        message = (
            f"This credential was shown {lease.plan.max_reveals} times, as often as the profile "
            "allows. Ask for a new one."
        )
        raise UsedUp(message, link=f"{link}/credential/renew")


def _require_active(call: Call, lease: Lease) -> None:
    if lease.plan.credential is CredentialKind.NONE:
        message = "A role grant has no credential: its user has one of his own."
        raise Conflict(message, link=address(lease.plan.grant_id))
    if not lease.is_usable(call.services.clock()):
        raise _not_active(lease.plan.grant_id)


def _not_active(grant_id: str) -> Conflict:
    message = "There is a credential only while the grant is active."
    return Conflict(message, link=address(grant_id))


def _is_under_way(wish: Renewal, now: datetime) -> bool:
    return not wish.settled and now < wish.requested_at + _ANSWERED_WITHIN


def _caller(call: Call) -> Person:
    return Person(id=call.caller.id, name=call.caller.name)

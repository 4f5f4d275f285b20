"""Moving the expiry of an active grant: asked for, consented to, granted or refused.

The ledger has the last word: each step changes the lease under its ETag, only while the grant is
active and its time is not up, so a step that lands late changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from curfew.entitled import Standing, lost_consent, standing_of
from curfew.errors import CurfewError, FieldProblem, Missing
from curfew.events import Event, emit
from curfew.giving.admitting import heard, report_decision
from curfew.guards import leased
from curfew.ids import new_consent_id
from curfew.model.approvals import Approval, Extension, ExtensionState
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import GrantState, Lease
from curfew.model.messages import Lapse, Prolonged, Prolonging, Recording, Settling, Tally
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant
from curfew.policy import decide_extension, extension_approvals_needed
from curfew.services import Services

_ACTIONS = {
    ExtensionState.AWAITING_APPROVAL: Action.GRANT_EXTENSION_REQUESTED,
    ExtensionState.GRANTED: Action.GRANT_EXTENDED,
    ExtensionState.REFUSED: Action.GRANT_EXTENSION_REFUSED,
    ExtensionState.DENIED: Action.GRANT_EXTENSION_REFUSED,
    ExtensionState.APPROVAL_EXPIRED: Action.GRANT_EXTENSION_REFUSED,
}

type Answer = Callable[[Lease, Extension | None], Extension | None]
"""The answer to a wish, from the lease and the wish as they stand; None when it has one."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an extension is held against: the settings, and what has become of the people."""

    tenant: Tenant
    profile: Profile
    asker: Standing
    lost: tuple[FieldProblem, ...]


async def extend_expiry(services: Services, wish: Prolonging) -> Prolonged:
    """Extend, or ask the approvers first, or refuse; written into the lease.

    The settings and the requester's groups are read now. A wish that was answered before gets the
    same answer.
    """
    order = wish.order
    with leased():
        lease = await services.leases.get(wish.plan.grant_id)
    terms = await _terms(services, lease)
    asked = Extension(
        id=order.id,
        duration=order.duration,
        by=order.by,
        requested_at=services.clock(),
        comment=order.comment,
        state=ExtensionState.REFUSED,
    )

    def answer(now: Lease, known: Extension | None) -> Extension | None:
        if known is not None:
            return None
        reasons = _untimely(services, now) or _refusals(now, asked, terms)
        if reasons:
            return asked.model_copy(update={"refusal": " ".join(reasons)})
        if terms is not None and (needed := _approvals(now, terms)):
            approval = Approval(
                id=new_consent_id(),
                needed=needed,
                deadline=services.clock() + terms.profile.approval_deadline,
            )
            waiting = {"state": ExtensionState.AWAITING_APPROVAL, "approval": approval}
            return asked.model_copy(update=waiting)
        return _granted(now, asked)

    return await _answered(services, wish.plan.grant_id, order.id, answer, lease)


async def record_extension_decision(services: Services, recording: Recording) -> Tally:
    """Write an approver's word on the open extension into the lease, if it counts."""

    def record(lease: Lease) -> Lease:
        wish = lease.pending_extension
        if wish is None or wish.approval is None or lease.state is not GrantState.ACTIVE:
            return lease
        approval = heard(services, lease, wish.approval, recording.order)
        denied = {"state": ExtensionState.DENIED} if approval.denied else {}
        return _with(lease, wish.model_copy(update={"approval": approval, **denied}))

    with leased():
        lease = await services.leases.change(recording.plan.grant_id, record)
    about = recording.order.about
    questions = [wish.approval for wish in lease.extensions if wish.approval]
    question = next((each for each in questions if each.id == about), None)
    await report_decision(services, recording, lease, question)
    return Tally(approval=question)


async def settle_extension(services: Services, settling: Settling) -> Prolonged:
    """Extend what has been consented to, if the settings of now still allow it."""
    with leased():
        lease = await services.leases.get(settling.plan.grant_id)
    terms = await _terms(services, lease)

    def answer(now: Lease, known: Extension | None) -> Extension | None:
        if known is None:
            message = "There is no such extension."
            raise CurfewError(message)
        if known.state is not ExtensionState.AWAITING_APPROVAL:
            return None
        reasons = _late(services, now) or _refusals(now, known, terms)
        if known.approval is None or not known.approval.given:
            reasons = ("Nobody has consented.",)
        if reasons:
            refused = {"state": ExtensionState.REFUSED, "refusal": " ".join(reasons)}
            return known.model_copy(update=refused)
        return _granted(now, known)

    return await _answered(services, settling.plan.grant_id, settling.extension, answer, lease)


async def lapse_extension(services: Services, lapse: Lapse) -> None:
    """Close an extension that approvers did not answer in time."""

    def close(lease: Lease) -> Lease:
        wish = lease.pending_extension
        if wish is None or wish.id != lapse.extension:
            return lease
        return _with(lease, wish.model_copy(update={"state": ExtensionState.APPROVAL_EXPIRED}))

    with leased():
        await services.leases.change(lapse.plan.grant_id, close)


async def _answered(
    services: Services, grant_id: str, extension_id: str, answer: Answer, lease: Lease
) -> Prolonged:
    """Write the answer to a wish, once; answer what stands there, and the expiry that holds."""

    def write(now: Lease) -> Lease:
        known = next((wish for wish in now.extensions if wish.id == extension_id), None)
        answered = answer(now, known)
        if answered is None:
            return now
        changed = _with(_without_lapsed(services, now), answered)
        if answered.state is ExtensionState.GRANTED and answered.expires_at is not None:
            until = answered.expires_at
            changed = changed.model_copy(update={"expires_at": until, "deadline": until})
        return changed

    with leased():
        lease = await services.leases.change(grant_id, write, known=lease)
    answered = next(wish for wish in lease.extensions if wish.id == extension_id)
    expires_at: datetime = lease.expires_at or services.clock()
    emit(
        Event.GRANT_EXTENSION_ANSWERED,
        grant=grant_id,
        tenant=lease.plan.tenant_id,
        actor=answered.by.id,
        state=answered.state,
        expires=expires_at.isoformat(),
    )
    entry = AuditEntry.of_grant(
        lease,
        _ACTIONS[answered.state],
        mark=answered.id,
        actor=answered.by,
        reason=answered.refusal or answered.comment,
        after={"expiresAt": expires_at.isoformat()},
    )
    await services.audit.note(entry)
    return Prolonged(extension=answered, expires_at=expires_at)


async def _terms(services: Services, lease: Lease) -> Terms | None:
    try:
        tenant, profile = await services.tenants.offer(lease.plan.tenant_id, lease.profile)
    except Missing:
        return None
    asker = await standing_of(services, lease.technician.id, profile.requesters)
    wish = lease.pending_extension
    lost = await lost_consent(services, wish.approval if wish else None, profile.approvers)
    return Terms(tenant, profile, asker, lost)


def _refusals(lease: Lease, wish: Extension, terms: Terms | None) -> tuple[str, ...]:
    if terms is None:
        return ("The tenant or the profile has been removed.",)
    asker = terms.asker
    reasons = decide_extension(
        lease,
        wish.duration,
        terms.tenant,
        terms.profile,
        groups=asker.groups,
        consent=wish.approval,
    )
    return tuple(reason.detail for reason in (*asker.refusals, *terms.lost, *reasons))


def _approvals(lease: Lease, terms: Terms) -> int:
    return extension_approvals_needed(lease, terms.tenant, terms.profile)


def _untimely(services: Services, lease: Lease) -> tuple[str, ...]:
    if lease.extension_waits(services.clock()):
        return ("Another extension waits for its approval.",)
    return _late(services, lease)


def _late(services: Services, lease: Lease) -> tuple[str, ...]:
    if lease.state is not GrantState.ACTIVE or lease.expires_at is None:
        return ("Only an active grant can be extended.",)
    if services.clock() >= lease.expires_at:
        return ("The grant was over before.",)
    return ()


def _granted(lease: Lease, wish: Extension) -> Extension:
    if lease.expires_at is None:
        message = "An active grant has an expiry."
        raise AssertionError(message)
    until = lease.expires_at + wish.duration
    return wish.model_copy(update={"state": ExtensionState.GRANTED, "expires_at": until})


def _with(lease: Lease, wish: Extension) -> Lease:
    wishes = {each.id: each for each in lease.extensions} | {wish.id: wish}
    return lease.model_copy(update={"extensions": tuple(wishes.values())})


def _without_lapsed(services: Services, lease: Lease) -> Lease:
    """The lease without a wish that waits for nothing: its deadline went by unwritten."""
    wish = lease.pending_extension
    if wish is None or lease.extension_waits(services.clock()):
        return lease
    return _with(lease, wish.model_copy(update={"state": ExtensionState.APPROVAL_EXPIRED}))

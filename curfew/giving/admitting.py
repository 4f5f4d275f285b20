"""Before anything is given: consent on record, the settings looked at again, the account claimed.

Each function is one step of the workflow and repeatable. None of them writes to a directory; the
home tenant's is read for whether the requester may still ask.
"""

from collections.abc import Callable
from datetime import datetime

from curfew.entitled import lost_consent, standing_of
from curfew.errors import AlreadyExists, Begun, Missing, NoOpenLease, NotYet
from curfew.events import Event, emit
from curfew.guards import leased
from curfew.model.approvals import Approval, Decision, DecisionOrder
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import PROVISIONING_LIMIT, EndReason, GrantState, Lease, Plan
from curfew.model.messages import Admission, EndingNotice, Recording, Tally
from curfew.model.profiles import GrantKind, Profile
from curfew.model.tenants import Tenant
from curfew.policy import decide_again
from curfew.services import Services

# A denial is in the trail already, as the approver's word.
_CLOSED_BY = {
    EndReason.APPROVAL_EXPIRED: Action.GRANT_APPROVAL_EXPIRED,
    EndReason.WITHDRAWN: Action.GRANT_WITHDRAWN,
}


async def record_decision(services: Services, recording: Recording) -> Tally:
    """Write an approver's word into the lease, if it counts, and answer where the question stands.

    A word counts while the request waits for consent, before its deadline, from somebody who is
    neither the requester nor the one it is for, and who has not spoken yet; all by object id.
    """

    def record(lease: Lease) -> Lease:
        question = lease.approval
        if lease.state is not GrantState.AWAITING_APPROVAL or question is None:
            return lease
        question = heard(services, lease, question, recording.order)
        changes: dict[str, object] = {"approval": question}
        if question.given:
            start = max(services.clock(), lease.plan.start_at or services.clock())
            changes["state"] = GrantState.SCHEDULED
            changes["deadline"] = start + PROVISIONING_LIMIT
        return lease.model_copy(update=changes)

    with leased():
        lease = await services.leases.change(recording.plan.grant_id, record)
    await report_decision(services, recording, lease, lease.approval)
    return Tally(approval=lease.approval)


def heard(services: Services, lease: Lease, question: Approval, said: DecisionOrder) -> Approval:
    """A question with one more word, if that word counts: as it stands in the lease."""
    word = next((each for each in lease.words if each.id == said.id), None)
    if word is None:
        return question
    counts = (
        word.about == question.id
        and services.clock() < question.deadline
        and not (question.given or question.denied)
        and word.by.id not in lease.concerned
        and word.by.id not in {decision.by.id for decision in question.decisions}
    )
    if not counts:
        return question
    decision = Decision(
        id=word.id,
        by=word.by,
        at=services.clock(),
        approves=word.approves,
        comment=word.comment,
    )
    return question.model_copy(update={"decisions": (*question.decisions, decision)})


async def report_decision(
    services: Services, recording: Recording, lease: Lease, question: Approval | None
) -> None:
    """Log a word, and write it into the audit trail if it counted."""
    order = recording.order
    words = question.decisions if question else ()
    word = next((each for each in words if each.id == order.id), None)
    emit(
        Event.GRANT_DECIDED,
        grant=lease.plan.grant_id,
        tenant=lease.plan.tenant_id,
        actor=order.by.id,
        approves=order.approves,
        counted=word is not None,
    )
    if word is not None:
        action = Action.GRANT_APPROVED if word.approves else Action.GRANT_DENIED
        entry = AuditEntry.of_grant(lease, action, mark=word.id, actor=word.by, reason=word.comment)
        await services.audit.append(entry)


async def admit_grant(services: Services, plan: Plan) -> Admission:
    """Look at the settings again, claim the account, and open the lease for giving.

    Raises:
        NoOpenLease: the grant is over, or still waits for consent.
        NotYet: another grant has the account; when it is over by the end of the time for
            provisioning, this one begins.
    """
    with leased():
        lease = await services.leases.get(plan.grant_id)
    if lease.state is GrantState.PROVISIONING:
        # An earlier run whose answer was lost.
        await services.audit.append(AuditEntry.of_grant(lease, Action.GRANT_PROVISIONING))
        return Admission(plan=lease.plan)
    consented = lease.approval is None or lease.approval.given
    if lease.state is not GrantState.SCHEDULED or not consented:
        message = "The grant is not one that may begin."
        raise NoOpenLease(message)
    tenant, profile, refusals = await _looked_at_again(services, lease)
    if refusals or tenant is None or profile is None:
        return Admission(plan=lease.plan, refusals=refusals)

    provision_by = services.clock() + PROVISIONING_LIMIT
    begun = lease.plan.model_copy(
        update={"connection": tenant.connection, "provision_by": provision_by}
    )
    if begun.kind is GrantKind.ACCOUNT:
        account = await services.accounts.find(begun.tenant_id, begun.user_principal_name)
        if account is not None and account.technician_id != begun.technician_id:
            return Admission(plan=begun, refusals=("The account is another technician's by now.",))
        if account is not None:
            known = {"account_id": account.account_id, "mark": account.mark or begun.mark}
            begun = begun.model_copy(update=known)
    admitted = lease.model_copy(
        update={"plan": begun, "state": GrantState.PROVISIONING, "deadline": provision_by}
    )
    if lease.claimed or begun.kind is GrantKind.ROLE:
        with leased():
            await services.leases.change(plan.grant_id, _replacing(lease, admitted), known=lease)
    else:
        await _claim(services, admitted)
    await services.audit.append(AuditEntry.of_grant(admitted, Action.GRANT_PROVISIONING))
    return Admission(plan=begun)


async def _looked_at_again(
    services: Services, lease: Lease
) -> tuple[Tenant | None, Profile | None, tuple[str, ...]]:
    try:
        tenant, profile = await services.tenants.offer(lease.plan.tenant_id, lease.profile)
    except Missing:
        return None, None, ("The tenant or the profile has been removed.",)
    asker = await standing_of(services, lease.technician.id, profile.requesters)
    lost = await lost_consent(services, lease.approval, profile.approvers)
    begins = _due(lease, services.clock())
    reasons = decide_again(lease, tenant, profile, groups=asker.groups, begins=begins)
    reasons = (*asker.refusals, *lost, *reasons)
    return tenant, profile, tuple(reason.detail for reason in reasons)


def _due(lease: Lease, now: datetime) -> datetime:
    """When a grant was to begin: a step that comes a little late begins it no later than that."""
    return lease.deadline - PROVISIONING_LIMIT if now < lease.deadline else now


async def _claim(services: Services, admitted: Lease) -> None:
    try:
        with leased():
            await services.leases.claim(admitted)
    except AlreadyExists as error:
        message = "Another grant has the account."
        raise NotYet(message) from error


def _replacing(lease: Lease, changed: Lease) -> Callable[[Lease], Lease]:
    def replace(now: Lease) -> Lease:
        if now.state is not lease.state:
            message = "The grant is not one that may begin."
            raise NoOpenLease(message)
        return changed.model_copy(update={"etag": now.etag})

    return replace


async def close_unopened(services: Services, notice: EndingNotice) -> None:
    """Move a lease under which nothing was given to the history, and free its account.

    Raises:
        Begun: the grant was admitted after all; it must be taken back, not closed.
    """
    ending = notice.ending
    try:
        lease = await services.leases.get(notice.plan.grant_id)
    except Missing:
        return
    over = {
        "state": GrantState.CLOSED,
        **ending.as_told,
        "ended_at": services.clock(),
    }

    def close(now: Lease) -> Lease:
        if now.state is GrantState.CLOSED:
            # An earlier run stopped between the two writes; what it wrote stands.
            return now
        if not now.state.unopened:
            message = "Something may have been given under this lease."
            raise Begun(message)
        return now.model_copy(update=over)

    # First the state, under its ETag: from here on nothing can be given any more.
    with leased():
        lease = await services.leases.change(notice.plan.grant_id, close, known=lease)
    await services.leases.close(lease)
    reason, actor = lease.end_reason or ending.reason, lease.ended_by
    emit(
        Event.GRANT_CLOSED,
        grant=lease.plan.grant_id,
        tenant=lease.plan.tenant_id,
        reason=reason,
        actor=actor.id if actor else None,
    )
    entry = AuditEntry.of_grant(
        lease,
        _CLOSED_BY.get(reason, Action.GRANT_CLOSED),
        actor=actor,
        reason=lease.end_remark or lease.failure,
    )
    await services.audit.note(entry)

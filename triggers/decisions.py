"""Consent and extension over HTTP: words to the workflow, which decides.

A handler says what was said to the workflow and waits a moment for what the workflow made of it.
Of words that race exactly one counts; the others get 409.
"""

from datetime import datetime, timedelta

import azure.durable_functions as df

from curfew.entitled import standing_of
from curfew.errors import Conflict, FieldProblem, Missing, Refused
from curfew.events import Event, emit
from curfew.ids import new_consent_id
from curfew.model.approvals import (
    Approval,
    DecisionOrder,
    DecisionRequest,
    Extension,
    ExtensionRequest,
    ExtensionState,
    Person,
)
from curfew.model.grants import GrantState, GrantView, Lease
from curfew.model.messages import (
    APPROVE_EVENT,
    DENY_EVENT,
    EXTEND_EVENT,
    ExtendOrder,
)
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant
from curfew.policy import decide_again, decide_extension
from triggers.edge import Call, Reply, serve
from triggers.operation import Reach
from triggers.sharing import accepted, address, require_decider, seen, tell, verdict

blueprint = df.Blueprint()

_MOST_WORDS = 50


async def approve_grant(call: Call) -> Reply:
    """Consent to a request or to an extension, if the settings of now still allow it."""
    return await _decide(call, approves=True)


async def deny_grant(call: Call) -> Reply:
    """Refuse consent; one refusal is enough."""
    return await _decide(call, approves=False)


async def extend_grant(call: Call) -> Reply:
    """Ask for a later expiry: granted at once, or after consent where the profile wants it."""
    request: ExtensionRequest = call.body
    lease = await seen(call)
    grant_id = lease.plan.grant_id
    is_own = Reach.OWN in call.reach and lease.technician.id == call.caller.id
    if not is_own:
        await require_decider(call, lease, lease.beneficiaries)
    late = lease.expires_at is None or call.services.clock() >= lease.expires_at
    if lease.state is not GrantState.ACTIVE or late:
        raise _conflict("Only an active grant can be extended.", grant_id)
    if lease.extension_waits(call.services.clock()):
        raise _conflict("Another extension waits for its approval.", grant_id)
    await _require_extendable(call, lease, request.duration)
    caller = call.caller
    order = ExtendOrder(
        id=new_consent_id(),
        by=Person(id=caller.id, name=caller.name),
        duration=request.duration,
        comment=request.comment,
    )
    await tell(call, lease, EXTEND_EVENT, order)
    emit(
        Event.GRANT_EXTENSION_REQUESTED,
        grant=grant_id,
        tenant=lease.plan.tenant_id,
        actor=caller.id,
    )

    def wish(now: Lease) -> Extension | None:
        return next((each for each in now.extensions if each.id == order.id), None)

    lease = await verdict(
        call, grant_id, lambda now: wish(now) is not None or now.state is not GrantState.ACTIVE
    )
    answered = wish(lease)
    if answered is None and lease.state is GrantState.ACTIVE:
        return accepted(lease)
    if answered is None:
        raise _conflict("The grant was over before it could be extended.", grant_id)
    if answered.state is ExtensionState.REFUSED:
        raise _conflict(answered.refusal or "The extension was refused.", grant_id)
    if answered.state is ExtensionState.AWAITING_APPROVAL:
        return accepted(lease)
    return Reply(GrantView.of(lease))


for _handler in (approve_grant, deny_grant, extend_grant):
    serve(blueprint, _handler)


async def _decide(call: Call, *, approves: bool) -> Reply:
    request: DecisionRequest = call.body
    lease = await seen(call)
    grant_id, caller = lease.plan.grant_id, call.caller
    await require_decider(call, lease, lease.concerned)
    question = _open_question(call, lease)
    if request.approval not in {None, question.id}:
        raise _conflict("Something else waits for consent by now.", grant_id)
    if approves:
        await _require_still_allowed(call, lease)
    order = DecisionOrder(
        id=new_consent_id(),
        about=question.id,
        by=Person(id=caller.id, name=caller.name),
        approves=approves,
        comment=request.comment,
    )
    await _put_down(call, grant_id, order)
    await tell(call, lease, APPROVE_EVENT if approves else DENY_EVENT, order)
    lease = await verdict(call, grant_id, lambda now: _is_answered(now, question, order))
    if _counted(lease, order):
        return Reply(GrantView.of(lease))
    if _is_answered(lease, question, order):
        raise _conflict("It was decided before.", grant_id)
    return accepted(lease)


def _open_question(call: Call, lease: Lease) -> Approval:
    """What the caller may decide.

    Raises:
        Conflict: nothing waits for consent, or he has spoken already.
    """
    caller, plan = call.caller, lease.plan
    question = lease.question
    if question is None or call.services.clock() >= question.deadline:
        raise _conflict("Nothing waits for consent here.", plan.grant_id)
    if caller.id in {decision.by.id for decision in question.decisions}:
        raise _conflict("You have decided already.", plan.grant_id)
    return question


async def _put_down(call: Call, grant_id: str, order: DecisionOrder) -> None:
    """Write a word into the lease, where the workflow looks for it."""

    def speak(lease: Lease) -> Lease:
        if len(lease.words) >= _MOST_WORDS:
            raise _conflict("Too much has been said about this grant.", grant_id)
        return lease.model_copy(update={"words": (*lease.words, order)})

    try:
        await call.services.leases.change(grant_id, speak)
    except Missing as error:
        raise _conflict("The grant is over.", grant_id) from error


async def _require_still_allowed(call: Call, lease: Lease) -> None:
    """Refuse what the settings of now forbid, and what its requester may not ask for any more."""
    wish = lease.pending_extension
    if wish is not None:
        await _require_extendable(call, lease, wish.duration, wish.approval)
        return
    tenant, profile = await _settings(call, lease)
    asker = await standing_of(call.services, lease.technician.id, profile.requesters)
    reasons = decide_again(lease, tenant, profile, groups=asker.groups, begins=_begins(call, lease))
    if reasons := (*asker.refusals, *reasons):
        raise Refused(reasons)


async def _require_extendable(
    call: Call, lease: Lease, duration: timedelta, consent: Approval | None = None
) -> None:
    tenant, profile = await _settings(call, lease)
    asker = await standing_of(call.services, lease.technician.id, profile.requesters)
    reasons = decide_extension(
        lease, duration, tenant, profile, groups=asker.groups, consent=consent
    )
    if reasons := (*asker.refusals, *reasons):
        raise Refused(reasons)


def _begins(call: Call, lease: Lease) -> datetime:
    """When the access would begin, were the consent complete now."""
    now = call.services.clock()
    return max(now, lease.plan.start_at or now)


async def _settings(call: Call, lease: Lease) -> tuple[Tenant, Profile]:
    try:
        return await call.services.tenants.offer(lease.plan.tenant_id, lease.profile)
    except Missing as error:
        reason = "The tenant or the profile has been removed."
        raise Refused((FieldProblem("", reason),)) from error


def _is_answered(lease: Lease, question: Approval, order: DecisionOrder) -> bool:
    still_open = lease.question is not None and lease.question.id == question.id
    return not still_open or _counted(lease, order)


def _counted(lease: Lease, order: DecisionOrder) -> bool:
    asked = (lease.approval, *(wish.approval for wish in lease.extensions))
    return any(word.id == order.id for each in asked if each for word in each.decisions)


def _conflict(detail: str, grant_id: str) -> Conflict:
    return Conflict(detail, link=address(grant_id))

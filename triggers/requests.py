"""Asking for a grant over HTTP: decided, written down with its end, and only then begun."""

import hashlib
import json
from contextlib import suppress

import azure.durable_functions as df

from curfew.entitled import groups_of
from curfew.entitlements import is_among
from curfew.errors import (
    AlreadyExists,
    Conflict,
    FieldProblem,
    InvalidRequest,
    Missing,
    NotFound,
    Refused,
    ServiceError,
    Unavailable,
)
from curfew.events import Event, emit
from curfew.giving.limiting import stays_within_limit
from curfew.guards import require_staying
from curfew.ids import new_consent_id, new_grant_id, repeatable_grant_id
from curfew.model.approvals import Approval, Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.decisions import DecisionView
from curfew.model.grants import PROVISIONING_LIMIT, GrantRequest, GrantState, Lease, Plan
from curfew.model.profiles import GrantKind, Profile
from curfew.model.tenants import Tenant
from curfew.policy import HELD, USED, Decision, too_many
from triggers.deciding import Considered, consider
from triggers.edge import Call, Reply, serve
from triggers.sharing import accepted, address

blueprint = df.Blueprint()

_KEY = "idempotency-key"
_LONGEST_KEY = 200


async def request_grant(call: Call) -> Reply:
    """Decide, write the lease and the claim, count, start the workflow; in this order.

    Of simultaneous requests for one account exactly one writes the claim; the others get 409
    with the address of the grant that has it. The same `Idempotency-Key` with the same body gets
    the same grant. A dry run ends with the decision, and leaves nothing but an event.
    """
    request: GrantRequest = call.body
    grant_id = _grant_id(call, request.tenant)
    digest = _digest(request)
    known = await _known(call, grant_id)
    if known is not None and known.request_digest == digest:
        return await _repeated(call, known)

    tenant, profile, groups = await _offer(call, request)
    considered = await consider(call, tenant, profile, groups=groups, key_used=known is not None)
    if not considered.decision.allowed and known is None:
        # What stands in the way may be the grant that a repetition has just made.
        known = await _known(call, grant_id)
        if known is not None and known.request_digest == digest:
            return await _repeated(call, known)
    if call.query.dry_run:
        return _tried(call, considered.view())
    if considered.decision.refusals:
        await _note_refusal(call, grant_id, considered.decision.reasons)
    considered.require()
    lease = _new_lease(call, grant_id, considered, digest)
    if made := await _written(call, lease):
        return await _repeated(call, made)
    return await _begun(call, lease)


serve(blueprint, request_grant)


async def _written(call: Call, lease: Lease) -> Lease | None:
    """Write a lease and its claim; answers the grant that this very request has made meanwhile.

    Raises:
        Conflict: another request for the account was quicker.
        Refused: the Idempotency-Key was used for another request meanwhile.
    """
    leases, plan = call.services.leases, lease.plan
    try:
        await leases.open(lease)
    except Unavailable:
        # It may have been written, and nobody would work for it.
        with suppress(ServiceError):
            await leases.withdraw(lease)
        raise
    except AlreadyExists as error:
        known = await _known(call, plan.grant_id)
        if known is None:
            holder = await leases.holder(plan.tenant_id, plan.user_principal_name)
            raise Conflict(HELD, link=address(holder) if holder else None) from error
        if known.request_digest != lease.request_digest:
            raise Refused((FieldProblem("Idempotency-Key", USED),)) from error
        return known
    return None


async def _begun(call: Call, lease: Lease) -> Reply:
    """Count the technician's grants, now that this one is among them, and start the workflow."""
    services, plan = call.services, lease.plan
    try:
        await _count(call, lease)
    except ServiceError:
        await services.leases.withdraw(lease)
        raise
    try:
        await call.workflows.start(plan)
    except AlreadyExists:
        # A repetition of this very request found the lease and was quicker.
        return accepted(lease)
    except ServiceError:
        # Without its lease a workflow that was started all the same gives nothing. A request that
        # can be repeated keeps it: a workflow that is already at work would take the repetition's
        # lease for the one that it has missed, and end it. Nobody repeats it: it ends by itself.
        if _KEY not in call.headers:
            await services.leases.withdraw(lease)
        raise
    emit(
        Event.GRANT_REQUESTED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        actor=call.caller.id,
        profile=lease.profile,
    )
    return accepted(lease)


async def _count(call: Call, lease: Lease) -> None:
    """Let a lease stay that its tenant and the limit have room for, and put it on record.

    Raises:
        Conflict: the tenant leaves; the lease is withdrawn.
        Refused: others that were asked for in the same moment leave no room for this one, which is
            withdrawn.
    """
    services = call.services
    await require_staying(services, lease)
    if not await stays_within_limit(services, lease):
        await services.leases.withdraw(lease)
        reasons = (FieldProblem("", too_many(services.settings.max_live_grants)),)
        await _note_refusal(call, lease.plan.grant_id, reasons)
        raise Refused(reasons)
    await services.audit.append(_requested(lease))


def _requested(lease: Lease) -> AuditEntry:
    plan = lease.plan
    asked = {
        "profile": lease.profile,
        "duration": plan.to_json()["duration"],
        "startAt": plan.to_json()["startAt"],
        "roles": [role.name for role in plan.roles],
        "groups": [group.name for group in plan.groups],
        "subject": plan.account_id if plan.kind is GrantKind.ROLE else None,
    }
    return AuditEntry.of_grant(
        lease,
        Action.GRANT_REQUESTED,
        actor=lease.technician,
        reason=lease.justification,
        after={name: value for name, value in asked.items() if value},
    )


def _tried(call: Call, view: DecisionView) -> Reply:
    emit(
        Event.GRANT_TRIED,
        tenant=view.tenant,
        actor=call.caller.id,
        profile=view.profile,
        allowed=view.allowed,
    )
    return Reply(view)


async def _note_refusal(call: Call, grant_id: str, reasons: tuple[FieldProblem, ...]) -> None:
    request: GrantRequest = call.body
    entry = AuditEntry(
        key=f"{grant_id}:{Action.GRANT_REFUSED}:{new_consent_id()}",
        tenant=request.tenant,
        action=Action.GRANT_REFUSED,
        target=request.profile,
        actor=Person(id=call.caller.id, name=call.caller.name),
        reason=" ".join(reason.detail for reason in reasons),
        ticket=request.ticket,
    )
    await call.services.audit.note(entry)


async def _offer(call: Call, request: GrantRequest) -> tuple[Tenant, Profile, frozenset[str]]:
    """What is asked for, and the caller's groups in its audience.

    Raises:
        NotFound: there is no such thing, or none for this caller: he is not told which.
    """
    message = "There is no such tenant or profile."
    try:
        tenant, profile = await call.services.tenants.offer(request.tenant, request.profile)
    except Missing as error:
        raise NotFound(message) from error
    groups = await groups_of(call.services, call.caller, profile.requesters)
    if not is_among(profile.requesters, call.caller.id, groups):
        raise NotFound(message)
    return tenant, profile, groups


def _new_lease(call: Call, grant_id: str, considered: Considered, digest: str) -> Lease:
    """The lease of what was decided: nothing in it is decided here."""
    request: GrantRequest = call.body
    caller, decision, named = call.caller, considered.decision, considered.named
    tenant, profile, now = considered.tenant, considered.profile, considered.decision.decided_at
    is_role_grant = profile.kind is GrantKind.ROLE
    question = _question(decision)
    state, deadline = GrantState.PROVISIONING, now + PROVISIONING_LIMIT
    if question is not None:
        state, deadline = GrantState.AWAITING_APPROVAL, question.deadline
    elif request.start_at is not None:
        state, deadline = GrantState.SCHEDULED, decision.starts_at + PROVISIONING_LIMIT
    subject_name = named.user_principal_name if named else ""
    plan = Plan(
        grant_id=grant_id,
        tenant_id=tenant.id,
        cloud=tenant.cloud,
        connection=tenant.connection,
        technician_id=caller.id,
        user_principal_name=subject_name if is_role_grant else decision.user_principal_name,
        display_name="" if is_role_grant else f"{caller.name} (Curfew)"[:256],
        mark=considered.mark,
        account_id=considered.account_id,
        roles=decision.roles,
        groups=decision.groups,
        role_mode=profile.role_mode,
        ending_mode=profile.ending,
        credential=decision.credential,
        duration=decision.duration,
        provision_by=now + PROVISIONING_LIMIT,
        kind=profile.kind,
        justification=request.justification,
        ticket=request.ticket,
        approval=question,
        start_at=request.start_at,
        max_reveals=profile.most_reveals,
    )
    return Lease(
        plan=plan,
        state=state,
        tenant_name=named.tenant if named else tenant.display_name,
        profile=profile.name,
        kind=profile.kind,
        technician=Person(id=caller.id, name=caller.name),
        subject_name=named.subject if named else "",
        justification=request.justification,
        ticket=request.ticket,
        # A grant of tomorrow must not keep its technician from one of today.
        claimed=not is_role_grant and request.start_at is None,
        approval=question,
        request_digest=digest,
        requested_at=now,
        deadline=deadline,
    )


def _question(decision: Decision) -> Approval | None:
    consent = decision.consent
    if consent is None:
        return None
    return Approval(id=new_consent_id(), needed=consent.needed, deadline=consent.deadline)


async def _known(call: Call, grant_id: str) -> Lease | None:
    """The grant that this caller's `Idempotency-Key` has made before, if it has."""
    if _KEY not in call.headers:
        return None
    try:
        return await call.services.leases.find(grant_id)
    except Missing:
        return None


async def _repeated(call: Call, lease: Lease) -> Reply:
    """The answer to a request that has made its grant already."""
    if call.query.dry_run:
        return _tried(call, DecisionView.repeating(lease))
    begins = lease.state.unopened or lease.state is GrantState.PROVISIONING
    if begins and call.services.clock() < lease.deadline:
        # The first request may have died between the lease and the workflow. What the trail tells
        # of was counted; what it does not is not begun before it is counted and on record.
        if not await call.services.audit.knows(lease.plan.tenant_id, [_requested(lease).key]):
            await _count(call, lease)
        with suppress(AlreadyExists):
            await call.workflows.start(lease.plan)
    return accepted(lease)


def _grant_id(call: Call, tenant_id: str) -> str:
    key = call.headers.get(_KEY)
    if key is None:
        return new_grant_id(tenant_id)
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        problem = FieldProblem("Idempotency-Key", f"must have 1 to {_LONGEST_KEY} characters")
        message = "The header is not well-formed."
        raise InvalidRequest(message, (problem,))
    return repeatable_grant_id(tenant_id, call.caller.id, key)


def _digest(request: GrantRequest) -> str:
    return hashlib.sha256(json.dumps(request.to_json(), sort_keys=True).encode()).hexdigest()

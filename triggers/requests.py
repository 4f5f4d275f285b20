"""Asking for a grant over HTTP: decided, written down with its end, and only then begun."""

import hashlib
import json
from contextlib import suppress

import azure.durable_functions as df

from curfew.concurrency import together
from curfew.entitled import groups_of
from curfew.entitlements import is_among
from curfew.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    FieldProblem,
    InvalidRequest,
    Missing,
    NotFound,
    Refused,
    ServiceError,
    Unavailable,
)
from curfew.events import Event, emit
from curfew.guards import require_staying
from curfew.ids import new_consent_id, new_grant_id, new_mark, repeatable_grant_id
from curfew.model.approvals import Approval, Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import PROVISIONING_LIMIT, GrantRequest, GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind, GrantKind, Group, Profile, Role
from curfew.model.tenants import Tenant
from curfew.policy import Decision, decide
from triggers.edge import Call, Reply, serve
from triggers.sharing import accepted, address

blueprint = df.Blueprint()

_LONGEST_KEY = 200


async def request_grant(call: Call) -> Reply:
    """Decide, write the lease and the claim, start the workflow; in this order.

    Of simultaneous requests for one account exactly one writes the claim; the others get 409
    with the address of the grant that has it. The same `Idempotency-Key` with the same body gets
    the same grant.
    """
    request: GrantRequest = call.body
    services, caller = call.services, call.caller
    grant_id = _grant_id(call, request.tenant)
    digest = _digest(request)
    if repeated := await _repeated(call, grant_id, digest):
        return await _accepted_again(call, repeated)

    tenant, profile, groups = await _offer(call, request)
    decision = decide(request, caller, tenant, profile, groups=groups, now=services.clock())
    if not decision.allowed:
        await _note_refusal(call, grant_id, tenant, decision)
        raise Refused(decision.refusals)
    lease = await _new_lease(call, grant_id, tenant, profile, decision)
    lease = lease.model_copy(update={"request_digest": digest})
    if lease.approval is not None:
        lease = await _as_approvers_see_it(call, lease)
    try:
        await services.leases.open(lease)
    except Unavailable:
        # It may have been written, and nobody would work for it.
        with suppress(ServiceError):
            await services.leases.withdraw(lease)
        raise
    except AlreadyExists as error:
        if repeated := await _repeated(call, grant_id, digest):
            return await _accepted_again(call, repeated)
        holder = await services.leases.holder(tenant.id, decision.user_principal_name)
        message = "You have a live grant for this account already."
        raise Conflict(message, link=address(holder) if holder else None) from error
    await require_staying(services, lease)
    try:
        await services.audit.append(_requested(lease))
        await call.workflows.start(lease.plan)
    except AlreadyExists:
        # A repetition of this very request found the lease and was quicker.
        return accepted(lease)
    except ServiceError:
        # Without its lease a workflow that was started all the same gives nothing.
        await services.leases.withdraw(lease)
        raise
    emit(
        Event.GRANT_REQUESTED,
        grant=grant_id,
        tenant=tenant.id,
        actor=caller.id,
        profile=profile.name,
    )
    return accepted(lease)


serve(blueprint, request_grant)


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


async def _note_refusal(call: Call, grant_id: str, tenant: Tenant, decision: Decision) -> None:
    request: GrantRequest = call.body
    entry = AuditEntry(
        key=f"{grant_id}:{Action.GRANT_REFUSED}:{new_consent_id()}",
        tenant=tenant.id,
        action=Action.GRANT_REFUSED,
        target=request.profile,
        actor=Person(id=call.caller.id, name=call.caller.name),
        reason=" ".join(refusal.detail for refusal in decision.refusals),
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


async def _new_lease(
    call: Call, grant_id: str, tenant: Tenant, profile: Profile, decision: Decision
) -> Lease:
    request: GrantRequest = call.body
    caller, now = call.caller, call.services.clock()
    is_role_grant = profile.kind is GrantKind.ROLE
    account_id, mark = decision.subject, ""
    if not is_role_grant:
        account_id, mark = await _account(call, tenant, decision.user_principal_name)
    question = _question(call, profile)
    starts = request.start_at or now
    state, deadline = GrantState.PROVISIONING, now + PROVISIONING_LIMIT
    if question is not None:
        state, deadline = GrantState.AWAITING_APPROVAL, question.deadline
    elif request.start_at is not None:
        state, deadline = GrantState.SCHEDULED, starts + PROVISIONING_LIMIT
    plan = Plan(
        grant_id=grant_id,
        tenant_id=tenant.id,
        cloud=tenant.cloud,
        connection=tenant.connection,
        technician_id=caller.id,
        user_principal_name=decision.user_principal_name,
        display_name="" if is_role_grant else f"{caller.name} (Curfew)"[:256],
        mark=mark,
        account_id=account_id,
        roles=profile.named_roles,
        groups=profile.named_groups,
        role_mode=profile.role_mode,
        ending_mode=profile.ending,
        credential=CredentialKind.NONE if is_role_grant else profile.credential,
        duration=decision.duration,
        provision_by=now + PROVISIONING_LIMIT,
        kind=profile.kind,
        justification=request.justification,
        ticket=request.ticket,
        approval=question,
        start_at=request.start_at,
    )
    return Lease(
        plan=plan,
        state=state,
        tenant_name=tenant.display_name,
        profile=profile.name,
        kind=profile.kind,
        technician=Person(id=caller.id, name=caller.name),
        justification=request.justification,
        ticket=request.ticket,
        # A grant of tomorrow must not keep its technician from one of today.
        claimed=not is_role_grant and request.start_at is None,
        approval=question,
        requested_at=now,
        deadline=deadline,
    )


async def _account(call: Call, tenant: Tenant, name: str) -> tuple[str | None, str]:
    """The technician's account as recorded, and the mark that it bears or will bear."""
    account = await call.services.accounts.find(tenant.id, name)
    if account is None:
        return None, new_mark()
    if account.technician_id != call.caller.id:
        message = f"The account {name} belongs to another technician."
        raise Conflict(message)
    return account.account_id, account.mark or new_mark()


def _question(call: Call, profile: Profile) -> Approval | None:
    if not profile.approvals:
        return None
    deadline = call.services.clock() + profile.approval_deadline
    return Approval(id=new_consent_id(), needed=profile.approvals, deadline=deadline)


async def _as_approvers_see_it(call: Call, lease: Lease) -> Lease:
    """The lease with the names that the directory gives, so that nobody consents to a label.

    Raises:
        Refused: the directory does not know what is asked for, or does not let Curfew in.
    """
    plan = lease.plan
    directory = call.services.directory_of(plan)
    try:
        organization, role_names, groups = await together(
            directory.facts.organization_name(),
            directory.facts.role_names(),
            directory.facts.groups([group.id for group in plan.groups]),
        )
        subject = None
        if plan.kind is GrantKind.ROLE and plan.account_id is not None:
            subject = await directory.accounts.get(plan.account_id)
        roles = tuple(Role(id=role.id, name=role_names[role.id]) for role in plan.roles)
        named = tuple(Group(id=group.id, name=groups[group.id].name) for group in plan.groups)
    except (Missing, Denied, KeyError) as error:
        reason = "The directory does not show all that is asked for."
        raise Refused((FieldProblem("", reason),)) from error
    changes: dict[str, object] = {"roles": roles, "groups": named}
    if subject is not None:
        changes["user_principal_name"] = subject.user_principal_name
    return lease.model_copy(
        update={
            "tenant_name": organization,
            "subject_name": subject.display_name if subject else "",
            "plan": plan.model_copy(update=changes),
        }
    )


async def _repeated(call: Call, grant_id: str, digest: str) -> Lease | None:
    """The grant that this very request made before, if it did."""
    if "idempotency-key" not in call.headers:
        return None
    try:
        lease = await call.services.leases.find(grant_id)
    except Missing:
        return None
    if lease.request_digest != digest:
        message = "This Idempotency-Key was used for another request."
        raise Refused((FieldProblem("Idempotency-Key", message),))
    return lease


async def _accepted_again(call: Call, lease: Lease) -> Reply:
    begins = lease.state.unopened or lease.state is GrantState.PROVISIONING
    if begins and call.services.clock() < lease.deadline:
        # The first request may have died between the lease and the workflow.
        try:
            await call.workflows.start(lease.plan)
        except AlreadyExists:
            return accepted(lease)
    return accepted(lease)


def _grant_id(call: Call, tenant_id: str) -> str:
    key = call.headers.get("idempotency-key")
    if key is None:
        return new_grant_id(tenant_id)
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        problem = FieldProblem("Idempotency-Key", f"must have 1 to {_LONGEST_KEY} characters")
        message = "The header is not well-formed."
        raise InvalidRequest(message, (problem,))
    return repeatable_grant_id(tenant_id, call.caller.id, key)


def _digest(request: GrantRequest) -> str:
    return hashlib.sha256(json.dumps(request.to_json(), sort_keys=True).encode()).hexdigest()

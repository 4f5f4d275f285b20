"""Grants over HTTP: ask, look, end, and take the credential."""

import hashlib
import json
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

import azure.durable_functions as df

from curfew.callers import AppRole, Caller
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
from curfew.ids import new_grant_id, new_mark, repeatable_grant_id
from curfew.model.grants import (
    PROVISIONING_LIMIT,
    CredentialView,
    EndReason,
    GrantPage,
    GrantRequest,
    GrantState,
    GrantView,
    Lease,
    Person,
    Plan,
    SecretVersion,
)
from curfew.model.messages import EndOrder
from curfew.model.tenants import Profile, Tenant
from curfew.policy import Decision, decide
from triggers.edge import Call, Reply, serve
from triggers.queries import Bookmark, GrantListQuery

blueprint = df.Blueprint()

_OVERSEERS = frozenset(AppRole) - {AppRole.TECHNICIAN}
_MAY_END_ANY = frozenset({AppRole.APPROVER, AppRole.ADMINISTRATOR, AppRole.INTEGRATION})
_LONGEST_KEY = 200
_POLL_AFTER = {"Retry-After": "3"}


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

    tenant, profile = await _offer(call, request)
    decision = decide(request, caller, tenant, profile)
    if not decision.allowed:
        raise Refused(decision.refusals)
    lease = await _new_lease(call, grant_id, tenant, profile, decision)
    lease = lease.model_copy(update={"request_digest": digest})
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
        raise Conflict(message, link=_address(holder) if holder else None) from error
    try:
        await call.workflows.start(lease.plan)
    except AlreadyExists:
        # A repetition of this very request found the lease and was quicker.
        return _accepted(lease)
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
    return _accepted(lease)


async def list_grants(call: Call) -> Reply:
    """The live grants first, then those that are over; technicians see their own."""
    from curfew.ledger.leases import LEASES, GrantQuery

    wanted: GrantListQuery = call.query
    technician = wanted.technician if _oversees(call.caller) else call.caller.id
    bookmark = Bookmark.from_token(wanted.after) if wanted.after else Bookmark(table=LEASES)
    found = await call.services.leases.page(
        GrantQuery(tenant=wanted.tenant, technician=technician, state=wanted.state),
        size=wanted.page_size,
        table=bookmark.table,
        continuation=bookmark.continuation or None,
    )
    next_link = None
    if found.continuation is not None:
        after = Bookmark(table=found.table, continuation=found.continuation)
        query = wanted.model_copy(update={"after": after.to_token()}).to_json()
        shown = {name: value for name, value in query.items() if value is not None}
        next_link = f"/api/grants?{urlencode(shown)}"
    views = tuple(GrantView.of(lease) for lease in found.leases)
    return Reply(GrantPage(value=views, next_link=next_link))


async def read_grant(call: Call) -> Reply:
    """A grant that the caller may see."""
    lease = await _seen(call, visible_to=_OVERSEERS)
    return Reply(GrantView.of(lease))


async def end_grant(call: Call) -> Reply:
    """Tell a grant to end. It is never refused to who may, and saying it again changes nothing."""
    lease = await _seen(call, visible_to=_MAY_END_ANY)
    if lease.state is GrantState.ENDED:
        return Reply(GrantView.of(lease))
    caller = call.caller
    order = EndOrder(
        reason=_end_reason(caller, lease),
        by=Person(id=caller.id, name=caller.name),
        remark=call.body.reason,
    )
    await call.workflows.end(lease.plan, order)
    emit(
        Event.GRANT_END_REQUESTED,
        grant=lease.plan.grant_id,
        tenant=lease.plan.tenant_id,
        actor=caller.id,
        reason=order.reason,
    )
    return _accepted(lease)


async def reveal_credential(call: Call) -> Reply:
    """The credential of an active grant, to its requester and to nobody else."""
    lease = await _seen(call, visible_to=frozenset())
    plan = lease.plan
    expires_at = lease.expires_at
    active = lease.state is GrantState.ACTIVE and expires_at is not None
    if not active or expires_at is None or call.services.clock() >= expires_at:
        message = "The credential can be seen only while the grant is active."
        raise Conflict(message, link=_address(plan.grant_id))
    password = await _value(call, lease.handover.password)
    temporary_access_pass = await _value(call, lease.handover.temporary_access_pass)
    emit(
        Event.CREDENTIAL_REVEALED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        actor=call.caller.id,
    )
    return Reply(
        CredentialView(
            user_principal_name=plan.user_principal_name,
            password=password,
            temporary_access_pass=temporary_access_pass,
            sign_in_address=call.services.settings.cloud.portal,
            expires_at=expires_at,
        )
    )


for _handler in (request_grant, list_grants, read_grant, end_grant, reveal_credential):
    serve(blueprint, _handler)


async def _offer(call: Call, request: GrantRequest) -> tuple[Tenant, Profile]:
    try:
        tenant = await call.services.tenants.get(request.tenant)
        return tenant, await call.services.tenants.profile(request.tenant, request.profile)
    except Missing as error:
        message = "There is no such tenant or profile."
        raise NotFound(message) from error


async def _new_lease(
    call: Call, grant_id: str, tenant: Tenant, profile: Profile, decision: Decision
) -> Lease:
    request: GrantRequest = call.body
    caller, now = call.caller, call.services.clock()
    name = decision.user_principal_name
    account = await call.services.accounts.find(tenant.id, name)
    if account is not None and account.technician_id != caller.id:
        message = f"The account {name} belongs to another technician."
        raise Conflict(message)
    provision_by = now + PROVISIONING_LIMIT
    plan = Plan(
        grant_id=grant_id,
        tenant_id=tenant.id,
        cloud=tenant.cloud,
        connection=tenant.connection,
        technician_id=caller.id,
        user_principal_name=name,
        display_name=f"{caller.name} (Curfew)"[:256],
        mark=account.mark if account and account.mark else new_mark(),
        account_id=account.account_id if account else None,
        roles=profile.named_roles,
        credential=profile.credential,
        duration=decision.duration,
        provision_by=provision_by,
    )
    return Lease(
        plan=plan,
        tenant_name=tenant.display_name,
        profile=profile.name,
        kind=request.kind,
        technician=Person(id=caller.id, name=caller.name),
        justification=request.justification,
        ticket=request.ticket,
        requested_at=now,
        deadline=provision_by + decision.duration,
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
    too_late = call.services.clock() >= lease.plan.provision_by
    if lease.state is GrantState.PROVISIONING and not too_late:
        # The first request may have died between the lease and the workflow.
        try:
            await call.workflows.start(lease.plan)
        except AlreadyExists:
            return _accepted(lease)
    return _accepted(lease)


def _accepted(lease: Lease) -> Reply:
    headers = {"Location": _address(lease.plan.grant_id), **_POLL_AFTER}
    return Reply(GrantView.of(lease), HTTPStatus.ACCEPTED, headers)


async def _seen(call: Call, *, visible_to: frozenset[AppRole]) -> Lease:
    """A grant of the caller's own, or any grant for these roles. Others do not exist for him."""
    message = "There is no such grant."
    try:
        lease = await call.services.leases.find(call.path["grantId"])
    except Missing as error:
        raise NotFound(message) from error
    if lease.technician.id != call.caller.id and not call.caller.roles & visible_to:
        raise NotFound(message)
    return lease


def _oversees(caller: Caller) -> bool:
    return bool(caller.roles & _OVERSEERS)


def _end_reason(caller: Caller, lease: Lease) -> EndReason:
    if caller.id == lease.technician.id:
        return EndReason.RETURNED
    return EndReason.TICKET_CLOSED if caller.is_application else EndReason.REVOKED


async def _value(call: Call, secret: SecretVersion | None) -> str | None:
    if secret is None:
        return None
    return (await call.services.vault.read(secret.name, secret.version)).get_secret_value()


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


def _address(grant_id: str) -> str:
    return f"/api/grants/{grant_id}"

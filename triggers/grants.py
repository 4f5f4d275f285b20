"""Grants over HTTP: look, end, and take the credential."""

import azure.durable_functions as df

from curfew.callers import Caller
from curfew.errors import Conflict
from curfew.events import Event, emit
from curfew.ids import new_consent_id
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import (
    CredentialView,
    EndReason,
    GrantPage,
    GrantState,
    GrantView,
    Lease,
    SecretVersion,
)
from curfew.model.messages import EndOrder
from curfew.model.profiles import CredentialKind
from triggers.edge import Call, Reply, serve
from triggers.operations import Reach
from triggers.queries import Bookmark, GrantListQuery, next_link
from triggers.sharing import accepted, address, seen

blueprint = df.Blueprint()


async def list_grants(call: Call) -> Reply:
    """The live grants first, then those that are over; technicians see their own."""
    from curfew.ledger.leases import LEASES, GrantQuery

    wanted: GrantListQuery = call.query
    technician = wanted.technician if Reach.ALL in call.reach else call.caller.id
    bookmark = Bookmark.from_token(wanted.after) if wanted.after else Bookmark(table=LEASES)
    found = await call.services.leases.page(
        GrantQuery(tenant=wanted.tenant, technician=technician, state=wanted.state),
        size=wanted.page_size,
        table=bookmark.table,
        continuation=bookmark.continuation or None,
    )
    link = None
    if found.continuation is not None:
        place = Bookmark(table=found.table, continuation=found.continuation)
        link = next_link("/api/grants", wanted, place)
    without_report = [lease.model_copy(update={"report": None}) for lease in found.leases]
    views = tuple(GrantView.of(lease) for lease in without_report)
    return Reply(GrantPage(value=views, next_link=link))


async def read_grant(call: Call) -> Reply:
    """A grant that the caller may see."""
    lease = await seen(call)
    return Reply(GrantView.of(lease))


async def end_grant(call: Call) -> Reply:
    """Tell a grant to end. It is never refused to who may, and saying it again changes nothing."""
    lease = await seen(call)
    if lease.state.over:
        return Reply(GrantView.of(lease))
    caller = call.caller
    order = EndOrder(
        reason=_end_reason(caller, lease),
        by=Person(id=caller.id, name=caller.name),
        remark=call.body.reason,
    )
    await call.workflows.end(lease.plan, order)
    entry = AuditEntry.of_grant(
        lease,
        Action.GRANT_END_REQUESTED,
        mark=new_consent_id(),
        actor=order.by,
        reason=order.remark,
    )
    await call.services.audit.note(entry)
    emit(
        Event.GRANT_END_REQUESTED,
        grant=lease.plan.grant_id,
        tenant=lease.plan.tenant_id,
        actor=caller.id,
        reason=order.reason,
    )
    return accepted(lease)


async def reveal_credential(call: Call) -> Reply:
    """The credential of an active grant, to its requester and to nobody else."""
    lease = await seen(call)
    plan = lease.plan
    expires_at = lease.expires_at
    if plan.credential is CredentialKind.NONE:
        message = "A role grant has no credential: its user has one of his own."
        raise Conflict(message, link=address(plan.grant_id))
    active = lease.state is GrantState.ACTIVE and expires_at is not None
    if not active or expires_at is None or call.services.clock() >= expires_at:
        message = "The credential can be seen only while the grant is active."
        raise Conflict(message, link=address(plan.grant_id))
    caller = call.caller
    # On record before it is told: a reveal that nobody can prove is none.
    entry = AuditEntry.of_grant(
        lease,
        Action.CREDENTIAL_REVEALED,
        mark=new_consent_id(),
        actor=Person(id=caller.id, name=caller.name),
    )
    await call.services.audit.append(entry)
    password = await _value(call, lease.handover.password)
    temporary_access_pass = await _value(call, lease.handover.temporary_access_pass)
    emit(
        Event.CREDENTIAL_REVEALED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        actor=caller.id,
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


for _handler in (list_grants, read_grant, end_grant, reveal_credential):
    serve(blueprint, _handler)


def _end_reason(caller: Caller, lease: Lease) -> EndReason:
    if caller.id == lease.technician.id:
        return EndReason.RETURNED
    return EndReason.TICKET_CLOSED if caller.is_application else EndReason.REVOKED


async def _value(call: Call, secret: SecretVersion | None) -> str | None:
    if secret is None:
        return None
    return (await call.services.vault.read(secret.name, secret.version)).get_secret_value()

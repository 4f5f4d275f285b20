"""Grants over HTTP: look, and end."""

import azure.durable_functions as df

from curfew.callers import Caller
from curfew.events import Event, emit
from curfew.ids import new_consent_id
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import EndReason, GrantPage, GrantView, Lease
from curfew.model.messages import EndOrder
from triggers.edge import Call, Reply, serve
from triggers.operation import Reach
from triggers.queries import Bookmark, GrantListQuery, next_link
from triggers.sharing import accepted, seen

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


for _handler in (list_grants, read_grant, end_grant):
    serve(blueprint, _handler)


def _end_reason(caller: Caller, lease: Lease) -> EndReason:
    if caller.id == lease.technician.id:
        return EndReason.RETURNED
    return EndReason.TICKET_CLOSED if caller.is_application else EndReason.REVOKED

"""The audit trail over HTTP, for auditors and administrators. It can be read and nothing else."""

import azure.durable_functions as df

from curfew.model.audit import AuditPage
from triggers.edge import Call, Reply, serve
from triggers.queries import AuditListQuery, Place, next_link

blueprint = df.Blueprint()


async def list_audit(call: Call) -> Reply:
    """A page of the trail: by tenant, in each the oldest event first."""
    from curfew.ledger import AuditQuery

    wanted: AuditListQuery = call.query
    place = Place.from_token(wanted.after) if wanted.after else Place()
    found = await call.services.audit.events(
        AuditQuery(
            tenant=wanted.tenant,
            grant=wanted.grant,
            action=wanted.action,
            actor=wanted.actor,
            since=wanted.since,
            until=wanted.until,
        ),
        size=wanted.page_size,
        continuation=place.continuation or None,
    )
    link = None
    if found.continuation:
        link = next_link("/api/audit", wanted, Place(continuation=found.continuation))
    page = AuditPage(value=found.events, unreadable=found.unreadable, next_link=link)
    return Reply(page)


serve(blueprint, list_audit)

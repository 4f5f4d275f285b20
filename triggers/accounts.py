"""Accounts on record over HTTP: which are suspicious, and which an administrator has taken over."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import azure.durable_functions as df
from pydantic import TypeAdapter, ValidationError

from curfew.errors import Conflict, Missing, NotFound
from curfew.events import Event, emit
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.base import Guid
from curfew.model.sweeps import AccountPage, AccountView, AdoptionRequest
from triggers.edge import Call, Reply, serve
from triggers.sharing import address

if TYPE_CHECKING:
    from curfew.ledger import AccountRecord

blueprint = df.Blueprint()

_GUID: TypeAdapter[str] = TypeAdapter(Guid)
_RELEASED = {"adopted_by": None, "adopted_at": None, "adoption_reason": None}


async def list_accounts(call: Call) -> Reply:
    """Every account on record in a tenant, with what the watch says of it."""
    tenant_id = await _tenant_id(call)
    records = [record async for record in call.services.accounts.of_tenant(tenant_id)]
    return Reply(AccountPage(value=tuple(_view(record) for record in records)))


async def adopt_account(call: Call) -> Reply:
    """Put an account out of Curfew's hands: the watch leaves it alone, and no grant wakes it.

    Not while a grant has it: that one's end would take it back all the same. One that takes it
    while this is written down is seen afterwards, and the account is released again.
    """
    tenant_id = await _tenant_id(call)
    record = await _record(call, tenant_id)
    services = call.services
    await _require_free(call, tenant_id, record)
    request: AdoptionRequest = call.body
    adopted = {
        "adopted_by": Person(id=call.caller.id, name=call.caller.name),
        "adopted_at": services.clock(),
        "adoption_reason": request.reason,
        "suspected_since": None,
        "suspicions": (),
    }
    reply = await _change(call, tenant_id, record, adopted, Event.ACCOUNT_ADOPTED)
    try:
        await _require_free(call, tenant_id, record)
    except Conflict:
        await _change(call, tenant_id, record, _RELEASED, Event.ACCOUNT_RELEASED)
        raise
    return reply


async def release_account(call: Call) -> Reply:
    """Put an account back into Curfew's hands. One that was never out of them stays as it is."""
    tenant_id = await _tenant_id(call)
    record = await _record(call, tenant_id)
    if record.adopted_by is None:
        return Reply(_view(record))
    return await _change(call, tenant_id, record, _RELEASED, Event.ACCOUNT_RELEASED)


for _handler in (list_accounts, adopt_account, release_account):
    serve(blueprint, _handler)


async def _change(
    call: Call,
    tenant_id: str,
    record: "AccountRecord",
    changes: Mapping[str, object],
    event: Event,
) -> Reply:
    """Write it into the audit trail, then into the record."""
    services, now = call.services, call.services.clock()
    request: AdoptionRequest = call.body
    adopts = event is Event.ACCOUNT_ADOPTED
    action = Action.ACCOUNT_ADOPTED if adopts else Action.ACCOUNT_RELEASED
    await services.audit.append(
        AuditEntry(
            key=f"{record.account_id}:{action}:{now.isoformat()}",
            tenant=tenant_id,
            action=action,
            target=record.user_principal_name,
            actor=Person(id=call.caller.id, name=call.caller.name),
            reason=request.reason,
        )
    )
    changed = await services.accounts.change(
        tenant_id, record.user_principal_name, lambda known: known.model_copy(update=changes)
    )
    emit(event, tenant=tenant_id, account=record.account_id, actor=call.caller.id)
    return Reply(_view(changed))


async def _require_free(call: Call, tenant_id: str, record: "AccountRecord") -> None:
    holder = await call.services.leases.holder(tenant_id, record.user_principal_name)
    if holder:
        message = "A grant has the account. End it first."
        raise Conflict(message, link=address(holder))


async def _tenant_id(call: Call) -> str:
    tenant_id = _guid(call, "tenantId")
    try:
        await call.services.tenants.get(tenant_id)
    except Missing as error:
        message = "There is no such tenant."
        raise NotFound(message) from error
    return tenant_id


async def _record(call: Call, tenant_id: str) -> "AccountRecord":
    record = await call.services.accounts.by_id(tenant_id, _guid(call, "accountId"))
    if record is None:
        message = "There is no such account on record."
        raise NotFound(message)
    return record


def _guid(call: Call, name: str) -> str:
    try:
        return _GUID.validate_python(call.path[name])
    except ValidationError:
        message = "There is nothing under this address."
        raise NotFound(message) from None


def _view(record: "AccountRecord") -> AccountView:
    return AccountView(
        id=record.account_id,
        user_principal_name=record.user_principal_name,
        technician=record.technician_id,
        last_ended_at=record.last_ended_at,
        suspected_since=record.suspected_since,
        suspicions=record.suspicions,
        adopted_by=record.adopted_by,
        adopted_at=record.adopted_at,
        adoption_reason=record.adoption_reason,
    )

"""What the handlers of settings share: addresses, versions, refusals, and what goes on record."""

from collections.abc import Awaitable
from http import HTTPStatus

from pydantic import TypeAdapter, ValidationError

from curfew.errors import (
    Denied,
    FieldProblem,
    Missing,
    NotFound,
    PreconditionFailed,
    Refused,
)
from curfew.events import Event, emit
from curfew.ids import new_consent_id
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.base import Guid, ProfileName
from curfew.model.profiles import Profile, ProfileSettings, ProfileView
from curfew.model.tenants import Tenant, TenantSettings, TenantView
from triggers.edge import Call, Reply

_GUID: TypeAdapter[str] = TypeAdapter(Guid)
_NAME: TypeAdapter[str] = TypeAdapter(ProfileName)


def tenant_id_of(call: Call) -> str:
    """The tenant id in the address."""
    return _path(_GUID, call.path["tenantId"])


def profile_name_of(call: Call) -> str:
    """The profile's name in the address."""
    return _path(_NAME, call.path["profileName"])


def _path(adapter: TypeAdapter[str], value: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        message = "There is nothing under this address."
        raise NotFound(message) from None


async def tenant_of(call: Call) -> Tenant:
    """The tenant in the address.

    Raises:
        NotFound: Curfew does not know it.
    """
    try:
        return await call.services.tenants.get(tenant_id_of(call))
    except Missing as error:
        raise no_such_tenant() from error


def no_such_tenant() -> NotFound:
    """Curfew does not know the tenant, or the caller may ask for nothing there."""
    message = "There is no such tenant."
    return NotFound(message)


async def replaced[T: (Tenant, Profile)](call: Call, reading: Awaitable[T]) -> T | None:
    """What is there and may be written over; None where nothing is there yet.

    Raises:
        PreconditionFailed: `If-Match` is missing, or names another version.
    """
    try:
        found = await reading
    except Missing:
        if call.headers.get("if-match"):
            raise changed() from None
        return None
    if not call.headers.get("if-match"):
        message = "To change what is there, send the ETag that you have read as If-Match."
        raise PreconditionFailed(message, status=428)
    require_match(call, found.etag)
    return found


def require_match(call: Call, etag: str) -> None:
    """Refuse to write over another version than the one that was read."""
    wanted = call.headers.get("if-match", "*")
    if wanted not in {"*", etag}:
        raise changed()


def changed() -> PreconditionFailed:
    """Somebody was quicker."""
    message = "Somebody else has changed this since you read it."
    return PreconditionFailed(message)


def not_let_in(error: Denied | Missing) -> Refused:
    """What a directory that does not open means for the settings."""
    from curfew.credentials import UNUSABLE_SECRET

    if error.service == "vault" or error.service_code == UNUSABLE_SECRET:
        reason = "The vault has no such secret that Curfew can read and use."
        return Refused((FieldProblem("connection.secretName", reason),))
    said = f"{error.status} {error.service_code}".strip()
    reason = f"The tenant does not let Curfew in ({said}): consent or a permission is missing."
    return Refused((FieldProblem("connection", reason),))


def written(view: TenantView | ProfileView, etag: str, *, created: bool) -> Reply:
    """The answer to a PUT."""
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    return Reply(view, status, {"ETag": etag})


async def on_record(
    call: Call,
    action: Action,
    target: str,
    *,
    before: TenantSettings | ProfileSettings | None = None,
    after: TenantSettings | ProfileSettings | None = None,
) -> None:
    """Write a change of settings into the audit trail, before it is made.

    A change that nobody can prove is not made: without the trail the answer is 503. Should the
    change itself then fail, the trail tells of one that the settings do not show.
    """
    tenant_id = tenant_id_of(call)
    entry = AuditEntry(
        key=f"{tenant_id}:{action}:{new_consent_id()}",
        tenant=tenant_id,
        action=action,
        target=target,
        actor=Person(id=call.caller.id, name=call.caller.name),
        before=before.to_json() if before else None,
        after=after.to_json() if after else None,
    )
    await call.services.audit.append(entry)
    emit(Event.SETTINGS_CHANGED, tenant=tenant_id, actor=call.caller.id, setting=action.value)

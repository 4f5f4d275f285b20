"""Customer tenants and their access profiles over HTTP, checked against the directory itself."""

from collections.abc import Awaitable
from http import HTTPStatus

import azure.durable_functions as df
from pydantic import TypeAdapter, ValidationError

from curfew.callers import AppRole
from curfew.errors import (
    AlreadyExists,
    Changed,
    Conflict,
    Denied,
    FieldProblem,
    Missing,
    NotFound,
    PreconditionFailed,
    Refused,
)
from curfew.events import Event, emit
from curfew.model.base import Guid, ProfileName
from curfew.model.tenants import (
    Profile,
    ProfileSettings,
    ProfileView,
    Tenant,
    TenantPage,
    TenantSettings,
    TenantView,
)
from triggers.edge import Call, Reply, serve

blueprint = df.Blueprint()

_GUID: TypeAdapter[str] = TypeAdapter(Guid)
_NAME: TypeAdapter[str] = TypeAdapter(ProfileName)


async def list_tenants(call: Call) -> Reply:
    """Every tenant; how Curfew connects to it is shown to administrators only."""
    tenants = [_tenant_view(call, tenant) async for tenant in call.services.tenants.all()]
    return Reply(TenantPage(value=tuple(tenants)))


async def read_tenant(call: Call) -> Reply:
    """A tenant with its profiles."""
    tenant = await _tenant(call)
    profiles = [ProfileView.of(p) async for p in call.services.tenants.profiles(tenant.id)]
    view = _tenant_view(call, tenant, tuple(profiles))
    return Reply(view, headers={"ETag": tenant.etag})


async def write_tenant(call: Call) -> Reply:
    """Create a tenant, or change the version named in `If-Match`.

    The account domain must be a verified, managed domain of the tenant: where it is federated,
    Entra lets nobody set a password.
    """
    settings: TenantSettings = call.body
    tenant_id = _path(_GUID, call.path["tenantId"])
    etag = await _version(call, call.services.tenants.get(tenant_id))
    await _require_usable(call, tenant_id, settings)
    tenant = Tenant(id=tenant_id, etag=etag, **dict(settings))
    try:
        written = await call.services.tenants.put(tenant)
    except (AlreadyExists, Changed, Missing) as error:
        raise _changed() from error
    _report(call, "tenant", tenant_id)
    return _written(_tenant_view(call, written), written.etag, created=not etag)


async def delete_tenant(call: Call) -> Reply:
    """Forget a tenant and its profiles. With live grants it stays: end them first."""
    tenant = await _tenant(call)
    async for lease in call.services.leases.live(tenant.id):
        message = "The tenant has live grants. End them first."
        raise Conflict(message, link=f"/api/grants/{lease.plan.grant_id}")
    _require_match(call, tenant.etag)
    try:
        await call.services.tenants.delete(tenant)
    except Changed as error:
        raise _changed() from error
    _report(call, "tenant", tenant.id)
    return Reply(status=HTTPStatus.NO_CONTENT)


async def read_profile(call: Call) -> Reply:
    """A profile."""
    profile = await _profile(call)
    return Reply(ProfileView.of(profile), headers={"ETag": profile.etag})


async def write_profile(call: Call) -> Reply:
    """Create a profile, or change the version named in `If-Match`.

    Its roles must be role definitions of the tenant's directory, which also gives their names.
    """
    settings: ProfileSettings = call.body
    tenant = await _tenant(call)
    name = _path(_NAME, call.path["profileName"])
    etag = await _version(call, call.services.tenants.profile(tenant.id, name))
    names = await _role_names(call, tenant, settings)
    profile = Profile(tenant=tenant.id, name=name, role_names=names, etag=etag, **dict(settings))
    try:
        written = await call.services.tenants.put_profile(profile)
    except (AlreadyExists, Changed, Missing) as error:
        raise _changed() from error
    _report(call, f"profile {name}", tenant.id)
    return _written(ProfileView.of(written), written.etag, created=not etag)


async def delete_profile(call: Call) -> Reply:
    """Forget a profile. Live grants keep what they were given until their own end."""
    profile = await _profile(call)
    _require_match(call, profile.etag)
    try:
        await call.services.tenants.delete_profile(profile)
    except Changed as error:
        raise _changed() from error
    _report(call, f"profile {profile.name}", profile.tenant)
    return Reply(status=HTTPStatus.NO_CONTENT)


for _handler in (
    list_tenants,
    read_tenant,
    write_tenant,
    delete_tenant,
    read_profile,
    write_profile,
    delete_profile,
):
    serve(blueprint, _handler)


async def _tenant(call: Call) -> Tenant:
    tenant_id = _path(_GUID, call.path["tenantId"])
    try:
        return await call.services.tenants.get(tenant_id)
    except Missing as error:
        message = "There is no such tenant."
        raise NotFound(message) from error


async def _profile(call: Call) -> Profile:
    tenant_id = _path(_GUID, call.path["tenantId"])
    name = _path(_NAME, call.path["profileName"])
    try:
        return await call.services.tenants.profile(tenant_id, name)
    except Missing as error:
        message = "There is no such profile."
        raise NotFound(message) from error


async def _require_usable(call: Call, tenant_id: str, settings: TenantSettings) -> None:
    if settings.cloud != call.services.settings.cloud.name:
        reason = f"This deployment serves {call.services.settings.cloud.name} only."
        raise Refused((FieldProblem("cloud", reason),))
    directory = call.services.directory(tenant_id, settings.connection)
    try:
        domain = (await directory.facts.domains()).get(settings.account_domain)
    except (Denied, Missing) as error:
        raise _not_let_in(error) from error
    if domain is None or not domain.verified or not domain.managed:
        reason = "This is not a verified, managed domain of the tenant."
        raise Refused((FieldProblem("accountDomain", reason),))


async def _role_names(call: Call, tenant: Tenant, settings: ProfileSettings) -> dict[str, str]:
    directory = call.services.directory(tenant.id, tenant.connection)
    try:
        known = await directory.facts.role_names()
    except (Denied, Missing) as error:
        raise _not_let_in(error) from error
    unknown = tuple(
        FieldProblem(f"roles.{index}", "The directory has no such role.")
        for index, role in enumerate(settings.roles)
        if role not in known
    )
    too_long = settings.max_duration > tenant.hard_limit
    if too_long:
        reason = "It is longer than the tenant's hard limit."
        unknown += (FieldProblem("maxDuration", reason),)
    if unknown:
        raise Refused(unknown)
    return {role: known[role] for role in settings.roles}


def _not_let_in(error: Denied | Missing) -> Refused:
    from curfew.credentials import UNUSABLE_SECRET

    if error.service == "vault" or error.service_code == UNUSABLE_SECRET:
        reason = "The vault has no such secret that Curfew can read and use."
        return Refused((FieldProblem("connection.secretName", reason),))
    said = f"{error.status} {error.service_code}".strip()
    reason = f"The tenant does not let Curfew in ({said}): consent or a permission is missing."
    return Refused((FieldProblem("connection", reason),))


async def _version(call: Call, reading: Awaitable[Tenant | Profile]) -> str:
    """The ETag to write over, empty where nothing is there yet."""
    try:
        etag = (await reading).etag
    except Missing:
        if call.headers.get("if-match"):
            raise _changed() from None
        return ""
    if not call.headers.get("if-match"):
        message = "To change what is there, send the ETag that you have read as If-Match."
        raise PreconditionFailed(message, status=428)
    _require_match(call, etag)
    return etag


def _require_match(call: Call, etag: str) -> None:
    wanted = call.headers.get("if-match", "*")
    if wanted not in {"*", etag}:
        raise _changed()


def _changed() -> PreconditionFailed:
    message = "Somebody else has changed this since you read it."
    return PreconditionFailed(message)


def _path(adapter: TypeAdapter[str], value: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        message = "There is nothing under this address."
        raise NotFound(message) from None


def _tenant_view(call: Call, tenant: Tenant, profiles: tuple[ProfileView, ...] = ()) -> TenantView:
    is_administrator = AppRole.ADMINISTRATOR in call.caller.roles
    return TenantView(
        id=tenant.id,
        display_name=tenant.display_name,
        account_domain=tenant.account_domain,
        account_prefix=tenant.account_prefix,
        hard_limit=tenant.hard_limit,
        cloud=tenant.cloud,
        connection=tenant.connection if is_administrator else None,
        profiles=profiles,
    )


def _written(view: TenantView | ProfileView, etag: str, *, created: bool) -> Reply:
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    return Reply(view, status, {"ETag": etag})


def _report(call: Call, what: str, tenant_id: str) -> None:
    emit(Event.SETTINGS_CHANGED, tenant=tenant_id, actor=call.caller.id, setting=what)

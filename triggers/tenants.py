"""Customer tenants over HTTP, checked against the directory itself."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import azure.durable_functions as df

from curfew.callers import AppRole
from curfew.errors import (
    AlreadyExists,
    Changed,
    Conflict,
    Denied,
    FieldProblem,
    Missing,
    Refused,
    Throttled,
    Unavailable,
)
from curfew.events import report_rows
from curfew.guards import LEAVES, require_not_leaving
from curfew.model.approvals import Person
from curfew.model.audit import Action
from curfew.model.grants import EndReason
from curfew.model.messages import EndOrder
from curfew.model.profiles import ProfileView
from curfew.model.tenants import Tenant, TenantPage, TenantSettings, TenantView
from triggers.edge import Call, Reply, serve
from triggers.operation import Reach
from triggers.settings import (
    changed,
    no_such_tenant,
    not_let_in,
    on_record,
    replaced,
    require_match,
    tenant_id_of,
    tenant_of,
    written,
)
from triggers.sharing import offered

blueprint = df.Blueprint()

# Azure's front answers for an app that has not within 230 seconds.
_PATIENCE = 60.0


async def list_tenants(call: Call) -> Reply:
    """Every tenant for administrators; for others those in which there is something to ask for.

    How Curfew connects to it is shown to administrators only. A row that cannot be read is
    reported, and hides no other.
    """
    tenants = await _readable(call.services.tenants.all())
    if Reach.ALL not in call.reach:
        profiles = await offered(call, await _readable(call.services.tenants.all_profiles()))
        mine = {profile.tenant for profile in profiles}
        tenants = [tenant for tenant in tenants if tenant.id in mine]
    views = tuple(_tenant_view(call, tenant) for tenant in tenants)
    return Reply(TenantPage(value=views))


async def read_tenant(call: Call) -> Reply:
    """A tenant with its profiles, as far as the caller may ask for them; else there is none."""
    tenant = await tenant_of(call)
    profiles = await offered(call, await _readable(call.services.tenants.profiles(tenant.id)))
    if not profiles and Reach.ALL not in call.reach:
        raise no_such_tenant()
    view = _tenant_view(call, tenant, tuple(map(ProfileView.of, profiles)))
    return Reply(view, headers={"ETag": tenant.etag})


async def write_tenant(call: Call) -> Reply:
    """Create a tenant, or change the version named in `If-Match`.

    The account domain must be a verified, managed domain of the tenant: where it is federated,
    Entra lets nobody set a password.
    """
    settings: TenantSettings = call.body
    tenant_id = tenant_id_of(call)
    before = await replaced(call, _staying(call, tenant_id))
    await _require_usable(call, tenant_id, settings)
    is_home = tenant_id == call.services.settings.home_tenant
    etag = before.etag if before else ""
    tenant = Tenant(id=tenant_id, etag=etag, is_home=is_home, **dict(settings))
    action = Action.TENANT_CHANGED if before else Action.TENANT_CREATED
    await on_record(call, action, settings.display_name, before=before, after=tenant)
    try:
        kept = await call.services.tenants.put(tenant)
    except (AlreadyExists, Changed, Missing) as error:
        raise changed() from error
    return written(_tenant_view(call, kept), kept.etag, created=before is None)


async def delete_tenant(call: Call) -> Reply:
    """Forget a tenant and its profiles; one with live grants leaves once they are over.

    From here on nothing is granted there, and every live grant is told to end. What is left to do
    when none is live is done at once as far as time allows, else by the sweep: Curfew's accounts
    are deleted if that was asked for, its own directory roles are removed, and it is forgotten.
    Saying it again tells those again that are left.

    A tenant is not forgotten while accounts of Curfew's are in use there without a grant: the
    watch ends them, or an administrator adopts them.
    """
    from curfew.ledger.reading import readable

    tenant = await tenant_of(call)
    require_match(call, tenant.etag)
    live, spoiled = await readable(call.services.leases.live(tenant.id))
    if not live and not spoiled:
        await _require_unsuspicious(call, tenant)
    tenant = await _leaving(call, tenant)
    if not live and not spoiled and await _has_left(call, tenant):
        return Reply(status=HTTPStatus.NO_CONTENT)
    by = Person(id=call.caller.id, name=call.caller.name)
    order = EndOrder(reason=EndReason.REVOKED, by=by, remark=LEAVES)
    # A request that had read the settings before may have written its lease meanwhile.
    for lease in await _readable(call.services.leases.live(tenant.id)):
        await call.workflows.end(lease.plan, order)
    headers = {"Location": f"/api/tenants/{tenant.id}", "Retry-After": "60", "ETag": tenant.etag}
    return Reply(_tenant_view(call, tenant), HTTPStatus.ACCEPTED, headers)


for _handler in (
    list_tenants,
    read_tenant,
    write_tenant,
    delete_tenant,
):
    serve(blueprint, _handler)


async def _readable[T](things: AsyncIterator[T]) -> list[T]:
    """All that can be read; rows that cannot are reported."""
    from curfew.ledger.reading import readable

    found, spoiled = await readable(things)
    if spoiled:
        report_rows(spoiled)
    return found


async def _leaving(call: Call, tenant: Tenant) -> Tenant:
    """The tenant with the word that it leaves, and with what becomes of its accounts."""
    deletes = tenant.delete_accounts or call.query.delete_accounts
    if tenant.leaving_since is not None and deletes == tenant.delete_accounts:
        return tenant
    since = tenant.leaving_since or call.services.clock()
    leaving = tenant.model_copy(update={"leaving_since": since, "delete_accounts": deletes})
    await on_record(call, Action.TENANT_LEAVING, tenant.display_name, before=tenant)
    try:
        return await call.services.tenants.put(leaving)
    except (Changed, Missing) as error:
        raise changed() from error


async def _has_left(call: Call, tenant: Tenant) -> bool:
    """Forget the tenant now, if that can be done while somebody waits; else the sweep does."""
    from curfew.net.leaving import leave

    try:
        async with asyncio.timeout(_PATIENCE):
            return await leave(call.services, tenant)
    except TimeoutError:
        return False
    except (Throttled, Unavailable) as error:
        if error.service != "directory":
            raise
        return False


async def _require_unsuspicious(call: Call, tenant: Tenant) -> None:
    from curfew.net.suspicion import suspicious_in

    if names := await suspicious_in(call.services, tenant):
        message = (
            f"Accounts were found in use without a grant: {', '.join(names)}. The watch ends them "
            "within two hours; or adopt them. Then say it again."
        )
        raise Conflict(message)


async def _staying(call: Call, tenant_id: str) -> Tenant:
    """The tenant to be changed; one that is being off-boarded is not."""
    tenant = await call.services.tenants.get(tenant_id)
    require_not_leaving(tenant)
    return tenant


async def _require_usable(call: Call, tenant_id: str, settings: TenantSettings) -> None:
    if settings.cloud != call.services.settings.cloud.name:
        reason = f"This deployment serves {call.services.settings.cloud.name} only."
        raise Refused((FieldProblem("cloud", reason),))
    await _require_this_cloud(call, tenant_id)
    directory = call.services.directory(tenant_id, settings.connection)
    try:
        domain = (await directory.facts.domains()).get(settings.account_domain)
    except (Denied, Missing) as error:
        raise not_let_in(error) from error
    if domain is None or not domain.verified or not domain.managed:
        reason = "This is not a verified, managed domain of the tenant."
        raise Refused((FieldProblem("accountDomain", reason),))


async def _require_this_cloud(call: Call, tenant_id: str) -> None:
    """Refuse a tenant of another cloud: no token and no consent of this one would work there."""
    from curfew.discovery import cloud_of_tenant

    cloud = call.services.settings.cloud
    try:
        found = await cloud_of_tenant(cloud, tenant_id)
    except Missing as error:
        reason = f"The sign-in service of {cloud.name} knows no such tenant."
        raise Refused((FieldProblem("tenantId", reason),)) from error
    if found is not cloud.name:
        where = f"is in {found}" if found else "is in another cloud"
        reason = f"The tenant {where}, by its sign-in service; this deployment serves {cloud.name}."
        raise Refused((FieldProblem("cloud", reason),))


def _tenant_view(call: Call, tenant: Tenant, profiles: tuple[ProfileView, ...] = ()) -> TenantView:
    is_administrator = AppRole.ADMINISTRATOR in call.caller.roles
    return TenantView(
        id=tenant.id,
        display_name=tenant.display_name,
        account_domain=tenant.account_domain,
        account_prefix=tenant.account_prefix,
        hard_limit=tenant.hard_limit,
        cloud=tenant.cloud,
        allow_synced=tenant.allow_synced,
        delete_idle_after=tenant.delete_idle_after,
        leaving_since=tenant.leaving_since,
        ticket_systems=tenant.ticket_systems,
        two_approver_roles=tenant.two_approver_roles,
        break_glass=tenant.break_glass if is_administrator else None,
        connection=tenant.connection if is_administrator else None,
        profiles=profiles,
    )

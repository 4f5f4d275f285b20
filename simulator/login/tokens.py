"""What is written into an access token."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.applications import Application
from simulator.directory.objects import ManagedIdentity, ServicePrincipal, User, new_id
from simulator.directory.tenant import Tenant
from simulator.environment import GRAPH_APP_ID
from simulator.login.errors import INVALID_SCOPE, UNKNOWN_RESOURCE, refuse

if TYPE_CHECKING:
    from simulator.cloud import Cloud

# With more groups than this a token carries only a pointer to where the list can be read.
_GROUPS_IN_TOKEN = 200
_OPENID_SCOPES = {"openid", "profile", "offline_access", "email"}


@dataclass(frozen=True)
class Resource:
    """What a token is for: its audience and, for an API of a tenant here, the registration."""

    audience: str
    application: Application | None = None
    is_graph: bool = False


def resource_for_scope(cloud: "Cloud", tenant: Tenant, scope: str, *, app_only: bool) -> Resource:
    """The resource that a `scope` parameter asks for, in the manner of the v2 endpoint."""
    wanted = [item for item in scope.split() if item not in _OPENID_SCOPES]
    if not wanted:
        if app_only:
            raise refuse(INVALID_SCOPE, scope, "A resource with /.default is needed.")
        return Resource(cloud.environment.graph, is_graph=True)
    audience, slash, name = wanted[0].rpartition("/")
    if len(wanted) > 1 or not slash or (app_only and name != ".default"):
        raise refuse(
            INVALID_SCOPE,
            scope,
            "Client credential flows must have a scope value with /.default suffixed to the "
            "resource identifier (application ID URI).",
        )
    # "https://vault.azure.net//.default" asks for the audience with its slash.
    return resource_named(cloud, tenant, audience)


def resource_named(cloud: "Cloud", tenant: Tenant, name: str) -> Resource:
    """The resource with this identifier, or a refusal that names it."""
    plain = name.rstrip("/")
    graph_names = (*cloud.environment.graph_audiences, cloud.url)
    if plain in graph_names:
        return Resource(plain if plain != GRAPH_APP_ID else GRAPH_APP_ID, is_graph=True)
    if plain in (cloud.environment.vault, cloud.vault.audience(cloud.url)):
        return Resource(name)
    if plain == cloud.environment.federation_audience:
        return Resource(name)
    for application in cloud.applications.values():
        known = (application.app_id, f"api://{application.app_id}", *application.identifier_uris)
        if plain in known and tenant.principal_of(application.app_id) is not None:
            audience = next(iter(application.identifier_uris), application.app_id)
            return Resource(audience, application)
    raise refuse(UNKNOWN_RESOURCE, name, tenant.name)


def app_token(
    cloud: "Cloud", tenant: Tenant, principal: ServicePrincipal, resource: Resource
) -> str:
    """A token for an application itself, with what it may do at this moment."""
    if resource.is_graph:
        roles: Iterable[str] = principal.permissions
    elif resource.application is not None:
        roles = tenant.app_roles.get((principal.id, resource.application.app_id), set())
    else:
        roles = ()
    claims = base_claims(cloud, tenant, resource.audience, cloud.token_seconds) | {
        "oid": principal.id,
        "sub": principal.id,
        "azp": principal.app_id,
        "appid": principal.app_id,
        "azpacr": "2",
        "idtyp": "app",
    }
    return cloud.keys.sign(_with_roles(claims, roles))


def identity_token(
    cloud: "Cloud", tenant: Tenant, identity: ManagedIdentity, resource: Resource
) -> str:
    """A token for a managed identity."""
    roles: Iterable[str] = ()
    if resource.application is not None:
        key = (identity.principal_id, resource.application.app_id)
        roles = tenant.app_roles.get(key, set())
    claims = base_claims(cloud, tenant, resource.audience, 24 * 3600) | {
        "oid": identity.principal_id,
        "sub": identity.principal_id,
        "azp": identity.client_id,
        "appid": identity.client_id,
        "idtyp": "app",
        "xms_mirid": f"/subscriptions/{tenant.id}/providers/Microsoft.ManagedIdentity/"
        f"userAssignedIdentities/{identity.name}",
    }
    return cloud.keys.sign(_with_roles(claims, roles))


def user_token(
    cloud: "Cloud",
    tenant: Tenant,
    user: User,
    resource: Resource,
    *,
    app_id: str,
    methods: tuple[str, ...],
    seconds: int | None = None,
) -> str:
    """A token for a person, delegated to the application they signed in with."""
    claims = base_claims(cloud, tenant, resource.audience, seconds or cloud.token_seconds) | {
        "oid": user.id,
        "sub": user.id,
        "azp": app_id,
        "appid": app_id,
        "name": user.display_name,
        "preferred_username": user.user_principal_name,
        "upn": user.user_principal_name,
        "amr": list(methods),
        "scp": "User.Read" if resource.is_graph else "user_impersonation",
    }
    if resource.application is None:
        return cloud.keys.sign(claims)
    if resource.application.group_claims:
        claims |= group_claims(cloud, tenant, user)
    roles = tenant.app_roles.get((user.id, resource.application.app_id), set())
    return cloud.keys.sign(_with_roles(claims, roles))


def group_claims(cloud: "Cloud", tenant: Tenant, user: User) -> dict[str, Any]:
    """The groups of a person, or the pointer to them when they are too many."""
    groups = sorted(group.id for group in tenant.all_groups_of(user.id))
    if len(groups) <= _GROUPS_IN_TOKEN:
        return {"groups": groups}
    endpoint = f"{cloud.url}/v1.0/users/{user.id}/getMemberObjects"
    return {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": endpoint}},
    }


def base_claims(cloud: "Cloud", tenant: Tenant, audience: str, seconds: int) -> dict[str, Any]:
    """The claims every token has. Times are on the wall clock, for the SDKs' caches."""
    now = int(time.time())
    return {
        "aud": audience,
        "iss": f"{cloud.url}/{tenant.id}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + seconds,
        "tid": tenant.id,
        "uti": new_id(),
        "ver": "2.0",
    }


def _with_roles(claims: dict[str, Any], roles: Iterable[str]) -> dict[str, Any]:
    """Tokens without roles have no such claim at all."""
    return claims | {"roles": sorted(roles)} if roles else claims

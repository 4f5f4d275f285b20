"""The endpoints of the token service, and the managed identity endpoint of App Service."""

import re
from typing import TYPE_CHECKING, Any

from simulator.directory.tenant import Tenant
from simulator.keys import peek
from simulator.login import errors
from simulator.login.clients import authenticate, client_in_tenant
from simulator.login.consent import admin_consent
from simulator.login.errors import refuse
from simulator.login.people import FIRST_PARTY, resume, sign_in
from simulator.login.sessions import Session
from simulator.login.tokens import (
    app_token,
    identity_token,
    resource_for_scope,
    resource_named,
    user_token,
)
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud
    from simulator.directory.objects import User

_PATH = re.compile(r"^/(?P<tenant>[^/]+)/(?P<rest>.+)$")
_ANY_TENANT = {"common", "organizations"}


def handle_login(cloud: "Cloud", request: Request) -> Response:
    """Answer one call to the token service."""
    found = _PATH.match(request.path)
    if found is None:
        return Response(404, {"error": "not_found"})
    name, rest = found["tenant"], found["rest"].lower()
    if rest == "discovery/instance":
        return Response(200, _instance_metadata(cloud, request))
    if rest in {"v2.0/.well-known/openid-configuration", ".well-known/openid-configuration"}:
        return Response(200, _metadata(cloud, name))
    if rest in {"discovery/v2.0/keys", "discovery/keys"}:
        return Response(200, {"keys": [cloud.keys.signing.public_document()]})
    if rest == "v2.0/adminconsent":
        return admin_consent(cloud, name, request)
    if rest == "oauth2/v2.0/token":
        if request.method != "POST":
            return Response(405, {"error": "invalid_request"}, {"allow": "POST"})
        return Response(200, _token(cloud, name, request.form()), {"cache-control": "no-store"})
    return Response(404, {"error": "not_found"})


def handle_identity(cloud: "Cloud", request: Request) -> Response:
    """Answer one call of a function app for a token of its managed identity."""
    if request.headers.get("x-identity-header") != cloud.identity_header:
        raise _identity_refusal(401, "The X-IDENTITY-HEADER header is missing or wrong.")
    query = request.query
    if query.get("api-version") != "2019-08-01":
        raise _identity_refusal(400, "The api-version 2019-08-01 is required.")
    for tenant in cloud.tenants.values():
        identity = tenant.managed_identities.get(query.get("client_id", ""))
        if identity is not None:
            resource = resource_named(cloud, tenant, query.get("resource", ""))
            token = identity_token(cloud, tenant, identity, resource)
            return Response(
                200,
                {
                    "access_token": token,
                    "expires_on": str(peek(token)["exp"]),
                    "resource": query.get("resource", ""),
                    "token_type": "Bearer",
                    "client_id": identity.client_id,
                },
            )
    raise _identity_refusal(
        400,
        "No User Assigned or Delegated Managed Identity found for specified "
        "ClientId/ResourceId/PrincipalId.",
    )


def tenant_hint(cloud: "Cloud", request: Request) -> str | None:
    """The id of the tenant that a login call is about, for faults and the log."""
    found = _PATH.match(request.path)
    tenant = cloud.find_tenant(found["tenant"]) if found else None
    return tenant.id if tenant else None


def _identity_refusal(status: int, message: str) -> RefusalError:
    return RefusalError(Response(status, {"statusCode": status, "message": message}))


def _tenant(cloud: "Cloud", name: str) -> Tenant:
    tenant = cloud.find_tenant(name)
    if tenant is None:
        raise refuse(errors.UNKNOWN_TENANT, name)
    return tenant


def _metadata(cloud: "Cloud", name: str) -> dict[str, Any]:
    # Discovery for no particular tenant answers with a placeholder, as the real one does.
    environment = cloud.elsewhere.get(name.lower(), cloud.environment)
    known = name in _ANY_TENANT or environment is not cloud.environment
    tenant = None if known else _tenant(cloud, name)
    issuer = tenant.id if tenant else "{tenantid}"
    path = tenant.id if tenant else name
    sub_scope = environment.region_sub_scope
    return {
        "token_endpoint": f"{cloud.url}/{path}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{cloud.url}/{path}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{cloud.url}/{issuer}/v2.0",
        "authorization_endpoint": f"{cloud.url}/{path}/oauth2/v2.0/authorize",
        "tenant_region_scope": environment.region_scope,
        **({"tenant_region_sub_scope": sub_scope} if sub_scope else {}),
        "cloud_instance_name": environment.instance,
        "msgraph_host": environment.graph.removeprefix("https://"),
    }


def _instance_metadata(cloud: "Cloud", request: Request) -> dict[str, Any]:
    asked = request.query.get("authorization_endpoint", "")
    path = asked.removeprefix(cloud.url).strip("/").partition("/")[0] or "common"
    host = cloud.url.removeprefix("https://")
    return {
        "tenant_discovery_endpoint": f"{cloud.url}/{path}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _token(cloud: "Cloud", name: str, form: dict[str, str]) -> dict[str, Any]:
    for needed in ("grant_type", "client_id"):
        if not form.get(needed):
            raise refuse(errors.MALFORMED, needed)
    grant = form["grant_type"]
    if grant not in {"client_credentials", "password", "refresh_token"}:
        raise refuse(errors.UNSUPPORTED_GRANT, grant)
    tenant = _tenant_for(cloud, name, form.get("username", ""))
    if grant == "client_credentials":
        return _client_credentials(cloud, tenant, form)
    app_id = form["client_id"]
    if app_id not in FIRST_PARTY:
        client_in_tenant(cloud, tenant, app_id)
    resource = resource_for_scope(cloud, tenant, form.get("scope", ""), app_only=False)
    if grant == "password":
        user, session = sign_in(
            cloud,
            tenant,
            app_id=app_id,
            username=form.get("username", ""),
            typed=form.get("password", ""),
        )
    else:
        user, session = resume(
            cloud, tenant, app_id=app_id, refresh_token=form.get("refresh_token", "")
        )
    seconds = _seconds_left(cloud, tenant, session)
    token = user_token(
        cloud, tenant, user, resource, app_id=app_id, methods=session.methods, seconds=seconds
    )
    return _answer(token, seconds, user, session) | {"scope": form.get("scope", "")}


def _tenant_for(cloud: "Cloud", name: str, username: str) -> Tenant:
    if name in _ANY_TENANT:
        return _tenant(cloud, username.partition("@")[2] or name)
    return _tenant(cloud, name)


def _client_credentials(cloud: "Cloud", tenant: Tenant, form: dict[str, str]) -> dict[str, Any]:
    application, principal = client_in_tenant(cloud, tenant, form["client_id"])
    authenticate(cloud, tenant, application, form)
    resource = resource_for_scope(cloud, tenant, form.get("scope", ""), app_only=True)
    return _answer(app_token(cloud, tenant, principal, resource), cloud.token_seconds)


def _seconds_left(cloud: "Cloud", tenant: Tenant, session: Session) -> int:
    """A token opened with an access pass lives no longer than the pass."""
    if session.ends is None:
        return cloud.token_seconds
    left = int((session.ends - tenant.now()).total_seconds())
    return max(1, min(cloud.token_seconds, left))


def _answer(
    token: str, seconds: int, user: "User | None" = None, session: Session | None = None
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    }
    if user is not None and session is not None:
        answer["refresh_token"] = session.refresh_token
        answer["amr"] = list(session.methods)
    return answer

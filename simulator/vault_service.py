"""The secrets data plane of Key Vault: set, read, update, delete, recover, purge."""

import re
import secrets as random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jwt

from simulator.vault import Secret, SecretVersion
from simulator.vault_views import deleted_view, secret_view
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_NAME = re.compile(r"^[0-9A-Za-z-]{1,127}$")
_LARGEST_VALUE = 25 * 1024
_PAGE = 25

Handler = Callable[..., Response]


def handle_vault(cloud: "Cloud", request: Request) -> Response:
    """Answer one call to the vault; without a good token, the challenge."""
    try:
        principal = _principal(cloud, request)
        if not request.query.get("api-version"):
            raise _refuse(400, "BadParameter", "The api-version query parameter is required.")
        cloud.vault.expire_deleted(cloud.now())
        handler, officer_only, arguments = _route(request.method, request.path.strip("/"))
        _authorize(cloud, principal, request, officer_only=officer_only)
        return handler(cloud, request, *arguments)
    except RefusalError as refusal:
        return refusal.response


def _principal(cloud: "Cloud", request: Request) -> str:
    """The object id in the token; 401 with the challenge for a token of another audience."""
    audiences = {cloud.environment.vault, cloud.vault.audience(cloud.url)}
    if request.bearer is not None:
        try:
            claims = cloud.keys.verify(request.bearer)
        except jwt.InvalidTokenError:
            claims = {}
        audience, tenant = str(claims.get("aud", "")).rstrip("/"), claims.get("tid")
        if audience in audiences and tenant == cloud.vault.tenant:
            return str(claims.get("oid"))
    challenge = (
        f'Bearer authorization="{cloud.url}/{cloud.vault.tenant}", '
        f'resource="{cloud.vault.audience(cloud.url)}"'
    )
    raise _refuse(
        401,
        "Unauthorized",
        "AKV10000: Request is missing a Bearer or PoP token.",
        headers={"www-authenticate": challenge},
    )


def _authorize(cloud: "Cloud", principal: str, request: Request, *, officer_only: bool) -> None:
    allowed = cloud.vault.officers if officer_only else cloud.vault.officers | cloud.vault.users
    if principal not in allowed:
        raise _refuse(
            403,
            "Forbidden",
            f"Caller is not authorized to perform action on resource. Caller: oid={principal}. "
            f"Action: {request.method} {request.path}.",
            inner="ForbiddenByRbac",
        )


def _route(method: str, path: str) -> tuple[Handler, bool, list[str]]:
    """The handler, whether it takes a Secrets Officer, and the names in the path."""
    for known, pattern, handler, officer_only in _ROUTES:
        found = pattern.match(path)
        if found is not None and known == method:
            return handler, officer_only, [unquote(name or "") for name in found.groups()]
    raise _refuse(404, "NotFound", "The path is not part of the secrets data plane.")


def _set(cloud: "Cloud", request: Request, name: str) -> Response:
    """A new version, enabled at once unless the call says otherwise."""
    if not _NAME.match(name):
        raise _refuse(400, "BadParameter", f"The request URI contains an invalid name: {name}")
    if name.lower() in cloud.vault.deleted:
        raise _refuse(
            409,
            "Conflict",
            f"Secret {name} is currently in a deleted but recoverable state, and its name cannot "
            "be reused; in this state, the secret can only be recovered or purged.",
            inner="ObjectIsDeletedButRecoverable",
        )
    body = _body(request)
    value = body.get("value")
    if not isinstance(value, str) or len(value.encode()) > _LARGEST_VALUE:
        raise _refuse(400, "BadParameter", "The property value is missing, or above 25 KB.")
    now = cloud.now()
    version = SecretVersion(random.token_hex(16), value, created=now, updated=now)
    _apply(version, body)
    secret = cloud.vault.secrets.setdefault(name.lower(), Secret(name))
    secret.versions[version.version] = version
    return Response(200, secret_view(cloud, secret, version, with_value=True))


def _get(cloud: "Cloud", _: Request, name: str, version_id: str) -> Response:
    """A value. Neither expiry nor not-before stops the read; a disabled version does."""
    secret, version = _version(cloud, name, version_id)
    if not version.enabled:
        raise _refuse(
            403,
            "Forbidden",
            "Operation get is not allowed on a disabled secret.",
            inner="SecretDisabled",
        )
    return Response(200, secret_view(cloud, secret, version, with_value=True))


def _update(cloud: "Cloud", request: Request, name: str, version_id: str) -> Response:
    """Change the attributes of one version, never its value."""
    secret, version = _version(cloud, name, version_id)
    _apply(version, _body(request))
    version.updated = cloud.now()
    return Response(200, secret_view(cloud, secret, version))


def _list(cloud: "Cloud", request: Request) -> Response:
    items = [secret_view(cloud, item, item.latest, latest=True) for item in _sorted(cloud)]
    return _page(cloud, request, items)


def _versions(cloud: "Cloud", request: Request, name: str) -> Response:
    secret = _secret(cloud, name)
    items = [secret_view(cloud, secret, version) for version in secret.versions.values()]
    return _page(cloud, request, items)


def _delete(cloud: "Cloud", _: Request, name: str) -> Response:
    """Into the bin with all versions; the name stays taken."""
    secret = _secret(cloud, name)
    del cloud.vault.secrets[name.lower()]
    secret.deleted = cloud.now()
    cloud.vault.deleted[name.lower()] = secret
    return Response(200, deleted_view(cloud, secret))


def _list_deleted(cloud: "Cloud", request: Request) -> Response:
    items = [deleted_view(cloud, item) for item in cloud.vault.deleted.values()]
    return _page(cloud, request, items)


def _get_deleted(cloud: "Cloud", _: Request, name: str) -> Response:
    return Response(200, deleted_view(cloud, _deleted(cloud, name)))


def _recover(cloud: "Cloud", _: Request, name: str) -> Response:
    secret = _deleted(cloud, name)
    del cloud.vault.deleted[name.lower()]
    secret.deleted = None
    cloud.vault.secrets[name.lower()] = secret
    return Response(200, secret_view(cloud, secret, secret.latest))


def _purge(cloud: "Cloud", _: Request, name: str) -> Response:
    _deleted(cloud, name)
    del cloud.vault.deleted[name.lower()]
    return Response(204)


def _sorted(cloud: "Cloud") -> list[Secret]:
    return [cloud.vault.secrets[name] for name in sorted(cloud.vault.secrets)]


def _secret(cloud: "Cloud", name: str) -> Secret:
    secret = cloud.vault.secrets.get(name.lower())
    if secret is None:
        raise _refuse(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {name} was not found in this key vault. If you recently "
            "deleted this secret you may be able to recover it using the correct recovery command.",
        )
    return secret


def _version(cloud: "Cloud", name: str, version_id: str) -> tuple[Secret, SecretVersion]:
    secret = _secret(cloud, name)
    version = secret.versions.get(version_id) if version_id else secret.latest
    if version is None:
        raise _refuse(
            404,
            "SecretNotFound",
            f"A secret with (name/id) {name}/{version_id} was not found in this key vault.",
        )
    return secret, version


def _deleted(cloud: "Cloud", name: str) -> Secret:
    secret = cloud.vault.deleted.get(name.lower())
    if secret is None:
        raise _refuse(404, "SecretNotFound", f"Deleted Secret not found: {name}")
    return secret


def _body(request: Request) -> dict[str, Any]:
    document = request.document()
    if not isinstance(document, dict):
        raise _refuse(400, "BadParameter", "The request body is not a JSON object.")
    return document


def _apply(version: SecretVersion, body: dict[str, Any]) -> None:
    """Write the attributes, tags and content type that a body carries."""
    attributes = body.get("attributes") or {}
    if attributes.get("enabled") is not None:
        version.enabled = bool(attributes["enabled"])
    version.expires = attributes.get("exp", version.expires)
    version.not_before = attributes.get("nbf", version.not_before)
    if body.get("contentType") is not None:
        version.content_type = str(body["contentType"])
    tags = body.get("tags")
    if tags is not None:
        if len(tags) > 15 or any(len(str(item)) > 512 for pair in tags.items() for item in pair):
            raise _refuse(400, "BadParameter", "At most 15 tags of 512 characters each.")
        version.tags = dict(tags)


def _page(cloud: "Cloud", request: Request, items: list[dict[str, Any]]) -> Response:
    query = request.query
    size = min(int(query.get("maxresults") or _PAGE), _PAGE)
    start = int(query.get("$skiptoken") or 0)
    following = None
    if start + size < len(items):
        following = (
            f"{cloud.url}{request.path}?api-version={query['api-version']}"
            f"&$skiptoken={start + size}&maxresults={size}"
        )
    return Response(200, {"value": items[start : start + size], "nextLink": following})


def _refuse(
    status: int,
    code: str,
    message: str,
    *,
    inner: str | None = None,
    headers: dict[str, str] | None = None,
) -> RefusalError:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner is not None:
        error["innererror"] = {"code": inner}
    return RefusalError(Response(status, {"error": error}, headers or {}))


_ROUTES: tuple[tuple[str, re.Pattern[str], Handler, bool], ...] = (
    ("GET", re.compile(r"^secrets$"), _list, True),
    ("PUT", re.compile(r"^secrets/([^/]+)$"), _set, True),
    ("DELETE", re.compile(r"^secrets/([^/]+)$"), _delete, True),
    ("GET", re.compile(r"^secrets/([^/]+)/versions$"), _versions, True),
    ("GET", re.compile(r"^secrets/([^/]+)(?:/([^/]+))?$"), _get, False),
    ("PATCH", re.compile(r"^secrets/([^/]+)/([^/]+)$"), _update, True),
    ("GET", re.compile(r"^deletedsecrets$"), _list_deleted, True),
    ("GET", re.compile(r"^deletedsecrets/([^/]+)$"), _get_deleted, True),
    ("DELETE", re.compile(r"^deletedsecrets/([^/]+)$"), _purge, True),
    ("POST", re.compile(r"^deletedsecrets/([^/]+)/recover$"), _recover, True),
)

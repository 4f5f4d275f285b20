"""One call to Graph: who calls, where, and what they may do."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from simulator.directory.objects import ServicePrincipal, User
from simulator.directory.roles import PASSWORD_SETTERS, covers
from simulator.directory.tenant import Tenant
from simulator.graph.errors import bad_request, denied, not_found, refuse, unauthorized
from simulator.graph.odata import NO_OPTIONS, Options, Query
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

# Each area of Graph words its refusal in its own way.
_DENIALS: dict[str, tuple[str, str]] = {
    "directory": (
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ),
    "authentication": ("accessDenied", "Request Authorization failed"),
    "pim": (
        "PermissionScopeNotGranted",
        "Authorization failed due to missing permission scope {0}.",
    ),
    "audit": (
        "Authentication_MSGraphPermissionMissing",
        "Calling principal does not have required MSGraph permissions {0}",
    ),
}


@dataclass
class GraphCall:
    """A call whose token was good. `permissions` are those in the token, not those of today."""

    cloud: "Cloud"
    tenant: Tenant
    request: Request
    claims: dict[str, Any]
    parameters: dict[str, str] = field(default_factory=dict)
    query: Query = field(default_factory=lambda: Query(NO_OPTIONS))

    @property
    def permissions(self) -> set[str]:
        """The application permissions in the token."""
        return set(self.claims.get("roles", ())) if self.claims.get("idtyp") == "app" else set()

    @property
    def app_id(self) -> str:
        """The application that calls, for itself or for a person."""
        return str(self.claims.get("appid", ""))

    @property
    def person(self) -> User | None:
        """The person on whose behalf the call is made, if any."""
        if self.claims.get("idtyp") == "app":
            return None
        return self.tenant.users.get(str(self.claims.get("oid")))

    @property
    def principal(self) -> ServicePrincipal | None:
        """The calling application in this tenant."""
        return self.tenant.principal_of(self.app_id)

    @property
    def roles(self) -> set[str]:
        """The directory roles of the calling application, as they are now."""
        principal = self.principal
        return self.tenant.roles_of(principal.id) if principal else set()

    def body(self) -> dict[str, Any]:
        """The JSON object in the body, or 400."""
        document = self.request.document()
        if not isinstance(document, dict):
            raise bad_request("Unable to read JSON request payload.")
        return document

    def has(self, alternatives: Iterable[str]) -> bool:
        """Whether the token carries one of the alternatives; `A+B` asks for both."""
        return any(set(needed.split("+")) <= self.permissions for needed in alternatives)

    def moment_before(self, seconds: float) -> datetime:
        """The moment so many seconds ago."""
        return self.tenant.now() - timedelta(seconds=seconds)

    def user(self) -> User:
        """The account that the path names by id or user principal name, if readers see it."""
        name = self.parameters["user"]
        user = self.tenant.find_user(name)
        if user is None or not self.sees(user, reading=True):
            raise not_found(name)
        return user

    def sees(self, user: User, *, reading: bool) -> bool:
        """Whether the replica that answers has the account already."""
        return user.arrival is None or user.arrival.visible(self.tenant.now(), reading=reading)

    def require_cover(self, user: User, *, password: bool = False) -> None:
        """Refuse a sensitive action on a user whose roles outrank those of the caller.

        Setting a password (`password`) needs at least User Administrator, whoever the user is.
        """
        if password and not self.roles & PASSWORD_SETTERS:
            raise denied()
        roles = self.tenant.roles_of(user.id)
        protected = self.tenant.in_protected_group(user.id)
        if not covers(self.roles, roles, protected_group=protected):
            raise denied()


Handler = Callable[[GraphCall], Response]


@dataclass(frozen=True)
class Route:
    """One path of Graph: its template, its handler, and what a caller needs for it."""

    method: str
    template: str
    handler: Handler
    needs: tuple[str, ...]
    options: Options = NO_OPTIONS
    area: str = "directory"

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression over the still encoded path."""
        escaped = re.escape(self.template).replace(r"\{", "{").replace(r"\}", "}")
        return re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+?)", escaped) + "$")

    def denial(self) -> RefusalError:
        """The refusal of a caller who lacks the permission."""
        code, message = _DENIALS[self.area]
        return refuse(403, code, message.format(self.needs[0] if self.needs else ""))


def open_token(cloud: "Cloud", request: Request) -> tuple[Tenant, dict[str, Any]]:
    """The tenant and the claims of a good token; 401 for every other."""
    if request.bearer is None:
        raise unauthorized("Access token is empty.")
    try:
        claims = cloud.keys.verify(request.bearer)
    except jwt.ExpiredSignatureError as error:
        raise unauthorized("Lifetime validation failed, the token is expired.") from error
    except jwt.InvalidTokenError as error:
        raise unauthorized("Access token validation failure. Invalid signature.") from error
    if claims["aud"] not in (*cloud.environment.graph_audiences, cloud.url):
        raise unauthorized("Access token validation failure. Invalid audience.")
    tenant = cloud.tenants.get(str(claims.get("tid")))
    if tenant is None or claims["iss"] != f"{cloud.url}/{tenant.id}/v2.0":
        raise unauthorized("Access token validation failure. Invalid issuer.")
    return tenant, claims

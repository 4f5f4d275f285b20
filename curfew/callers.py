"""Who is asking: the principal that App Service authentication vouches for, and nothing else.

App Service ("Easy Auth") validates the token and passes its claims on in the header
`X-MS-CLIENT-PRINCIPAL`
(https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities). The
header is worth something only where the platform states that it enforces sign-in, because only
there does it strip what callers send under that name.

It carries the full set of the token's claims, some of them under longer names; `iss` keeps its
name, and both versions of Entra's tokens have it. A principal without it is nobody.
"""

import base64
import binascii
import json
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from curfew.clouds import Cloud, CloudName
from curfew.errors import NotSignedIn

PRINCIPAL_HEADER = "X-MS-CLIENT-PRINCIPAL"

_OBJECT_ID = ("http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")
_TENANT_ID = ("http://schemas.microsoft.com/identity/claims/tenantid", "tid")
_ISSUER = ("iss",)
_ROLES = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")
_SIGN_IN_NAME = (
    "preferred_username",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "upn",
)
_SUBJECT = ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", "sub")
_GROUPS = "groups"
_DISTRIBUTED = "_claim_names"
_OVERFLOWN = "hasgroups"
_SCOPES = ("http://schemas.microsoft.com/identity/claims/scope", "scp")


class AppRole(StrEnum):
    """The app roles of Curfew's app registration."""

    TECHNICIAN = "Technician"
    APPROVER = "Approver"
    ADMINISTRATOR = "Administrator"
    AUDITOR = "Auditor"
    INTEGRATION = "Integration"


# A token of version 1 names this issuer whatever the address at which it was got, and in China one
# of version 2 names another host than that address.
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_ISSUERS_OF_VERSION_1 = {CloudName.CHINA: "https://sts.chinacloudapi.cn"}
_ISSUER_OF_VERSION_1 = "https://sts.windows.net"
_ISSUERS_OF_VERSION_2 = {CloudName.CHINA: "https://login.partner.microsoftonline.cn"}

PEOPLES_ROLES = frozenset(AppRole) - {AppRole.INTEGRATION}


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person or application of the home tenant, by object id."""

    id: str
    name: str
    sign_in_name: str
    roles: frozenset[AppRole]
    is_application: bool = False
    groups: frozenset[str] | None = frozenset()
    """The groups that the token lists; None where it does not list them: there are too many, there
    are none, or the app registration does not ask for them."""


def issuers_of(cloud: Cloud, tenant: str) -> frozenset[str]:
    """The issuers that a tenant's tokens name, as they stand in them."""
    version_1 = _ISSUERS_OF_VERSION_1.get(cloud.name, _ISSUER_OF_VERSION_1)
    hosts = {cloud.authority, _ISSUERS_OF_VERSION_2.get(cloud.name, cloud.authority)}
    return frozenset({f"{version_1}/{tenant}/", *(f"{host}/{tenant}/v2.0" for host in hosts)})


def caller_of(header: str | None, *, enforced: bool, cloud: Cloud, home_tenant: str) -> Caller:
    """The caller that the platform vouches for.

    An application holds at most the role Integration and a person never does, whatever the
    token says: an app role assigned to the wrong kind of principal is a mistake, not a right.

    Raises:
        NotSignedIn: the platform does not enforce sign-in, vouches for nobody, says something
            that cannot be read or is ambiguous, or vouches for a member of another tenant or
            for a token that the home tenant did not issue.
    """
    if not enforced:
        message = "This deployment does not enforce sign-in, so it serves nobody."
        raise NotSignedIn(message)
    if not header:
        message = "Sign in to the home tenant first."
        raise NotSignedIn(message)
    claims = _claims(header)
    # As ids are kept: two spellings of one person must not become two people.
    object_id = _single(claims, _OBJECT_ID).lower()
    if _single(claims, _TENANT_ID) != home_tenant or not object_id:
        message = "The sign-in is not of the home tenant."
        raise NotSignedIn(message)
    if _single(claims, _ISSUER) not in issuers_of(cloud, home_tenant):
        message = "The sign-in was not issued for the home tenant."
        raise NotSignedIn(message)

    is_application = _is_application(claims, object_id)
    granted = {value for name in _ROLES for value in claims.get(name, ())}
    allowed = {AppRole.INTEGRATION} if is_application else PEOPLES_ROLES
    sign_in_name = _single(claims, _SIGN_IN_NAME) or f"app-{object_id[:8]}"
    return Caller(
        id=object_id,
        name=_single(claims, ("name",)) or sign_in_name,
        sign_in_name=sign_in_name,
        roles=frozenset(role for role in allowed if role.value in granted),
        is_application=is_application,
        groups=_groups(claims),
    )


def _claims(header: str) -> dict[str, list[str]]:
    claims: defaultdict[str, list[str]] = defaultdict(list)
    try:
        principal = json.loads(base64.b64decode(header, validate=True))
        for claim in principal["claims"]:
            claims[str(claim["typ"])].append(str(claim["val"]))
    except (binascii.Error, ValueError, TypeError, KeyError, RecursionError):
        message = "The platform's statement about the sign-in cannot be read."
        raise NotSignedIn(message) from None
    return claims


def _groups(claims: dict[str, list[str]]) -> frozenset[str] | None:
    """The groups that a token lists, if it lists all of them.

    With more than 200 it says instead where they can be read, in `_claim_names` or `hasgroups`
    (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference). That
    address is not followed: the directory is asked, by object id.
    """
    listed = claims.get(_GROUPS)
    elsewhere = any(_GROUPS in names for names in claims.get(_DISTRIBUTED, ()))
    if not listed or elsewhere or _OVERFLOWN in claims:
        return None
    return frozenset(group.lower() for group in listed)


def _single(claims: dict[str, list[str]], names: tuple[str, ...]) -> str:
    values = {value for name in names for value in claims.get(name, ())}
    if len(values) > 1 and names in {_OBJECT_ID, _TENANT_ID, _ISSUER}:
        message = "The platform's statement about the sign-in is ambiguous."
        raise NotSignedIn(message)
    for name in names:
        if claims.get(name):
            return claims[name][0]
    return ""


def _is_application(claims: dict[str, list[str]], object_id: str) -> bool:
    if "app" in claims.get("idtyp", ()):
        return True
    # `idtyp` is optional. An app-only token is about itself and carries no delegated scope. What
    # says neither of whom it is about nor for what it was given is no proof of a person.
    has_scope = any(scope.strip() for name in _SCOPES for scope in claims.get(name, ()))
    return not has_scope and _single(claims, _SUBJECT).lower() in {"", object_id}

"""The signed-in caller, in the headers and words of App Service authentication."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

type Claims = Mapping[str, Any]

# App Service hands out the classic names of these claims, and all others as they are.
_CLASSIC = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "scp": "http://schemas.microsoft.com/identity/claims/scope",
    "amr": "http://schemas.microsoft.com/claims/authnmethodsreferences",
    "sub": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
    "email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "upn": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "given_name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "family_name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
}
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
_ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
_FORGEABLE = ("x-ms-client-principal", "x-ms-token-")


def without_principal(headers: Mapping[str, str]) -> dict[str, str]:
    """Drop every header that only the platform may set."""
    return {
        name: value for name, value in headers.items() if not name.lower().startswith(_FORGEABLE)
    }


def headers_of(claims: Claims) -> dict[str, str]:
    """Give the headers that tell the app who calls."""
    principal = {
        "auth_typ": "aad",
        "claims": claim_list(claims),
        "name_typ": _NAME,
        "role_typ": _ROLE,
    }
    headers = {
        "x-ms-client-principal": base64.b64encode(json.dumps(principal).encode()).decode("ascii"),
        "x-ms-client-principal-id": str(claims.get("oid") or claims.get("sub") or ""),
        "x-ms-client-principal-idp": "aad",
    }
    if name := display_name(claims):
        headers["x-ms-client-principal-name"] = name
    return headers


def display_name(claims: Claims) -> str:
    """Give the name that App Service shows for a caller."""
    for claim in ("preferred_username", "upn", "email", "name"):
        if value := claims.get(claim):
            return str(value)
    return ""


def claim_list(claims: Claims) -> list[dict[str, str]]:
    """List the claims as App Service does: one entry per value, all values as text."""
    return [
        {"typ": _CLASSIC.get(name, name), "val": _text(item)}
        for name, value in claims.items()
        for item in _items(value)
    ]


def _items(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else (value,)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

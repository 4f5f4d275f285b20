"""Who may disable, re-password and delete whom: Microsoft's table of sensitive actions, as data.

Consent lets Curfew call; the directory role of its service principal decides upon whom
(https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions). A role
that is not in the table, custom ones among them, is for the two highest only; so are the members
of a role-assignable group, whatever role that group holds.
"""

from collections.abc import Iterable

from curfew.model.tenants import (
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
)

AUTHENTICATION_ADMINISTRATOR = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"

HIGHEST = frozenset({PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR})
PASSWORD_SETTERS = HIGHEST | {USER_ADMINISTRATOR}
"""Without one of these an app sets nobody's password
(https://learn.microsoft.com/graph/api/user-update)."""

_BY_AUTHENTICATION = HIGHEST | {AUTHENTICATION_ADMINISTRATOR}
_BY_USER = HIGHEST | {USER_ADMINISTRATOR}
_BY_BOTH = _BY_AUTHENTICATION | _BY_USER

MANAGED_BY = {
    AUTHENTICATION_ADMINISTRATOR: _BY_AUTHENTICATION,
    USER_ADMINISTRATOR: _BY_USER,
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": _BY_USER,  # Helpdesk Administrator
    "fdd7a751-b60b-444a-984c-02652fe8fa1c": _BY_USER,  # Groups Administrator
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b": _BY_BOTH,  # Directory Readers
    "95e79109-95c0-4d8e-aee3-d01accf2d47b": _BY_BOTH,  # Guest Inviter
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b": _BY_BOTH,  # Message Center Reader
    "966707d0-3269-4727-9be2-8c3a10f19b9d": _BY_BOTH,  # Password Administrator
    "4a5d8f65-41da-4de4-8968-e035b65339cf": _BY_BOTH,  # Reports Reader
    "75934031-6c7e-415a-99d7-48dbd49e875e": _BY_BOTH,  # Usage Summary Reports Reader
}
"""By the role that an account holds: the roles that may act upon it. Any other: the highest."""

NAMES = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: "Privileged Authentication Administrator",
    USER_ADMINISTRATOR: "User Administrator",
    AUTHENTICATION_ADMINISTRATOR: "Authentication Administrator",
}
"""What Microsoft calls those that may act upon others."""


def beyond(own: frozenset[str], held: Iterable[str]) -> tuple[str, ...]:
    """The roles whose holders a principal with these roles cannot act upon."""
    return tuple(role for role in held if not own & MANAGED_BY.get(role, HIGHEST))

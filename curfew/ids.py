"""Grant ids: the tenant is in the id, so that every look-up is a point read.

`g-<tenant id>-<ulid>`, 65 characters: within the 100 that every Durable backend takes as an
instance id, and free of the characters that Table Storage refuses in keys.
"""

import hashlib
import re
import secrets
from uuid import UUID

from ulid import ULID

from curfew.errors import NotFound

_INVITATION_ID = re.compile(
    r"i-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-7][0-9A-HJKMNP-TV-Z]{25}"
)
_GRANT_ID = re.compile(r"g-([0-9a-f-]{36})-([0-7][0-9A-HJKMNP-TV-Z]{25})")


def new_grant_id(tenant_id: str) -> str:
    """An id that was never used before."""
    return f"g-{tenant_id}-{ULID()}"


def new_consent_id() -> str:
    """An id for something that approvers are asked, or that somebody says or wishes."""
    return str(ULID())


def repeatable_grant_id(tenant_id: str, caller_id: str, idempotency_key: str) -> str:
    """The id that the same caller's same `Idempotency-Key` in the same tenant always gets."""
    text = f"{tenant_id}\n{caller_id}\n{idempotency_key}"
    return f"g-{tenant_id}-{ULID(hashlib.sha256(text.encode()).digest()[:16])}"


def tenant_of(grant_id: str) -> str:
    """The tenant id inside a grant id.

    Raises:
        NotFound: the text is not a grant id, so there is no such grant.
    """
    match = _GRANT_ID.fullmatch(grant_id)
    try:
        return str(UUID(match[1])) if match else _no_grant()
    except ValueError:
        return _no_grant()


def _no_grant() -> str:
    message = "There is no such grant."
    raise NotFound(message)


def new_invitation_id(tenant_id: str) -> str:
    """An id for a question to a customer's administrators; the tenant is in it."""
    return f"i-{tenant_id}-{ULID()}"


def tenant_of_invitation(invitation_id: str) -> str:
    """The tenant id inside the id of an invitation.

    Raises:
        NotFound: the text is no such id.
    """
    match = _INVITATION_ID.fullmatch(invitation_id)
    if match is None:
        message = "There is no such onboarding."
        raise NotFound(message)
    return match[1]


def new_mark() -> str:
    """A random mark for an account about to be created, about 130 bits.

    It is stored in the lease before the account exists, so an account that carries it was made
    by that lease's grant and by nobody else (rule 8).
    """
    return f"curfew-{secrets.token_hex(16)}"

"""The name of a technician's account in a customer tenant: prefix, alias, domain."""

import re
import unicodedata

LONGEST_LOCAL_PART = 64


def alias_of(sign_in_name: str) -> str:
    """The technician's alias, from the local part of the home sign-in name.

    Accents are folded, letters lowered; of the rest only `.`, `-` and `_` stay, all within what
    Entra allows in a user principal name. Empty when nothing usable is left.
    """
    local = sign_in_name.split("@", 1)[0].split("#EXT#", 1)[0]
    folded = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "", folded).strip(".-_")


def user_principal_name(prefix: str, sign_in_name: str, domain: str) -> str | None:
    """`msp-ann@contoso.onmicrosoft.com`, or None when no alias can be made."""
    alias = alias_of(sign_in_name)
    local = f"{prefix}{alias}"[:LONGEST_LOCAL_PART].rstrip(".")
    return f"{local}@{domain}" if alias else None

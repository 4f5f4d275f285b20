"""Proof that a browser's request was made by a page of this app, and not by one that lured it here.

A browser sends its session's cookie with whatever a foreign page makes it send. So what would
change something and was sent by a browser must carry a header that a foreign page can set only
with leave of this app, which it never gives (no answer carries CORS headers), and must not say
that it comes from elsewhere. Whoever holds a token and is no browser is not concerned: nobody can
make him send a request.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from curfew.errors import CrossSite

PROOF_HEADER = "X-Curfew-Request"
PROOF = "1"
_SIGNS = frozenset({"cookie", "origin", "referer"})
_SIGNS_BEGIN = "sec-fetch-"
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def require_own_page(headers: Mapping[str, str], address: str) -> None:
    """Let a request that would change something pass if no foreign page can have made it.

    Args:
        headers: The request's headers by their names in lower case.
        address: Where people reach this app, empty where that is not known.

    Raises:
        CrossSite: a browser sent it, without the proof or from somewhere else.
    """
    if not any(name in _SIGNS or name.startswith(_SIGNS_BEGIN) for name in headers):
        return
    if headers.get(PROOF_HEADER.lower()) != PROOF:
        message = f"A browser's request that changes something needs {PROOF_HEADER}: {PROOF}."
        raise CrossSite(message)
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        message = "The browser says that the request comes from another site."
        raise CrossSite(message)
    origin = headers.get("origin")
    if origin is not None and not _is_own(origin, headers.get("host", ""), address):
        message = "The request comes from a page of another origin."
        raise CrossSite(message)


def _is_own(origin: str, host: str, address: str) -> bool:
    """Whether an origin is this app's: its address, or the host that the request was sent to.

    A page cannot choose the Host of a request; a proxy can replace it, and then the address
    counts. X-Forwarded-Host says nothing, because nothing says who wrote it. Plain HTTP is only
    believed on this machine, where nobody sits in between, and there only by the names that no
    foreign name server can point here.
    """
    if address and origin == address:
        return True
    try:
        parts = urlsplit(origin)
        name = parts.hostname
    except ValueError:
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and name in _THIS_MACHINE):
        return False
    return bool(host) and origin == f"{parts.scheme}://{host.lower()}"

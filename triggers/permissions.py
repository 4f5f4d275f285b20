"""The table of operations as a page for people: who may do what, and on what."""

from collections.abc import Iterable, Iterator

from curfew.callers import AppRole
from triggers.browsers import PROOF, PROOF_HEADER
from triggers.operation import Limit, Operation, Reach

_HEAD = """\
# Who may do what

This page is made from the table by which Curfew decides (`triggers/operations.py`), by
`python -m devhost.permissions`; a test keeps it current. What is not in the table is not served,
and where a role is not named it may not.

A role is an app role of Curfew's registration in the home tenant. People hold the first four; an
application holds only Integration, whatever else it was assigned. Whoever holds several roles may
do what any of them may. Whoever holds none is known, and may nothing.

Nobody is believed where App Service does not state that it enforces sign-in, nor without a token
that the home tenant has issued.
"""

_REACHES = {
    Reach.ALL: ("all", "Whatever there is."),
    Reach.OWN: ("own", "Only the grants that one has asked for oneself. Others do not exist."),
    Reach.OFFERED: (
        "offered",
        "Only the tenants and profiles that one may ask for. Others do not exist.",
    ),
    Reach.DECIDES: (
        "decides",
        "Only grants of profiles for which one is an approver, never access of one's own.",
    ),
}
_NONE = "no"

_LIMITS = {
    Limit.REQUESTS: "`CURFEW_REQUESTS_PER_HOUR`",
    Limit.REVEALS: "`CURFEW_REVEALS_PER_HOUR`",
}

_HOW_OFTEN = """\
## How often

Counted per caller, over all instances together. Whoever was away may use a quarter of an hour's
limit at once (five at least), and then goes on as he earns it back, so many an hour. Whoever comes
earlier gets `429` with `Retry-After`, which is exact. Where the ledger cannot be read, nobody
passes. Ending is never counted.
"""

_FOOT = f"""\
## From a browser

What changes something (every call but `GET`) needs the header `{PROOF_HEADER}: {PROOF}` when a
browser sends it, that is with a cookie or with `Origin`, `Referer` or `Sec-Fetch-…`. A page of
another site cannot send that header, because the app answers no preflight. `Origin` must be the
app's own and `Sec-Fetch-Site` must be `same-origin` where they are there. Everything else gets
`403` (`urn:curfew:problem:cross-site`). A caller with a token who is no browser needs none of it.
"""


def page(operations: Iterable[Operation]) -> str:
    """The page, in Markdown."""
    known = tuple(operations)
    return "\n".join(
        [
            _HEAD,
            *_reaches(),
            *_operations(known),
            *_limited(known),
            _FOOT.rstrip(),
            "",
        ]
    )


def _reaches() -> Iterator[str]:
    yield "| on what | means |"
    yield "| --- | --- |"
    for word, meaning in _REACHES.values():
        yield f"| {word} | {meaning} |"
    yield ""


def _operations(operations: Iterable[Operation]) -> Iterator[str]:
    yield f"| call | | {' | '.join(AppRole)} |"
    yield f"| --- | --- |{' --- |' * len(AppRole)}"
    for operation in operations:
        if operation.public:
            rights = ["anyone, signed in or not", *[""] * (len(AppRole) - 1)]
        else:
            rights = [_right(operation, role) for role in AppRole]
        yield f"| {_call(operation)} | {operation.summary} | {' | '.join(rights)} |"
    yield ""


def _limited(operations: Iterable[Operation]) -> Iterator[str]:
    yield _HOW_OFTEN
    yield "| call | counted against |"
    yield "| --- | --- |"
    for operation in operations:
        if operation.limit is not None:
            yield f"| {_call(operation)} | {_LIMITS[operation.limit]}, 60 unless set |"
    yield ""


def _right(operation: Operation, role: AppRole) -> str:
    reach = operation.rights.get(role)
    return _REACHES[reach][0] if reach is not None else _NONE


def _call(operation: Operation) -> str:
    return f"`{operation.method} /api/{operation.path}`"

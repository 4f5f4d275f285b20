"""The floor of giving access: the longest chain of Graph calls that truly depend on each other.

Two calls depend on each other if the second needs the answer of the first, or if a rule of the
design puts it after the first: an account is enabled after everything else, and what was there
before is known before anything is changed. Calls without such a reason could run together, and
the floor lets them, whether the product does or not.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulator.calls import Call

_USER = "/v1.0/users/[^/]+"
_ROLES = "/v1.0/roleManagement/directory/roleAssignments"
_CONFIGURATIONS = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"
_PASSES = f"{_USER}/authentication/temporaryAccessPassMethods"


class UnknownCall(Exception):
    """A call that the model of dependencies does not know, or one that failed: no floor then."""


@dataclass(frozen=True)
class Step:
    """A kind of call, and the kinds that must have been answered before it can start.

    `path` is a regular expression for the whole path; `sets` is a property of the body.
    """

    name: str
    method: str
    path: str
    after: tuple[str, ...] = ()
    sets: str = ""

    def fits(self, call: Call) -> bool:
        """Whether a call is of this kind, as far as the call itself tells."""
        body = call.request_body if isinstance(call.request_body, dict) else {}
        return (
            call.method == self.method
            and re.fullmatch(self.path, call.path) is not None
            and (not self.sets or self.sets in body)
        )


@dataclass(frozen=True)
class Link:
    """A call of a chain."""

    step: str
    call: Call

    @property
    def seconds(self) -> float:
        """How long the directory took to answer."""
        return self.call.ended - self.call.started


_READ_BACK = (
    Step("read back the account", "GET", _USER, ("enable the account",)),
    Step("read back the roles", "GET", _ROLES, ("enable the account",)),
)
_PREPARED = ("assign a role", "set the password", "create the pass")

CREATE = (
    Step("create the account", "POST", "/v1.0/users"),
    Step("assign a role", "POST", _ROLES, ("create the account",)),
    Step("read the pass policy", "GET", f"{_CONFIGURATIONS}/temporaryAccessPass"),
    Step("create the pass", "POST", _PASSES, ("create the account", "read the pass policy")),
    Step(
        "enable the account", "PATCH", _USER, ("create the account", *_PREPARED), "accountEnabled"
    ),
    *_READ_BACK,
)
_KNOWN = (
    "read the account",
    "read the sign-in methods",
    "read the memberships",
    "read the roles it has",
)
WAKE = (
    Step("read the account", "GET", _USER),
    Step("read the sign-in methods", "GET", f"{_USER}/authentication/methods"),
    Step("read the memberships", "GET", f"{_USER}/memberOf"),
    Step("read the roles it has", "GET", _ROLES),
    Step("set the password", "PATCH", _USER, _KNOWN, "passwordProfile"),
    Step("assign a role", "POST", _ROLES, _KNOWN),
    Step("read the pass policy", "GET", f"{_CONFIGURATIONS}/temporaryAccessPass"),
    Step("create the pass", "POST", _PASSES, (*_KNOWN, "read the pass policy")),
    Step("enable the account", "PATCH", _USER, (*_KNOWN, *_PREPARED), "accountEnabled"),
    *_READ_BACK,
)


def longest_chain(calls: Iterable[Call], steps: Sequence[Step]) -> list[Link]:
    """The chain of dependent calls that took longest, in its order.

    Of several calls of one step, such as one for each role, the slowest stands for all.

    Raises:
        UnknownCall: a call is of no step, or was refused.
    """
    slowest: dict[str, Link] = {}
    for call in sorted(calls, key=lambda call: call.started):
        link = Link(_step_of(call, steps, seen=slowest.keys()), call)
        earlier = slowest.get(link.step)
        if earlier is None or earlier.seconds < link.seconds:
            slowest[link.step] = link
    chains: dict[str, list[Link]] = {}
    for step in steps:
        if step.name in slowest:
            before = [chains[name] for name in step.after if name in chains]
            chains[step.name] = [*max(before, key=duration, default=[]), slowest[step.name]]
    return max(chains.values(), key=duration, default=[])


def duration(chain: Iterable[Link]) -> float:
    """The sum of a chain, in seconds."""
    return sum(link.seconds for link in chain)


def _step_of(call: Call, steps: Sequence[Step], *, seen: Iterable[str]) -> str:
    """The last step that the call fits; one that nothing it follows has preceded is not meant."""
    if call.status is None or call.status >= 400:
        raise UnknownCall(f"A call was refused: {call}")
    seen = set(seen)
    fitting = [
        step for step in steps if step.fits(call) and (not step.after or seen & set(step.after))
    ]
    if not fitting:
        raise UnknownCall(f"The model of dependencies does not know this call: {call}")
    return fitting[-1].name

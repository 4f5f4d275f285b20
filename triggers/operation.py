"""What an operation of the API is: its address, whom it serves, what goes in and out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from curfew.callers import AppRole, Caller
from curfew.model.base import Model
from triggers.queries import NoQuery


class Reach(StrEnum):
    """On what a caller may carry out an operation."""

    ALL = "all"
    OWN = "own"
    """Grants that he asked for."""
    OFFERED = "offered"
    """Tenants and profiles that he may ask for."""
    DECIDES = "decides"
    """Grants of profiles that he may decide on; never his own access."""


class Limit(StrEnum):
    """What a caller may do only so often in an hour; the deployment's settings say how often."""

    REQUESTS = "requests"
    REVEALS = "reveals"


SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

type Rights = Mapping[AppRole, Reach]
"""Which app role reaches what; a role that is not there reaches nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        name: The function's name, and the operation id of the OpenAPI document.
        path: Below the route prefix, with `{parameters}`.
        rights: What the app roles of a caller let him reach.
        public: Whether it is served without a caller.
        body: What the request must be; None where it has no body.
        answers: The model of each successful answer; None where there is no body.
        problems: The refusals that this operation can give besides those of every operation.
        durable: Whether it talks to the workflow engine.
        pages: The statuses that are answered with an HTML page, for a person.
        unchecked: Whether the platform's sign-in passes this path by: what a request says of its
            caller there may come from anybody, and nobody is believed.
        headers: The request headers that it heeds.
        limit: What each call of it is counted against; None where a caller may call it at will.
    """

    name: str
    method: str
    path: str
    summary: str
    rights: Rights
    answers: dict[int, type[Model] | None]
    public: bool = False
    body: type[Model] | None = None
    query: type[Model] = NoQuery
    problems: tuple[int, ...] = ()
    durable: bool = False
    headers: tuple[str, ...] = field(default=())
    pages: tuple[int, ...] = ()
    unchecked: bool = False
    limit: Limit | None = None

    @property
    def safe(self) -> bool:
        """Whether it changes nothing, so that a browser may be led to it from anywhere."""
        return self.method in SAFE_METHODS

    def reach(self, caller: Caller) -> frozenset[Reach]:
        """All that a caller may reach by this operation; nothing where he may not call it."""
        return frozenset(self.rights[role] for role in caller.roles if role in self.rights)

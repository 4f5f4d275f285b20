"""Every operation of the API with an address of it, from the app's own table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lifecycle.client import Answer, Api, Persona

if TYPE_CHECKING:
    from triggers.operation import Operation


@dataclass(frozen=True)
class Place:
    """What the parameters of an address stand for."""

    tenant: str
    grant: str = "g-nobodys"


def operations() -> Iterator["Operation"]:
    """The operations of the app. Its rooms refuse to be imported before there are settings."""
    from triggers.operations import OPERATIONS

    yield from OPERATIONS.values()


def call(
    api: Api, caller: Persona | None, operation: "Operation", place: Place, **headers: str
) -> Answer:
    """Carry out an operation with as little as it takes to be let in."""
    address = operation.path.format(
        grantId=place.grant,
        tenantId=place.tenant,
        profileName="helpdesk",
        accountId=place.tenant,
        onboardingId="nobodys",
    )
    body: Any = {} if operation.body else None
    return api(caller, operation.method, f"/api/{address}", body, **headers)

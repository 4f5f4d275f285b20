"""The query strings of the API, and the opaque token with which a list goes on."""

import base64
import binascii
import json
from typing import Annotated, Any, Self
from urllib.parse import urlencode

from pydantic import ConfigDict, Field, ValidationError

from curfew.errors import FieldProblem, InvalidRequest
from curfew.model.audit import Action
from curfew.model.base import Guid, Model, Moment
from curfew.model.grants import GrantId, GrantState

_Key = Annotated[str, Field(pattern="^(Partition|Row)Key$")]
# With a constraint it is also held to be text: half a surrogate pair could not be sent on.
_Mark = Annotated[str, Field(max_length=2000)]


class NoQuery(Model):
    """No query string."""


class RequestQuery(Model):
    """How a grant is asked for."""

    dry_run: bool = Field(
        default=False, description="Only say what the request would lead to; nothing is written."
    )


class GrantListQuery(Model):
    """Which grants to list."""

    state: GrantState | None = None
    tenant: Guid | None = None
    technician: Guid | None = Field(default=None, description="A technician's object id.")
    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="From `nextLink`; where the page begins."
    )


class LeavingQuery(Model):
    """What becomes of Curfew's accounts in a tenant that leaves."""

    delete_accounts: bool = Field(
        default=False, description="Whether they are deleted; else they stay, disabled and bare."
    )


class AuditListQuery(Model):
    """Which events of the audit trail to list."""

    tenant: Guid | None = None
    grant: GrantId | None = None
    action: Action | None = None
    actor: Guid | None = Field(default=None, description="The object id of who did it.")
    since: Moment | None = Field(default=None, alias="from", description="Not older than this.")
    until: Moment | None = Field(default=None, alias="to", description="Not newer than this.")
    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[str, Field(max_length=2000)] | None = Field(
        default=None, description="From `nextLink`; where the page begins."
    )


class ConsentAnswer(Model):
    """What Microsoft's sign-in says of a consent, or anybody in its name.

    Nothing is refused here: a person reads the answer, and gets a page.
    """

    model_config = ConfigDict(extra="ignore")

    admin_consent: str = Field(default="", alias="admin_consent")
    tenant: str = ""
    state: str = ""
    error: str = ""


class Place(Model):
    """Where a list goes on in its table."""

    continuation: dict[_Key, _Mark] = Field(default_factory=dict)

    def to_token(self) -> str:
        """The bookmark as a text for an address."""
        text = json.dumps(self.to_json(), separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Self:
        """The bookmark in a text.

        Raises:
            InvalidRequest: it is none of ours. What it may show is decided anew at every page,
                so a forged one opens nothing.
        """
        try:
            padded = token + "=" * (-len(token) % 4)
            decoded: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            return cls.model_validate(decoded)
        except (binascii.Error, ValueError, ValidationError):
            problem = FieldProblem("after", "must be taken from a nextLink")
            message = "The query is not well-formed."
            raise InvalidRequest(message, (problem,)) from None


class Bookmark(Place):
    """Where a list of grants goes on: in which table as well."""

    table: Annotated[str, Field(pattern="^(leases|history)$")]


def next_link(address: str, query: GrantListQuery | AuditListQuery, place: Place) -> str:
    """The address of the next page of a list."""
    asked = query.model_copy(update={"after": place.to_token()}).to_json()
    return f"{address}?{urlencode({name: v for name, v in asked.items() if v is not None})}"

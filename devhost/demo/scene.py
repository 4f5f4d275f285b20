"""The technician, her customer and her grant, with every place where something can be seen."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity, TableServiceClient
from pydantic import TypeAdapter

from devhost.demo.witness import Sighting, Witness
from devhost.stack import Stack

TECHNICIAN = "ann"
ACCOUNT = "msp-ann"
NOT_YET = "not there yet"

_moment: TypeAdapter[datetime] = TypeAdapter(datetime)


class Contradiction(Exception):
    """The opposite of what must be was seen, so waiting is no use; the message says what."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, and when it was so."""

    at: datetime
    detail: str = ""


type Look = Seen | str
"""What a look at the scene came to; a text says what is there instead, and to look again."""


@dataclass
class Grant:
    """One grant as the demo knows it.

    `asked_mark` and `used_mark` are places in the witness's sightings: after the first comes
    what was given, after the second what was taken back.
    """

    asked_at: datetime
    asked_mark: int
    address: str
    view: dict[str, Any]
    used_mark: int = 0
    password: str = field(default="", repr=False)
    access_pass: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """The grant id."""
        return str(self.view["id"])

    @property
    def account(self) -> str:
        """The user principal name of the account."""
        return str(self.view["userPrincipalName"])

    @property
    def roles(self) -> frozenset[str]:
        """The ids of the roles that it gives."""
        return frozenset(role["id"] for role in self.view["roles"])

    @property
    def password_secret(self) -> str:
        """The name of the password in the vault."""
        return f"grant-{self.id[-26:]}-password"

    @property
    def pass_secret(self) -> str:
        """The name of the Temporary Access Pass in the vault."""
        return f"grant-{self.id[-26:]}-pass"


class Scene:
    """Ann at work in Contoso, over HTTP; the ledger, the directory and the vault in plain view."""

    def __init__(self, stack: Stack, witness: Witness, duration: timedelta) -> None:
        self.stack = stack
        self.witness = witness
        self.duration = duration
        self.tenant = stack.world.contoso
        self.grants: list[Grant] = []
        self.account_id = ""
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self.api = opening.enter_context(self.stack.client(TECHNICIAN))
            connection = self.stack.azurite.connection_string
            tables = TableServiceClient.from_connection_string(connection)
            self._tables = opening.enter_context(tables)
            self._opened = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def grant(self) -> Grant:
        """The grant of the moment."""
        return self.grants[-1]

    def read(self) -> dict[str, Any]:
        """The grant as the API shows it now."""
        view: dict[str, Any] = self.api.get(self.grant.address).raise_for_status().json()
        return view

    def lease(self) -> TableEntity | None:
        """The grant's row among the live ones."""
        return self._row("leases", self.grant.id)

    def claim(self) -> TableEntity | None:
        """The row that keeps every other grant from the account."""
        return self._row("leases", f"claim:{self.grant.account}")

    def history(self) -> TableEntity | None:
        """The grant's row among those that are over."""
        return self._row("history", self.grant.id)

    def given(self, shows: Callable[[Sighting], bool]) -> Sighting | None:
        """The first sighting since the request that shows something."""
        return self.witness.first(shows, since=self.grant.asked_mark)

    def taken(self, shows: Callable[[Sighting], bool]) -> Sighting | None:
        """The first sighting since the access was last used that shows something."""
        return self.witness.first(shows, since=self.grant.used_mark)

    def sign_in(self, secret: str, **form: str) -> httpx.Response:
        """Try a credential of the account at the token endpoint."""
        return self.stack.sign_in(self.tenant, self.grant.account, secret, **form)

    def _row(self, table: str, key: str) -> TableEntity | None:
        try:
            return self._tables.get_table_client(table).get_entity(self.tenant.id, key)
        except ResourceNotFoundError:
            return None


def moment(value: object) -> datetime:
    """A time as the API and the tables write it."""
    return _moment.validate_python(value)


def written_at(row: TableEntity) -> datetime:
    """When a row was last written, by the table service's own clock."""
    return moment(row.metadata["timestamp"])


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def names(roles: list[dict[str, str]]) -> str:
    """Roles as the API shows them, by their names."""
    return ", ".join(role["name"] for role in roles)


def reason_of(answer: httpx.Response) -> str:
    """Why a sign-in failed: the code only, without whatever else the answer may quote."""
    codes = answer.json().get("error_codes", [])
    return " ".join([str(answer.status_code), *(f"AADSTS{code}" for code in codes)])


def require(answer: httpx.Response, status: int) -> httpx.Response:
    """Let an answer of the API pass if it has the one status that it must have."""
    if answer.status_code != status:
        detail = answer.json().get("detail", "")
        raise Contradiction(f"the API answered {answer.status_code}: {detail}")
    return answer

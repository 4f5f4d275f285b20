"""The audit trail over real tables, a clock to turn, and a hand that can reach into the rows."""

import asyncio
import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableServiceClient, UpdateMode

from curfew.audit import Verdict, Wanted, verify
from curfew.chain import Anchor
from curfew.ledger import AuditTrail
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry, AuditEvent
from curfew.services import Services
from curfew.settings import Settings
from devhost.azurite import Azurite
from tests.lifecycle.ledger_proxy import LedgerProxy

START = datetime(2026, 3, 30, 9, 0, tzinfo=UTC)
ADA = Person(id="aaaaaaaa-0000-4000-8000-00000000000d", name="Ada Administrator")


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class Store:
    """One tenant of its own in tables that tests share."""

    azurite: Azurite
    proxy: LedgerProxy
    environment: dict[str, str]
    runner: asyncio.Runner
    services: Services
    clock: Clock
    tenant: str = field(default_factory=lambda: str(uuid4()))

    def wait[T](self, awaitable: Awaitable[T]) -> T:
        async def result() -> T:
            return await awaitable

        return self.runner.run(result())

    @property
    def trail(self) -> AuditTrail:
        """The trail as a process sees it that has run for a while."""
        return self.services.audit

    def process(self, clock: Clock | None = None) -> AuditTrail:
        """The trail as another process sees it, which knows nothing of this one."""
        return AuditTrail(self.services.tables, clock or self.clock)

    def entry(self, key: str = "", **changes: Any) -> AuditEntry:
        """Something to write down."""
        entry = AuditEntry(
            key=key or uuid4().hex,
            tenant=self.tenant,
            action=Action.TENANT_CHANGED,
            target="Contoso",
            actor=ADA,
            before={"hardLimit": "PT8H"},
            after={"hardLimit": "PT4H"},
        )
        return entry.model_copy(update=changes)

    def append(self, count: int = 1, **changes: Any) -> list[AuditEvent]:
        """Events that were written down one after the other."""
        return [self.wait(self.trail.append(self.entry(**changes))) for _ in range(count)]

    def verdict(self, *anchors: Anchor) -> Verdict:
        """What the checker says of this tenant's trail."""

        async def check() -> list[Verdict]:
            wanted = Wanted((self.tenant,), {self.tenant: anchors} if anchors else {})
            return [verdict async for verdict in verify(self.services, wanted)]

        (verdict,) = self.wait(check())
        return verdict

    @contextmanager
    def table(self) -> Iterator[TableClient]:
        """The table itself, past everything that Curfew does."""
        connection = self.azurite.connection_string
        with TableServiceClient.from_connection_string(connection) as service:
            yield service.get_table_client("audit")

    def rows(self, kind: str = "e-") -> list[dict[str, Any]]:
        """The rows of one kind, oldest first."""
        bounds = {"first": f"{self.tenant}_", "last": f"{self.tenant}_~"}
        query = "PartitionKey ge @first and PartitionKey le @last"
        with self.table() as table:
            try:
                found = [dict(row) for row in table.query_entities(query, parameters=bounds)]
            except ResourceNotFoundError:
                return []
        return [row for row in found if row["RowKey"].startswith(kind)]

    def documents(self) -> list[dict[str, Any]]:
        """The events as they are stored."""
        return [json.loads(row["document"]) for row in self.rows()]

    def write(self, row: dict[str, Any], document: object = None, **columns: Any) -> None:
        """Put a row into the table by hand."""
        said = {} if document is None else {"document": json.dumps(document)}
        with self.table() as table:
            table.upsert_entity({**row, **said, **columns}, mode=UpdateMode.REPLACE)

    def remove(self, *rows: dict[str, Any]) -> None:
        """Take rows out of the table by hand."""
        with self.table() as table:
            for row in rows:
                table.delete_entity(row["PartitionKey"], row["RowKey"])


@contextmanager
def running() -> Iterator[Store]:
    """Tables of their own, with one tenant."""
    with (
        Azurite() as azurite,
        LedgerProxy(_origin(azurite.url)) as proxy,
        asyncio.Runner() as runner,
    ):
        clock = Clock()
        environment = {
            "CURFEW_HOME_TENANT": "11111111-0000-4000-8000-000000000001",
            "CURFEW_APP_ID": "11111111-0000-4000-8000-000000000002",
            "CURFEW_MANAGED_IDENTITY_ID": "11111111-0000-4000-8000-000000000003",
            "CURFEW_VAULT_URL": "https://vault.example",
            "CURFEW_TABLES_CONNECTION_STRING": azurite.connection_string.replace(
                _origin(azurite.url), proxy.url
            ),
        }
        services = Services(Settings.read(environment), clock)
        yield Store(azurite, proxy, environment, runner, services, clock)
        runner.run(services.close())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

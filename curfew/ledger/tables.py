"""Table Storage as documents: a JSON text per row, with the columns that are searched beside it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

from azure.core import MatchConditions
from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables import TableEntity, TransactionOperation, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from curfew.azure_errors import classified
from curfew.errors import AlreadyExists, Missing

type Columns = Mapping[str, str | bool]

_ONE_TRY: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 20}
_TABLE_MISSING = "TableNotFound"
_DOCUMENT = "document"
# Table Storage keeps 64 KiB of UTF-16 in a property, so a long document stands in several.
_LONGEST_PART = 30_000


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its keys, its document, and the ETag of that reading.

    `columns` are what it is searched by, as they were read. A document that is no JSON, which
    nothing here ever writes, is read as None.
    """

    partition: str
    key: str
    document: Any
    etag: str = ""
    columns: Columns = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows and where the next one begins, None after the last."""

    rows: tuple[Row, ...]
    continuation: dict[str, str] | None


class Tables:
    """The deployment's tables. A table that is not there is created when first written to."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._clients: dict[str, TableClient] = {}

    @classmethod
    def at(cls, url: str, credential: AsyncTokenCredential) -> Self:
        """The tables of a storage account, by identity."""
        return cls(TableServiceClient(url, credential=credential, **_ONE_TRY))

    @classmethod
    def by_connection_string(cls, connection_string: str) -> Self:
        """The tables of a storage account, by key: Azurite's."""
        return cls(TableServiceClient.from_connection_string(connection_string, **_ONE_TRY))

    def _client(self, table: str) -> TableClient:
        if table not in self._clients:
            self._clients[table] = self._service.get_table_client(table)
        return self._clients[table]

    async def get(self, table: str, partition: str, key: str) -> Row:
        """One row by its keys.

        Raises:
            Missing: no such row.
        """
        with classified("ledger", f"get {table}"):
            return _row(await self._client(table).get_entity(partition, key))

    async def put(self, table: str, row: Row, columns: Columns | None = None) -> str:
        """Write a row and answer its new ETag.

        Without an ETag the row is created or replaced; with one, replaced only if nobody else
        has written since.

        Raises:
            Changed: the ETag is not the stored one.
            Missing: an ETag was given, and the row is gone.
        """
        entity = _entity(row, columns)

        async def write() -> Mapping[str, Any]:
            client = self._client(table)
            if row.etag:
                return await client.update_entity(
                    entity,
                    mode=UpdateMode.REPLACE,
                    etag=row.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            return await client.upsert_entity(entity, mode=UpdateMode.REPLACE)

        return str((await self._writing(table, f"put {table}", write))["etag"])

    async def create(self, table: str, *rows: tuple[Row, Columns]) -> None:
        """Create rows of one partition together, or none.

        Raises:
            AlreadyExists: a row with these keys is there.
        """
        operations = [(TransactionOperation.CREATE, _entity(row, more)) for row, more in rows]

        async def write() -> object:
            return await self._client(table).submit_transaction(operations)

        await self._writing(table, f"create {table}", write)

    async def replace_and_create(
        self, table: str, replaced: tuple[Row, Columns], *created: tuple[Row, Columns]
    ) -> str:
        """Replace a row as it was read and create others of its partition, or do nothing.

        Answers the new ETag of the row that was replaced.

        Raises:
            AlreadyExists: a row to be created is there.
            Changed: somebody else has written the row to be replaced since it was read.
            Missing: the row to be replaced is gone.
        """
        row, columns = replaced
        condition = {"etag": row.etag, "match_condition": MatchConditions.IfNotModified}
        mode = {"mode": UpdateMode.REPLACE, **condition}
        operations: list[Any] = [(TransactionOperation.UPDATE, _entity(row, columns), mode)]
        operations += [(TransactionOperation.CREATE, _entity(r, more)) for r, more in created]

        async def write() -> list[Mapping[str, Any]]:
            return await self._client(table).submit_transaction(operations)

        return str((await self._writing(table, f"replace {table}", write))[0]["etag"])

    async def delete(self, table: str, partition: str, key: str, etag: str = "") -> None:
        """Delete a row; one that is gone is done.

        Raises:
            Changed: an ETag was given, and it is not the stored one.
        """
        condition = MatchConditions.IfNotModified if etag else MatchConditions.Unconditionally
        with classified("ledger", f"delete {table}"):
            await self._client(table).delete_entity(
                {"PartitionKey": partition, "RowKey": key},
                etag=etag or None,
                match_condition=condition,
            )

    async def delete_together(self, table: str, partition: str, *keys: str, etag: str = "") -> None:
        """Delete rows of one partition together, or none; the first, if asked, as it was read.

        Raises:
            Missing: one of them is gone already, so none was deleted.
            Changed: somebody else has written the first since it was read.
        """
        entities = [{"PartitionKey": partition, "RowKey": key} for key in keys]
        as_read = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        operations: list[Any] = [(TransactionOperation.DELETE, entity) for entity in entities]
        operations[0] = (*operations[0], as_read)
        with classified("ledger", f"delete {table}"):
            await self._client(table).submit_transaction(operations)

    async def all(self, table: str, query: str, parameters: Columns) -> AsyncIterator[Row]:
        """Every row that a query finds, over all its pages."""
        continuation: dict[str, str] | None = None
        while True:
            found = await self.page(table, query, parameters, continuation=continuation)
            for row in found.rows:
                yield row
            if not (continuation := found.continuation):
                return

    async def page(
        self,
        table: str,
        query: str,
        parameters: Columns,
        *,
        size: int = 200,
        continuation: dict[str, str] | None = None,
    ) -> Found:
        """One page of what a query finds. A table that is not there yet is empty."""
        try:
            with classified("ledger", f"query {table}"):
                entities = self._client(table).query_entities(
                    query, parameters=dict(parameters), results_per_page=size
                )
                # The SDK's annotations say str; its continuation is a dictionary of two keys.
                pages: Any = entities.by_page(continuation_token=continuation)  # type: ignore[arg-type]
                async for page in pages:
                    rows = tuple([_row(entity) async for entity in page])
                    return Found(rows, pages.continuation_token)
        except Missing as error:
            if error.service_code != _TABLE_MISSING:
                raise
        return Found((), None)

    async def _writing[T](self, table: str, operation: str, write: Callable[[], Awaitable[T]]) -> T:
        """Write, creating the table first if the service says that it is not there."""
        try:
            with classified("ledger", operation):
                return await write()
        except Missing as error:
            if error.service_code != _TABLE_MISSING:
                raise
        with suppress(AlreadyExists), classified("ledger", f"create table {table}"):
            await self._service.create_table(table)
        with classified("ledger", operation):
            return await write()

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()
        await self._service.close()


def _row(entity: TableEntity) -> Row:
    try:
        document = json.loads("".join(_parts(entity)))
    except (KeyError, RecursionError, TypeError, ValueError):
        document = None
    etag = str(entity.metadata.get("etag") or "")
    columns = {name: value for name, value in entity.items() if not _is_own(name)}
    return Row(entity["PartitionKey"], entity["RowKey"], document, etag, columns)


def _entity(row: Row, columns: Columns | None) -> dict[str, str | bool]:
    document = json.dumps(row.document, separators=(",", ":"), sort_keys=True)
    return {
        **(columns or {}),
        "PartitionKey": row.partition,
        "RowKey": row.key,
        **{_part_name(number): part for number, part in enumerate(_cut(document))},
    }


def _cut(document: str) -> Iterator[str]:
    return (document[at : at + _LONGEST_PART] for at in range(0, len(document), _LONGEST_PART))


def _part_name(number: int) -> str:
    return f"{_DOCUMENT}{number or ''}"


def _parts(entity: TableEntity) -> Iterator[str]:
    yield entity[_DOCUMENT]
    for number in count(1):
        if _part_name(number) not in entity:
            return
        yield entity[_part_name(number)]


def _is_own(name: str) -> bool:
    is_part = name.startswith(_DOCUMENT) and name.removeprefix(_DOCUMENT).isdecimal()
    return name in {"PartitionKey", "RowKey", _DOCUMENT} or is_part

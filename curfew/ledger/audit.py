"""The audit trail: append-only, a hash chain per tenant, kept in a partition per tenant and month.

A partition `<tenant>_<yyyymm>` holds the events by their sequence, a row for the key of each entry
and the head, which names the last event. All three are written in one transaction under the
head's ETag: of any number of writers, in any number of processes, exactly one appends at a time.

No transaction reaches over two partitions, so the turn of a month takes three writes:

1. the old month's head is sealed: under its ETag it is told which month follows. From here on
   nobody can append to the old month, however slow his clock;
2. the row that names the tenant's newest month is moved on;
3. the first event of the new month creates its head, taking up the sealed head's sequence and
   hash. Of several writers one creates it.

A writer that dies in between leaves a sealed head, and whoever comes next goes on from there: the
chain can neither fork nor lose an event. The row of step 2 only says where to begin to look; every
decision is taken on a head's ETag.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from curfew.chain import Anchor, Head, Stored, hash_of
from curfew.clock import Clock
from curfew.errors import AlreadyExists, Changed, CurfewError, Missing, Unavailable
from curfew.events import Event, report
from curfew.ledger.audit_rows import (
    AUDIT,
    HEAD,
    NEWEST,
    AuditQuery,
    HeadRow,
    KeyRow,
    NewestRow,
    columns_of,
    event_key,
    event_of,
    events_and_heads,
    events_that,
    heads_of,
    key_of,
    month_of,
    read,
    stored_in,
)
from curfew.ledger.tables import Columns, Row, Tables
from curfew.model.audit import AuditEntry, AuditEvent

_TRIES = 20
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class AuditRows:
    """A page of events, where the next begins, and how many rows of it could not be read."""

    events: tuple[AuditEvent, ...]
    unreadable: int
    continuation: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next event goes. Without an ETag the month has no head yet.

    A place that was kept from an append of this process needs no look for the entry's key in its
    own month: writing there would find it taken.
    """

    month: str
    head: HeadRow
    etag: str = ""
    kept: bool = False


class AuditTrail:
    """The audit trail of all tenants. Nothing in it is ever changed or deleted."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._places: dict[str, _Place] = {}

    async def append(self, entry: AuditEntry) -> AuditEvent:
        """Write an event down and answer it with its place in the chain.

        An entry whose key is there already, from this month of the trail or the one before it,
        changes nothing and answers the event that it made the first time.

        Raises:
            Changed: others kept writing, twenty times in a row.
            Unavailable: no answer; the event may have been written. Appending it again is safe.
        """
        async with self._turns.setdefault(entry.tenant, asyncio.Lock()):
            for attempt in range(_TRIES):
                await asyncio.sleep(secrets.randbelow(20 * attempt + 1) / 1000)
                place = self._places.pop(entry.tenant, None)
                if place is None or place.month < month_of(self._clock()):
                    place = await self._find_place(entry.tenant)
                if place is None:
                    continue
                try:
                    return await self._found(entry, place) or await self._write(entry, place)
                except (AlreadyExists, Changed, Missing):
                    # This very entry, or another writer: the next reading tells.
                    continue
        raise Changed("ledger", "append to the audit trail")

    async def note(self, entry: AuditEntry) -> bool:
        """Append on the way of an ending, which nothing may hold up: ten seconds, and no error.

        What could not be written is reported, and False says so.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                await self.append(entry)
        except (CurfewError, TimeoutError) as error:
            report(
                Event.AUDIT_MISSED,
                error,
                tenant=entry.tenant,
                grant=entry.grant,
                action=entry.action,
                key=entry.key,
            )
            return False
        return True

    async def knows(self, tenant_id: str, keys: Iterable[str]) -> bool:
        """Whether an entry with one of these keys is in the newest month or the one before it."""
        _, newest = await self._newest(tenant_id, month_of(self._clock()))
        for month in filter(None, (newest.month, newest.before)):
            for key in keys:
                with suppress(Missing):
                    await self._tables.get(AUDIT, f"{tenant_id}_{month}", key_of(key))
                    return True
        return False

    async def events(
        self, query: AuditQuery, *, size: int, continuation: dict[str, str] | None = None
    ) -> AuditRows:
        """A page of events: tenant by tenant, in each the oldest first."""
        wanted = events_that(query)
        found = await self._tables.page(
            AUDIT, wanted.text, wanted.parameters, size=size, continuation=continuation
        )
        events = [event for row in found.rows if (event := event_of(row))]
        return AuditRows(tuple(events), len(found.rows) - len(events), found.continuation)

    async def stream(
        self, tenant_id: str | None = None
    ) -> AsyncIterator[tuple[str, Stored | Head]]:
        """Events and heads as they are stored, tenant by tenant, with the tenant of each."""
        wanted = events_and_heads(tenant_id)
        async for row in self._tables.all(AUDIT, wanted.text, wanted.parameters):
            yield stored_in(row)

    async def tenants(self) -> dict[str, str | None]:
        """Every tenant that has a trail, with the month in which it goes on.

        None where the row that names it cannot be read: that is no other tenant's trouble.
        """
        months: dict[str, str | None] = {}
        async for row in self._tables.all(AUDIT, "PartitionKey eq @newest", {"newest": NEWEST}):
            months[row.key] = None
            with suppress(Unavailable):
                months[row.key] = read(NewestRow, row).month
        return months

    async def last(self, tenant_id: str) -> Anchor | None:
        """The last event of a tenant, by its place and hash; None where there is none."""
        newest = read(NewestRow, await self._tables.get(AUDIT, NEWEST, tenant_id))
        head = await self._head_of(tenant_id, newest.month)
        if head is None and newest.before:
            head = await self._head_of(tenant_id, newest.before)
        if head is None or not head[0].sequence:
            return None
        return Anchor(head[0].sequence, head[0].hash)

    async def _write(self, entry: AuditEntry, place: _Place) -> AuditEvent:
        """Event, key and head in one transaction, under the head's ETag or where none is yet."""
        now = self._clock()
        event = AuditEvent(
            **dict(entry),
            sequence=place.head.sequence + 1,
            at=now.replace(microsecond=now.microsecond // 1000 * 1000),
            previous=place.head.hash,
            hash="",
        )
        event = event.model_copy(update={"hash": hash_of(event.to_json())})
        partition = f"{entry.tenant}_{place.month}"
        head = place.head.model_copy(update={"sequence": event.sequence, "hash": event.hash})
        head_row = Row(partition, HEAD, head.to_json(), place.etag)
        key_row = Row(partition, key_of(entry.key), KeyRow(sequence=event.sequence).to_json())
        event_row = Row(partition, event_key(event.sequence), event.to_json())
        rows: tuple[tuple[Row, Columns], ...] = (event_row, columns_of(event)), (key_row, {})
        if place.etag:
            etag = await self._tables.replace_and_create(AUDIT, (head_row, {}), *rows)
            self._places[entry.tenant] = _Place(place.month, head, etag, kept=True)
        else:
            await self._tables.create(AUDIT, (head_row, {}), *rows)
        return event

    async def _found(self, entry: AuditEntry, place: _Place) -> AuditEvent | None:
        """The event that the same entry made before, if it did."""
        for month in (None if place.kept else place.month, place.head.before):
            if month is None:
                continue
            partition = f"{entry.tenant}_{month}"
            try:
                row = await self._tables.get(AUDIT, partition, key_of(entry.key))
            except Missing:
                continue
            key = event_key(read(KeyRow, row).sequence)
            return read(AuditEvent, await self._tables.get(AUDIT, partition, key))
        return None

    async def _find_place(self, tenant_id: str) -> _Place | None:
        """Where the next event goes; None when something was moved on and must be read again.

        A month never goes back: a writer whose clock is behind appends to the newest month.
        """
        now = month_of(self._clock())
        row, newest = await self._newest(tenant_id, now)
        found = await self._head_of(tenant_id, newest.month)
        if found is not None:
            head, etag = found
        else:
            # The month has no event yet; the one before it, if any, is sealed.
            before = newest.before and await self._head_of(tenant_id, newest.before)
            head, etag = before[0] if before else HeadRow(), ""
            head = head.model_copy(update={"before": newest.before, "following": None})
        if head.following is None and newest.month >= now:
            return _Place(newest.month, head, etag)
        with suppress(AlreadyExists, Changed, Missing):
            if head.following is None:
                head = head.model_copy(update={"following": now})
                await self._seal(f"{tenant_id}_{newest.month}", head, etag)
            moved = NewestRow(month=head.following or now, before=newest.month)
            await self._tables.put(AUDIT, replace(row, document=moved.to_json()))
        return None

    async def _seal(self, partition: str, head: HeadRow, etag: str) -> None:
        """Close a month; one without events as well, because somebody may be about to begin it."""
        row = Row(partition, HEAD, head.to_json(), etag)
        if etag:
            await self._tables.put(AUDIT, row)
        else:
            await self._tables.create(AUDIT, (row, {}))

    async def _newest(self, tenant_id: str, now: str) -> tuple[Row, NewestRow]:
        """The row that names the tenant's newest month; made when it is not there.

        Should somebody have deleted it, the trail goes on from the newest head there is.
        """
        try:
            row = await self._tables.get(AUDIT, NEWEST, tenant_id)
        except Missing:
            wanted = heads_of(tenant_id)
            heads = self._tables.all(AUDIT, wanted.text, wanted.parameters)
            months = [row.partition.partition("_")[2] async for row in heads]
            made = NewestRow(month=max(months, default=now))
            row = Row(NEWEST, tenant_id, made.to_json())
            with suppress(AlreadyExists):
                await self._tables.create(AUDIT, (row, {}))
            row = await self._tables.get(AUDIT, NEWEST, tenant_id)
        return row, read(NewestRow, row)

    async def _head_of(self, tenant_id: str, month: str) -> tuple[HeadRow, str] | None:
        try:
            row = await self._tables.get(AUDIT, f"{tenant_id}_{month}", HEAD)
        except Missing:
            return None
        return read(HeadRow, row), row.etag

"""Leases: one row per live grant and one claim per account, written and deleted together.

The claim is what makes "one live grant per account" true (rule 9): both rows go into one
transaction of Table Storage, so of any number of simultaneous requests exactly one wins.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from curfew.errors import Changed, Missing, Unreadable
from curfew.ids import tenant_of
from curfew.ledger.reading import every, told, unreadable
from curfew.ledger.tables import Columns, Row, Tables
from curfew.model.base import Model
from curfew.model.grants import GrantId, GrantState, Lease
from curfew.model.profiles import GrantKind
from curfew.model.reports import ActivityReport

LEASES = "leases"
HISTORY = "history"
_TRIES = 5
# Keys of grants begin with "g-", those of claims with "claim:".
_GRANTS_ONLY = "RowKey ge 'g-'"


class _Claim(Model):
    grant_id: GrantId


@dataclass(frozen=True, slots=True)
class GrantQuery:
    """Which grants to list; None is no restriction."""

    tenant: str | None = None
    technician: str | None = None
    state: GrantState | None = None


@dataclass(frozen=True, slots=True)
class GrantRows:
    """A page of grants, and where the next begins: the table and its continuation."""

    leases: tuple[Lease, ...]
    table: str
    continuation: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """One of a technician's live grants; without a moment where its lease cannot be read."""

    grant_id: str
    requested_at: datetime | None


class Leases:
    """The live grants and those that are over; partition: tenant id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def open(self, lease: Lease) -> None:
        """Write the lease and, where it is to hold one, the claim on its account: both or neither.

        A grant whose start is still to come claims its account then, and a role grant claims none.

        Raises:
            AlreadyExists: the account has a live grant, or this grant id was used.
        """
        rows: list[tuple[Row, Columns]] = [(_row(lease), _columns(lease))]
        if lease.claimed:
            rows.append((_claim_row(lease), {}))
        await self._tables.create(LEASES, *rows)

    async def claim(self, lease: Lease) -> Lease:
        """Write a lease as it was read, now with the claim on its account: both or neither.

        Raises:
            AlreadyExists: another grant has the account.
            Changed: somebody else wrote since the lease was read.
        """
        claimed = lease.model_copy(update={"claimed": True})
        await self._tables.replace_and_create(
            LEASES, (_row(claimed), _columns(claimed)), (_claim_row(claimed), {})
        )
        return await self.get(lease.plan.grant_id)

    async def holder(self, tenant_id: str, user_principal_name: str) -> str | None:
        """The id of the grant that holds an account, None when it is free."""
        try:
            row = await self._tables.get(LEASES, tenant_id, f"claim:{user_principal_name}")
        except Missing:
            return None
        return told(LEASES, row, _Claim).grant_id

    async def get(self, grant_id: str) -> Lease:
        """A live lease.

        Raises:
            Missing: this grant is over, or never was.
            Unreadable: its row makes no sense.
        """
        return _live(await self._tables.get(LEASES, tenant_of(grant_id), grant_id))

    async def find(self, grant_id: str) -> Lease:
        """A grant, live or over.

        Raises:
            Missing: it never was.
        """
        try:
            return await self.get(grant_id)
        except Missing:
            # A grant is written to the history before it leaves the leases: no gap in between.
            return _past(await self._tables.get(HISTORY, tenant_of(grant_id), grant_id))

    async def change(
        self, grant_id: str, change: Callable[[Lease], Lease], *, known: Lease | None = None
    ) -> Lease:
        """Read, change and write a live lease, anew when somebody wrote in between.

        `known` is a lease as it was just read or written, which saves the first reading.

        Raises:
            Missing: this grant is over.
            Changed: others kept writing, five times in a row.
        """
        for remaining in reversed(range(_TRIES)):
            lease = known or await self.get(grant_id)
            changed = change(lease)
            if changed == lease:
                return lease
            try:
                etag = await self._tables.put(LEASES, _row(changed), _columns(changed))
            except Changed:
                if not remaining:
                    raise
                known = None
            else:
                return changed.model_copy(update={"etag": etag})
        raise AssertionError

    async def withdraw(self, lease: Lease) -> None:
        """Delete a lease under which nothing was given, and free its account.

        One that is not as it was written any more is left alone: its grant has begun, or it is
        another request's.
        """
        try:
            now = await self.get(lease.plan.grant_id)
        except Missing:
            return
        # As it was stored: moments lose what is below a millisecond on the way.
        written = Lease.read(lease.to_json())
        if (now.plan, now.state) == (written.plan, written.state):
            with suppress(Changed):
                await self._release(now, etag=now.etag)

    async def close(self, lease: Lease) -> None:
        """Move a lease to the history and free its account. Doing it again changes nothing.

        First the history is written, then lease and claim are deleted together: a crash in
        between leaves the grant in both, never in neither.
        """
        ended = lease.model_copy(update={"etag": ""})
        await self._tables.put(HISTORY, _row(ended), _columns(ended))
        await self._release(lease)

    async def attach(self, grant_id: str, report: ActivityReport) -> Lease:
        """Attach the activity report to a grant that is over. One that is there already stays.

        Raises:
            Missing: the grant is not in the history.
            Changed: others kept writing, five times in a row.
        """
        for remaining in reversed(range(_TRIES)):
            lease = _past(await self._tables.get(HISTORY, tenant_of(grant_id), grant_id))
            if lease.report is not None:
                return lease
            told = lease.model_copy(update={"report": report})
            try:
                await self._tables.put(HISTORY, _row(told), _columns(told))
            except Changed:
                if not remaining:
                    raise
            else:
                return told
        raise AssertionError

    async def _release(self, lease: Lease, etag: str = "") -> None:
        plan = lease.plan
        claim = (_claim_key(lease),) if lease.claimed else ()
        try:
            await self._tables.delete_together(
                LEASES, plan.tenant_id, plan.grant_id, *claim, etag=etag
            )
        except Missing:
            # The first run of this step deleted both. The claim may be another grant's by now.
            return

    async def live(self, tenant_id: str) -> AsyncIterator[Lease]:
        """Every live lease of a tenant.

        Raises:
            Unreadable: a lease cannot be read; said after all others.
        """
        rows = self._tables.all(LEASES, *_filter(GrantQuery(tenant=tenant_id)))
        async for lease in every(LEASES, rows, _live):
            yield lease

    async def overdue(self, now: datetime) -> AsyncIterator[Lease]:
        """The lease of every grant of every tenant whose deadline has passed.

        Raises:
            Unreadable: a lease cannot be read; said after all others, which it must not keep from
                being ended.
        """
        query = f"{_GRANTS_ONLY} and deadline le @now"
        rows = self._tables.all(LEASES, query, {"now": _stamp(now)})
        async for lease in every(LEASES, rows, _live):
            yield lease

    async def of_principal(self, tenant_id: str, principal_id: str) -> list[Lease]:
        """The live leases of role grants to one user.

        Raises:
            Unreadable: one of them cannot be read, so nobody can tell what it has given.
        """
        query = f"{_GRANTS_ONLY} and PartitionKey eq @tenant and principal eq @principal"
        parameters = {"tenant": tenant_id, "principal": principal_id}
        rows = self._tables.all(LEASES, query, parameters)
        return [lease async for lease in every(LEASES, rows, _live)]

    async def live_of(self, technician_id: str) -> list[LiveGrant]:
        """Every live grant of one technician, in all tenants.

        A lease is his by its column, which every write sets: so one that cannot be read counts
        against him whom it is about, and against nobody else.
        """
        found: list[LiveGrant] = []
        query = f"{_GRANTS_ONLY} and technician eq @technician"
        async for row in self._tables.all(LEASES, query, {"technician": technician_id}):
            try:
                requested_at = _live(row).requested_at
            except Unreadable:
                requested_at = None
            found.append(LiveGrant(row.key, requested_at))
        return found

    async def page(
        self,
        query: GrantQuery,
        *,
        size: int,
        table: str = LEASES,
        continuation: dict[str, str] | None = None,
    ) -> GrantRows:
        """A page of grants: the live ones first, then those that are over."""
        found = await self._tables.page(
            table, *_filter(query), size=size, continuation=continuation
        )
        leases = tuple(_lease(table, row) for row in found.rows)
        if table == LEASES and not found.continuation:
            return GrantRows(leases, HISTORY, {})
        return GrantRows(leases, table, found.continuation)


def _claim_key(lease: Lease) -> str:
    return f"claim:{lease.plan.user_principal_name}"


def _claim_row(lease: Lease) -> Row:
    plan = lease.plan
    return Row(plan.tenant_id, _claim_key(lease), _Claim(grant_id=plan.grant_id).to_json())


def _row(lease: Lease) -> Row:
    plan = lease.plan
    return Row(plan.tenant_id, plan.grant_id, lease.to_json(), lease.etag)


def _live(row: Row) -> Lease:
    return _lease(LEASES, row)


def _past(row: Row) -> Lease:
    return _lease(HISTORY, row)


def _lease(table: str, row: Row) -> Lease:
    lease = told(table, row, Lease)
    if (lease.plan.tenant_id, lease.plan.grant_id) != (row.partition, row.key):
        # A row that speaks for another grant would have that one ended in this one's stead.
        raise unreadable(table, row)
    return lease.model_copy(update={"etag": row.etag})


def _columns(lease: Lease) -> Columns:
    return {
        "state": lease.state.value,
        "technician": lease.technician.id,
        "deadline": _stamp(lease.deadline),
        "principal": (lease.plan.account_id or "") if lease.kind is GrantKind.ROLE else "",
        "stuck": lease.stuck,
    }


def _stamp(moment: datetime) -> str:
    # Whole seconds of UTC: as texts they sort as the moments do.
    return moment.isoformat(timespec="seconds")


def _filter(query: GrantQuery) -> tuple[str, Columns]:
    parts = [_GRANTS_ONLY]
    parameters: dict[str, str | bool] = {}
    wanted = {
        "PartitionKey": query.tenant,
        "technician": query.technician,
        "state": query.state.value if query.state else None,
    }
    for column, value in wanted.items():
        if value is not None:
            parts.append(f"{column} eq @{column}")
            parameters[column] = value
    return " and ".join(parts), parameters

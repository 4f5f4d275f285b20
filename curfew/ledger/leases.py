"""Leases: one row per live grant and one claim per account, written and deleted together.

The claim is what makes "one live grant per account" true (rule 9): both rows go into one
transaction of Table Storage, so of any number of simultaneous requests exactly one wins.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from curfew.errors import Changed, Missing
from curfew.ids import tenant_of
from curfew.ledger.tables import Columns, Row, Tables
from curfew.model.base import Model
from curfew.model.grants import GrantId, GrantState, Lease

LEASES = "leases"
HISTORY = "history"
_TRIES = 5


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


class Leases:
    """The live grants and those that are over; partition: tenant id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def open(self, lease: Lease) -> None:
        """Write the lease and claim the account, both or neither.

        Raises:
            AlreadyExists: the account has a live grant, or this grant id was used.
        """
        plan = lease.plan
        claim = Row(plan.tenant_id, _claim_key(lease), _Claim(grant_id=plan.grant_id).to_json())
        await self._tables.create(LEASES, (_row(lease), _columns(lease)), (claim, {}))

    async def holder(self, tenant_id: str, user_principal_name: str) -> str | None:
        """The id of the grant that holds an account, None when it is free."""
        try:
            row = await self._tables.get(LEASES, tenant_id, f"claim:{user_principal_name}")
        except Missing:
            return None
        return _Claim.read(row.document).grant_id

    async def get(self, grant_id: str) -> Lease:
        """A live lease.

        Raises:
            Missing: this grant is over, or never was.
        """
        return _lease(await self._tables.get(LEASES, tenant_of(grant_id), grant_id))

    async def find(self, grant_id: str) -> Lease:
        """A grant, live or over.

        Raises:
            Missing: it never was.
        """
        try:
            return await self.get(grant_id)
        except Missing:
            # A grant is written to the history before it leaves the leases: no gap in between.
            return _lease(await self._tables.get(HISTORY, tenant_of(grant_id), grant_id))

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
        """Delete a lease under which nothing was given, and free its account."""
        await self._release(lease)

    async def close(self, lease: Lease) -> None:
        """Move a lease to the history and free its account. Doing it again changes nothing.

        First the history is written, then lease and claim are deleted together: a crash in
        between leaves the grant in both, never in neither.
        """
        ended = lease.model_copy(update={"etag": ""})
        await self._tables.put(HISTORY, _row(ended), _columns(ended))
        await self._release(lease)

    async def _release(self, lease: Lease) -> None:
        plan = lease.plan
        try:
            await self._tables.delete_together(
                LEASES, plan.tenant_id, plan.grant_id, _claim_key(lease)
            )
        except Missing:
            # The first run of this step deleted both. The claim may be another grant's by now.
            return

    async def live(self, tenant_id: str) -> AsyncIterator[Lease]:
        """Every live lease of a tenant."""
        query = GrantQuery(tenant=tenant_id)
        rows = self._tables.all(LEASES, *_filter(query))
        async for row in rows:
            yield _lease(row)

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
        leases = tuple(_lease(row) for row in found.rows)
        if table == LEASES and not found.continuation:
            return GrantRows(leases, HISTORY, {})
        return GrantRows(leases, table, found.continuation)


def _claim_key(lease: Lease) -> str:
    return f"claim:{lease.plan.user_principal_name}"


def _row(lease: Lease) -> Row:
    plan = lease.plan
    return Row(plan.tenant_id, plan.grant_id, lease.to_json(), lease.etag)


def _lease(row: Row) -> Lease:
    return Lease.read(row.document).model_copy(update={"etag": row.etag})


def _columns(lease: Lease) -> Columns:
    return {
        "state": lease.state.value,
        "technician": lease.technician.id,
        "deadline": lease.deadline.isoformat(timespec="seconds"),
        "stuck": lease.stuck,
    }


def _filter(query: GrantQuery) -> tuple[str, Columns]:
    # Keys of grants begin with "g-", those of claims with "claim:".
    parts = ["RowKey ge 'g-'"]
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

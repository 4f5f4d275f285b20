"""The accounts that Curfew made, by object id: the only ones it acts on (rule 8).

Beside them stand the accounts that only look like Curfew's, so that each is reported once.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import Field

from curfew.errors import AlreadyExists, Changed, Missing
from curfew.ledger.reading import every, told
from curfew.ledger.tables import Row, Tables
from curfew.model.approvals import Person
from curfew.model.base import Guid, Model, Moment, Remark
from curfew.model.grants import Plan

TABLE = "accounts"
STRANGERS = "strangers"
_TRIES = 5


class AccountRecord(Model):
    """A technician's account in a customer tenant, as recorded when it was made."""

    user_principal_name: str
    technician_id: Guid
    account_id: Guid | None = Field(
        default=None, description="None while nobody has seen the creation succeed."
    )
    mark: str = Field(default="", description="What an account of ours was created with.")
    last_ended_at: Moment | None = Field(
        default=None, description="When its last grant was verified to be over."
    )
    spared_methods: tuple[str, ...] = Field(
        default=(), description="Sign-in methods that its last ending left, being older: ids."
    )
    spared_groups: tuple[str, ...] = Field(
        default=(), description="Role-assignable groups that its last ending left: ids."
    )
    suspected_since: Moment | None = Field(
        default=None, description="When the watch first saw what is in `suspicions`."
    )
    suspicions: tuple[str, ...] = Field(
        default=(), description="What of it is not as the last ending left it."
    )
    adopted_by: Person | None = Field(
        default=None, description="The administrator on whose word Curfew leaves it alone."
    )
    adopted_at: Moment | None = None
    adoption_reason: Remark | None = None
    etag: str = Field(default="", exclude=True)


class Accounts:
    """The record of accounts; partition: tenant id, key: user principal name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, tenant_id: str, user_principal_name: str) -> AccountRecord | None:
        """The record of an account name in a tenant, None when Curfew never made it."""
        try:
            return _record(await self._tables.get(TABLE, tenant_id, user_principal_name))
        except Missing:
            return None

    async def of_tenant(self, tenant_id: str) -> AsyncIterator[AccountRecord]:
        """Every account on record in a tenant.

        Raises:
            Unreadable: a record cannot be read; said after all others. It is not left out without
                a word: its account would look like nobody's.
        """
        rows = self._tables.all(TABLE, "PartitionKey eq @tenant", {"tenant": tenant_id})
        async for record in every(TABLE, rows, _record):
            yield record

    async def by_id(self, tenant_id: str, account_id: str) -> AccountRecord | None:
        """The record of an account by its object id, None when it is not Curfew's.

        Raises:
            Unreadable: no record that can be read is of this account, and another cannot be read.
        """
        async for record in self.of_tenant(tenant_id):
            if record.account_id == account_id:
                return record
        return None

    async def record(self, tenant_id: str, account: AccountRecord) -> None:
        """Record an account. What is known of it already and not said anew stays as it is."""
        said = {name: getattr(account, name) for name in account.model_fields_set}
        for remaining in reversed(range(_TRIES)):
            known = await self.find(tenant_id, account.user_principal_name)
            try:
                await self._write(tenant_id, known.model_copy(update=said) if known else account)
            except (AlreadyExists, Changed):
                if not remaining:
                    raise
            else:
                return

    async def change(
        self,
        tenant_id: str,
        user_principal_name: str,
        change: Callable[[AccountRecord], AccountRecord],
    ) -> AccountRecord:
        """Read, change and write a record, anew when somebody wrote in between.

        Raises:
            Missing: there is no such record.
            Changed: others kept writing, five times in a row.
        """
        for remaining in reversed(range(_TRIES)):
            known = _record(await self._tables.get(TABLE, tenant_id, user_principal_name))
            changed = change(known)
            if changed == known:
                return known
            try:
                await self._write(tenant_id, changed)
            except Changed:
                if not remaining:
                    raise
            else:
                return changed
        raise AssertionError

    async def note_end(self, plan: Plan, ended_at: datetime) -> None:
        """Note that a grant of the account is over, and what its ending left because it was older.

        From here on the watch tells what is new. An account without a record has none to note.
        """
        noted: dict[str, Any] = {
            "last_ended_at": ended_at,
            "spared_methods": plan.methods_before,
            "spared_groups": plan.role_groups_before,
            "suspected_since": None,
            "suspicions": (),
        }
        with suppress(Missing):
            await self.change(
                plan.tenant_id,
                plan.user_principal_name,
                lambda record: record.model_copy(update=noted),
            )

    async def note_rotation(self, plan: Plan, rotated_at: datetime) -> None:
        """Note that Curfew itself has changed the password of an account whose grant may be over.

        An ending that comes once more, after the sweep's, would else look like a stranger.
        """

        def note(record: AccountRecord) -> AccountRecord:
            ended = record.last_ended_at
            if ended is None or ended >= rotated_at:
                return record
            return record.model_copy(update={"last_ended_at": rotated_at})

        with suppress(Missing):
            await self.change(plan.tenant_id, plan.user_principal_name, note)

    async def note_stranger(self, tenant_id: str, account_id: str) -> bool:
        """Note an account that only looks like Curfew's; False when it was noted before."""
        try:
            await self._tables.create(STRANGERS, (Row(tenant_id, account_id, {}), {}))
        except AlreadyExists:
            return False
        return True

    async def _write(self, tenant_id: str, account: AccountRecord) -> None:
        row = Row(tenant_id, account.user_principal_name, account.to_json(), account.etag)
        if account.etag:
            await self._tables.put(TABLE, row)
        else:
            await self._tables.create(TABLE, (row, {}))


def _record(row: Row) -> AccountRecord:
    return told(TABLE, row, AccountRecord).model_copy(update={"etag": row.etag})

"""The accounts that Curfew made, by object id: the only ones it acts on (rule 8)."""

from pydantic import Field

from curfew.errors import Missing
from curfew.ledger.tables import Row, Tables
from curfew.model.base import Guid, Model

TABLE = "accounts"


class AccountRecord(Model):
    """A technician's account in a customer tenant, as recorded when it was made."""

    user_principal_name: str
    technician_id: Guid
    account_id: Guid | None = Field(
        default=None, description="None while nobody has seen the creation succeed."
    )
    mark: str = Field(default="", description="What an account of ours was created with.")


class Accounts:
    """The record of accounts; partition: tenant id, key: user principal name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, tenant_id: str, user_principal_name: str) -> AccountRecord | None:
        """The record of an account name in a tenant, None when Curfew never made it."""
        try:
            row = await self._tables.get(TABLE, tenant_id, user_principal_name)
        except Missing:
            return None
        return AccountRecord.read(row.document)

    async def record(self, tenant_id: str, account: AccountRecord) -> None:
        """Record an account; recording it again changes nothing."""
        row = Row(tenant_id, account.user_principal_name, account.to_json())
        await self._tables.put(TABLE, row)

"""What the preflight answered last, one row per tenant."""

from curfew.errors import Missing, Unreadable
from curfew.ledger.reading import told
from curfew.ledger.tables import Row, Tables
from curfew.model.checks import CheckReport

TABLE = "checks"
_KEY = "latest"


class Checks:
    """The latest report of each tenant; partition: tenant id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def latest(self, tenant_id: str) -> CheckReport | None:
        """The latest report, None where the tenant was never checked.

        One that cannot be read is none: the next check writes over it.
        """
        try:
            return told(TABLE, await self._tables.get(TABLE, tenant_id, _KEY), CheckReport)
        except (Missing, Unreadable):
            return None

    async def keep(self, report: CheckReport) -> None:
        """Keep a report in the place of the one before it."""
        await self._tables.put(TABLE, Row(report.tenant, _KEY, report.to_json()))

    async def forget(self, tenant_id: str) -> None:
        """Forget what a tenant's checks answered. What was never there is done."""
        await self._tables.delete(TABLE, tenant_id, _KEY)

"""The deployment's services, made once per process and on first use.

The clients of Graph, Key Vault and the tables are imported here, inside the functions that make
them: a cold start pays for none of them before a step needs it.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import SecretStr

from curfew.clock import Clock, utcnow
from curfew.model.grants import Plan
from curfew.model.tenants import Connection
from curfew.settings import Settings

if TYPE_CHECKING:
    from curfew.credentials import Credentials
    from curfew.entra.directory import Directory
    from curfew.entra.graph import Connections
    from curfew.entra.pace import Pace
    from curfew.ledger import (
        Accounts,
        AuditTrail,
        Checks,
        Invitations,
        Leases,
        Rates,
        Tables,
        TenantStore,
    )
    from curfew.onboarding.state import States
    from curfew.vault import Vault

_MOST_DIRECTORIES = 512

# A line per HTTP request, with addresses and headers, would bury the events.
for _library in ("azure", "httpx"):
    logging.getLogger(_library).setLevel(logging.WARNING)


class Services:
    """Everything a step may talk to.

    Args:
        settings: The deployment's settings.
        clock: The present moment.
        pause: How a handler waits for a moment, in seconds.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock = utcnow,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.pause = pause
        self._directories: dict[tuple[str, Connection], Directory] = {}
        self._paces: dict[str, Pace] = {}

    @cached_property
    def credentials(self) -> "Credentials":
        """The makers of credentials."""
        from curfew.credentials import Credentials

        return Credentials(self.settings, self._read_secret)

    @cached_property
    def vault(self) -> "Vault":
        """The deployment's Key Vault."""
        from curfew.vault import Vault

        return Vault(self.settings.vault_url, self.credentials.own())

    @cached_property
    def tables(self) -> "Tables":
        """The deployment's tables."""
        from curfew.ledger import Tables

        if self.settings.tables_connection_string:
            return Tables.by_connection_string(self.settings.tables_connection_string)
        return Tables.at(self.settings.tables_url, self.credentials.own())

    @cached_property
    def leases(self) -> "Leases":
        """The live grants and those that are over."""
        from curfew.ledger import Leases

        return Leases(self.tables)

    @cached_property
    def accounts(self) -> "Accounts":
        """The record of the accounts that Curfew made."""
        from curfew.ledger import Accounts

        return Accounts(self.tables)

    @cached_property
    def audit(self) -> "AuditTrail":
        """Everything that happened, in a chain of hashes per tenant."""
        from curfew.ledger import AuditTrail

        return AuditTrail(self.tables, self._now)

    @cached_property
    def tenants(self) -> "TenantStore":
        """The settings of customer tenants."""
        from curfew.ledger import TenantStore

        return TenantStore(self.tables)

    @cached_property
    def invitations(self) -> "Invitations":
        """The questions to customers' administrators."""
        from curfew.ledger import Invitations

        return Invitations(self.tables)

    @cached_property
    def states(self) -> "States":
        """The signed states of consent addresses."""
        from curfew.onboarding.state import States

        return States(self.vault.keys, self._now)

    @cached_property
    def rates(self) -> "Rates":
        """How often each caller has asked for something lately."""
        from curfew.ledger import Rates

        return Rates(self.tables, self._now)

    @cached_property
    def checks(self) -> "Checks":
        """What the preflight answered last."""
        from curfew.ledger import Checks

        return Checks(self.tables)

    def directory(self, tenant_id: str, connection: Connection) -> "Directory":
        """The directory of a customer tenant; one credential each, never shared between two."""
        key = (tenant_id, connection)
        if key not in self._directories:
            from curfew.entra.directory import Directory

            while len(self._directories) >= _MOST_DIRECTORIES:
                del self._directories[next(iter(self._directories))]
            credential = self.credentials.towards(tenant_id, connection)
            self._directories[key] = Directory.of(
                self.settings.cloud, credential, self._connections, self.pace(tenant_id)
            )
        return self._directories[key]

    @property
    def home(self) -> "Directory":
        """The directory of the home tenant, where callers are known, by the deployment's own app.

        It is read and never written to, whatever connection grants in that tenant go through.
        """
        return self.directory(self.settings.home_tenant, Connection())

    def afresh(self, tenant_id: str, connection: Connection) -> "Directory":
        """A directory with a credential of its own, which has no token yet.

        So what is asked there is what consent, roles and secrets are now, and not an hour ago.
        """
        from curfew.entra.directory import Directory

        credential = self.credentials.towards(tenant_id, connection)
        cloud = self.settings.cloud
        return Directory.of(cloud, credential, self._connections, self.pace(tenant_id))

    def pace(self, tenant_id: str) -> "Pace":
        """The turns in a tenant's directory: one for all who act there, by whatever connection."""
        if tenant_id not in self._paces:
            from curfew.entra.pace import Pace

            self._paces[tenant_id] = Pace(self._now)
        return self._paces[tenant_id]

    def _now(self) -> datetime:
        return self.clock()

    def directory_of(self, plan: Plan) -> "Directory":
        """The directory that a plan is about, through the connection that it knows."""
        return self.directory(plan.tenant_id, plan.connection)

    @cached_property
    def _connections(self) -> "Connections":
        from curfew.entra.graph import Connections

        return Connections()

    async def _read_secret(self, name: str) -> SecretStr:
        return await self.vault.read(name)

    async def close(self) -> None:
        """Close what was opened."""
        opened = vars(self)
        closing: list[Awaitable[None]] = []
        if "vault" in opened:
            closing.append(self.vault.close())
        if "tables" in opened:
            closing.append(self.tables.close())
        if "_connections" in opened:
            closing.append(self._connections.close())
        await asyncio.gather(*closing)


class _Current:
    services: Services | None = None


def current() -> Services:
    """The services of this process, from its environment."""
    if _Current.services is None:
        _Current.services = Services(Settings.read(os.environ))
    return _Current.services


def use(services: Services | None) -> None:
    """Let `current` answer these services; None forgets them."""
    _Current.services = services

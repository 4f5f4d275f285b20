"""One simulator and one Azurite for many tests, and the product's services towards them."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import connector

from curfew.ledger.rates import RATES
from curfew.ledger.tenants import PROFILES, TENANTS
from curfew.services import Services
from curfew.settings import Settings
from devhost.azurite import Azurite
from devhost.stack import UNHURRIED
from simulator import Cloud, Server
from simulator.scenario import Demo, demo
from tests.lifecycle.client import PERSONAS
from tests.lifecycle.ledger_proxy import LedgerProxy


@dataclass
class Shared:
    """What is dear to start and can be shared, because every test has a tenant of its own."""

    cloud: Cloud
    demo: Demo
    server: Server
    ledger: LedgerProxy
    environment: dict[str, str]
    settings: Settings
    loop: asyncio.AbstractEventLoop
    services: Services

    def forget_earlier(self) -> None:
        """Begin without what earlier tests have left for all.

        What callers used under another test's clock is nothing that they have used by now; and
        the sweep and the watch look into every tenant on record.
        """
        self.loop.run_until_complete(self._forget(RATES, PROFILES, TENANTS))

    async def _forget(self, *tables: str) -> None:
        for table in tables:
            async for row in self.services.tables.all(table, "", {}):
                await self.services.tables.delete(table, row.partition, row.key)


class _Running:
    everything: Shared | None = None


@contextmanager
def running() -> Iterator[Shared]:
    """Everything, started once in a process: the libraries know one authority at a time."""
    if _Running.everything is not None:
        yield _Running.everything
        return
    with _started() as _Running.everything:
        yield _Running.everything
    _Running.everything = None


@contextmanager
def _started() -> Iterator[Shared]:
    cloud = Cloud()
    scenario = demo(cloud)
    for person in PERSONAS:
        scenario.home.add_user(f"{person.alias}.persona", person.name, user_id=person.id)
    with Azurite() as azurite, LedgerProxy(_origin(azurite)) as ledger, Server(cloud) as server:
        environment = {
            **server.environment(),
            "CURFEW_HOME_TENANT": scenario.home.id,
            "CURFEW_APP_ID": scenario.curfew.app_id,
            "CURFEW_MANAGED_IDENTITY_ID": scenario.identity.client_id,
            "CURFEW_VAULT_URL": server.url,
            "CURFEW_TABLES_CONNECTION_STRING": azurite.connection_string.replace(
                _origin(azurite), ledger.url
            ),
            "CURFEW_AUTHORITY_URL": server.url,
            "CURFEW_GRAPH_URL": server.url,
            "WEBSITE_AUTH_ENABLED": "true",
            **UNHURRIED,
        }
        settings = Settings.read(environment)
        before = dict(os.environ)
        # azure-identity and the TLS libraries read these from the process, as in a deployment.
        os.environ.update(server.environment())
        # aiohttp makes its TLS context when it is imported, which may have been for another test.
        connector._SSL_CONTEXT_VERIFIED.load_verify_locations(server.ca_file)
        loop = asyncio.new_event_loop()
        services = Services(settings)
        yield Shared(cloud, scenario, server, ledger, environment, settings, loop, services)
        loop.run_until_complete(services.close())
        # aiohttp ends TLS connections in the background of the loop.
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        os.environ.clear()
        os.environ.update(before)


def _origin(azurite: Azurite) -> str:
    parts = urlsplit(azurite.url)
    return f"{parts.scheme}://{parts.netloc}"

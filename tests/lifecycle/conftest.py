"""One simulator and one Azurite for the session; a tenant, a clock and an engine per test."""

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from aiohttp import connector

from curfew import services as services_of
from curfew.services import Services
from curfew.settings import Settings
from devhost.azurite import Azurite
from simulator import Cloud, Server
from simulator.scenario import Demo, demo
from tests.lifecycle.engine import Activity, Clock, Engine
from tests.lifecycle.ledger_proxy import LedgerProxy
from tests.lifecycle.world import START, World, new_customer, registered_functions


@dataclass
class Shared:
    """What is dear to start and can be shared, because every test has a tenant of its own."""

    cloud: Cloud
    demo: Demo
    server: Server
    ledger: LedgerProxy
    settings: Settings
    loop: asyncio.AbstractEventLoop
    services: Services


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    cloud = Cloud()
    scenario = demo(cloud)
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
        }
        settings = Settings.read(environment)
        before = dict(os.environ)
        # azure-identity and the TLS libraries read these from the process, as in a deployment.
        os.environ.update(server.environment())
        # aiohttp makes its TLS context when it is imported, which may have been for another test.
        connector._SSL_CONTEXT_VERIFIED.load_verify_locations(server.ca_file)
        loop = asyncio.new_event_loop()
        services = Services(settings)
        yield Shared(cloud, scenario, server, ledger, settings, loop, services)
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


class _Records(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def world(shared: Shared) -> Iterator[World]:
    clock = Clock(START)
    shared.cloud.clock = clock
    shared.cloud.calls.clear()
    shared.services.clock = clock
    services_of.use(shared.services)
    flows, steps = registered_functions()

    records: list[logging.LogRecord] = []
    handler = _Records(records)
    logger = logging.getLogger()
    logger.addHandler(handler)
    logging.getLogger("curfew").setLevel(logging.DEBUG)

    def steps_by_name(name: str) -> Activity:
        async def run(message: object) -> object:
            return await steps[name](message=message)

        return run

    yield World(
        cloud=shared.cloud,
        demo=shared.demo,
        server=shared.server,
        ledger=shared.ledger,
        services=shared.services,
        loop=shared.loop,
        clock=clock,
        customer=new_customer(shared.cloud, shared.demo),
        engine=Engine(flows, {name: steps_by_name(name) for name in steps}, clock, shared.loop),
        log=records,
    )
    logger.removeHandler(handler)
    shared.cloud.faults.clear()
    shared.ledger.trouble = None
    services_of.use(None)
    assert shared.cloud.defects == []

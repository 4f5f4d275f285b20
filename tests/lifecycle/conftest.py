"""One simulator and one Azurite for the session; a tenant, a clock and an engine per test."""

import logging
from collections.abc import Iterator

import pytest

from curfew import services as services_of
from tests.lifecycle.engine import Activity, Clock, Engine
from tests.lifecycle.homes import Home
from tests.lifecycle.shared import Shared, running
from tests.lifecycle.world import START, World, new_customer, registered_functions


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    with running() as everything:
        yield everything


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
    shared.forget_earlier()
    shared.ledger.writes.clear()
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


@pytest.fixture
def home(world: World) -> Iterator[Home]:
    home = Home(world)
    with home.kept():
        yield home

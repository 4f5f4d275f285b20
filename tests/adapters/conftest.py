"""The directory's adapters over the wire: one simulator for all, a tenant with P2 for each test."""

from collections.abc import Iterator

import pytest

from curfew import services as services_of
from tests.adapters.tenancy import Tenancy
from tests.lifecycle.engine import Clock
from tests.lifecycle.shared import Shared, running
from tests.lifecycle.world import START


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    with running() as everything:
        yield everything


@pytest.fixture
def at(shared: Shared) -> Iterator[Tenancy]:
    clock = Clock(START)
    shared.cloud.clock = clock
    shared.cloud.calls.clear()
    shared.services.clock = clock
    services_of.use(shared.services)
    yield Tenancy.new(shared, clock, licences={"P2"})
    shared.cloud.faults.clear()
    services_of.use(None)
    assert shared.cloud.defects == []

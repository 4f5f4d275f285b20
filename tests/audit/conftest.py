"""Tables for the session; a tenant, a clock and a process per test."""

from collections.abc import Iterator

import pytest

from curfew.services import Services
from curfew.settings import Settings
from tests.audit.store import Clock, Store, running


@pytest.fixture(scope="session")
def tables() -> Iterator[Store]:
    with running() as store:
        yield store


@pytest.fixture
def store(tables: Store) -> Iterator[Store]:
    clock = Clock()
    services = Services(Settings.read(tables.environment), clock)
    fresh = Store(tables.azurite, tables.proxy, tables.environment, tables.runner, services, clock)
    yield fresh
    tables.proxy.trouble = None
    fresh.wait(services.close())

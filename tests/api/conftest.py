"""One house for all tests of the way in; those that kill workers have their own."""

from collections.abc import Iterator

import pytest

from simulator import Tenant
from tests.api.house import House, standard_profiles


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with House() as house:
        house.onboard(house.world.contoso, **standard_profiles())
        yield house
    assert house.cloud.defects == []


@pytest.fixture(scope="module")
def quiet(house: House) -> Tenant:
    """A customer in which nothing is ever given: whatever is written there is a mistake."""
    return house.customer(standard_profiles())


@pytest.fixture
def untouched(house: House, quiet: Tenant) -> Iterator[None]:
    """The quiet customer, its directory and its settings are afterwards as they were before."""
    settings = house.as_("ada").get(f"/api/tenants/{quiet.id}")
    yield
    assert house.leases(quiet) == []
    assert house.writes(quiet) == []
    after = house.as_("ada").get(f"/api/tenants/{quiet.id}")
    assert after.json() == settings.json()
    assert after.headers["ETag"] == settings.headers["ETag"]


@pytest.fixture
def newcomer(house: House) -> Tenant:
    """A tenant that has not let Curfew in, and that Curfew does not know."""
    return house.customer(onboard=False, consent=False)

"""The principal counts where the platform enforces sign-in, and only one of the home tenant."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from curfew import services as services_of
from curfew.services import Services
from tests.lifecycle.client import ADA, ANN, Answer, Api, Hub, Persona
from tests.lifecycle.homes import Home
from tests.lifecycle.operations import Place, call, operations
from tests.lifecycle.world import World

OTHER_TENANT = "99999999-0000-4000-a000-000000000001"


@pytest.fixture
def unenforced(world: World) -> Iterator[Api]:
    """A deployment whose platform does not check sign-ins, and so strips nobody's headers."""
    settings = replace(world.services.settings, sign_in_enforced=False)
    services = Services(settings, world.clock, world.services.pause)
    services_of.use(services)
    yield Api(Hub(world.engine), world.wait, world.demo.home.id)
    world.wait(services.close())


def is_turned_away(answer: Answer) -> bool:
    return answer.status == 401 and answer["type"] == "urn:curfew:problem:not-signed-in"


@pytest.mark.parametrize("caller", [ADA, ANN, None], ids=["ada", "ann", "nobody"])
def test_row_19_without_enforced_sign_in_a_forged_principal_opens_nothing(
    world: World, unenforced: Api, caller: Persona | None
) -> None:
    place = Place(world.customer.id)
    before = world.ledger.count
    for operation in operations():
        answer = call(unenforced, caller, operation, place)
        if operation.public:
            # An answer to a consent that nobody asked for is no better than any other.
            expected = 400 if operation.name == "answer_onboarding" else 200
            assert answer.status == expected, operation.name
        else:
            assert is_turned_away(answer), operation.name
    assert world.ledger.count == before


def test_without_enforced_sign_in_health_tells_an_administrator_no_more_than_anybody(
    unenforced: Api,
) -> None:
    assert unenforced(ADA, "GET", "/api/health").body == {"status": "ok", "checks": None}


def test_row_19_a_member_of_another_tenant_is_nobody_to_every_operation(world: World) -> None:
    """Even where the platform lets tokens of any tenant pass."""
    api = Api(Hub(world.engine), world.wait, OTHER_TENANT)
    place = Place(world.customer.id)
    for operation in operations():
        answer = call(api, ADA, operation, place)
        assert operation.public or is_turned_away(answer), operation.name
    assert api(ADA, "GET", "/api/health").body == {"status": "ok", "checks": None}


def test_an_administrator_of_the_home_tenant_is_believed(world: World) -> None:
    """So that the tests above refuse for the reason that they name."""
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    assert api(ADA, "GET", "/api/tenants").status == 200
    checks = api(ADA, "GET", "/api/health")["checks"]
    assert checks == {"ledger": "ok", "vault": "ok", "home": "ok"}


def test_health_tells_an_administrator_that_the_home_tenant_does_not_let_people_be_read(
    world: World,
) -> None:
    """Nothing that waits for consent or for a start would be given, and nobody would know why."""
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    for trouble, said in (({"status": 403}, "refuses"), ({"status": 503}, "does not answer")):
        with Home(world).down(**trouble):
            health = api(ADA, "GET", "/api/health")
        assert health["status"] == "degraded"
        assert health["checks"] == {"ledger": "ok", "vault": "ok", "home": said}

"""The API in virtual time behaves as over a host: the harness of the replay and chaos tests."""

from datetime import timedelta

import pytest

from tests.lifecycle.client import ADA, ANN, BEN, PETRA, Api, Hub
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, SECURITY_READER, World


@pytest.fixture
def api(world: World) -> Api:
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    address = f"/api/tenants/{world.customer.id}"
    tenant = {"displayName": "Contoso", "accountDomain": world.customer.domain}
    assert api(ADA, "PUT", address, tenant, If_None_Match="*").status == 201
    profile = {
        "displayName": "Helpdesk",
        "roles": [SECURITY_READER, HELPDESK_ADMINISTRATOR],
        "credential": "both",
    }
    assert api(ADA, "PUT", f"{address}/profiles/helpdesk", profile).status == 201
    return api


def ask(world: World, api: Api) -> str:
    asked = {"tenant": world.customer.id, "profile": "helpdesk", "duration": "PT1H"}
    answer = api(ANN, "POST", "/api/grants", asked)
    assert answer.status == 202, answer.body
    grant_id: str = answer["id"]
    return grant_id


def state(api: Api, grant_id: str) -> str:
    said: str = api(ANN, "GET", f"/api/grants/{grant_id}")["state"]
    return said


def test_a_grant_is_asked_for_revealed_and_ended_in_virtual_time(world: World, api: Api) -> None:
    grant_id = ask(world, api)
    assert world.engine.instances[grant_id].version is None
    world.engine.run_for(timedelta(minutes=1))
    assert state(api, grant_id) == "active"
    revealed = api(ANN, "POST", f"/api/grants/{grant_id}/credential")
    assert world.sign_in(revealed["password"]) == 200
    assert api(BEN, "POST", f"/api/grants/{grant_id}/credential").status == 404
    world.engine.run_for(HOUR)
    assert state(api, grant_id) == "ended"


def test_a_grant_ends_early_by_the_event(world: World, api: Api) -> None:
    grant_id = ask(world, api)
    world.engine.run_for(timedelta(minutes=1))
    assert api(BEN, "POST", f"/api/grants/{grant_id}/end").status == 404
    assert api(PETRA, "POST", f"/api/grants/{grant_id}/end").status == 202
    world.engine.run_for(timedelta(minutes=1))
    assert state(api, grant_id) == "ended"


def test_an_end_after_the_instance_was_purged_starts_another_one(world: World, api: Api) -> None:
    grant_id = ask(world, api)
    world.engine.run_for(timedelta(minutes=1))
    assert world.engine.purge(grant_id)
    world.engine.run_for(3 * HOUR)
    assert state(api, grant_id) == "active"
    assert api(ANN, "POST", f"/api/grants/{grant_id}/end").status == 202
    world.engine.run_for(timedelta(minutes=1))
    assert state(api, grant_id) == "ended"


def test_a_running_instance_is_not_replaced(world: World, api: Api) -> None:
    asked = {"tenant": world.customer.id, "profile": "helpdesk"}
    first = api(ANN, "POST", "/api/grants", asked, Idempotency_Key="one")
    again = api(ANN, "POST", "/api/grants", asked, Idempotency_Key="one")
    assert (first.status, again.status, again["id"]) == (202, 202, first["id"])
    assert len(world.engine.instances) == 1


@pytest.mark.parametrize("applied", [False, True])
def test_a_hub_that_does_not_answer_is_a_503_without_a_lease(
    world: World, api: Api, applied: bool
) -> None:
    api.hub.trouble = lambda call, after: call == "StartInstance" and after is applied
    asked = {"tenant": world.customer.id, "profile": "helpdesk"}
    assert api(ANN, "POST", "/api/grants", asked).status == 503
    api.hub.trouble = lambda call, after: False
    assert len(world.engine.instances) == int(applied)
    world.engine.run()
    assert world.customer.find_user(f"msp-ann@{world.customer.domain}") is None
    assert ask(world, api)


def test_what_a_purged_instance_had_in_hand_still_runs_and_is_answered_to_nobody(
    world: World, api: Api
) -> None:
    grant_id = ask(world, api)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["open_account"])
    world.engine.run(stop=lambda: bool(world.engine.in_hand))
    world.engine.purge(grant_id)
    world.engine.run()
    assert world.engine.ran[-1] != "open_account"
    assert grant_id not in world.engine.instances

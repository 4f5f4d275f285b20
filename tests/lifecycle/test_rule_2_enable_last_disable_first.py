"""Rule 2: enable last, disable first, one sensitive property per PATCH."""

import pytest

from simulator.calls import Call
from tests.lifecycle.world import World

SENSITIVE = {"accountEnabled", "passwordProfile", "userPrincipalName"}


def writes(world: World, after: int = 0) -> list[Call]:
    return [c for c in world.cloud.calls.graph(world.customer.id, after=after) if c.method != "GET"]


def is_enabling(call: Call, *, enabled: bool) -> bool:
    return call.method == "PATCH" and call.request_body.get("accountEnabled") is enabled


@pytest.mark.parametrize("path", ["create", "wake"])
def test_rule_2_enabling_is_the_last_write_and_disabling_the_first(world: World, path: str) -> None:
    if path == "wake":
        world.ended_grant()
    world.cloud.calls.clear()
    grant = world.request()
    grant.run_until_active()
    giving = writes(world)
    assert is_enabling(giving[-1], enabled=True)
    assert not any(is_enabling(call, enabled=True) for call in giving[:-1])

    seen = giving[-1].sequence
    world.engine.run()
    ending = writes(world, after=seen)
    assert is_enabling(ending[0], enabled=False)
    assert not any(is_enabling(call, enabled=True) for call in ending)


def test_rule_2_an_account_is_created_disabled(world: World) -> None:
    world.request().run_until_active()
    created = [call for call in writes(world) if call.path.endswith("/users")]
    assert [call.request_body["accountEnabled"] for call in created] == [False]


def test_rule_2_no_patch_mixes_sensitive_properties(world: World) -> None:
    world.ended_grant()
    world.ended_grant()
    for call in writes(world):
        if call.method == "PATCH":
            assert len(SENSITIVE & set(call.request_body)) == 1


def test_rule_2_an_account_that_was_enabled_outside_gets_its_roles_asleep(world: World) -> None:
    world.ended_grant()
    world.user().account_enabled = True
    grant = world.request()
    states: list[bool] = []
    world.engine.hook = lambda phase, name: (
        states.append(world.user().account_enabled)
        if (phase, name) == ("before", "assign_access")
        else None
    )
    grant.run_until_active()
    assert states == [False]


@pytest.mark.parametrize("what", ["disable", "the rest"])
def test_rule_2_a_disabling_that_fails_does_not_keep_the_rest_from_being_taken(
    world: World, what: str
) -> None:
    grant = world.request()
    grant.run_until_active()
    body = "accountEnabled" if what == "disable" else "passwordProfile"
    fault = world.cloud.faults.fail_before(method="PATCH", body=body, times=None, status=403)
    began = world.clock()
    grant.order_end()
    world.engine.run(until=began)

    assert not world.roles()
    assert world.user().access_pass is None
    assert world.user().account_enabled is (what == "disable")
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)

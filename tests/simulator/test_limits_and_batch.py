"""The published request limits, and many calls in one."""

import httpx
import pytest

from simulator.directory.objects import User, new_id
from tests.simulator.world import START, World, code_of


def test_reports_allow_five_requests_in_ten_seconds(world: World) -> None:
    world.contoso.knobs.published_limits = True
    answers = [world.graph("GET", "auditLogs/directoryAudits") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "10"
    world.advance(seconds=10)
    assert world.graph("GET", "auditLogs/directoryAudits").status_code == 200


def test_resource_units_run_out_and_come_back(world: World) -> None:
    world.contoso.knobs.published_limits = True
    costs = {
        ("users", ()): "2",
        ("users", (("select", "id"),)): "1",
        ("users", (("top", "5"), ("select", "id"))): "1",
        ("subscribedSkus", ()): "3",
        ("organization", ()): "1",
    }
    for (path, query), cost in costs.items():
        answer = world.query(path, dict(query))
        assert answer.headers["x-ms-resource-unit"] == cost
    window = world.cloud.limits._windows["units", world.contoso.id, world.demo.curfew.app_id]
    assert window.wait(START, 3_500 - 8, 3_500) == 0
    answer = world.graph("GET", "users")
    assert (answer.status_code, code_of(answer)) == (429, "TooManyRequests")
    assert answer.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert world.graph("GET", "users", tenant=world.demo.fabrikam).status_code == 200
    world.advance(seconds=10)
    assert world.graph("GET", "users").status_code == 200


def test_a_larger_tenant_has_a_larger_allowance(world: World) -> None:
    world.contoso.knobs.published_limits = True
    for number in range(60):
        name = f"u{number}@contoso.onmicrosoft.com"
        user = User(new_id(), name, name, START, START, START)
        world.contoso.users[user.id] = user
    world.graph("GET", "organization")
    window = world.cloud.limits._windows["units", world.contoso.id, world.demo.curfew.app_id]
    assert window.wait(START, 4_990, 5_000) == 0
    assert world.graph("GET", "organization").status_code == 200


def test_without_the_knob_nothing_is_counted(world: World) -> None:
    answers = [world.graph("GET", "auditLogs/directoryAudits") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}


# Batches


def batch(world: World, *items: dict[str, object]) -> httpx.Response:
    return world.graph("POST", "$batch", {"requests": list(items)})


def test_each_item_is_answered_by_itself(world: World) -> None:
    user = world.create_user()
    answer = batch(
        world,
        {"id": "1", "method": "GET", "url": f"/users/{user.id}?$select=id"},
        {"id": "2", "method": "GET", "url": "/users/nobody"},
        {
            "id": "3",
            "method": "PATCH",
            "url": f"/users/{user.id}",
            "body": {"accountEnabled": True},
            "headers": {"Content-Type": "application/json"},
        },
    )
    assert answer.status_code == 200
    statuses = {item["id"]: item["status"] for item in answer.json()["responses"]}
    assert statuses == {"1": 200, "2": 404, "3": 204}
    assert user.account_enabled


def test_each_item_has_its_own_faults_and_its_own_line_in_the_log(world: World) -> None:
    world.cloud.faults.throttle(path="/users", retry_after=5)
    answer = batch(
        world,
        {"id": "1", "method": "GET", "url": "/users"},
        {"id": "2", "method": "GET", "url": "/users"},
    )
    first, second = answer.json()["responses"]
    assert (first["status"], first["headers"]["retry-after"]) == (429, "5")
    assert second["status"] == 200
    lines = [call for call in world.cloud.calls.graph() if call.batch is not None]
    assert [call.status for call in lines] == [429, 200]


def test_who_depends_on_a_failure_is_not_handled(world: World) -> None:
    answer = batch(
        world,
        {"id": "1", "method": "GET", "url": "/users/nobody"},
        {"id": "2", "method": "GET", "url": "/organization", "dependsOn": ["1"]},
    )
    assert [item["status"] for item in answer.json()["responses"]] == [404, 424]


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_has_one_to_twenty_items(world: World, count: int) -> None:
    items: list[dict[str, object]] = [
        {"id": str(number), "method": "GET", "url": "/users"} for number in range(count)
    ]
    assert batch(world, *items).status_code == 400


@pytest.mark.parametrize(
    "item",
    [
        {"id": "1", "method": "FETCH", "url": "/users"},
        {"id": 1, "method": "GET", "url": "/users"},
        {"id": "1", "method": "GET"},
        {"id": "1", "method": "GET", "url": "/users", "dependsOn": ["2"]},
    ],
)
def test_a_malformed_item_fails_the_batch(world: World, item: dict[str, object]) -> None:
    assert batch(world, item).status_code == 400


def test_two_items_cannot_have_the_same_id(world: World) -> None:
    item: dict[str, object] = {"id": "1", "method": "GET", "url": "/users"}
    assert batch(world, item, item).status_code == 400

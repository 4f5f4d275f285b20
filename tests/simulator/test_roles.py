"""Directory roles, given directly."""

from typing import Any

import pytest

from simulator.directory.roles import role_named
from tests.simulator.world import World, code_of, held

READER = role_named("Security Reader").id
EXCHANGE = role_named("Exchange Administrator").id
ASSIGNMENTS = "roleManagement/directory/roleAssignments"


def test_a_role_is_given_listed_and_taken(world: World) -> None:
    user = world.create_user()
    made = world.give_role(user, READER).json()
    assert held(world, user, world.contoso) == [READER]
    assert world.graph("DELETE", f"{ASSIGNMENTS}/{made['id']}").status_code == 204
    assert held(world, user, world.contoso) == []
    missing = world.graph("DELETE", f"{ASSIGNMENTS}/{made['id']}")
    assert (missing.status_code, code_of(missing)) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "Request_MultipleObjectsWithSameKeyValue"), (409, "ConflictingObjects")],
)
def test_a_role_given_twice_is_a_conflict(world: World, status: int, code: str) -> None:
    world.contoso.knobs.conflict_status = status
    user = world.create_user()
    world.give_role(user, READER)
    answer = world.give_role(user, READER)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "conflicting object" in answer.json()["error"]["message"].lower()
    assert world.give_role(user, EXCHANGE).status_code == 201


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"principalId": "00000000-0000-0000-0000-00000000dead"}, 404),
        ({"roleDefinitionId": "00000000-0000-0000-0000-00000000dead"}, 404),
        ({"principalId": None}, 400),
        ({"roleDefinitionId": None}, 400),
        ({"directoryScopeId": "/administrativeUnits/x"}, 400),
    ],
)
def test_an_assignment_must_name_what_exists(
    world: World, changes: dict[str, Any], status: int
) -> None:
    user = world.create_user()
    body = {"principalId": user.id, "roleDefinitionId": READER, "directoryScopeId": "/"}
    assert world.graph("POST", ASSIGNMENTS, body | changes).status_code == status


def test_only_a_role_assignable_group_takes_a_role(world: World) -> None:
    body = {"roleDefinitionId": READER, "directoryScopeId": "/"}
    plain = world.contoso.add_group("Plain")
    fit = world.contoso.add_group("Fit", role_assignable=True)
    answer = world.graph("POST", ASSIGNMENTS, body | {"principalId": plain.id})
    assert answer.status_code == 400
    answer = world.graph("POST", ASSIGNMENTS, body | {"principalId": fit.id})
    assert answer.status_code == 201


def test_a_new_assignment_can_be_missing_from_lists_for_a_while(world: World) -> None:
    world.contoso.knobs.assignment_seconds = 20
    user = world.create_user()
    world.give_role(user, READER)
    assert held(world, user, world.contoso) == []
    world.advance(seconds=20)
    assert held(world, user, world.contoso) == [READER]


def test_a_removed_assignment_can_stay_in_lists_for_a_while(world: World) -> None:
    world.contoso.knobs.assignment_seconds = 20
    user = world.create_user()
    made = world.give_role(user, READER).json()
    world.advance(seconds=20)
    assert world.graph("DELETE", f"{ASSIGNMENTS}/{made['id']}").status_code == 204
    assert held(world, user, world.contoso) == [READER]
    assert world.graph("DELETE", f"{ASSIGNMENTS}/{made['id']}").status_code == 404
    world.advance(seconds=20)
    assert held(world, user, world.contoso) == []


def test_a_role_given_by_somebody_else_is_seen(world: World) -> None:
    user = world.create_user()
    world.contoso.assign_role(user.id, "Global Administrator")
    assert held(world, user, world.contoso) == [role_named("Global Administrator").id]


def test_role_definitions_are_the_real_ones(world: World) -> None:
    found = world.graph("GET", "roleManagement/directory/roleDefinitions").json()["value"]
    by_name = {item["displayName"]: item["id"] for item in found}
    assert by_name["Global Administrator"] == "62e90394-69f5-4237-9190-012177145e10"
    assert all(item["id"] == item["templateId"] for item in found)
    assert len(found) >= 25

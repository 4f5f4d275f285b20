"""Accounts: rules for names and passwords, deletion, replication, stale reads, search."""

from typing import Any

import pytest

from tests.simulator.world import GOOD_PASSWORD, World, code_of

CHANGED = "lastPasswordChangeDateTime"


def new_user(**changes: Any) -> dict[str, Any]:
    return {
        "accountEnabled": False,
        "displayName": "Jit",
        "mailNickname": "jit",
        "userPrincipalName": "jit@contoso.onmicrosoft.com",
        "passwordProfile": {
            "password": GOOD_PASSWORD,
            "forceChangePasswordNextSignIn": False,
        },
    } | changes


def profile(password: str) -> dict[str, Any]:
    return {"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False}}


def test_a_taken_name_is_a_conflict_that_says_so(world: World) -> None:
    assert world.graph("POST", "users", new_user()).status_code == 201
    name = "JIT@contoso.onmicrosoft.com"
    answer = world.graph("POST", "users", new_user(userPrincipalName=name))
    assert (answer.status_code, code_of(answer)) == (400, "Request_BadRequest")
    assert answer.json()["error"]["details"] == [
        {
            "code": "ObjectConflict",
            "message": "Another object with the same value for property userPrincipalName "
            "already exists.",
            "target": "userPrincipalName",
        }
    ]


@pytest.mark.parametrize(
    "name", ["jit@elsewhere.example", "jit@unverified.example", "jit@federated.example", "jit", 7]
)
def test_a_name_needs_a_verified_managed_domain(world: World, name: object) -> None:
    from simulator.directory.objects import Domain

    domains = world.contoso.domains
    domains["unverified.example"] = Domain("unverified.example", verified=False)
    domains["federated.example"] = Domain("federated.example", authentication_type="Federated")
    answer = world.graph("POST", "users", new_user(userPrincipalName=name))
    assert (answer.status_code, code_of(answer)) == (400, "Request_BadRequest")


@pytest.mark.parametrize("missing", ["displayName", "mailNickname", "passwordProfile"])
def test_required_properties_are_required(world: World, missing: str) -> None:
    body = new_user()
    del body[missing]
    assert world.graph("POST", "users", body).status_code == 400


def test_an_unknown_property_is_refused(world: World) -> None:
    assert world.graph("POST", "users", new_user(favouriteColour="red")).status_code == 400
    user = world.create_user("other")
    answer = world.graph("PATCH", f"users/{user.id}", {"favouriteColour": "red"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "password",
    [
        "Sh0rt!",
        "A1b" * 86,
        "alllowercaseletters1",
        "My-Password-2026",
        "Welcome-To-Us-1",
        "CONTOSO-rules-1",
        "Schlüssel-Bund-42",
        None,
        12345678,
    ],
)
def test_a_weak_password_is_refused(world: World, password: Any) -> None:
    user = world.create_user()
    before = (user.password, user.last_password_change)
    answer = world.graph("PATCH", f"users/{user.id}", profile(password))
    assert (answer.status_code, code_of(answer)) == (400, "Request_BadRequest")
    assert (user.password, user.last_password_change) == before
    made = world.graph("POST", "users", new_user(mailNickname="x") | profile(password))
    assert made.status_code == 400


def test_the_current_password_is_refused(world: World) -> None:
    user = world.create_user()
    assert world.graph("PATCH", f"users/{user.id}", profile(GOOD_PASSWORD)).status_code == 400


def test_the_change_of_a_password_shows_in_whole_seconds(world: World) -> None:
    user = world.create_user()
    path = f"users/{user.id}"
    assert world.graph("GET", path, select=CHANGED).json()[CHANGED] == "2026-11-21T10:00:00Z"
    world.advance(seconds=2.7)
    world.graph("PATCH", path, profile("Another-Horse-43"))
    assert world.graph("GET", path, select=CHANGED).json()[CHANGED] == "2026-11-21T10:00:02Z"


def test_some_properties_come_only_when_selected(world: World) -> None:
    user = world.create_user()
    plain = world.graph("GET", f"users/{user.id}").json()
    for name in ("accountEnabled", "employeeType", CHANGED, "onPremisesSyncEnabled"):
        assert name not in plain
    only = world.graph("GET", f"users/{user.id}", select="accountEnabled").json()
    assert {name for name in only if not name.startswith("@")} == {"accountEnabled"}


def test_a_user_is_found_by_id_and_by_encoded_name(world: World) -> None:
    user = world.create_user("o'neil#1")
    for name in (user.id, user.id.upper(), "o'neil%231%40contoso.onmicrosoft.com"):
        assert world.graph("GET", f"users/{name}").json()["id"] == user.id


def test_a_deleted_user_frees_its_name_and_comes_back_with_its_roles(world: World) -> None:
    user = world.create_user()
    world.contoso.assign_role(user.id, "Global Reader")
    group = world.contoso.add_group("Staff", members=(user.id,))
    world.graph("DELETE", f"users/{user.id}")
    assert world.graph("GET", f"users/{user.id}").status_code == 404
    assert world.graph("GET", f"groups/{group.id}/members").json()["value"] == []
    filtered = f"principalId eq '{user.id}'"
    roles = "roleManagement/directory/roleAssignments"
    assert world.graph("GET", roles, filter=filtered).json()["value"] == []
    restored = world.graph("POST", f"directory/deletedItems/{user.id}/restore")
    assert restored.json()["userPrincipalName"] == "jit@contoso.onmicrosoft.com"
    assert len(world.graph("GET", roles, filter=filtered).json()["value"]) == 1
    assert len(world.graph("GET", f"groups/{group.id}/members").json()["value"]) == 1


def test_a_restore_is_refused_while_the_name_is_taken(world: World) -> None:
    user = world.create_user()
    world.graph("DELETE", f"users/{user.id}")
    world.create_user()
    answer = world.graph("POST", f"directory/deletedItems/{user.id}/restore")
    assert answer.json()["error"]["details"][0]["code"] == "ObjectConflict"


def test_a_deleted_user_is_gone_after_thirty_days(world: World) -> None:
    user = world.create_user()
    world.graph("DELETE", f"users/{user.id}")
    world.advance(days=29)
    assert world.graph("GET", f"directory/deletedItems/{user.id}").status_code == 200
    world.advance(days=1)
    assert world.graph("GET", f"directory/deletedItems/{user.id}").status_code == 404


def test_a_permanently_deleted_user_leaves_nothing(world: World) -> None:
    user = world.create_user()
    group = world.contoso.add_group("Staff", members=(user.id,))
    world.graph("DELETE", f"users/{user.id}")
    world.graph("DELETE", f"directory/deletedItems/{user.id}")
    assert world.graph("POST", f"directory/deletedItems/{user.id}/restore").status_code == 404
    assert group.members == []


@pytest.mark.parametrize(
    "patch",
    [
        {"accountEnabled": False},
        {"displayName": "New"},
        {"passwordProfile": {"password": "Another-Horse-43"}},
        {"userPrincipalName": "new@contoso.onmicrosoft.com"},
    ],
)
def test_a_synced_user_is_mastered_elsewhere(world: World, patch: dict[str, Any]) -> None:
    answer = world.graph("PATCH", "users/synced@contoso.onmicrosoft.com", patch)
    assert answer.status_code == 400
    assert "on-premises mastered" in answer.json()["error"]["message"]


def test_a_synced_user_cannot_be_deleted_but_its_sessions_can_be_revoked(world: World) -> None:
    path = "users/synced@contoso.onmicrosoft.com"
    assert world.graph("DELETE", path).status_code == 400
    assert world.graph("POST", f"{path}/revokeSignInSessions").status_code == 200
    assert world.graph("PATCH", path, {"usageLocation": "DE"}).status_code == 204


# Replication


def test_a_new_user_is_unseen_until_it_has_replicated(world: World) -> None:
    world.contoso.knobs.replication_seconds = 30
    user = world.create_user()
    methods = f"users/{user.id}/authentication/methods"
    passes = f"users/{user.id}/authentication/temporaryAccessPassMethods"
    assert world.graph("GET", f"users/{user.id}").status_code == 404
    assert world.graph("PATCH", f"users/{user.id}", {"accountEnabled": True}).status_code == 404
    assert world.graph("GET", methods).status_code == 404
    assert world.graph("POST", passes, {}).status_code == 404
    assert code_of(world.give_role(user, "5d6b6bb7-de71-4623-b4af-96380a352509")) == (
        "Request_ResourceNotFound"
    )
    conflict = world.graph("POST", "users", new_user())
    assert conflict.json()["error"]["details"][0]["code"] == "ObjectConflict"
    by_name = world.graph(
        "GET", "users", filter="userPrincipalName eq 'jit@contoso.onmicrosoft.com'"
    )
    assert by_name.json()["value"] == []
    world.advance(seconds=30)
    assert world.graph("GET", f"users/{user.id}").status_code == 200
    assert world.graph("GET", methods).status_code == 200


def test_a_new_user_can_be_hidden_for_a_number_of_reads(world: World) -> None:
    world.contoso.knobs.replication_reads = 2
    user = world.create_user()
    seen = [world.graph("GET", f"users/{user.id}").status_code for _ in range(4)]
    assert seen == [404, 404, 200, 200]


def test_a_new_user_can_flap(world: World) -> None:
    world.contoso.knobs.flapping_reads = 4
    user = world.create_user()
    seen = [world.graph("GET", f"users/{user.id}").status_code for _ in range(6)]
    assert seen == [200, 404, 200, 404, 200, 200]


def test_reads_can_lag_behind_writes(world: World) -> None:
    user = world.create_user()
    world.advance(minutes=1)
    world.contoso.knobs.stale_seconds = 20
    path = f"users/{user.id}"
    world.graph("PATCH", path, {"accountEnabled": True})
    assert world.graph("GET", path, select="accountEnabled").json()["accountEnabled"] is False
    world.advance(seconds=21)
    assert world.graph("GET", path, select="accountEnabled").json()["accountEnabled"] is True


def test_the_search_index_lags_behind_the_directory(world: World) -> None:
    world.contoso.knobs.index_seconds = 60
    eventual = {"ConsistencyLevel": "eventual"}
    query = {"filter": "employeeType eq 'JIT'", "count": "true"}

    def found() -> int:
        answer = world.query("users", query, eventual)
        return int(answer.json()["@odata.count"])

    answer = world.graph("POST", "users", new_user(employeeType="JIT"))
    user_id = answer.json()["id"]
    assert found() == 0
    world.advance(seconds=60)
    assert found() == 1
    world.graph("DELETE", f"users/{user_id}")
    assert found() == 1
    world.advance(seconds=60)
    assert found() == 0


def test_one_tenant_sees_nothing_of_another(world: World) -> None:
    user = world.create_user()
    fabrikam = world.demo.fabrikam
    assert world.graph("GET", f"users/{user.id}", tenant=fabrikam).status_code == 404
    patch = {"accountEnabled": True}
    assert world.graph("PATCH", f"users/{user.id}", patch, tenant=fabrikam).status_code == 404

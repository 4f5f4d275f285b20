"""Query options: what is understood, and that the rest is refused instead of ignored."""

import pytest

from tests.simulator.world import World, code_of

EVENTUAL = {"ConsistencyLevel": "eventual"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("userPrincipalName eq 'clerk@contoso.onmicrosoft.com'", {"Carla Clerk"}),
        ("displayName eq 'carla clerk'", {"Carla Clerk"}),
        ("startswith(displayName,'Carla')", {"Carla Clerk"}),
        ("displayName in ('Carla Clerk', 'Break Glass')", {"Carla Clerk", "Break Glass"}),
        ("onPremisesSyncEnabled eq true", {"Sven Synced"}),
        ("accountEnabled eq false", set()),
        ("jobTitle eq 'Accountant' and startswith(mail,'x')", set()),
        (
            "jobTitle eq 'Accountant' or displayName eq 'Break Glass'",
            {"Carla Clerk", "Break Glass"},
        ),
        ("(displayName eq 'Break Glass') and accountEnabled eq true", {"Break Glass"}),
        ("createdDateTime ge 2026-11-21T09:59:59Z and jobTitle eq 'Accountant'", {"Carla Clerk"}),
        ("createdDateTime le 2026-11-20T00:00:00Z", set()),
    ],
)
def test_a_filter_finds_what_it_says(world: World, text: str, names: set[str]) -> None:
    found = world.graph("GET", "users", filter=text).json()["value"]
    assert {item["displayName"] for item in found} == names


@pytest.mark.parametrize(
    "text",
    [
        "employeeType eq 'JIT'",
        "endswith(userPrincipalName,'onmicrosoft.com')",
        "displayName ne 'Carla Clerk'",
        "not(displayName eq 'Carla Clerk')",
    ],
)
def test_an_advanced_filter_needs_its_header_and_the_count(world: World, text: str) -> None:
    assert world.graph("GET", "users", filter=text).status_code == 400
    assert world.graph("GET", "users", filter=text, headers=EVENTUAL).status_code == 400
    full = world.graph("GET", "users", filter=text, count="true", headers=EVENTUAL)
    assert full.status_code == 200
    assert full.json()["@odata.count"] == len(full.json()["value"])


@pytest.mark.parametrize(
    "text",
    [
        "lastPasswordChangeDateTime ge 2026-01-01T00:00:00Z",
        "favouriteColour eq 'red'",
        "displayName like 'x'",
        "displayName eq",
        "displayName eq 'x",
        "displayName eq 'x' and",
        "displayName eq 'x' displayName",
        "(displayName eq 'x'",
        "displayName eq nothing",
        "eq 'x'",
        "contains(displayName,'x')",
        "accountEnabled ge true",
        "'x' eq displayName",
        "displayName eq 'x';",
    ],
)
def test_a_filter_that_is_not_understood_is_refused(world: World, text: str) -> None:
    assert world.graph("GET", "users", filter=text).status_code == 400


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("users", {"search": '"displayName:x"'}),
        ("users", {"expand": "manager"}),
        ("users", {"apply": "x"}),
        ("users", {"orderby": "jobTitle"}),
        ("users", {"top": "0"}),
        ("users", {"top": "1000"}),
        ("users", {"top": "many"}),
        ("users", {"count": "true"}),
        ("users", {"count": "perhaps"}),
        ("users", {"skiptoken": "nonsense"}),
        ("users", {"select": "favouriteColour"}),
        ("organization", {"filter": "id eq 'x'"}),
        ("domains", {"orderby": "id"}),
        ("roleManagement/directory/roleAssignments", {"expand": "everything"}),
        ("roleManagement/directory/roleAssignments", {"filter": "condition eq 'x'"}),
        ("auditLogs/signIns", {"select": "id"}),
    ],
)
def test_an_option_that_is_not_played_is_400(
    world: World, path: str, query: dict[str, str]
) -> None:
    answer = world.query(path, query)
    assert answer.status_code == 400
    assert code_of(answer) in {"BadRequest", "Request_UnsupportedQuery"}


def test_an_option_on_a_write_is_400(world: World) -> None:
    user = world.create_user()
    answer = world.graph("PATCH", f"users/{user.id}", {"displayName": "x"}, select="id")
    assert answer.status_code == 400
    assert user.display_name == "jit"


def test_pages_lead_through_everything_once(world: World) -> None:
    for number in range(7):
        world.contoso.add_user(f"user{number}")
    seen: list[str] = []
    answer = world.graph("GET", "users", top="3", select="id,displayName").json()
    while True:
        seen += [item["id"] for item in answer["value"]]
        link = answer.get("@odata.nextLink")
        if link is None:
            break
        assert link.startswith(world.server.url)
        token = world.app_token(world.contoso)
        answer = world.http.get(link, headers={"authorization": f"Bearer {token}"}).json()
        assert all(set(item) == {"id", "displayName"} for item in answer["value"])
    assert sorted(seen) == sorted(world.contoso.users)


def test_the_order_can_be_asked_for(world: World) -> None:
    found = world.graph("GET", "users", orderby="displayName desc").json()["value"]
    names = [item["displayName"] for item in found]
    assert names == sorted(names, key=str.lower, reverse=True)


def test_the_count_alone_is_text(world: World) -> None:
    answer = world.graph("GET", "users/$count", headers=EVENTUAL)
    assert (answer.text, answer.headers["content-type"]) == ("4", "text/plain")
    assert world.graph("GET", "users/$count").status_code == 400


def test_unknown_paths_and_methods_are_refused(world: World) -> None:
    assert world.graph("GET", "teapots").status_code == 400
    assert world.graph("PUT", "users").status_code == 405
    user = world.create_user()
    nothing = world.graph("POST", f"users/{user.id}/authentication/methods/x/resetPassword")
    assert nothing.status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""])
def test_a_body_that_is_no_object_is_400(world: World, body: bytes) -> None:
    headers = {
        "authorization": f"Bearer {world.app_token(world.contoso)}",
        "content-type": "application/json",
    }
    answer = world.http.post("/v1.0/users", content=body, headers=headers)
    assert (answer.status_code, code_of(answer)) == (400, "BadRequest")

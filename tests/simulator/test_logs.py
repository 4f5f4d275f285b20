"""The directory's own logs."""

from tests.simulator.world import GOOD_PASSWORD, World, code_of

AUDITS = "auditLogs/directoryAudits"
SIGN_INS = "auditLogs/signIns"


def test_every_write_is_on_record_with_its_author(world: World) -> None:
    user = world.create_user()
    world.graph("PATCH", f"users/{user.id}", {"passwordProfile": {"password": "Another-Horse-43"}})
    world.graph("PATCH", f"users/{user.id}", {"accountEnabled": True})
    world.give_role(user, "5d6b6bb7-de71-4623-b4af-96380a352509")
    found = world.graph("GET", AUDITS).json()["value"]
    assert {entry["activityDisplayName"] for entry in found} == {
        "Add user",
        "Reset user password",
        "Enable account",
        "Add member to role",
    }
    assert {entry["initiatedBy"]["app"]["appId"] for entry in found} == {world.demo.curfew.app_id}
    assert all(entry["targetResources"][0]["id"] == user.id for entry in found)
    assert GOOD_PASSWORD not in str(found)
    assert "Another-Horse-43" not in str(found)


def test_the_log_can_be_filtered(world: World) -> None:
    first, second = world.create_user("one"), world.create_user("two")
    world.advance(minutes=10)
    world.graph("PATCH", f"users/{second.id}", {"displayName": "Two"})
    by_target = f"targetResources/any(t:t/id eq '{second.id}')"
    assert len(world.graph("GET", AUDITS, filter=by_target).json()["value"]) == 2
    recent = "activityDateTime ge 2026-11-21T10:05:00Z and category eq 'UserManagement'"
    assert len(world.graph("GET", AUDITS, filter=recent).json()["value"]) == 1
    by_author = f"initiatedBy/user/id eq '{first.id}'"
    assert world.graph("GET", AUDITS, filter=by_author).json()["value"] == []


def test_what_a_person_did_is_found_by_that_person(world: World) -> None:
    user = world.create_user()
    world.contoso.directory_audits.append(
        world.contoso.directory_audits[0]
        | {"initiatedBy": {"app": None, "user": {"id": user.id}}, "id": "Directory_1"}
    )
    by_author = f"initiatedBy/user/id eq '{user.id}'"
    found = world.graph("GET", AUDITS, filter=by_author).json()["value"]
    assert [entry["id"] for entry in found] == ["Directory_1"]


def test_the_newest_entry_comes_first(world: World) -> None:
    for name in ("one", "two", "three"):
        world.create_user(name)
        world.advance(minutes=1)
    times = [entry["activityDateTime"] for entry in world.graph("GET", AUDITS).json()["value"]]
    assert times == sorted(times, reverse=True)


def test_sign_ins_take_a_premium_licence(world: World) -> None:
    free = world.customer(licences=set())
    answer = world.graph("GET", SIGN_INS, tenant=free)
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert (answer.status_code, code_of(answer)) == (403, code)
    assert world.graph("GET", AUDITS, tenant=free).status_code == 200
    assert world.graph("GET", SIGN_INS).status_code == 200


def test_a_free_tenant_refuses_an_old_start(world: World) -> None:
    free = world.customer(licences=set())
    old, recent = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"
    answer = world.graph("GET", AUDITS, tenant=free, filter=f"activityDateTime ge {old}")
    assert answer.status_code == 400
    answer = world.graph("GET", AUDITS, tenant=free, filter=f"activityDateTime ge {recent}")
    assert answer.status_code == 200


def test_sign_ins_are_found_by_person_and_time(world: World) -> None:
    user = world.create_user()
    user.account_enabled = True
    world.sign_in(world.contoso, user, "wrong")
    world.advance(minutes=5)
    world.sign_in(world.contoso, user, GOOD_PASSWORD)
    by_user = f"userId eq '{user.id}'"
    assert len(world.graph("GET", SIGN_INS, filter=by_user).json()["value"]) == 2
    since = f"{by_user} and createdDateTime ge 2026-11-21T10:05:00Z"
    found = world.graph("GET", SIGN_INS, filter=since).json()["value"]
    assert [entry["status"]["errorCode"] for entry in found] == [0]
    assert found[0]["appDisplayName"] == "Curfew"


def test_entries_can_arrive_late(world: World) -> None:
    world.contoso.knobs.audit_seconds = 120
    world.create_user()
    assert world.graph("GET", AUDITS).json()["value"] == []
    world.advance(seconds=120)
    assert len(world.graph("GET", AUDITS).json()["value"]) == 1


def test_entries_are_kept_for_thirty_days(world: World) -> None:
    world.create_user()
    world.advance(days=31)
    assert world.graph("GET", AUDITS).json()["value"] == []

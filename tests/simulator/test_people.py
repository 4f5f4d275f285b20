"""People sign in, and sessions end when they must."""

from datetime import timedelta

import pytest

from simulator.directory.objects import User
from simulator.login.people import AZURE_PORTAL
from tests.simulator.world import GOOD_PASSWORD, World, aadsts, claims_of

API = "api://curfew/.default"


@pytest.fixture
def user(world: World) -> User:
    user = world.create_user()
    user.account_enabled = True
    return user


def new_pass(world: World, user: User, **wanted: object) -> str:
    path = f"users/{user.id}/authentication/temporaryAccessPassMethods"
    answer = world.graph("POST", path, {"lifetimeInMinutes": 60} | wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["temporaryAccessPass"])


def test_the_right_password_opens_a_session(world: World, user: User) -> None:
    answer = world.sign_in(world.contoso, user, GOOD_PASSWORD)
    claims = claims_of(answer)
    assert claims["amr"] == ["pwd"]
    assert claims["preferred_username"] == "jit@contoso.onmicrosoft.com"
    assert answer.json()["refresh_token"]


def test_the_wrong_password_is_refused(world: World, user: User) -> None:
    assert aadsts(world.sign_in(world.contoso, user, "wrong")) == 50126


def test_an_unknown_name_is_refused(world: World) -> None:
    assert aadsts(world.sign_in(world.contoso, "no@contoso.onmicrosoft.com", "x")) == 50034


def test_a_disabled_account_is_refused_but_only_who_knows_the_password_learns_it(
    world: World, user: User
) -> None:
    user.account_enabled = False
    assert aadsts(world.sign_in(world.contoso, user, GOOD_PASSWORD)) == 50057
    assert aadsts(world.sign_in(world.contoso, user, "wrong")) == 50126


def test_the_account_of_one_tenant_does_not_exist_in_another(world: World, user: User) -> None:
    assert aadsts(world.sign_in(world.demo.fabrikam, user, GOOD_PASSWORD)) == 50034


def test_a_deleted_account_is_unknown(world: World, user: User) -> None:
    assert world.graph("DELETE", f"users/{user.id}").status_code == 204
    assert aadsts(world.sign_in(world.contoso, user, GOOD_PASSWORD)) == 50034


def test_a_password_that_must_be_changed_does_not_open_a_session(world: World, user: User) -> None:
    profile = {"password": "Another-Horse-43", "forceChangePasswordNextSignIn": True}
    world.graph("PATCH", f"users/{user.id}", {"passwordProfile": profile})
    assert aadsts(world.sign_in(world.contoso, user, "Another-Horse-43")) == 50055


def test_an_access_pass_counts_as_strong_authentication(world: World, user: User) -> None:
    claims = claims_of(world.sign_in(world.contoso, user, new_pass(world, user)))
    assert claims["amr"] == ["tap", "mfa"]


def test_the_portal_demands_more_than_a_password(world: World, user: User) -> None:
    portal = {"client_id": AZURE_PORTAL}
    assert aadsts(world.sign_in(world.contoso, user, GOOD_PASSWORD, **portal)) == 50079
    world.contoso.register_method(user.id, "phone")
    assert aadsts(world.sign_in(world.contoso, user, GOOD_PASSWORD, **portal)) == 50076
    value = new_pass(world, user)
    assert world.sign_in(world.contoso, user, value, **portal).status_code == 200


def test_an_access_pass_works_only_in_its_time(world: World, user: User) -> None:
    value = new_pass(world, user, startDateTime="2026-11-21T11:00:00Z")
    assert aadsts(world.sign_in(world.contoso, user, value)) == 130506
    world.advance(hours=1)
    assert world.sign_in(world.contoso, user, value).status_code == 200
    world.advance(hours=1)
    assert aadsts(world.sign_in(world.contoso, user, value)) == 130504


def test_a_one_time_pass_works_once(world: World, user: User) -> None:
    value = new_pass(world, user, isUsableOnce=True)
    assert world.sign_in(world.contoso, user, value).status_code == 200
    assert aadsts(world.sign_in(world.contoso, user, value)) == 130505


def test_a_pass_outside_the_policy_does_not_work(world: World, user: User) -> None:
    value = new_pass(world, user)
    world.contoso.access_pass_policy.targets = [world.contoso.add_group("Pilots").id]
    assert aadsts(world.sign_in(world.contoso, user, value)) == 130502


def test_a_replaced_pass_is_dead(world: World, user: User) -> None:
    first = new_pass(world, user)
    new_pass(world, user)
    assert aadsts(world.sign_in(world.contoso, user, first)) == 50126


def test_a_session_opened_with_a_pass_dies_with_it(world: World, user: User) -> None:
    answer = world.sign_in(world.contoso, user, new_pass(world, user, lifetimeInMinutes=10))
    assert answer.json()["expires_in"] == 600
    session = answer.json()["refresh_token"]
    world.advance(minutes=9)
    assert world.refresh(world.contoso, session).json()["expires_in"] == 60
    world.advance(minutes=1)
    assert aadsts(world.refresh(world.contoso, session)) == 70008


def test_a_session_goes_on_until_it_is_revoked(world: World, user: User) -> None:
    session = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["refresh_token"]
    assert world.refresh(world.contoso, session).status_code == 200
    world.graph("POST", f"users/{user.id}/revokeSignInSessions")
    assert aadsts(world.refresh(world.contoso, session)) == 50173
    assert world.sign_in(world.contoso, user, GOOD_PASSWORD).status_code == 200


def test_a_new_password_ends_the_session(world: World, user: User) -> None:
    session = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["refresh_token"]
    world.graph("PATCH", f"users/{user.id}", {"passwordProfile": {"password": "Another-Horse-43"}})
    assert aadsts(world.refresh(world.contoso, session)) == 50173


def test_disabling_only_suspends_a_session(world: World, user: User) -> None:
    session = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["refresh_token"]
    world.graph("PATCH", f"users/{user.id}", {"accountEnabled": False})
    assert aadsts(world.refresh(world.contoso, session)) == 50057
    world.graph("PATCH", f"users/{user.id}", {"accountEnabled": True})
    assert world.refresh(world.contoso, session).status_code == 200


def test_deleting_ends_the_session_for_good(world: World, user: User) -> None:
    session = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["refresh_token"]
    world.graph("DELETE", f"users/{user.id}")
    assert aadsts(world.refresh(world.contoso, session)) == 50173
    world.graph("POST", f"directory/deletedItems/{user.id}/restore")
    assert aadsts(world.refresh(world.contoso, session)) == 50173


def test_a_refresh_token_is_bound_to_tenant_and_application(world: World, user: User) -> None:
    session = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["refresh_token"]
    assert aadsts(world.refresh(world.demo.fabrikam, session)) == 70008
    assert aadsts(world.refresh(world.contoso, "made-up")) == 70008


def test_an_access_token_outlives_the_disabling(world: World, user: User) -> None:
    token = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["access_token"]
    world.graph("PATCH", f"users/{user.id}", {"accountEnabled": False})
    me = world.graph("GET", "me", token=token, select="id,accountEnabled").json()
    assert (me["id"], me["accountEnabled"]) == (user.id, False)


def test_a_persons_token_opens_nothing_else(world: World, user: User) -> None:
    world.contoso.assign_role(user.id, "Global Administrator")
    token = world.sign_in(world.contoso, user, GOOD_PASSWORD).json()["access_token"]
    assert world.graph("GET", "users", token=token).status_code == 403


def test_every_attempt_is_in_the_sign_in_log(world: World, user: User) -> None:
    world.sign_in(world.contoso, user, "wrong")
    world.sign_in(world.contoso, user, GOOD_PASSWORD)
    codes = [entry["status"]["errorCode"] for entry in world.contoso.sign_ins]
    assert codes == [50126, 0]
    assert {entry["userId"] for entry in world.contoso.sign_ins} == {user.id}


@pytest.mark.parametrize(
    ("alias", "role"),
    [
        ("ann", "Technician"),
        ("ben", "Technician"),
        ("petra", "Approver"),
        ("ada", "Administrator"),
        ("otto", "Auditor"),
    ],
)
def test_people_of_the_home_tenant_get_their_app_roles(world: World, alias: str, role: str) -> None:
    person = world.demo.people[alias]
    answer = world.sign_in(world.demo.home, person, world.demo.password, scope=API)
    claims = claims_of(answer)
    assert (claims["aud"], claims["roles"]) == ("api://curfew", [role])
    assert claims["oid"] == person.id


def test_the_integration_gets_its_app_role(world: World) -> None:
    answer = world.token(
        world.demo.home,
        grant_type="client_credentials",
        client_id=world.demo.halo.app_id,
        client_secret=world.demo.halo_secret,
        scope=API,
    )
    claims = claims_of(answer)
    assert (claims["idtyp"], claims["roles"]) == ("app", ["Integration"])


def test_a_person_without_an_app_role_has_no_roles_claim(world: World) -> None:
    guest = world.demo.home.add_user("guest", password=GOOD_PASSWORD)
    assert "roles" not in claims_of(world.sign_in(world.demo.home, guest, GOOD_PASSWORD, scope=API))


def test_groups_are_in_the_token_until_they_are_too_many(world: World) -> None:
    home, ann = world.demo.home, world.demo.people["ann"]
    inner = home.add_group("Level one", members=(ann.id,))
    outer = home.add_group("Technicians", members=(inner.id,))
    answer = world.sign_in(home, ann, world.demo.password, scope=API)
    assert claims_of(answer)["groups"] == sorted([inner.id, outer.id])
    for number in range(200):
        home.add_group(f"Group {number}", members=(ann.id,))
    claims = claims_of(world.sign_in(home, ann, world.demo.password, scope=API))
    assert "groups" not in claims
    assert claims["_claim_sources"]["src1"]["endpoint"].endswith("/getMemberObjects")


def test_the_tenant_can_be_found_from_the_name(world: World, user: User) -> None:
    answer = world.token(
        "organizations",
        grant_type="password",
        client_id=AZURE_PORTAL,
        scope="openid",
        username=user.user_principal_name,
        password=new_pass(world, user),
    )
    assert claims_of(answer)["tid"] == world.contoso.id


def test_token_times_follow_the_wall_not_the_clock_of_the_cloud(world: World, user: User) -> None:
    before = claims_of(world.sign_in(world.contoso, user, GOOD_PASSWORD))["exp"]
    world.cloud.advance(timedelta(days=400))
    after = claims_of(world.sign_in(world.contoso, user, GOOD_PASSWORD))["exp"]
    assert after - before < 60

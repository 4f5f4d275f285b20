"""Temporary access passes: policy, range, one per user, value shown once."""

from typing import Any

import httpx
import pytest

from simulator import Cloud
from simulator.environment import AZURE_CHINA_CLOUD
from simulator.keys import Keys
from simulator.scenario import CertificatePair, demo
from simulator.server import Server
from tests.simulator.world import World, code_of

POLICY = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/"


def path_of(world: World) -> str:
    clerk = world.contoso.user(f"clerk@{world.contoso.domain}")
    return f"users/{clerk.id}/authentication/temporaryAccessPassMethods"


def make(world: World, **body: Any) -> httpx.Response:
    return world.graph("POST", path_of(world), {"lifetimeInMinutes": 60} | body)


def test_the_value_is_shown_once(world: World) -> None:
    made = make(world).json()
    assert len(made["temporaryAccessPass"]) == 8
    listed = world.graph("GET", path_of(world)).json()["value"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert listed[0]["temporaryAccessPass"] is None
    assert (
        world.graph("GET", f"{path_of(world)}/{made['id']}").json()["temporaryAccessPass"] is None
    )


def test_a_new_pass_replaces_the_old_one(world: World) -> None:
    first, second = make(world).json(), make(world).json()
    assert first["id"] != second["id"]
    listed = world.graph("GET", path_of(world)).json()["value"]
    assert [item["id"] for item in listed] == [second["id"]]
    assert world.graph("DELETE", f"{path_of(world)}/{first['id']}").status_code == 404


@pytest.mark.parametrize("minutes", [9, 481, 0, "60", 60.5, None])
def test_a_lifetime_outside_the_policy_is_refused_with_the_range(
    world: World, minutes: object
) -> None:
    answer = make(world, lifetimeInMinutes=minutes)
    assert (answer.status_code, code_of(answer)) == (400, "badRequest")
    message = answer.json()["error"]["message"]
    assert message == "Invalid LifetimeInMinutes specified. The valid range between 10 and 480."


def test_without_a_lifetime_the_default_holds(world: World) -> None:
    assert world.graph("POST", path_of(world)).json()["lifetimeInMinutes"] == 60


def test_a_policy_of_one_time_passes_refuses_others(world: World) -> None:
    world.contoso.access_pass_policy.usable_once = True
    assert make(world, isUsableOnce=False).status_code == 400
    assert make(world).json()["isUsableOnce"] is True


@pytest.mark.parametrize("start", ["2026-11-21T09:00:00Z", "soon", "2026-11-21T12:00:00"])
def test_a_start_in_the_past_or_without_zone_is_refused(world: World, start: str) -> None:
    assert make(world, startDateTime=start).status_code == 400


def test_a_pass_says_whether_it_can_be_used(world: World) -> None:
    policy = world.contoso.access_pass_policy
    path = path_of(world)

    def state() -> tuple[bool, str]:
        held = world.graph("GET", path).json()["value"][0]
        return held["isUsable"], held["methodUsabilityReason"]

    make(world, startDateTime="2026-11-21T10:30:00Z")
    assert state() == (False, "NotYetValid")
    world.advance(minutes=30)
    assert state() == (True, "EnabledByPolicy")
    policy.enabled = False
    assert state() == (False, "DisabledByPolicy")
    policy.enabled = True
    world.advance(minutes=60)
    assert state() == (False, "Expired")


def test_a_user_outside_the_policys_groups_gets_a_pass_that_cannot_be_used(
    world: World,
) -> None:
    group = world.contoso.add_group("Pilots")
    world.contoso.access_pass_policy.targets = [group.id]
    made = make(world)
    assert made.status_code == 201
    assert made.json()["isUsable"] is False
    group.members.append(world.contoso.user(f"clerk@{world.contoso.domain}").id)
    assert world.graph("GET", path_of(world)).json()["value"][0]["isUsable"] is True


def test_the_policy_can_be_read(world: World) -> None:
    policy = world.graph("GET", f"{POLICY}temporaryAccessPass").json()
    assert policy["state"] == "enabled"
    assert policy["minimumLifetimeInMinutes"] == 10
    assert policy["maximumLifetimeInMinutes"] == 480
    assert policy["defaultLifetimeInMinutes"] == 60
    assert policy["includeTargets"][0]["id"] == "all_users"


def test_an_expired_pass_is_listed_until_it_is_deleted(world: World) -> None:
    made = make(world).json()
    world.advance(hours=2)
    methods = path_of(world).removesuffix("temporaryAccessPassMethods") + "methods"
    assert len(world.graph("GET", methods).json()["value"]) == 2
    assert world.graph("DELETE", f"{path_of(world)}/{made['id']}").status_code == 204
    assert len(world.graph("GET", methods).json()["value"]) == 1


def test_there_are_no_passes_in_china(keys: Keys, certificate: CertificatePair) -> None:
    cloud = Cloud(AZURE_CHINA_CLOUD, keys=keys)
    scenario = demo(cloud, certificate=certificate)
    with Server(cloud) as server:
        world = World(cloud, scenario, server)
        token = cloud.mint(
            scenario.contoso,
            {"idtyp": "app", "roles": ["UserAuthenticationMethod.ReadWrite.All"]},
            audience="https://microsoftgraph.chinacloudapi.cn",
        )
        assert world.graph("POST", path_of(world), {}, token=token).status_code == 400
        world.close()


# Other ways of signing in


def test_the_password_is_a_method_that_cannot_be_deleted(world: World) -> None:
    user = world.create_user()
    path = f"users/{user.id}/authentication"
    listed = world.graph("GET", f"{path}/methods").json()["value"]
    assert [item["@odata.type"] for item in listed] == [
        "#microsoft.graph.passwordAuthenticationMethod"
    ]
    password = listed[0]["id"]
    assert world.graph("DELETE", f"{path}/methods/{password}").status_code == 405
    assert world.graph("DELETE", f"{path}/phoneMethods/{password}").status_code == 404


def test_a_method_is_deleted_under_its_own_kind_only(world: World) -> None:
    user = world.create_user()
    method = world.contoso.register_method(user.id, "fido2")
    path = f"users/{user.id}/authentication"
    wrong = world.graph("DELETE", f"{path}/phoneMethods/{method.id}")
    assert (wrong.status_code, code_of(wrong)) == (404, "resourceNotFound")
    assert world.graph("DELETE", f"{path}/fido2Methods/{method.id}").status_code == 204
    assert world.graph("DELETE", f"{path}/fido2Methods/{method.id}").status_code == 404


def test_a_granular_permission_deletes_its_kind_and_no_other(world: World) -> None:
    tenant = world.customer("UserAuthMethod-Phone.ReadWrite.All")
    user = tenant.add_user("target")
    phone = tenant.register_method(user.id, "phone")
    key = tenant.register_method(user.id, "fido2")
    path = f"users/{user.id}/authentication"
    assert (
        world.graph("DELETE", f"{path}/phoneMethods/{phone.id}", tenant=tenant).status_code == 204
    )
    assert world.graph("DELETE", f"{path}/fido2Methods/{key.id}", tenant=tenant).status_code == 403


def test_an_excluded_group_is_left_out_of_the_policy(world: World) -> None:
    staff = next(iter(world.contoso.groups.values()))
    world.contoso.access_pass_policy.excluded = [staff.id]
    told = world.graph("GET", f"{POLICY}temporaryAccessPass").json()
    assert [target["id"] for target in told["excludeTargets"]] == [staff.id]
    made = make(world).json()
    assert (made["isUsable"], made["methodUsabilityReason"]) == (False, "DisabledByPolicy")

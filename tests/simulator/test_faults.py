"""Trouble on demand: before, after the write, cut, hanging, halved, late, throttled, down."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator import Fault
from tests.simulator.world import GOOD_PASSWORD, World, code_of


def body_of(name: str) -> dict[str, Any]:
    return {
        "accountEnabled": False,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": f"{name}@contoso.onmicrosoft.com",
        "passwordProfile": {"password": GOOD_PASSWORD},
    }


def exists(world: World, name: str) -> bool:
    return world.contoso.find_user(f"{name}@contoso.onmicrosoft.com") is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 403, 404])
def test_a_call_fails_before_it_is_handled(world: World, status: int) -> None:
    world.cloud.faults.fail_before(status=status, path="/users$", method="POST")
    answer = world.graph("POST", "users", body_of("one"))
    assert answer.status_code == status
    assert answer.json()["error"]["code"]
    assert not exists(world, "one")
    assert world.graph("POST", "users", body_of("one")).status_code == 201


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_call_fails_after_its_write_was_applied(world: World, status: int) -> None:
    world.cloud.faults.fail_after_applied(status=status, path="/users$", method="POST")
    assert world.graph("POST", "users", body_of("one")).status_code == status
    assert exists(world, "one")


@pytest.mark.parametrize("applied", [True, False])
def test_a_connection_is_cut_without_an_answer(world: World, applied: bool) -> None:
    world.app_token(world.contoso)
    world.cloud.faults.add(Fault(path="/users$", effect="drop", applied=applied))
    with pytest.raises(httpx.TransportError):
        world.graph("POST", "users", body_of("one"))
    assert exists(world, "one") is applied
    assert world.graph("GET", "organization").status_code == 200


@pytest.mark.parametrize("applied", [True, False])
def test_an_answer_never_comes(world: World, applied: bool) -> None:
    world.app_token(world.contoso)
    world.cloud.faults.add(Fault(path="/users$", effect="hang", applied=applied))
    world.http.timeout = httpx.Timeout(0.6)
    with pytest.raises(httpx.ReadTimeout):
        world.graph("POST", "users", body_of("one"))
    assert exists(world, "one") is applied


def test_an_answer_is_cut_in_half(world: World) -> None:
    world.app_token(world.contoso)
    world.cloud.faults.add(Fault(path="/users$", effect="truncate"))
    with pytest.raises(httpx.RemoteProtocolError):
        world.graph("GET", "users")
    assert world.cloud.calls.graph()[-1].applied


def test_a_hanging_call_does_not_keep_the_server_from_ending(world: World) -> None:
    world.app_token(world.contoso)
    world.cloud.faults.add(Fault(path="/users$", effect="hang"))

    def wait() -> None:
        with pytest.raises(httpx.TransportError):
            world.graph("GET", "users")

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not world.cloud.calls.graph(path="/users$"):
        threading.Event().wait(0.005)
    world.server.stop()
    waiting.join(5)
    assert not waiting.is_alive()


def test_the_kth_call_can_be_chosen(world: World) -> None:
    world.cloud.faults.add(Fault(service="graph", path="/users", skip=2))
    answers = [world.graph("GET", "users").status_code for _ in range(4)]
    assert answers == [200, 200, 503, 200]


def test_a_fault_can_hold_for_a_number_of_calls_or_until_cleared(world: World) -> None:
    world.cloud.faults.add(Fault(service="graph", times=2))
    assert [world.graph("GET", "users").status_code for _ in range(3)] == [503, 503, 200]
    world.cloud.faults.add(Fault(service="graph", times=None))
    assert {world.graph("GET", "users").status_code for _ in range(5)} == {503}
    world.cloud.faults.clear()
    assert world.graph("GET", "users").status_code == 200


def test_reads_can_flap(world: World) -> None:
    world.cloud.faults.flapping(path="/users/")
    path = "users/clerk@contoso.onmicrosoft.com"
    answers = [world.graph("GET", path).status_code for _ in range(4)]
    assert answers == [200, 404, 200, 404]


def test_a_fault_can_look_at_the_body_and_at_the_tenant(world: World) -> None:
    world.cloud.faults.fail_before(
        method="PATCH", body="passwordProfile", tenant=world.contoso.id, times=None
    )
    new_password = {"passwordProfile": {"password": "Another-Horse-43"}}
    mine = world.create_user()
    other = world.create_user(tenant=world.demo.fabrikam)
    assert world.graph("PATCH", f"users/{mine.id}", new_password).status_code == 503
    assert world.graph("PATCH", f"users/{mine.id}", {"displayName": "x"}).status_code == 204
    answer = world.graph("PATCH", f"users/{other.id}", new_password, tenant=world.demo.fabrikam)
    assert answer.status_code == 204


def test_throttling_names_the_wait(world: World) -> None:
    world.cloud.faults.throttle(retry_after=17)
    answer = world.graph("GET", "users")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "17")
    assert code_of(answer) == "TooManyRequests"


@pytest.mark.parametrize("service", ["graph", "login", "vault", "msi"])
def test_one_service_can_be_down_alone(world: World, service: str) -> None:
    token = world.app_token(world.contoso)
    outage = world.cloud.faults.outage(service)
    calls: dict[str, Callable[[], httpx.Response]] = {
        "graph": lambda: world.graph("GET", "users", token=token),
        "login": lambda: world.token(world.contoso, grant_type="x", client_id="x"),
        "vault": lambda: world.http.get("/secrets?api-version=7.5"),
        "msi": lambda: world.http.get("/msi/token"),
    }
    down = {name for name, call in calls.items() if call().status_code == 503}
    assert down == {service}
    world.cloud.faults.remove(outage)
    assert all(call().status_code != 503 for call in calls.values())


def test_latency_is_felt_and_calls_wait_side_by_side(world: World) -> None:
    token = world.app_token(world.contoso)
    world.cloud.faults.set_latency("graph", 0.3)
    started = time.monotonic()
    callers = [
        threading.Thread(target=lambda: world.graph("GET", "users", token=token)) for _ in range(5)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    took = time.monotonic() - started
    assert 0.3 <= took < 1.2
    world.cloud.faults.clear()
    world.cloud.faults.add(Fault(service="graph", path="/users", effect="none", delay=0.1))
    answer = world.graph("GET", "users")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.1


@pytest.mark.parametrize(
    "wrong",
    [
        {"service": "mail"},
        {"effect": "explode"},
        {"every": 0},
        {"times": 0},
        {"skip": -1},
    ],
)
def test_a_senseless_fault_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|unknown|start"):
        Fault(**wrong)


# The log of calls


def test_every_call_is_on_record(world: World) -> None:
    user = world.create_user()
    call = world.cloud.calls.graph(world.contoso.id)[-1]
    assert (call.method, call.path, call.status) == ("POST", "/v1.0/users", 201)
    assert call.app == world.demo.curfew.app_id
    assert call.request_body["passwordProfile"]["password"] == GOOD_PASSWORD
    assert call.response_body["id"] == user.id
    assert call.response_headers["request-id"]
    assert call.time == "2026-11-21T10:00:00+00:00"
    assert call.started <= call.ended
    assert str(call) == f"{call.sequence} graph POST /v1.0/users -> 201"


def test_a_failed_call_is_on_record_with_its_fault(world: World) -> None:
    world.app_token(world.contoso)
    world.cloud.faults.fail_after_applied(path="/users$", method="POST")
    world.graph("POST", "users", body_of("one"))
    world.cloud.faults.add(Fault(path="/users$", effect="drop", name="cut"))
    with pytest.raises(httpx.TransportError):
        world.graph("GET", "users")
    applied, dropped = world.cloud.calls.graph()[-2:]
    assert (applied.status, applied.applied, applied.fault) == (
        503,
        True,
        "fault: 503 after it was applied",
    )
    assert (dropped.status, dropped.applied, dropped.fault) == (None, False, "cut")


def test_every_secret_that_passed_by_can_be_had(world: World) -> None:
    user = world.create_user()
    path = f"users/{user.id}/authentication/temporaryAccessPassMethods"
    value = world.graph("POST", path, {}).json()["temporaryAccessPass"]
    world.graph("PATCH", f"users/{user.id}", {"passwordProfile": {"password": "Another-Horse-43"}})
    home, subject = world.demo.home, world.demo.identity.principal_id
    token = world.cloud.mint(home, {"oid": subject}, audience="https://vault.azure.net")
    world.http.put(
        "/secrets/grant-1?api-version=7.5",
        json={"value": "in the vault"},
        headers={"authorization": f"Bearer {token}"},
    )
    assert world.cloud.calls.secrets() == {
        GOOD_PASSWORD,
        "Another-Horse-43",
        value,
        "in the vault",
    }


def test_the_log_can_be_searched(world: World) -> None:
    world.create_user()
    world.graph("GET", "users", tenant=world.demo.fabrikam)
    calls = world.cloud.calls
    assert {call.tenant for call in calls.graph()} == {world.contoso.id, world.demo.fabrikam.id}
    assert len(calls.login(world.contoso.id)) == 1
    assert len(calls.where(method="POST", path="/users$", status=201)) == 1
    assert calls.vault() == []
    last = max(call.sequence for call in calls)
    assert calls.where(after=last) == []
    calls.clear()
    assert len(calls) == 0
    world.graph("GET", "users")
    assert calls.graph()[0].sequence > last

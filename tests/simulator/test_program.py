"""The program, its knobs over HTTP, and its front page."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import Cloud, PortInUseError, Server
from tests.simulator.world import GOOD_PASSWORD, World, aadsts, claims_of


def knob(world: World, method: str, path: str, body: Any = None) -> httpx.Response:
    return world.http.request(method, f"/admin/{path}", json=body)


def test_the_knobs_list_themselves(world: World) -> None:
    knobs = knob(world, "GET", "").json()["knobs"]
    assert "POST faults" in knobs
    assert knob(world, "GET", "nothing").status_code == 404


def test_the_clock_can_be_moved_set_and_let_go(world: World) -> None:
    moved = knob(world, "POST", "clock", {"advance": 3600}).json()["now"]
    assert moved == "2026-11-21T11:00:00+00:00"
    there = knob(world, "POST", "clock", {"set": "2027-01-01T00:00:00Z"}).json()["now"]
    assert there == "2027-01-01T00:00:00+00:00"
    back = knob(world, "POST", "clock", {}).json()["now"]
    assert back == knob(world, "GET", "clock").json()["now"] == "2026-11-21T10:00:00+00:00"
    assert knob(world, "POST", "clock", {"set": "2027-01-01T00:00:00"}).status_code == 400


def test_faults_can_be_added_and_cleared(world: World) -> None:
    added = knob(world, "POST", "faults", {"service": "graph", "status": 429, "retry_after": 3})
    assert added.status_code == 201
    assert world.graph("GET", "users").headers["retry-after"] == "3"
    assert knob(world, "GET", "faults").json()["faults"][0]["hits"] == 1
    assert knob(world, "DELETE", "faults").status_code == 204
    assert knob(world, "GET", "faults").json()["faults"] == []


@pytest.mark.parametrize(
    "fault",
    [{"service": "mail"}, {"effect": "boom"}, {"unknown": 1}, {"path": "("}, {"status": 99}],
)
def test_a_senseless_fault_is_400(world: World, fault: dict[str, Any]) -> None:
    assert knob(world, "POST", "faults", fault).status_code == 400


def test_the_knobs_work_whatever_is_broken(world: World) -> None:
    knob(world, "POST", "faults", {"times": None})
    assert world.http.get("/msi/token").status_code == 503
    assert knob(world, "DELETE", "faults").status_code == 204
    assert world.http.get("/msi/token").status_code == 401


def test_latency_can_be_set(world: World) -> None:
    answer = knob(world, "PUT", "latency", {"graph": 0.05})
    assert answer.json()["latency"] == {"graph": 0.05}
    assert knob(world, "PUT", "latency", {"mail": 1}).status_code == 400


def test_calls_can_be_read(world: World) -> None:
    world.graph("GET", "users")
    found = knob(world, "GET", "calls?service=graph&path=users&status=200").json()["calls"]
    assert [call["path"] for call in found] == ["/v1.0/users"]
    assert knob(world, "DELETE", "calls").status_code == 204
    assert knob(world, "GET", "calls").json()["calls"] == []


def test_the_people_of_the_home_tenant_are_listed(world: World) -> None:
    people = knob(world, "GET", "people").json()["people"]
    assert {person["name"]: person["roles"] for person in people} == {
        "Ann Technician": ["Technician"],
        "Ben Technician": ["Technician"],
        "Petra Approver": ["Approver"],
        "Ada Administrator": ["Administrator"],
        "Otto Auditor": ["Auditor"],
    }
    assert set(people[0]) >= {"oid", "tid", "preferred_username", "groups", "enabled"}


def test_a_tenant_can_be_made_changed_and_used(world: World) -> None:
    body = {
        "name": "Tailspin",
        "domain": "tailspin.onmicrosoft.com",
        "consent_to": world.demo.curfew.app_id,
        "role": "User Administrator",
        "licences": [],
    }
    made = knob(world, "POST", "tenants", body)
    assert made.status_code == 201
    tenant = world.cloud.tenant("tailspin.onmicrosoft.com")
    assert world.graph("GET", "users", tenant=tenant).status_code == 200
    change = {
        "licences": ["P2"],
        "knobs": {"replication_seconds": 30},
        "access_pass_policy": {"minimum_minutes": 60},
    }
    assert knob(world, "PATCH", f"tenants/{tenant.id}", change).status_code == 200
    assert tenant.privileged_identity_management
    assert tenant.knobs.replication_seconds == 30
    assert tenant.access_pass_policy.minimum_minutes == 60
    for wrong in ({"knobs": {"nothing": 1}}, {"nothing": 1}):
        assert knob(world, "PATCH", f"tenants/{tenant.id}", wrong).status_code == 400
    assert knob(world, "GET", "tenants/nobody").status_code == 404
    assert len(knob(world, "GET", "tenants").json()["tenants"]) == 4


def test_somebody_else_can_meddle_with_an_account(world: World) -> None:
    base = f"tenants/{world.contoso.id}"
    made = knob(
        world, "POST", f"{base}/users", {"name": "eve", "password": GOOD_PASSWORD, "roles": []}
    )
    assert made.status_code == 201
    one = f"{base}/users/eve@contoso.onmicrosoft.com"
    knob(world, "PATCH", one, {"enabled": False})
    assert (
        aadsts(world.sign_in(world.contoso, "eve@contoso.onmicrosoft.com", GOOD_PASSWORD)) == 50057
    )
    knob(world, "PATCH", one, {"enabled": True, "password": "Another-Horse-43", "synced": True})
    assert world.sign_in(
        world.contoso, "eve@contoso.onmicrosoft.com", "Another-Horse-43"
    ).is_success
    method = knob(world, "POST", f"{one}/methods", {"kind": "phone"})
    assert method.status_code == 201
    gift = {"principal": "eve@contoso.onmicrosoft.com", "role": "Global Reader"}
    given = knob(world, "POST", f"{base}/roles", gift).json()["id"]
    state = knob(world, "GET", one).json()
    assert (state["roles"], state["methods"], state["synced"]) == (
        ["Global Reader"],
        ["phone"],
        True,
    )
    assert "Another-Horse-43" not in str(state)
    assert knob(world, "DELETE", f"{base}/roles/{given}").status_code == 204
    assert knob(world, "DELETE", f"{base}/roles/{given}").status_code == 404
    assert knob(world, "POST", f"{base}/roles", {"principal": "x", "role": "y"}).status_code == 404
    assert knob(world, "POST", f"{one}/methods", {"kind": "smoke"}).status_code == 400
    assert knob(world, "GET", f"{base}/users/nobody").status_code == 404


def test_consent_can_be_changed_and_withdrawn(world: World) -> None:
    path = f"tenants/{world.contoso.id}/consents/{world.demo.curfew.app_id}"
    knob(world, "PUT", path, {"permissions": ["User.Read.All"]})
    world.app_token(world.contoso, fresh=True)
    assert world.graph("GET", "users").status_code == 200
    assert world.graph("GET", "domains").status_code == 403
    assert knob(world, "DELETE", path).status_code == 204
    assert world.contoso.principal_of(world.demo.curfew.app_id) is None


def test_a_forged_token_can_be_had(world: World) -> None:
    body = {
        "tenant": world.contoso.id,
        "audience": "https://graph.microsoft.com",
        "claims": {"idtyp": "app", "roles": ["User.Read.All"], "nbf": None},
        "algorithm": "none",
    }
    token = knob(world, "POST", "tokens", body).json()["token"]
    assert world.graph("GET", "users", token=token).status_code == 401
    good = knob(world, "POST", "tokens", body | {"algorithm": "RS256"}).json()["token"]
    assert world.graph("GET", "users", token=good).status_code == 200


# The front page


def test_the_front_page_shows_the_world_and_escapes_it(world: World) -> None:
    evil = world.contoso.add_user("evil", "<script>alert(1)</script>", roles=("Global Reader",))
    world.contoso.register_method(evil.id, "phone")
    world.http.get("/v1.0/<img src=x>")
    page = world.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text
    for shown in ("Northwind MSP", "Contoso", "Fabrikam", "Global Reader", "phone", "401"):
        assert shown in page.text
    assert world.http.get("/favicon.ico").status_code == 404
    assert world.http.post("/").status_code == 405


# The program


def test_a_port_in_use_is_named(world: World) -> None:
    port = int(world.server.url.rpartition(":")[2])
    with pytest.raises(PortInUseError, match=str(port)):
        Server(Cloud(keys=world.cloud.keys), port=port).start()


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_the_program_serves_logs_and_ends_cleanly(tmp_path: Path) -> None:
    authority, log = tmp_path / "ca.pem", tmp_path / "calls.jsonl"
    program = run("--port", "0", "--ca", str(authority), "--log", str(log))
    assert program.stdout is not None
    url = program.stdout.readline().strip().removeprefix("simulator: ")
    assert program.stdout.readline().strip() == f"authority: {authority}"
    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(base_url=url, verify=context) as http:
        form = {
            "grant_type": "password",
            "client_id": "cccccccc-0000-4000-a000-000000000001",
            "username": "ann@northwindmsp.onmicrosoft.com",
            "password": "Northwind-Demo-4711",
            "scope": "api://curfew/.default",
        }
        answer = http.post("/northwindmsp.onmicrosoft.com/oauth2/v2.0/token", data=form)
    assert claims_of(answer)["roles"] == ["Technician"]
    program.send_signal(signal.SIGINT)
    assert program.wait(10) == 0
    output, errors = program.communicate()
    assert (output, errors) == ("", "")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["service"], line["status"]) for line in lines] == [("login", 200)]


def test_the_program_says_when_its_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = run("--port", str(port), "--scenario", "empty")
        output, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert (output, errors) == ("", f"simulator: port {port} is already in use\n")

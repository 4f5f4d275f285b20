"""Consent over HTTP, on the whole stack: who is answered what, and when two speak at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import Grant, House, until
from tests.api.problems import NOBODYS, problem


@pytest.fixture(scope="module")
def paul(house: House) -> httpx.Client:
    """A second approver."""
    home, world = house.world.home, house.world
    person = home.add_user("paul", "Paul Approver", password=world.password)
    home.app_roles[person.id, world.api.app_id] = {"Approver"}
    world.people["paul"] = person
    return house.as_("paul")


@pytest.fixture(scope="module")
def customer(house: House) -> Tenant:
    """A customer with a profile for each number of approvers."""
    return house.customer(
        {
            "helpdesk": helpdesk(approvals=1),
            "two": helpdesk(approvals=2),
            "brief": helpdesk(approvals=1, approvalDeadline="PT1S"),
        }
    )


@pytest.fixture
def ask(house: House, customer: Tenant) -> Iterator[Callable[..., tuple[httpx.Client, str]]]:
    """Asks for a grant that waits for consent, as somebody new; it is ended after the test."""
    asked: list[tuple[httpx.Client, str]] = []

    def request(profile: str = "helpdesk", **fields: Any) -> tuple[httpx.Client, str]:
        technician = house.technician()
        answer = house.request(technician, customer, profile=profile, **fields)
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "awaiting-approval"
        asked.append((technician, answer.json()["id"]))
        return asked[-1]

    yield request
    for technician, grant_id in asked:
        technician.post(f"/api/grants/{grant_id}/end")
    for technician, grant_id in asked:
        house.reaches(technician, grant_id, "ended", "closed")


def test_a_grant_begins_with_consent_and_shows_who_gave_it(
    house: House, customer: Tenant, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    before = len(house.writes(customer))
    technician, grant_id = ask()
    petra = house.as_("petra")
    waiting = petra.get("/api/grants", params={"state": "awaiting-approval"}).json()["value"]
    assert grant_id in {grant["id"] for grant in waiting}
    assert len(house.writes(customer)) == before
    answer = petra.post(f"/api/grants/{grant_id}/approve", json={"comment": "Go ahead"})
    assert answer.status_code == 200, answer.text
    (decision,) = answer.json()["approval"]["decisions"]
    assert decision["by"]["id"] == house.world.people["petra"].id
    assert decision["comment"] == "Go ahead"
    active = house.reaches(technician, grant_id, "active")
    assert active["approval"]["decisions"] == [decision]
    assert technician.post(f"/api/grants/{grant_id}/credential").status_code == 200


def test_approve_needs_no_body(house: House, ask: Callable[..., tuple[httpx.Client, str]]) -> None:
    technician, grant_id = ask()
    assert house.as_("petra").post(f"/api/grants/{grant_id}/approve").status_code == 200
    house.reaches(technician, grant_id, "active")


def test_a_denied_request_is_closed_and_the_account_free(
    house: House, customer: Tenant, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    technician, grant_id = ask()
    denied = house.as_("petra").post(f"/api/grants/{grant_id}/deny", json={"comment": "Not now"})
    assert denied.status_code == 200
    closed = house.reaches(technician, grant_id, "closed")
    assert (closed["endReason"], closed["endRemark"]) == ("denied", "Not now")
    assert closed["endedBy"]["id"] == house.world.people["petra"].id
    assert closed["evidence"] is None
    assert customer.find_user(house.account(technician, customer)) is None
    late = house.as_("petra").post(f"/api/grants/{grant_id}/approve")
    problem(late, 409)
    until(lambda: grant_id not in house.leases(customer), lambda: "the lease stays")
    again = house.request(technician, customer)
    assert again.status_code == 202
    technician.post(f"/api/grants/{again.json()['id']}/end")
    assert house.reaches(technician, again.json()["id"], "closed")["endReason"] == "withdrawn"


def test_of_two_approvers_at_once_one_counts_and_the_other_gets_a_409(
    house: House, paul: httpx.Client, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    for word, state in (("approve", "active"), ("deny", "closed")):
        technician, grant_id = ask()
        address = f"/api/grants/{grant_id}/{word}"
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(who.post, address) for who in (house.as_("petra"), paul)]
        said = [future.result() for future in futures]
        assert sorted(answer.status_code for answer in said) == [200, 409]
        over: Grant = house.reaches(technician, grant_id, state)
        assert len(over["approval"]["decisions"]) == 1


def test_consent_and_denial_at_once_have_one_outcome(
    house: House, paul: httpx.Client, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    technician, grant_id = ask()
    with ThreadPoolExecutor(2) as pool:
        approval = pool.submit(house.as_("petra").post, f"/api/grants/{grant_id}/approve")
        denial = pool.submit(paul.post, f"/api/grants/{grant_id}/deny")
    statuses = {"approve": approval.result().status_code, "deny": denial.result().status_code}
    assert sorted(statuses.values()) == [200, 409]
    expected = "active" if statuses["approve"] == 200 else "closed"
    house.reaches(technician, grant_id, expected)


def test_two_of_two_must_consent_and_they_differ(
    house: House, paul: httpx.Client, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    technician, grant_id = ask("two")
    petra, address = house.as_("petra"), f"/api/grants/{grant_id}/approve"
    first = petra.post(address)
    assert first.status_code == 200
    assert first.json()["state"] == "awaiting-approval"
    problem(petra.post(address), 409)
    assert paul.post(address).status_code == 200
    house.reaches(technician, grant_id, "active")


def test_nobody_decides_about_his_own_request(house: House, customer: Tenant) -> None:
    technician = house.technician()
    alias = technician.headers["X-Alias"]
    world = house.world
    # One person, two roles, two sessions: by the object id it is one.
    world.home.app_roles[world.people[alias].id, world.api.app_id] = {"Technician", "Approver"}
    grant_id = house.request(technician, customer).json()["id"]
    with house.client(alias) as second_session:
        for client in (technician, second_session):
            for word in ("approve", "deny"):
                refused = problem(client.post(f"/api/grants/{grant_id}/{word}"), 403)
                assert refused["type"] == "urn:curfew:problem:forbidden"
    technician.post(f"/api/grants/{grant_id}/end")
    house.reaches(technician, grant_id, "closed")


def test_the_deadline_closes_what_nobody_decided(
    house: House, ask: Callable[..., tuple[httpx.Client, str]]
) -> None:
    technician, grant_id = ask("brief")
    closed = house.reaches(technician, grant_id, "closed")
    assert closed["endReason"] == "approval-expired"
    problem(house.as_("petra").post(f"/api/grants/{grant_id}/approve"), 409)


def test_a_grant_that_never_was_is_a_404(house: House) -> None:
    for word in ("approve", "deny"):
        problem(house.as_("petra").post(f"/api/grants/{NOBODYS}/{word}"), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"comment": ""}, "comment"),
        ({"comment": "x" * 1001}, "comment"),
        ({"approval": "not an id"}, "approval"),
        ({"approves": True}, "approves"),
        ({"roles": ["Harmless"]}, "roles"),
    ],
)
def test_what_an_approver_says_is_checked(
    house: House,
    ask: Callable[..., tuple[httpx.Client, str]],
    body: dict[str, Any],
    field: str,
) -> None:
    _, grant_id = ask()
    problem(house.as_("petra").post(f"/api/grants/{grant_id}/approve", json=body), 400, field)


def test_settings_of_now_refuse_consent(house: House) -> None:
    customer = house.customer({"helpdesk": helpdesk(approvals=1)})
    technician, ada, petra = house.technician(), house.as_("ada"), house.as_("petra")
    grant_id = house.request(technician, customer, duration="PT1H").json()["id"]
    address = f"/api/tenants/{customer.id}/profiles/helpdesk"
    etag = ada.get(address).headers["ETag"]
    stricter = helpdesk(approvals=1, defaultDuration="PT5M", maxDuration="PT30M")
    ada.put(address, json=stricter, headers={"If-Match": etag}).raise_for_status()
    refused = problem(petra.post(f"/api/grants/{grant_id}/approve"), 422, "duration")
    assert refused["errors"] == [{"field": "duration", "detail": "The longest duration is 30 min."}]
    assert ada.delete(address).status_code == 204
    problem(petra.post(f"/api/grants/{grant_id}/approve"), 422, "")
    assert petra.post(f"/api/grants/{grant_id}/deny").status_code == 200
    house.reaches(technician, grant_id, "closed")
    assert house.writes(customer) == []


def test_a_booked_grant_is_scheduled_and_withdrawn_without_a_trace(house: House) -> None:
    customer = house.customer()
    technician = house.technician()
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    booked = house.request(technician, customer, startAt=in_an_hour.isoformat())
    assert booked.status_code == 202
    assert booked.json()["state"] == "scheduled"
    grant_id = booked.json()["id"]
    problem(technician.post(f"/api/grants/{grant_id}/credential"), 409)
    assert technician.post(f"/api/grants/{grant_id}/end").status_code == 202
    assert house.reaches(technician, grant_id, "closed")["endReason"] == "withdrawn"
    until(lambda: house.leases(customer) == [], lambda: "the lease stays")
    assert house.writes(customer) == []

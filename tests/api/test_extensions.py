"""Extension over HTTP, on the whole stack."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import Grant, House, until
from tests.api.problems import NOBODYS, problem

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def customer(house: House) -> Tenant:
    return house.customer(
        {
            "helpdesk": helpdesk(maxDuration="PT3H"),
            "asking": helpdesk(approvals=1, approveExtensions=True),
        }
    )


def extend(client: httpx.Client, grant: Grant, **body: Any) -> httpx.Response:
    return client.post(f"/api/grants/{grant['id']}/extend", json={"duration": "PT1H", **body})


def expiry(grant: Grant) -> datetime:
    return datetime.fromisoformat(grant["expiresAt"])


def test_the_answer_shows_the_new_expiry(house: House, customer: Tenant) -> None:
    technician = house.technician()
    grant = house.grant(technician, customer)
    answer = extend(technician, grant, comment="It takes longer")
    assert answer.status_code == 200, answer.text
    extended = answer.json()
    assert expiry(extended) == expiry(grant) + HOUR
    (wish,) = extended["extensions"]
    assert (wish["state"], wish["comment"]) == ("granted", "It takes longer")
    assert wish["by"] == grant["technician"]
    refused = problem(extend(technician, grant, duration="PT2H"), 422, "duration")
    assert "3 h at most" in refused["errors"][0]["detail"]
    house.release(technician, grant["id"])


def test_an_extended_grant_outlives_its_first_expiry_and_ends_at_the_new_one(
    house: House, customer: Tenant
) -> None:
    technician = house.technician()
    grant = house.grant(technician, customer, duration="PT5S")
    # The shortest extension is a minute: too long to wait for, long enough to outlive the first.
    extended = extend(technician, grant, duration="PT1M").json()
    assert expiry(extended) == expiry(grant) + HOUR / 60
    now = house.world.contoso.now
    until(lambda: now() > expiry(grant) + timedelta(seconds=1), lambda: "time stands still")
    assert technician.get(f"/api/grants/{grant['id']}").json()["state"] == "active"
    assert house.end(technician, grant["id"])["endReason"] == "returned"
    problem(extend(technician, grant), 409)


def test_an_approver_extends_anybodys_and_others_see_nothing(
    house: House, customer: Tenant
) -> None:
    technician = house.technician()
    grant = house.grant(technician, customer)
    assert extend(house.as_("petra"), grant).status_code == 200
    problem(extend(house.technician(), grant), 404)
    problem(extend(house.as_("halo"), grant), 404)
    problem(extend(house.as_("ada"), grant), 403)
    problem(extend(technician, {"id": NOBODYS}), 404)
    house.release(technician, grant["id"])


def test_an_extension_with_consent_is_accepted_first_and_granted_later(
    house: House, customer: Tenant
) -> None:
    technician, petra = house.technician(), house.as_("petra")
    asked = house.request(technician, customer, profile="asking")
    grant_id = asked.json()["id"]
    assert petra.post(f"/api/grants/{grant_id}/approve").status_code == 200
    grant = house.reaches(technician, grant_id, "active")
    waiting = extend(technician, grant)
    assert waiting.status_code == 202
    assert waiting.headers["Location"] == f"/api/grants/{grant_id}"
    (wish,) = waiting.json()["extensions"]
    assert wish["state"] == "awaiting-approval"
    assert expiry(waiting.json()) == expiry(grant)
    problem(extend(technician, grant), 409)
    stale = grant["approval"]["id"]
    problem(petra.post(f"/api/grants/{grant_id}/approve", json={"approval": stale}), 409)
    about = {"approval": wish["approval"]["id"]}
    assert petra.post(f"/api/grants/{grant_id}/approve", json=about).status_code == 200
    extended = house.reaches(technician, grant_id, "active")
    (wish,) = extended["extensions"]
    assert [decision["approves"] for decision in wish["approval"]["decisions"]] == [True]
    house.release(technician, grant_id)


def test_who_extends_does_not_consent_to_it(house: House, customer: Tenant) -> None:
    technician, petra = house.technician(), house.as_("petra")
    grant_id = house.request(technician, customer, profile="asking").json()["id"]
    assert petra.post(f"/api/grants/{grant_id}/approve").status_code == 200
    grant = house.reaches(technician, grant_id, "active")
    assert extend(petra, grant).status_code == 202
    problem(petra.post(f"/api/grants/{grant_id}/approve"), 403)
    problem(petra.post(f"/api/grants/{grant_id}/deny"), 403)
    house.release(technician, grant_id)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"duration": None}, "duration"),
        ({"duration": "an hour"}, "duration"),
        ({"duration": "P32D"}, "duration"),
        ({"until": "2030-01-01T00:00:00Z"}, "until"),
        ({"comment": 7}, "comment"),
    ],
)
def test_a_wish_is_checked(
    house: House, customer: Tenant, body: dict[str, Any], field: str
) -> None:
    technician = house.technician()
    problem(extend(technician, {"id": NOBODYS}, **body), 400, field)

"""Accounts on record, the sweep and the watch over HTTP, and the timers of both in the host."""

import httpx
import pytest

from curfew.events import Event
from tests.api.house import House
from tests.api.ledgers import lost_account, lost_grant
from tests.api.problems import problem
from tests.api.test_settings import address

REASON = {"reason": "It is the break-glass account of their own helpdesk now."}


@pytest.fixture
def ada(house: House) -> httpx.Client:
    return house.as_("ada")


def events(house: House, event: Event, after: int) -> list[dict[str, object]]:
    found = [each.get("extra", {}) for each in house.host.log[after:]]
    return [extra["fields"] for extra in found if extra.get("event") == event.value]


@pytest.mark.parametrize("how", ["timer", "administrator"])
def test_a_grant_whose_workflow_is_lost_is_ended(house: House, ada: httpx.Client, how: str) -> None:
    tenant = house.customer()
    grant_id, user = lost_grant(house, tenant)
    seen = len(house.host.log)
    if how == "timer":
        house.host.run_timer("sweep")
    else:
        report = ada.post("/api/sweep").raise_for_status().json()["sweep"]
        (swept,) = [each for each in report["grants"] if each["grant"] == grant_id]
        assert swept["result"] == "ended"
        assert swept["reason"] == "swept"
        assert report["ended"] >= 1
    grant = house.as_("otto").get(f"/api/grants/{grant_id}").json()
    assert (grant["state"], grant["endReason"]) == ("ended", "swept")
    assert grant["endedBy"]["name"] == "Curfew"
    assert grant["evidence"]["accountDisabled"]
    assert not user.account_enabled
    (done,) = events(house, Event.SWEEP_DONE, seen)
    assert done["ended"]


def test_a_living_grant_is_not_swept(house: House, ada: httpx.Client) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]
    report = ada.post("/api/sweep").raise_for_status().json()
    assert grant_id not in {each["grant"] for each in report["sweep"]["grants"]}
    assert not [each for each in report["watch"]["noticed"] if each["tenant"] == tenant.id]
    assert technician.get(f"/api/grants/{grant_id}").json()["state"] == "active"
    house.release(technician, grant_id)


def test_the_watch_looks_by_the_hour_and_an_administrator_sees_what_it_saw(
    house: House, ada: httpx.Client
) -> None:
    tenant = house.customer()
    user, _ = lost_account(house, tenant)
    seen = len(house.host.log)
    house.host.run_timer("watch")
    assert events(house, Event.WATCH_DONE, seen)
    (account,) = ada.get(f"{address(tenant)}/accounts").raise_for_status().json()["value"]
    assert account["id"] == user.id
    assert account["suspicions"] == ["enabled"]
    assert account["suspectedSince"]
    assert account["adoptedBy"] is None
    assert user.account_enabled


def test_an_administrator_adopts_an_account_and_releases_it(
    house: House, ada: httpx.Client
) -> None:
    tenant = house.customer()
    user, record = lost_account(house, tenant)
    where = f"{address(tenant)}/accounts/{user.id}"
    adopted = ada.post(f"{where}/adopt", json=REASON).raise_for_status().json()
    assert adopted["adoptedBy"]["id"] == house.world.people["ada"].id
    assert adopted["adoptionReason"] == REASON["reason"]
    assert adopted["adoptedAt"]
    report = ada.post("/api/sweep").raise_for_status().json()["watch"]
    assert not [each for each in report["noticed"] if each["id"] == user.id]

    released = ada.post(f"{where}/release", json=REASON).raise_for_status().json()
    assert released["adoptedBy"] is None
    assert ada.post(f"{where}/release", json=REASON).json() == released
    report = ada.post("/api/sweep").raise_for_status().json()["watch"]
    assert [each["result"] for each in report["noticed"] if each["id"] == user.id] == ["warned"]
    trail = house.as_("otto").get("/api/audit", params={"tenant": tenant.id}).json()["value"]
    said = [event["action"] for event in trail if event["target"] == record.user_principal_name]
    assert said == ["account.adopted", "account.released", "sweep.warned"]


def test_an_account_in_a_grant_is_not_adopted(house: House, ada: httpx.Client) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]
    user = tenant.find_user(house.account(technician, tenant))
    assert user is not None
    where = f"{address(tenant)}/accounts/{user.id}/adopt"
    assert problem(ada.post(where, json=REASON), 409)["blockedBy"] == f"/api/grants/{grant_id}"
    house.end(technician, grant_id)
    assert ada.post(where, json=REASON).status_code == 200


def test_an_adopted_account_is_given_to_no_grant(house: House, ada: httpx.Client) -> None:
    tenant, technician = house.customer(), house.technician()
    house.end(technician, house.grant(technician, tenant)["id"])
    user = tenant.find_user(house.account(technician, tenant))
    assert user is not None
    ada.post(f"{address(tenant)}/accounts/{user.id}/adopt", json=REASON).raise_for_status()
    user.account_enabled, password = True, user.password
    grant = house.request(technician, tenant).json()
    ended = house.reaches(technician, grant["id"], "ended")
    assert "foreign-account" in ended["failure"]
    assert user.account_enabled
    assert user.password == password


def test_an_account_that_is_not_on_record_is_not_there(house: House, ada: httpx.Client) -> None:
    tenant = house.customer()
    foreign = tenant.add_user("msp-foreign")
    for account_id in (foreign.id, "99999999-0000-4000-a000-000000000009", "nobody"):
        for verb in ("adopt", "release"):
            where = f"{address(tenant)}/accounts/{account_id}/{verb}"
            problem(ada.post(where, json=REASON), 404)
    nowhere = "/api/tenants/99999999-0000-4000-a000-000000000009/accounts"
    problem(ada.get(nowhere), 404)

"""A service that is down: 503, and nothing half-done, nothing lost."""

import pytest

from devhost import Configuration, DevHost, HostError
from devhost.stack import ROOT, helpdesk
from simulator import Tenant
from tests.api.house import House, until
from tests.api.problems import NOBODYS, problem


def test_without_the_engine_nothing_is_given_and_nothing_is_left(
    house: House, quiet: Tenant
) -> None:
    technician = house.technician()
    with house.engine.being("down"):
        answer = house.request(technician, quiet)
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert house.leases(quiet) == []
    assert house.writes(quiet) == []
    assert house.request(technician).status_code == 202
    (grant,) = technician.get("/api/grants").json()["value"]
    house.reaches(technician, grant["id"], "active")
    house.release(technician, grant["id"])


def test_a_start_that_lost_its_answer_gives_nothing_or_a_grant_that_ends(
    house: House,
) -> None:
    technician, customer = house.technician(), house.customer()
    with house.engine.being("answer lost"):
        problem(house.request(technician, customer), 503)

    def over() -> bool:
        user = customer.find_user(house.account(technician, customer))
        return not house.leases(customer) and not (user and user.account_enabled)

    until(over, lambda: f"{house.leases(customer)}")
    house.release(technician, house.grant(technician, customer)["id"])


@pytest.mark.parametrize(
    "call", ["POST grants", "GET grants", f"GET grants/{NOBODYS}", f"POST grants/{NOBODYS}/end"]
)
@pytest.mark.usefixtures("untouched")
def test_without_the_ledger_the_answer_is_503(house: House, quiet: Tenant, call: str) -> None:
    method, address = call.split()
    body = {"tenant": quiet.id, "profile": "helpdesk"} if address == "grants" else {}
    with house.ledger.being("down"):
        answer = house.as_("ann").request(
            method, f"/api/{address}", json=body if method == "POST" else None
        )
    document = problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert "ledger" in document["detail"]
    assert "127.0.0.1" not in answer.text


def test_a_lease_whose_writing_lost_its_answer_does_not_hold_the_account(house: House) -> None:
    technician, customer = house.technician(), house.customer()
    with house.ledger.being("answer lost"):
        problem(house.request(technician, customer), 503)
    until(lambda: house.leases(customer) == [], lambda: f"{house.leases(customer)}", patience=10)
    assert house.writes(customer) == []


def test_without_the_directory_settings_stay_as_they_were(house: House, quiet: Tenant) -> None:
    ada, address = house.as_("ada"), f"/api/tenants/{quiet.id}"
    before = ada.get(address)
    settings = {"displayName": "Other", "accountDomain": quiet.domain}
    outage = house.cloud.faults.outage("graph")
    try:
        answer = ada.put(address, json=settings, headers={"If-Match": before.headers["ETag"]})
        profile = ada.put(f"{address}/profiles/new", json=helpdesk())
    finally:
        house.cloud.faults.remove(outage)
    problem(answer, 503)
    problem(profile, 503)
    assert ada.get(address).json() == before.json()
    assert ada.get(f"{address}/profiles/new").status_code == 404


def test_without_the_vault_a_credential_is_not_revealed_and_not_lost(house: House) -> None:
    technician = house.technician()
    grant_id = house.grant(technician)["id"]
    outage = house.cloud.faults.outage("vault")
    try:
        problem(technician.post(f"/api/grants/{grant_id}/credential"), 503)
    finally:
        house.cloud.faults.remove(outage)
    assert technician.post(f"/api/grants/{grant_id}/credential").status_code == 200
    house.release(technician, grant_id)


def test_with_the_worker_gone_the_platform_says_so_and_nothing_is_lost(house: House) -> None:
    technician = house.technician()
    grant_id = house.grant(technician)["id"]
    house.host.stop_worker()
    try:
        assert technician.get(f"/api/grants/{grant_id}").status_code == 503
    finally:
        house.host.start_worker()
    house.release(technician, grant_id)


def test_with_broken_settings_the_app_refuses_to_start_naming_the_setting(house: House) -> None:
    good = dict(house.host.configuration.settings)
    broken = Configuration(ROOT, settings={**good, "CURFEW_VAULT_URL": "vault"})
    with pytest.raises(HostError, match="CURFEW_VAULT_URL must be an https address"):
        DevHost(broken).__enter__()

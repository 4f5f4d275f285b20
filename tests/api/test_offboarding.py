"""A tenant that leaves: its grants end first, then it is forgotten. docs/failures.md, row 25."""

import httpx
import pytest

from tests.api.house import House, until
from tests.api.test_settings import address, settings_of


@pytest.fixture
def ada(house: House) -> httpx.Client:
    return house.as_("ada")


def test_row_25_a_tenant_with_live_grants_leaves_when_they_are_over(
    house: House, ada: httpx.Client
) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]

    leaving = ada.delete(address(tenant))
    assert leaving.status_code == 202
    assert leaving.headers["Location"] == address(tenant)
    assert leaving.headers["Retry-After"]
    assert leaving.json()["leavingSince"]
    grant = house.reaches(technician, grant_id, "ended")
    assert grant["endReason"] == "revoked"
    assert grant["endedBy"]["id"] == house.world.people["ada"].id
    assert grant["evidence"]["accountDisabled"]

    house.host.run_timer("sweep")
    assert ada.get(address(tenant)).status_code == 404
    assert tenant.id not in {each["id"] for each in ada.get("/api/tenants").json()["value"]}
    # What was done there stays to be read.
    assert technician.get(f"/api/grants/{grant_id}").json()["state"] == "ended"
    trail = house.as_("otto").get("/api/audit", params={"tenant": tenant.id}).json()["value"]
    assert "tenant.deleted" in {event["action"] for event in trail}


def test_nothing_is_granted_or_changed_in_a_tenant_that_leaves(
    house: House, ada: httpx.Client
) -> None:
    tenant, technician = house.customer(), house.technician()
    house.grant(technician, tenant)
    leaving = ada.delete(address(tenant))
    refused = house.request(house.technician(), tenant)
    assert refused.status_code == 422
    assert "off-boarded" in str(refused.json()["errors"])
    kept = ada.put(
        address(tenant), json=settings_of(tenant), headers={"If-Match": leaving.headers["ETag"]}
    )
    assert kept.status_code == 409


def test_saying_it_again_changes_nothing(house: House, ada: httpx.Client) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]
    first = ada.delete(address(tenant))
    second = ada.delete(address(tenant), headers={"If-Match": first.headers["ETag"]})
    assert (first.status_code, second.status_code) in {(202, 202), (202, 204)}
    if second.status_code == 202:
        assert second.json() == first.json()
    house.reaches(technician, grant_id, "ended")

    def is_forgotten() -> bool:
        return ada.delete(address(tenant)).status_code in {204, 404}

    until(is_forgotten, lambda: "the tenant is still there")
    assert ada.get(address(tenant)).status_code == 404


def test_a_tenant_that_was_changed_meanwhile_does_not_leave(
    house: House, ada: httpx.Client
) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]
    stale = ada.delete(address(tenant), headers={"If-Match": '"an old reading"'})
    assert stale.status_code == 412
    assert ada.get(address(tenant)).json()["leavingSince"] is None
    assert technician.get(f"/api/grants/{grant_id}").json()["state"] == "active"

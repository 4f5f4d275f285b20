"""Who may ask and who may decide, with real tokens: also with more groups than a token holds."""

from typing import Any

import httpx
import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from simulator.calls import Call
from simulator.keys import peek
from tests.api.house import House

TOO_MANY = 201


@pytest.fixture(scope="module")
def house_groups(house: House) -> tuple[str, str]:
    """The ids of the groups of technicians and of approvers in the home tenant."""
    home = house.world.home
    return home.add_group("Technicians").id, home.add_group("Approvers").id


@pytest.fixture(scope="module")
def shop(house: House, house_groups: tuple[str, str]) -> Tenant:
    """A customer whose profile is for these groups."""
    technicians, approvers = house_groups
    profile = helpdesk(
        approvals=1, requesters={"groups": [technicians]}, approvers={"groups": [approvers]}
    )
    return house.customer({"helpdesk": profile})


def joins(house: House, client: httpx.Client, *group_ids: str) -> None:
    """Put somebody into groups, before he signs in."""
    person = house.world.people[client.headers["X-Alias"]]
    for group_id in group_ids:
        house.world.home.groups[group_id].members.append(person.id)


def claims(client: httpx.Client) -> dict[str, Any]:
    """What the token says with which somebody calls."""
    return peek(client.headers["Authorization"].removeprefix("Bearer "))


def signed_in_again(house: House, client: httpx.Client) -> httpx.Client:
    """The same person with a token of now."""
    again = house.client(client.headers["X-Alias"])
    again.headers["X-Alias"] = client.headers["X-Alias"]
    return again


def checks(house: House) -> list[Call]:
    """The calls that asked the home tenant for somebody's groups."""
    return house.cloud.calls.graph(house.world.home.id, path="checkMemberGroups")


def sees(client: httpx.Client, shop: Tenant) -> bool:
    """Whether the customer is in somebody's list."""
    listed = client.get("/api/tenants").raise_for_status().json()["value"]
    return shop.id in {tenant["id"] for tenant in listed}


@pytest.mark.parametrize("groups", [0, TOO_MANY], ids=["a short list", "an overage"])
def test_a_technician_asks_by_his_groups(
    house: House, shop: Tenant, house_groups: tuple[str, str], groups: int
) -> None:
    home = house.world.home
    crowd = [home.add_group(f"Group {number}").id for number in range(groups)]
    member, stranger = house.technician(), house.technician()
    joins(house, member, house_groups[0], *crowd)
    joins(house, stranger, *crowd)
    before = len(checks(house))
    with signed_in_again(house, member) as inside, signed_in_again(house, stranger) as outside:
        assert ("_claim_names" in claims(inside)) == bool(groups)
        assert (sees(inside, shop), sees(outside, shop)) == (True, False)
        assert house.request(outside, shop).status_code == 404
        asked = house.request(inside, shop)
        assert asked.status_code == 202, asked.text
        listed = len(checks(house)) - before
        grant_id = asked.json()["id"]
        assert house.as_("petra").post(f"/api/grants/{grant_id}/approve").status_code == 403
        house.release(inside, grant_id)
        house.reaches(inside, grant_id, "closed")
    # The stranger's short list is empty, which a token does not tell from one that is missing.
    assert listed == (4 if groups else 2)


def test_a_home_tenant_that_is_down_answers_503_and_leaves_no_lease(
    house: House, shop: Tenant
) -> None:
    client = house.technician()
    outage = house.cloud.faults.outage("graph")
    try:
        answer = house.request(client, shop)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert client.get("/api/tenants").status_code == 503
    finally:
        house.cloud.faults.remove(outage)
    assert house.leases(shop) == []

"""Grants over HTTP: looking, listing page by page, ending."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from curfew.ids import new_grant_id
from curfew.ledger import Leases, Tables
from curfew.model.approvals import Person
from curfew.model.grants import EndReason, GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind, Role
from curfew.model.tenants import Connection
from devhost.stack import SECURITY_READER
from simulator import Tenant
from tests.api.house import Grant, House

TENANT = "77777777-0000-4000-a000-000000000001"
NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


def lease(owner: Person, number: int, state: GrantState) -> Lease:
    """A lease as the ledger keeps it; what it says was never given."""
    plan = Plan(
        grant_id=new_grant_id(TENANT),
        tenant_id=TENANT,
        connection=Connection(),
        technician_id=owner.id,
        user_principal_name=f"msp-{number}@contoso.com",
        display_name=f"Account {number}",
        mark=f"curfew-{number}",
        roles=(Role(id=SECURITY_READER, name="Security Reader"),),
        credential=CredentialKind.PASSWORD,
        duration=timedelta(hours=1),
        provision_by=NOW,
    )
    return Lease(
        plan=plan,
        state=state,
        tenant_name="Seeded",
        profile="helpdesk",
        technician=owner,
        requested_at=NOW,
        deadline=NOW,
        end_reason=EndReason.EXPIRED if state is GrantState.ENDED else None,
    )


@pytest.fixture(scope="module")
def seeded(house: House) -> Iterator[dict[str, set[str]]]:
    """Grants in a tenant of their own: live 3 of ann's and 2 of ben's, over 11 and 6."""
    people = {
        alias: Person(id=house.world.people[alias].id, name=alias) for alias in ("ann", "ben")
    }
    counts = (("ann", 3, 11), ("ben", 2, 6))
    found: dict[str, set[str]] = {"ann": set(), "ben": set(), "live": set()}
    opened: list[Lease] = []

    async def seed() -> None:
        tables = Tables.by_connection_string(house.azurite.connection_string)
        leases, number = Leases(tables), 0
        for alias, live, over in counts:
            for index in range(live + over):
                number += 1
                state = GrantState.ACTIVE if index < live else GrantState.ENDED
                row = lease(people[alias], number, state)
                await leases.open(row)
                if state is GrantState.ENDED:
                    await leases.close(row)
                else:
                    opened.append(row)
                    found["live"].add(row.plan.grant_id)
                found[alias].add(row.plan.grant_id)
        await tables.close()

    async def clear() -> None:
        tables = Tables.by_connection_string(house.azurite.connection_string)
        for row in opened:
            await Leases(tables).withdraw(row)
        await tables.close()

    asyncio.run(seed())
    yield found
    asyncio.run(clear())


def pages(client: httpx.Client, **query: Any) -> list[list[str]]:
    """The ids on every page of a list, following `nextLink` to its end."""
    answer = client.get("/api/grants", params={"tenant": TENANT, **query})
    found = []
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append([grant["id"] for grant in page["value"]])
        if page["nextLink"] is None:
            return found
        assert len(found) < 100
        answer = client.get(page["nextLink"])


@pytest.mark.parametrize("size", [1, 4, 5, 200])
def test_every_grant_is_on_exactly_one_page_the_live_ones_first(
    house: House, seeded: dict[str, set[str]], size: int
) -> None:
    found = pages(house.as_("ada"), pageSize=size)
    assert all(len(page) <= size for page in found)
    ids = [grant_id for page in found for grant_id in page]
    assert len(ids) == len(set(ids)) == 22
    assert set(ids) == seeded["ann"] | seeded["ben"]
    assert set(ids[: len(seeded["live"])]) == seeded["live"]


@pytest.mark.parametrize("alias", ["ann", "ben"])
def test_technicians_list_their_own(house: House, seeded: dict[str, set[str]], alias: str) -> None:
    found = pages(house.as_(alias), pageSize=4)
    assert {grant_id for page in found for grant_id in page} == seeded[alias]


def test_asking_for_another_technicians_grants_shows_ones_own(
    house: House, seeded: dict[str, set[str]]
) -> None:
    ben = house.world.people["ben"].id
    found = pages(house.as_("ann"), pageSize=50, technician=ben)
    assert {grant_id for page in found for grant_id in page} == seeded["ann"]


@pytest.mark.parametrize("alias", ["petra", "ada", "otto", "halo"])
def test_the_others_list_all(house: House, seeded: dict[str, set[str]], alias: str) -> None:
    found = pages(house.as_(alias))
    assert {grant_id for page in found for grant_id in page} == seeded["ann"] | seeded["ben"]


def test_a_page_of_somebody_elses_list_shows_nothing_of_his(
    house: House, seeded: dict[str, set[str]]
) -> None:
    first = house.as_("ada").get("/api/grants", params={"tenant": TENANT, "pageSize": 2})
    shown = house.as_("ben").get(first.json()["nextLink"]).json()["value"]
    assert {grant["id"] for grant in shown} <= seeded["ben"]


def test_lists_are_filtered_by_state_and_technician(
    house: House, seeded: dict[str, set[str]]
) -> None:
    ada, ben = house.as_("ada"), house.world.people["ben"].id

    def listed(**query: str) -> set[str]:
        return {grant_id for page in pages(ada, **query) for grant_id in page}

    assert listed(state="active") == seeded["live"]
    assert listed(state="ended") == (seeded["ann"] | seeded["ben"]) - seeded["live"]
    assert listed(state="provisioning") == set()
    assert listed(technician=ben) == seeded["ben"]
    assert listed(technician=ben.upper(), state="active") == seeded["ben"] & seeded["live"]


def test_the_next_page_keeps_the_filters(house: House, seeded: dict[str, set[str]]) -> None:
    found = pages(house.as_("ada"), pageSize=2, state="ended")
    assert {grant_id for page in found for grant_id in page} == (
        seeded["ann"] | seeded["ben"]
    ) - seeded["live"]


def test_a_grant_shows_what_was_asked_and_what_became_of_it(house: House) -> None:
    technician = house.technician()
    asked = {
        "duration": "PT30M",
        "justification": "Mail is down",
        "ticket": {"system": "halo", "number": "4711"},
    }
    accepted = house.request(technician, **asked)
    assert accepted.status_code == 202
    grant_id = accepted.json()["id"]
    assert accepted.headers["Location"] == f"/api/grants/{grant_id}"
    assert int(accepted.headers["Retry-After"]) > 0
    for field, value in asked.items():
        assert accepted.json()[field] == value
    active = house.reaches(technician, accepted.json()["id"], "active")
    began, ends = (datetime.fromisoformat(active[f]) for f in ("activatedAt", "expiresAt"))
    assert timedelta(minutes=29) < ends - began <= timedelta(minutes=30)
    assert active["userPrincipalName"] == house.account(technician)
    assert [role["name"] for role in active["roles"]] == [
        "Security Reader",
        "Helpdesk Administrator",
    ]
    ended = house.end(technician, grant_id)
    assert ended["endReason"] == "returned"
    assert ended["endedBy"] == ended["technician"]
    assert ended["evidence"]["accountDisabled"]
    assert ended["evidence"]["passwordRotated"]
    assert ended["evidence"]["credentialDisabled"]
    for left in ("rolesLeft", "groupsLeft", "methodsLeft"):
        assert ended["evidence"][left] == 0
    assert ended["endedAt"] >= ended["evidence"]["verifiedAt"][:-5]


# --- the end ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        ("petra", "revoked"),
        ("ada", "revoked"),
        ("halo", "ticket-closed"),
    ],
)
def test_a_grant_that_others_end_says_who_and_why(house: House, alias: str, reason: str) -> None:
    technician = house.technician()
    grant_id = house.grant(technician)["id"]
    accepted = house.as_(alias).post(
        f"/api/grants/{grant_id}/end", json={"reason": "The job is done"}
    )
    assert accepted.status_code == 202
    ended = house.reaches(technician, grant_id, "ended")
    assert ended["endReason"] == reason
    assert ended["endRemark"] == "The job is done"
    if alias in house.world.people:
        assert ended["endedBy"]["id"] == house.world.people[alias].id


def test_an_auditor_looks_and_does_not_touch(house: House) -> None:
    technician, otto = house.technician(), house.as_("otto")
    grant_id = house.grant(technician)["id"]
    assert otto.get(f"/api/grants/{grant_id}").status_code == 200
    assert otto.post(f"/api/grants/{grant_id}/end").status_code == 403
    house.release(technician, grant_id)


def test_ending_again_changes_nothing(house: House) -> None:
    technician = house.technician()
    grant_id = house.grant(technician)["id"]
    address = f"/api/grants/{grant_id}/end"
    first, second = technician.post(address), house.as_("ada").post(address)
    assert (first.status_code, second.status_code) == (202, 202)
    ended = house.reaches(technician, grant_id, "ended")
    assert ended["endReason"] == "returned"
    for client in (technician, house.as_("petra")):
        again = client.post(address, json={"reason": "Once more"})
        assert again.status_code == 200
        assert again.json() == ended


def test_a_grant_can_be_ended_while_it_is_being_given(house: House) -> None:
    technician = house.technician()
    grant_id = house.request(technician).json()["id"]
    ended: Grant = house.end(technician, grant_id)
    assert ended["endReason"] == "returned"
    user = house.world.contoso.find_user(house.account(technician))
    assert user is None or not user.account_enabled


def test_a_short_grant_expires_by_itself(house: House) -> None:
    technician = house.technician()
    grant = house.grant(technician, duration="PT1S")
    ended = house.reaches(technician, grant["id"], "ended")
    assert ended["endReason"] == "expired"
    assert ended["endedBy"] is None


def test_ending_works_where_settings_were_deleted_and_the_technician_left(
    house: House,
) -> None:
    customer: Tenant = house.customer()
    technician, ada = house.technician(), house.as_("ada")
    grant_id = house.grant(technician, customer)["id"]
    assert ada.delete(f"/api/tenants/{customer.id}/profiles/helpdesk").status_code == 204
    person = house.world.people[technician.headers["X-Alias"]]
    del house.world.home.users[person.id]
    assert house.end(ada, grant_id)["endReason"] == "revoked"

"""The audit trail over HTTP: who may read it, and how to find something in it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from curfew.chain import hash_of
from curfew.ids import new_grant_id
from curfew.ledger import AuditTrail, Tables
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from simulator import Tenant
from tests.api.house import House

type Event = dict[str, Any]

ADA = Person(id="aaaaaaaa-0000-4000-8000-00000000000d", name="Ada Administrator")
PETRA = Person(id="aaaaaaaa-0000-4000-8000-00000000000b", name="Petra Approver")
MARCH = datetime(2026, 3, 30, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(house: House) -> Tenant:
    return house.customer(onboard=False)


@pytest.fixture(scope="module")
def grant_id(shop: Tenant) -> str:
    return new_grant_id(shop.id)


@pytest.fixture(scope="module")
def events(house: House, shop: Tenant, grant_id: str) -> list[Event]:
    """Ten events on ten days, of a tenant that nobody else writes about."""
    said: list[tuple[Action, Person | None, str | None]] = [(Action.TENANT_CREATED, ADA, None)]
    said += [(Action.PROFILE_CHANGED, ADA, None)] * 4
    said += [(Action.GRANT_APPROVED, PETRA, grant_id), (Action.GRANT_ACTIVE, None, grant_id)]
    said += [(Action.CREDENTIAL_REVEALED, ADA, grant_id)] * 3

    async def write() -> None:
        now = MARCH
        tables = Tables.by_connection_string(house.azurite.connection_string)
        trail = AuditTrail(tables, lambda: now)
        for action, actor, grant in said:
            entry = AuditEntry(
                key=uuid4().hex,
                tenant=shop.id,
                action=action,
                target="Contoso",
                actor=actor,
                grant=grant,
            )
            await trail.append(entry)
            now += timedelta(days=1)
        await tables.close()

    asyncio.run(write())
    return pages(house, tenant=shop.id)


def pages(house: House, /, **query: Any) -> list[Event]:
    """Every event that a query finds, over all its pages."""
    otto = house.as_("otto")
    answer = otto.get("/api/audit", params=query).raise_for_status().json()
    found: list[Event] = list(answer["value"])
    while answer["nextLink"]:
        answer = otto.get(answer["nextLink"]).raise_for_status().json()
        found += answer["value"]
    return found


def test_an_auditor_reads_the_trail_oldest_event_first(events: list[Event]) -> None:
    assert [event["sequence"] for event in events] == list(range(1, 11))
    assert events[0]["actor"] == {"id": ADA.id, "name": ADA.name}
    assert events[0]["at"] == "2026-03-30T09:00:00.000Z"


def test_whoever_reads_it_can_follow_the_chain(events: list[Event]) -> None:
    for before, after in pairwise(events):
        assert after["previous"] == before["hash"] == hash_of(before)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_pages_lead_from_one_to_the_next_across_the_turn_of_a_month(
    house: House, shop: Tenant, events: list[Event], size: int
) -> None:
    assert pages(house, tenant=shop.id, pageSize=size) == events
    first = house.as_("ada").get("/api/audit", params={"tenant": shop.id, "pageSize": size}).json()
    assert len(first["value"]) <= size


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"action": "profile.changed"}, [2, 3, 4, 5]),
        ({"actor": PETRA.id}, [6]),
        ({"actor": ADA.id, "action": "credential.revealed"}, [8, 9, 10]),
        ({"from": "2026-04-06T09:00:00Z"}, [8, 9, 10]),
        ({"to": "2026-03-31T11:00:00+02:00"}, [1, 2]),
        ({"from": "2026-03-31T09:00:00Z", "to": "2026-04-01T09:00:00Z"}, [2, 3]),
        ({"from": "2026-04-01T09:00:00.001Z", "action": "profile.changed"}, [4, 5]),
        ({"from": "2027-01-01T00:00:00Z"}, []),
        ({"to": "0001-01-01T00:00:00Z"}, []),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, list(range(1, 11))),
        ({"action": "sweep.ended"}, []),
    ],
    ids=str,
)
def test_filters_narrow_it(
    house: House, shop: Tenant, events: list[Event], query: dict[str, str], found: list[int]
) -> None:
    told = pages(house, tenant=shop.id, pageSize=2, **query)
    assert [event["sequence"] for event in told] == found


def test_a_grant_is_found_without_its_tenant(
    house: House, events: list[Event], grant_id: str
) -> None:
    assert pages(house, grant=grant_id) == events[5:]
    other = {"grant": grant_id, "tenant": house.world.contoso.id}
    assert pages(house, **other) == []


def test_without_a_tenant_all_of_them_are_listed(
    house: House, shop: Tenant, events: list[Event]
) -> None:
    told = pages(house, pageSize=200)
    assert [event for event in told if event["tenant"] == shop.id] == events


@pytest.mark.parametrize("alias", ["ann", "petra", "halo", "nobody"])
def test_nobody_else_reads_it(house: House, alias: str) -> None:
    assert house.as_(alias).get("/api/audit").status_code == (401 if alias == "nobody" else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_writes_it(house: House, method: str) -> None:
    assert house.as_("ada").request(method, "/api/audit").status_code in {404, 405}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant", "contoso"),
        ("grant", "g-1"),
        ("action", "grant.celebrated"),
        ("actor", "ada"),
        ("from", "yesterday"),
        ("from", "2026-03-31T09:00:00"),
        ("to", "0001-01-01T00:00:00+14:00"),
        ("pageSize", "0"),
        ("pageSize", "201"),
        ("after", "x"),
        ("since", "2026-03-31T09:00:00Z"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_by_name(
    house: House, name: str, value: str
) -> None:
    answer = house.as_("otto").get("/api/audit", params={name: value})
    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["errors"]] == [name]


def test_a_bookmark_of_another_list_opens_nothing(house: House, events: list[Event]) -> None:
    otto = house.as_("otto")
    assert events
    after = "eyJ0YWJsZSI6ImxlYXNlcyIsImNvbnRpbnVhdGlvbiI6e319"
    assert otto.get("/api/audit", params={"after": after}).status_code == 400
    forged = otto.get("/api/audit", params={"pageSize": 1}).json()["nextLink"]
    assert otto.get(forged.replace("/api/audit", "/api/grants")).status_code == 400


def test_a_row_that_was_spoiled_is_counted_and_hides_no_other(
    house: House, events: list[Event], shop: Tenant
) -> None:
    rows = house.ledger._service.get_table_client("audit")
    key = {"PartitionKey": f"{shop.id}_202604", "RowKey": "e-000000000005"}
    row = rows.get_entity(key["PartitionKey"], key["RowKey"])
    rows.upsert_entity({**row, "document": "spoiled"})
    answer = house.as_("otto").get("/api/audit", params={"tenant": shop.id}).json()
    rows.upsert_entity(dict(row))
    assert answer["unreadable"] == 1
    assert answer["value"] == events[:4] + events[5:]

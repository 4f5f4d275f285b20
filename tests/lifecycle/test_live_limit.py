"""Nobody has more live grants than the limit, in all tenants, however many he asks for at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from curfew.giving.limiting import stays_within_limit
from curfew.ledger.leases import LEASES, LiveGrant
from curfew.ledger.tables import Row
from tests.lifecycle.asking import Desk, starts
from tests.lifecycle.client import ADA, Answer, Persona
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.test_dry_run import somebody, tried
from tests.lifecycle.world import HOUR, World, new_customer

LIMIT = 3


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    desk = Desk(world)
    desk.tenant()
    desk.profile()
    before = world.services.settings
    world.services.settings = replace(before, max_live_grants=LIMIT)
    yield desk
    world.services.settings = before


@pytest.fixture
def ann() -> Persona:
    return somebody()


def ahead(desk: Desk, hours: int = 1) -> dict[str, Any]:
    """A start to come: such grants do not claim the account, so there may be many."""
    return starts(desk.world.clock() + hours * HOUR)


def standing(desk: Desk, who: Persona) -> int:
    return len(desk.world.wait(desk.world.services.leases.live_of(who.id)))


def at_once(desk: Desk, who: Persona, count: int) -> list[Answer]:
    """So many requests in the same instant; the elder wait for the younger as they really do."""
    desk.world.services.pause = asyncio.sleep
    body = {"tenant": desk.customer.id, "profile": "helpdesk", **ahead(desk)}

    async def ask() -> list[Answer]:
        asking = (desk.api.send(who, "POST", "/api/grants", body) for _ in range(count))
        return await asyncio.gather(*asking)

    answers: list[Answer] = desk.world.wait(ask())
    return answers


def test_the_limit_is_reached_and_not_passed_over_all_tenants(desk: Desk, ann: Persona) -> None:
    for _ in range(LIMIT - 1):
        assert desk.request(ann, **ahead(desk)).status == 202
    desk.world.customer = new_customer(desk.world.cloud, desk.world.demo)
    elsewhere = Desk(desk.world)
    elsewhere.tenant()
    elsewhere.profile()
    last = elsewhere.request(ann)
    assert last.status == 202
    assert not tried(elsewhere, ann)["allowed"]
    for each in (desk, elsewhere):
        refused = each.request(ann, **ahead(desk))
        assert refused.status == 422
        (error,) = refused["errors"]
        assert error["detail"] == "You have as many live grants as one may have, 3 in all tenants."
    assert standing(desk, ann) == LIMIT
    assert desk.request(somebody(), **ahead(desk)).status == 202


def test_a_grant_that_is_over_makes_room(desk: Desk, ann: Persona) -> None:
    made = [desk.request(ann, **ahead(desk))["id"] for _ in range(LIMIT)]
    assert desk.request(ann, **ahead(desk)).status == 422
    desk.say(ann, "end", made[0])
    desk.settle()
    assert desk.request(ann, **ahead(desk)).status == 202


@pytest.mark.parametrize(("before", "count"), [(LIMIT - 1, 2), (0, 12)])
def test_of_requests_in_one_moment_no_more_stay_than_the_limit_leaves_room_for(
    desk: Desk, ann: Persona, before: int, count: int
) -> None:
    for _ in range(before):
        assert desk.request(ann, **ahead(desk)).status == 202
    answers = at_once(desk, ann, count)
    accepted = [answer for answer in answers if answer.status == 202]
    assert standing(desk, ann) == before + len(accepted) == LIMIT
    assert {answer.status for answer in answers} == {202, 422}
    assert len(desk.world.engine.instances) == LIMIT


class Died(BaseException):
    """The process is gone in the middle of a request."""


def died_before_counting(desk: Desk, who: Persona, key: str) -> None:
    """A request whose process dies when its lease is written and nothing else is."""
    leases = desk.world.services.leases
    live_of = leases.live_of
    readings: list[str] = []

    async def die_at_the_second(technician_id: str) -> list[LiveGrant]:
        readings.append(technician_id)
        if len(readings) > 1:
            raise Died
        return await live_of(technician_id)

    leases.live_of = die_at_the_second  # type: ignore[method-assign]
    with pytest.raises(Died):
        desk.request(who, key=key)
    del leases.live_of


def test_a_repetition_begins_nothing_that_was_not_counted(desk: Desk, ann: Persona) -> None:
    """Its first request wrote the lease and died; by now there are more than there may be."""
    for _ in range(LIMIT - 1):
        assert desk.request(ann, **ahead(desk)).status == 202
    died_before_counting(desk, ann, "died")
    services = desk.world.services
    services.settings = replace(services.settings, max_live_grants=LIMIT - 1)
    assert desk.request(ann, key="died").status == 422
    desk.settle()
    assert standing(desk, ann) == LIMIT - 1
    assert len(desk.world.engine.instances) == LIMIT - 1
    desk.assert_nothing_was_given()


def test_a_repetition_begins_nothing_that_is_not_on_record(desk: Desk, ann: Persona) -> None:
    died_before_counting(desk, ann, "died")
    answers = [desk.request(ann, key="died") for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    desk.settle()
    trail = desk.api(ADA, "GET", f"/api/audit?grant={answers[0]['id']}")["value"]
    assert [event["action"] for event in trail] == ["grant.requested", "grant.active"]
    assert trail[0]["actor"]["id"] == ann.id


@pytest.mark.parametrize("applied", [False, True], ids=["lost", "answer lost"])
def test_whichever_call_fails_a_request_is_accepted_or_leaves_no_lease(
    desk: Desk, ann: Persona, applied: bool
) -> None:
    asked, ledger = ahead(desk), desk.world.ledger
    before = ledger.count
    assert desk.request(ann, **asked).status == 202
    refused = 0
    for skip in range(ledger.count - before):
        who = somebody()
        ledger.trouble = Trouble(applied=applied, skip=skip)
        answer = desk.request(who, **asked)
        ledger.trouble = None
        assert answer.status in {202, 503}
        assert standing(desk, who) == (answer.status == 202)
        refused += answer.status == 503
    # What is read before, the lease itself, the count after it, and the trail.
    assert refused >= 6


def test_a_row_that_cannot_be_read_counts_against_its_technician_and_nobody_else(
    desk: Desk, ann: Persona
) -> None:
    """Its columns say whose it is. So it opens no way past the limit, and locks out nobody."""
    made = [desk.request(ann, **ahead(desk))["id"] for _ in range(LIMIT)]
    tables = desk.world.services.tables
    key = made[0]
    row = desk.world.wait(tables.get(LEASES, desk.customer.id, key))
    nonsense = Row(desk.customer.id, key, {"plan": "nonsense"})
    desk.world.wait(tables.put(LEASES, nonsense, row.columns))
    assert standing(desk, ann) == LIMIT
    assert desk.request(ann, **ahead(desk)).status == 422
    assert desk.request(somebody(), **ahead(desk)).status == 202
    desk.world.wait(tables.put(LEASES, Row(desk.customer.id, key, row.document), row.columns))


def test_the_younger_give_way_and_a_late_elder_to_those_that_stay(desk: Desk, ann: Persona) -> None:
    """An elder request whose lease is written when the others have been counted goes as well."""
    made = [desk.request(ann, **ahead(desk))["id"] for _ in range(LIMIT)]
    services = desk.world.services
    first = desk.lease(made[0])
    late = desk.world.plan(technician_id=ann.id, start_at=desk.world.clock() + HOUR)
    elder = first.model_copy(
        update={"plan": late, "requested_at": first.requested_at - timedelta(seconds=5)}
    )
    desk.world.wait(services.leases.open(elder))
    assert not desk.world.wait(stays_within_limit(services, elder))
    desk.world.wait(services.leases.withdraw(elder))
    assert standing(desk, ann) == LIMIT

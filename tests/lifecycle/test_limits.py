"""How often a caller may ask and reveal: over the API, in virtual time, over several instances."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curfew import services as services_of
from curfew.ledger import Rates
from curfew.ledger.rates import RATES, charged
from curfew.ledger.tables import Row
from curfew.services import Services
from tests.lifecycle.asking import Desk
from tests.lifecycle.client import ADA, ANN, BEN, Answer, Persona
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import START, World

PER_HOUR = 12
BURST = 5
INTERVAL = timedelta(minutes=5)


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    """A deployment in which a caller may ask twelve times an hour, and reveal as often."""
    with instance(world) as services:
        services_of.use(services)
        desk = Desk(world)
        desk.tenant()
        desk.profile()
        yield desk


@contextmanager
def instance(world: World) -> Iterator[Services]:
    """An instance of the app with memory and connections of its own, on the same ledger."""
    settings = replace(
        world.services.settings, requests_per_hour=PER_HOUR, reveals_per_hour=PER_HOUR
    )
    services = Services(settings, world.clock, world.services.pause)
    yield services
    world.wait(services.close())


def refused(desk: Desk, caller: Persona = ANN) -> Answer:
    """The answer to a request that is well-formed and is refused for another reason."""
    asked = {"tenant": desk.customer.id, "profile": "unknown"}
    return desk.api(caller, "POST", "/api/grants", asked)


def statuses(desk: Desk, times: int, caller: Persona = ANN) -> list[int]:
    return [refused(desk, caller).status for _ in range(times)]


def test_a_burst_passes_at_once_and_then_one_each_interval(desk: Desk) -> None:
    assert statuses(desk, BURST + 2) == [404] * BURST + [429] * 2
    for _ in range(3):
        desk.world.clock.advance(INTERVAL)
        assert statuses(desk, 2) == [404, 429]


def test_whoever_was_away_has_a_burst_again_and_no_more(desk: Desk) -> None:
    statuses(desk, BURST + 1)
    desk.world.clock.advance(timedelta(days=3))
    assert statuses(desk, BURST + 1) == [404] * BURST + [429]


def test_retry_after_is_the_first_second_that_passes(desk: Desk) -> None:
    statuses(desk, BURST)
    desk.world.clock.advance(timedelta(seconds=7.25))
    told = refused(desk)
    assert told.status == 429
    assert told["type"] == "urn:curfew:problem:too-many-requests"
    assert told.headers["Retry-After"] == "293"
    desk.world.clock.advance(timedelta(seconds=292))
    assert refused(desk).headers["Retry-After"] == "1"
    desk.world.clock.advance(timedelta(seconds=1))
    assert refused(desk).status == 404


def test_waiting_for_a_refused_request_costs_nothing(desk: Desk) -> None:
    statuses(desk, BURST + 30)
    desk.world.clock.advance(INTERVAL)
    assert statuses(desk, 2) == [404, 429]


def test_one_callers_limit_is_not_anothers(desk: Desk) -> None:
    assert statuses(desk, BURST + 1)[-1] == 429
    assert statuses(desk, BURST + 1, BEN) == [404] * BURST + [429]


def test_requests_are_not_reveals(desk: Desk) -> None:
    grant_id = desk.active()
    reveal = f"/api/grants/{grant_id}/credential"
    assert statuses(desk, BURST)[-1] == 429
    answers = [desk.api(ANN, "POST", reveal) for _ in range(BURST + 1)]
    assert [answer.status for answer in answers] == [200] * BURST + [429]
    assert "password" not in answers[-1].body
    assert int(answers[-1].headers["Retry-After"]) == INTERVAL.total_seconds()


def test_nobody_is_charged_for_what_does_not_pass_the_edge(desk: Desk) -> None:
    for _ in range(PER_HOUR):
        assert desk.api(ANN, "POST", "/api/grants", {"profile": 7}).status == 400
        assert desk.api(ADA, "POST", "/api/grants", {}).status == 403
        assert desk.api(None, "POST", "/api/grants", {}).status == 401
        cross_site = desk.api(ANN, "POST", "/api/grants", {}, Origin="https://evil.example")
        assert cross_site.status == 403
    assert statuses(desk, BURST) == [404] * BURST


def test_whoever_is_over_his_limit_changes_nothing(desk: Desk) -> None:
    statuses(desk, BURST)
    writes = len(desk.world.graph_writes())
    assert desk.request().status == 429
    assert desk.world.engine.instances == {}
    assert len(desk.world.graph_writes()) == writes
    listed = desk.api(ANN, "GET", f"/api/grants?tenant={desk.customer.id}")
    assert listed["value"] == []


def test_an_end_is_never_counted(desk: Desk) -> None:
    """Rule 3: ending asks nobody, however often he has asked before."""
    grant_id = desk.active()
    assert statuses(desk, PER_HOUR)[-1] == 429
    for _ in range(PER_HOUR):
        assert desk.api(ANN, "POST", f"/api/grants/{grant_id}/end").status == 202


def test_the_limit_holds_over_instances(desk: Desk) -> None:
    """Two processes that know nothing of each other but the ledger."""
    answers = []
    with instance(desk.world) as first, instance(desk.world) as second:
        for turn in range(BURST + 2):
            services_of.use((first, second)[turn % 2])
            answers.append(refused(desk).status)
    assert answers == [404] * BURST + [429] * 2


def test_of_many_at_once_on_several_instances_a_burst_passes(desk: Desk) -> None:
    world = desk.world
    with instance(world) as first, instance(world) as second, instance(world) as third:
        rates = [Rates(services.tables, world.clock) for services in (first, second, third)]

        async def race() -> list[timedelta]:
            return await asyncio.gather(
                *(each.take(BEN.id, "race", PER_HOUR) for each in rates for _ in range(4))
            )

        waits = world.wait(race())
    assert waits.count(timedelta(0)) == BURST
    assert {wait for wait in waits if wait} == {INTERVAL}


def test_of_two_at_once_on_two_instances_one_gets_the_last(desk: Desk) -> None:
    world = desk.world
    statuses(desk, BURST - 1)
    with instance(world) as first, instance(world) as second:

        async def race() -> list[timedelta]:
            both = (each.rates.take(ANN.id, "requests", PER_HOUR) for each in (first, second))
            return await asyncio.gather(*both)

        assert sorted(world.wait(race())) == [timedelta(0), INTERVAL]


@pytest.mark.parametrize("skip", [0, 1], ids=["reading", "writing"])
def test_a_ledger_that_does_not_answer_lets_nobody_pass(desk: Desk, skip: int) -> None:
    """Fail closed: who cannot be counted is not served."""
    statuses(desk, 1)
    desk.world.ledger.trouble = Trouble(skip=skip)
    answer = refused(desk)
    assert answer.status == 503
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize("document", ["nonsense", None, {}, {"earnedAt": "tomorrow"}], ids=str)
def test_a_count_that_nobody_can_read_lets_nobody_pass(desk: Desk, document: object) -> None:
    tables = desk.world.services.tables
    desk.world.wait(tables.put(RATES, Row(ANN.id, "requests", document)))
    assert refused(desk).status == 503
    assert statuses(desk, 1, BEN) == [404]


@given(
    per_hour=st.integers(1, 1000),
    waits=st.lists(st.floats(0, 900).map(lambda seconds: timedelta(seconds=seconds)), max_size=60),
)
def test_no_hour_sees_more_than_the_limit_and_a_burst(
    per_hour: int, waits: list[timedelta]
) -> None:
    now = used = START
    passed = []
    for wait in waits:
        now += wait
        then, refused_for = charged(max(used, now), now, per_hour)
        if not refused_for:
            used = then
            passed.append(now)
    most = per_hour + max(per_hour // 4, BURST)
    for start in passed:
        assert sum(start <= each < start + timedelta(hours=1) for each in passed) <= most


@given(per_hour=st.integers(1, 1_000_000))
def test_what_was_refused_passes_after_exactly_the_wait(per_hour: int) -> None:
    now = used = START
    wait = timedelta(0)
    for _ in range(max(per_hour // 4, BURST) + 1 if per_hour < 1000 else 0):
        then, wait = charged(max(used, now), now, per_hour)
        used = used if wait else then
    assert bool(wait) is (per_hour < 1000)
    assert not charged(max(used, now + wait), now + wait, per_hour)[1]

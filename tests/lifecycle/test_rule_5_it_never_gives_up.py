"""Rule 5: after a round without success it alerts, and goes on with growing pauses, for ever."""

import itertools
import logging
from datetime import datetime, timedelta

import pytest

from curfew.events import Event
from curfew.model.grants import GrantState
from orchestrators.taking_back import LONGEST_PAUSE, pause_after
from simulator.faults import Fault
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import World


def alerts(world: World) -> list[logging.LogRecord]:
    return [r for r in world.log if getattr(r, "event", "") == Event.GRANT_STUCK.value]


@pytest.mark.parametrize("outage", ["graph", "vault", "ledger"])
def test_rule_5_an_outage_of_a_day_is_outlasted(world: World, outage: str) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = begin_outage(world, outage)
    grant.order_end()
    world.engine.run_for(timedelta(days=1))

    assert alerts(world)
    assert world.engine.instances[grant.plan.grant_id].running
    end_outage(world, fault)
    if outage != "ledger":
        assert grant.state is GrantState.ENDING
        assert grant.lease.stuck
        assert grant.lease.rounds > 5
    world.engine.run_for(LONGEST_PAUSE + timedelta(minutes=2))
    world.assert_gone(grant)
    assert not grant.lease.stuck


def test_rule_5_the_alert_comes_after_the_first_round_and_each_further_one(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = begin_outage(world, "graph")
    began = world.clock()
    grant.order_end()
    raised: list[datetime] = []

    def note(phase: str, name: str) -> None:
        if (phase, name) == ("after", "flag_stuck"):
            raised.append(world.clock())

    world.engine.hook = note
    world.engine.run_for(timedelta(hours=5))

    assert raised[0] - began <= timedelta(minutes=2)
    pauses = [later - earlier for earlier, later in itertools.pairwise(raised)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= LONGEST_PAUSE + timedelta(minutes=2)
    assert all(record.levelno == logging.ERROR for record in alerts(world))
    end_outage(world, fault)
    world.engine.run()
    world.assert_gone(grant)


@pytest.mark.slow
def test_rule_5_a_day_of_failing_leaves_a_short_history(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = begin_outage(world, "graph")
    grant.order_end()
    world.engine.run_for(timedelta(days=1))
    instance = world.engine.instances[grant.plan.grant_id]
    assert instance.execution > 5
    assert max(len(history) for history in instance.old_histories) < 250
    end_outage(world, fault)
    world.engine.run()
    world.assert_gone(grant)


def test_rule_5_a_long_retry_after_is_a_durable_timer(world: World) -> None:
    grant = world.request()
    world.cloud.faults.throttle(times=1, retry_after=200, path="roleAssignments", method="POST")
    grant.run_until_active()
    activated, requested = grant.lease.activated_at, grant.lease.requested_at
    assert activated is not None
    assert activated - requested >= timedelta(seconds=200)
    world.engine.run()
    world.assert_gone(grant)


def test_rule_5_the_pauses_double_from_a_minute_to_an_hour() -> None:
    pauses = [pause_after(finished) for finished in range(1, 12)]
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == LONGEST_PAUSE
    assert pauses == sorted(pauses)


def begin_outage(world: World, what: str) -> Fault | None:
    if what == "ledger":
        world.ledger.trouble = Trouble(times=None)
        return None
    return world.cloud.faults.outage(what)


def end_outage(world: World, fault: Fault | None) -> None:
    world.ledger.trouble = None
    if fault is not None:
        world.cloud.faults.remove(fault)

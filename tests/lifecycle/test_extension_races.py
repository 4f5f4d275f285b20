"""An extension races with the expiry and an end, or is lost on its way: it counts once or not.

docs/failures.md, rows 3 and 8.
"""

from datetime import timedelta

import pytest

from curfew.giving import extending
from curfew.model.approvals import ExtensionState
from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import ExtendOrder, Prolonging
from tests.lifecycle.asking import (
    APPROVE,
    CONSENT,
    END,
    EXTEND,
    Desk,
)
from tests.lifecycle.client import ANN, PETRA
from tests.lifecycle.engine import ActivityLost, WorkerKilled
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import HOUR, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(max_duration="PT3H")
    return desk


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """A desk whose extensions need consent."""
    desk.profile(max_duration="PT3H", **CONSENT)
    return desk


@pytest.mark.parametrize("order", [(EXTEND, "deadline"), ("deadline", EXTEND)], ids="+".join)
def test_an_extension_in_the_instant_of_the_expiry_comes_too_late(
    desk: Desk, order: tuple[str, str]
) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    desk.until(old - MINUTE)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.world.clock.moment = old
    desk.world.engine.fire_due_timers()
    desk.deliver(grant_id, order)
    desk.world.engine.run_for(MINUTE)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.EXPIRED)
    assert not desk.is_enabled()
    assert "extend_expiry" not in desk.world.engine.ran


@pytest.mark.parametrize("answer_first", [True, False], ids=["answer+expiry", "expiry+answer"])
def test_an_answer_in_the_instant_of_the_expiry_comes_too_late(
    desk: Desk, answer_first: bool
) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    desk.until(old - MINUTE)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    engine = desk.world.engine
    engine.run(stop=lambda: engine.ran[-1:] == ["extend_expiry"])
    desk.world.clock.moment = old
    engine.fire_due_timers()
    pending = desk.instance(grant_id).pending
    assert len(pending) == 2
    pending.sort(key=lambda event: event.HasField("taskCompleted") is not answer_first)
    engine.run_for(MINUTE)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.EXPIRED)
    assert not desk.is_enabled()


def test_a_ledger_that_is_down_while_extending_does_not_delay_the_expiry(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    desk.until(old - MINUTE)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.world.ledger.trouble = Trouble(times=None)
    desk.until(old + 2 * MINUTE)
    desk.world.ledger.trouble = None
    assert not desk.is_enabled()
    desk.world.engine.run_for(HOUR / 2)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.EXPIRED)
    assert desk.world.engine.ran.count("extend_expiry") > 1


def test_a_short_outage_of_the_ledger_only_delays_the_extension(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.world.ledger.trouble = Trouble(times=None)
    desk.world.engine.run_for(3 * MINUTE)
    desk.world.ledger.trouble = None
    desk.world.engine.run_for(2 * MINUTE)
    assert desk.expiry_of(grant_id) == old + HOUR


@pytest.mark.parametrize("phase", ["before", "after"])
def test_an_end_while_an_extension_is_being_written_ends_it(desk: Desk, phase: str) -> None:
    grant_id = desk.active()
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    order = {"reason": "returned", "by": {"id": ANN.id, "name": ANN.name}}
    told: list[bool] = []

    def end(now: str, name: str) -> None:
        if (now, name) == (phase, "extend_expiry") and not told:
            told.append(True)
            desk.world.engine.raise_event(grant_id, END, order)

    desk.world.engine.hook = end
    desk.world.engine.run_for(MINUTE)
    assert told
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.RETURNED)
    assert not desk.is_enabled()


def test_the_ledger_extends_nothing_whose_time_is_up(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    lease = desk.lease(grant_id)
    order = ExtendOrder(id="01M7ZXWTY2AVW7VCNCX0BGGWMH", by=lease.technician, duration=HOUR)
    desk.world.clock.moment = old
    late = Prolonging(plan=lease.plan, order=order, expires_at=old)
    answered = desk.world.wait(extending.extend_expiry(desk.world.services, late))
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert answered.extension.state is ExtensionState.REFUSED
    assert desk.expiry_of(grant_id) == old


def test_an_extension_that_lands_after_the_end_moves_nothing(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    lease = desk.lease(grant_id)
    order = ExtendOrder(id="01M7ZXWTY2AVW7VCNCX0BGGWMH", by=lease.technician, duration=HOUR)
    late = Prolonging(plan=lease.plan, order=order, expires_at=old)
    desk.say(ANN, END, grant_id)
    desk.world.engine.run(stop=lambda: desk.lease(grant_id).state is GrantState.ENDING)
    answered = desk.world.wait(extending.extend_expiry(desk.world.services, late))
    assert answered.extension.state is ExtensionState.REFUSED
    assert answered.expires_at == old
    desk.world.engine.run_for(MINUTE)
    assert desk.lease(grant_id).state is GrantState.ENDED


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", ["extend_expiry", "prolong_access"])
def test_a_worker_lost_while_extending_extends_once(
    desk: Desk, step: str, phase: str, loss: type[Exception]
) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    lost = _lose_once(desk, step, phase, loss)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.world.engine.run_for(MINUTE)
    assert lost
    assert desk.expiry_of(grant_id) == old + HOUR
    assert len(desk.lease(grant_id).extensions) == 1
    desk.until(old + HOUR + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ENDED


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", ["extend_expiry", "record_extension_decision", "settle_extension"])
def test_a_worker_lost_on_the_way_to_consent_extends_once(
    asking: Desk, step: str, phase: str, loss: type[Exception]
) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    lost = _lose_once(desk, step, phase, loss)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.world.engine.run_for(MINUTE)
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    desk.world.engine.run_for(MINUTE)
    assert lost
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.GRANTED
    assert desk.expiry_of(grant_id) == old + HOUR


def _lose_once(desk: Desk, step: str, phase: str, loss: type[Exception]) -> list[bool]:
    lost: list[bool] = []

    def lose(now: str, name: str) -> None:
        if (now, name) == (phase, step) and not lost:
            lost.append(True)
            raise loss

    desk.world.engine.hook = lose
    return lost

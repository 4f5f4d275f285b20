"""Grants that begin later: nothing before the start, and settings as they are at the start.

A scheduled grant gives nothing, not even a password, before its start. docs/failures.md, row 21.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from curfew.model.grants import PROVISIONING_LIMIT, GrantState
from tests.lifecycle.asking import APPROVE, DAY, END, Desk, booked, running_everything_twice, starts
from tests.lifecycle.client import ANN, PETRA
from tests.lifecycle.engine import ActivityLost, WorkerKilled
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import HOUR, SECURITY_READER, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile()
    return desk


def test_nothing_exists_before_the_start_not_even_a_password(desk: Desk) -> None:
    grant_id, start = booked(desk)
    seen = desk.see(ANN, grant_id)
    assert seen["state"] == "scheduled"
    assert datetime.fromisoformat(seen["startAt"]) == start
    desk.until(start - timedelta(seconds=1))
    assert desk.lease(grant_id).state is GrantState.SCHEDULED
    desk.assert_nothing_was_given()
    desk.until(start + MINUTE)
    lease = desk.lease(grant_id)
    assert lease.state is GrantState.ACTIVE
    assert desk.world.user().account_enabled
    assert lease.expires_at is not None
    assert start + HOUR <= lease.expires_at <= start + HOUR + MINUTE


def test_its_deadline_for_the_sweep_is_armed_from_the_first_moment(desk: Desk) -> None:
    grant_id, start = booked(desk)
    assert desk.lease(grant_id).deadline == start + PROVISIONING_LIMIT


def test_an_end_before_the_start_leaves_nothing_and_frees_everything(desk: Desk) -> None:
    grant_id, start = booked(desk)
    desk.until(start - HOUR)
    assert desk.say(ANN, END, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "withdrawn")
    desk.until(start + DAY)
    desk.assert_nothing_was_given()
    assert desk.world.engine.ran == ["close_unopened"]
    assert desk.see(ANN, grant_id)["state"] == "closed"
    assert desk.say(ANN, END, grant_id).status == 200


@pytest.mark.parametrize("order", [("deadline", END), (END, "deadline")], ids="+".join)
def test_an_end_in_the_instant_of_the_start_gives_nothing_in_both_orders(
    desk: Desk, order: tuple[str, str]
) -> None:
    grant_id, start = booked(desk)
    desk.until(start - MINUTE)
    assert desk.say(ANN, END, grant_id).status == 202
    desk.world.clock.moment = start
    desk.world.engine.fire_due_timers()
    desk.deliver(grant_id, order)
    desk.world.engine.run()
    lease = desk.lease(grant_id)
    assert lease.state.over
    assert lease.end_reason == "withdrawn"
    assert desk.holder() is None
    desk.assert_nothing_was_given()


def test_a_credential_before_the_start_is_a_conflict(desk: Desk) -> None:
    grant_id, _ = booked(desk)
    assert desk.say(ANN, "credential", grant_id).status == 409


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (timedelta(seconds=-1), 422),
        (timedelta(0), 422),
        (timedelta(seconds=1), 202),
        (30 * DAY, 202),
        (30 * DAY + timedelta(seconds=1), 422),
    ],
    ids=["past", "now", "a second ahead", "30 days", "more than 30 days"],
)
def test_the_start_lies_ahead_and_not_too_far(desk: Desk, ahead: timedelta, status: int) -> None:
    answer = desk.request(**starts(desk.world.clock() + ahead))
    assert answer.status == status
    if status == 422:
        assert [error["field"] for error in answer["errors"]] == ["startAt"]
        assert desk.world.engine.instances == {}


@pytest.mark.parametrize("start", ["tomorrow", "2026-03-02", "2026-03-02T09:00:00", 1772442000])
def test_a_start_without_an_offset_or_without_sense_is_not_well_formed(
    desk: Desk, start: object
) -> None:
    answer = desk.request(startAt=start)
    assert answer.status == 400
    assert [error["field"] for error in answer["errors"]] == ["startAt"]


def test_a_start_of_weeks_ahead_is_kept(desk: Desk) -> None:
    grant_id, start = booked(desk, 30 * DAY)
    desk.until(start - MINUTE)
    desk.assert_nothing_was_given()
    desk.until(start + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.tenant(hard_limit="PT30M"),
        lambda desk: desk.profile(default_duration="PT10M", max_duration="PT30M"),
        lambda desk: desk.profile(roles=(SECURITY_READER,)),
        lambda desk: desk.profile(approvals=1),
        lambda desk: desk.profile(require_justification=True),
        lambda desk: desk.forget_profile(),
        lambda desk: desk.leave(),
    ],
    ids=["limit", "shorter", "fewer roles", "consent", "justification", "deleted", "leaving"],
)
def test_settings_are_looked_at_again_at_the_start(
    desk: Desk, change: Callable[[Desk], None]
) -> None:
    grant_id, start = booked(desk)
    desk.until(start - HOUR)
    change(desk)
    desk.until(start + MINUTE)
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()


def test_settings_that_cannot_be_read_at_the_start_give_nothing_and_later_all(desk: Desk) -> None:
    grant_id, start = booked(desk)
    desk.until(start - MINUTE)
    desk.world.ledger.trouble = Trouble(times=None)
    desk.until(start + 5 * MINUTE)
    desk.assert_nothing_was_given()
    desk.world.ledger.trouble = None
    desk.until(start + 8 * MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


def test_settings_that_stay_unreadable_close_the_grant_as_failed(desk: Desk) -> None:
    grant_id, start = booked(desk)
    desk.until(start - MINUTE)
    desk.world.ledger.trouble = Trouble(times=None)
    desk.until(start + HOUR)
    desk.world.ledger.trouble = None
    desk.until(start + 3 * HOUR)
    desk.assert_closed(grant_id, "failed")
    desk.assert_nothing_was_given()


def test_consent_before_the_start_waits_for_the_start(desk: Desk) -> None:
    desk.profile(approvals=1, approval_deadline="PT30H")
    grant_id, start = booked(desk)
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    desk.settle()
    lease = desk.lease(grant_id)
    assert (lease.state, lease.deadline) == (GrantState.SCHEDULED, start + PROVISIONING_LIMIT)
    desk.until(start - MINUTE)
    desk.assert_nothing_was_given()
    desk.until(start + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


def test_consent_after_the_start_begins_the_grant_at_once(desk: Desk) -> None:
    desk.profile(approvals=1, approval_deadline="PT30H")
    grant_id, start = booked(desk)
    desk.until(start + 5 * HOUR)
    desk.assert_nothing_was_given()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    desk.world.engine.run_for(MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert desk.expiry_of(grant_id) >= start + 6 * HOUR


def test_no_consent_by_the_deadline_closes_it_before_its_start(desk: Desk) -> None:
    desk.profile(approvals=1, approval_deadline="PT4H")
    grant_id, start = booked(desk)
    desk.until(start)
    desk.assert_closed(grant_id, "approval-expired")
    desk.assert_nothing_was_given()


def test_the_same_idempotency_key_books_once(desk: Desk) -> None:
    start = starts(desk.world.clock() + HOUR)
    first = desk.request(key="job-1", **start)
    again = desk.request(key="job-1", **start)
    assert (first.status, again.status, first["id"]) == (202, 202, again["id"])
    other = starts(desk.world.clock() + 2 * HOUR)
    assert desk.request(key="job-1", **other).status == 422
    assert desk.request(key="job-2", **start)["id"] != first["id"]


def test_a_booking_whose_workflow_never_began_begins_with_the_repeated_request(desk: Desk) -> None:
    start = starts(desk.world.clock() + HOUR)
    desk.api.hub.trouble = lambda call, applied: call == "StartInstance" and applied
    assert desk.request(key="job-1", **start).status == 503
    desk.api.hub.trouble = lambda call, applied: False
    assert desk.request(key="job-1", **start).status == 202
    desk.world.engine.run_for(HOUR + MINUTE)
    assert desk.world.user().account_enabled


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_worker_lost_at_the_start_begins_it_once(
    desk: Desk, phase: str, loss: type[Exception]
) -> None:
    grant_id, start = booked(desk)
    lost: list[bool] = []

    def lose(now: str, name: str) -> None:
        if (now, name) == (phase, "admit_grant") and not lost:
            lost.append(True)
            raise loss

    desk.world.engine.hook = lose
    desk.until(start + MINUTE)
    assert lost
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert desk.holder() == grant_id
    desk.world.engine.run()
    assert desk.lease(grant_id).state is GrantState.ENDED
    assert desk.holder() is None


def test_every_step_before_the_start_run_twice_begins_it_once(world: World) -> None:
    world.engine = running_everything_twice(world)
    desk = Desk(world)
    desk.tenant()
    desk.profile(approvals=1)
    grant_id, start = booked(desk)
    desk.say(PETRA, APPROVE, grant_id)
    desk.until(start + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    desk.world.engine.run()
    assert desk.lease(grant_id).state is GrantState.ENDED
    second, _ = booked(desk)
    desk.say(ANN, END, second)
    desk.settle()
    desk.assert_closed(second, "withdrawn")


def test_a_booking_whose_workflow_was_lost_is_closed_by_an_end_and_spares_todays_grant(
    desk: Desk,
) -> None:
    tomorrow, _ = booked(desk)
    today = desk.active()
    desk.world.engine.purge(tomorrow)
    assert desk.say(ANN, END, tomorrow).status == 202
    desk.world.engine.run_for(MINUTE)
    assert desk.lease(tomorrow).state is GrantState.CLOSED
    assert desk.lease(today).state is GrantState.ACTIVE
    assert desk.world.user().account_enabled
    assert desk.holder() == today

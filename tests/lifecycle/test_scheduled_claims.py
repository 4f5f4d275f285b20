"""A grant that begins later claims its account at its start, and never another's (rule 9)."""

from datetime import timedelta

import pytest

from curfew.ledger.accounts import AccountRecord
from curfew.model.grants import PROVISIONING_LIMIT, GrantState
from tests.lifecycle.asking import DAY, END, Desk, booked, starts
from tests.lifecycle.client import ANN, BEN
from tests.lifecycle.world import HOUR, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile()
    return desk


def test_a_grant_of_tomorrow_keeps_nobody_from_one_of_today(desk: Desk) -> None:
    tomorrow, start = booked(desk)
    assert not desk.lease(tomorrow).claimed
    assert desk.holder() is None
    today = desk.active()
    assert desk.holder() == today
    desk.until(start + MINUTE)
    assert desk.lease(today).state is GrantState.ENDED
    assert desk.lease(tomorrow).state is GrantState.ACTIVE
    assert desk.holder() == tomorrow


def test_closing_a_grant_of_tomorrow_leaves_todays_claim_alone(desk: Desk) -> None:
    tomorrow, _ = booked(desk)
    today = desk.active()
    assert desk.say(ANN, END, tomorrow).status == 202
    desk.settle()
    assert desk.lease(tomorrow).state is GrantState.CLOSED
    assert desk.holder() == today
    assert desk.request().status == 409
    assert desk.lease(today).state is GrantState.ACTIVE
    assert desk.world.user().account_enabled


def test_a_start_that_finds_the_account_busy_waits_and_begins_when_it_is_free(desk: Desk) -> None:
    grant_id, start = booked(desk, HOUR)
    desk.until(start - 50 * MINUTE)
    other = desk.active(duration="PT1H")
    desk.until(start + 5 * MINUTE)
    assert desk.lease(other).state is GrantState.ACTIVE
    assert desk.lease(grant_id).state is GrantState.SCHEDULED
    assert desk.holder() == other
    desk.until(start + PROVISIONING_LIMIT)
    assert desk.lease(other).state is GrantState.ENDED
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert desk.holder() == grant_id


def test_a_start_that_finds_the_account_busy_for_too_long_fails_and_harms_nobody(
    desk: Desk,
) -> None:
    grant_id, start = booked(desk, HOUR)
    desk.until(start - MINUTE)
    other = desk.active(duration="PT4H")
    writes = len(desk.world.graph_writes())
    desk.until(start + PROVISIONING_LIMIT + MINUTE)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.CLOSED, "failed")
    assert "Another grant has the account" in (lease.failure or "")
    assert desk.lease(other).state is GrantState.ACTIVE
    assert desk.holder() == other
    assert desk.world.user().account_enabled
    assert len(desk.world.graph_writes()) == writes


def test_an_end_while_the_start_waits_for_the_account_is_heard_at_once(desk: Desk) -> None:
    grant_id, start = booked(desk, HOUR)
    desk.until(start - MINUTE)
    other = desk.active(duration="PT4H")
    desk.until(start + 2 * MINUTE)
    desk.say(ANN, END, grant_id)
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.CLOSED
    assert desk.holder() == other


def test_two_grants_of_the_same_start_are_given_one_after_the_other_or_not_at_all(
    desk: Desk,
) -> None:
    start = desk.world.clock() + HOUR
    first, second = desk.ask(**starts(start)), desk.ask(**starts(start))
    desk.until(start + MINUTE)
    states = {desk.lease(first).state, desk.lease(second).state}
    assert states == {GrantState.ACTIVE, GrantState.SCHEDULED}
    desk.world.engine.run_for(DAY)
    over = {desk.lease(first).state, desk.lease(second).state}
    assert over == {GrantState.ENDED, GrantState.CLOSED}
    assert desk.holder() is None


def test_a_start_wakes_the_account_that_was_made_in_the_meantime(desk: Desk) -> None:
    grant_id, start = booked(desk)
    desk.active()
    made = desk.world.user().id
    desk.until(start + MINUTE)
    lease = desk.lease(grant_id)
    assert lease.state is GrantState.ACTIVE
    assert lease.plan.account_id == made


def test_an_account_that_became_anothers_in_the_meantime_is_not_taken(desk: Desk) -> None:
    grant_id, start = booked(desk)
    name = desk.lease(grant_id).plan.user_principal_name
    others = AccountRecord(user_principal_name=name, technician_id=BEN.id, mark="curfew-ben")
    desk.world.wait(desk.world.services.accounts.record(desk.customer.id, others))
    desk.until(start + MINUTE)
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()

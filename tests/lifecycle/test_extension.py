"""Extension: the expiry moves, within limits, while the grant is active.

docs/failures.md, rows 4 and 21.
"""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from curfew.model.approvals import ExtensionState
from curfew.model.grants import EndReason, GrantState
from tests.lifecycle.asking import (
    APPROVE,
    END,
    EXTEND,
    Desk,
)
from tests.lifecycle.client import ADA, ANN, BEN, PETRA
from tests.lifecycle.world import HOUR, SECURITY_READER, World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(max_duration="PT3H")
    return desk


def test_the_timer_fires_at_the_new_expiry_and_not_at_the_old(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    assert desk.extended(grant_id).state is ExtensionState.GRANTED
    assert desk.expiry_of(grant_id) == old + HOUR
    assert desk.lease(grant_id).deadline == old + HOUR
    desk.until(old + HOUR - MINUTE)
    assert desk.is_enabled()
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    desk.until(old + HOUR + MINUTE)
    assert not desk.is_enabled()
    assert desk.lease(grant_id).end_reason is EndReason.EXPIRED


def test_it_is_one_orchestration_and_one_lease(desk: Desk) -> None:
    grant_id = desk.active()
    desk.extended(grant_id)
    desk.world.engine.run()
    assert list(desk.world.engine.instances) == [grant_id]
    assert desk.world.engine.ran.count("open_account") == 1
    assert desk.world.engine.ran.count("close_grant") == 1


def test_several_in_a_row_up_to_the_profiles_maximum(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    for _ in range(3):
        desk.extended(grant_id, duration="PT30M")
    assert desk.expiry_of(grant_id) == old + 1.5 * HOUR
    refused = desk.say(ANN, EXTEND, grant_id, duration="PT1H")
    assert refused.status == 422
    assert refused["errors"] == [
        {"field": "duration", "detail": "With its extensions a grant lasts 3 h at most."}
    ]
    assert desk.extended(grant_id, duration="PT30M").state is ExtensionState.GRANTED
    desk.until(old + 2 * HOUR + MINUTE)
    assert not desk.is_enabled()


def test_the_hard_limit_caps_a_grant_with_all_its_extensions(desk: Desk) -> None:
    grant_id = desk.active()
    desk.tenant(hard_limit="PT90M")
    refused = desk.say(ANN, EXTEND, grant_id, duration="PT31M")
    assert refused.status == 422
    assert refused["errors"][0]["detail"] == "With its extensions a grant lasts 1 h 30 min at most."
    assert desk.extended(grant_id, duration="PT29M").state is ExtensionState.GRANTED


def test_two_wishes_at_once_do_not_exceed_the_limit_together(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT90M").status == 202
    assert desk.say(PETRA, EXTEND, grant_id, duration="PT90M").status == 202
    desk.settle()
    states = [wish.state for wish in desk.lease(grant_id).extensions]
    assert states == [ExtensionState.GRANTED, ExtensionState.REFUSED]
    assert desk.expiry_of(grant_id) == old + 1.5 * HOUR


def test_a_grant_is_not_extended_for_ever_by_the_minute(desk: Desk) -> None:
    grant_id = desk.active()
    for _ in range(20):
        desk.extended(grant_id, duration="PT1M")
    refused = desk.say(ANN, EXTEND, grant_id, duration="PT1M")
    assert refused.status == 422
    assert "20 times" in refused["errors"][0]["detail"]


@pytest.mark.parametrize("duration", ["PT59S", "PT0S", "-PT1H", "an hour", "P32D", 3600, None])
def test_what_is_no_duration_of_at_least_a_minute_is_refused(desk: Desk, duration: Any) -> None:
    grant_id = desk.active()
    refused = desk.say(ANN, EXTEND, grant_id, duration=duration)
    assert refused.status == (422 if duration == "PT59S" else 400)
    assert refused["errors"][0]["field"] == "duration"


def test_the_owner_and_approvers_extend_and_nobody_else(desk: Desk) -> None:
    grant_id = desk.active()
    assert desk.extended(grant_id, PETRA, "PT10M").by.id == PETRA.id
    assert desk.say(BEN, EXTEND, grant_id, duration="PT10M").status == 404
    assert desk.say(ADA, EXTEND, grant_id, duration="PT10M").status == 403


def test_only_an_active_grant_is_extended(desk: Desk) -> None:
    desk.profile(max_duration="PT3H", approvals=1)
    grant_id = desk.ask()
    assert desk.say(ANN, EXTEND, grant_id, duration="PT10M").status == 409
    desk.say(PETRA, APPROVE, grant_id)
    desk.world.engine.run(stop=lambda: desk.world.engine.ran[-1:] == ["open_account"])
    assert desk.say(ANN, EXTEND, grant_id, duration="PT10M").status == 409
    desk.world.engine.run_for(MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    desk.say(ANN, END, grant_id)
    desk.world.engine.run(stop=lambda: desk.lease(grant_id).state is GrantState.ENDING)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT10M").status == 409
    desk.world.engine.run_for(MINUTE)
    over = desk.say(ANN, EXTEND, grant_id, duration="PT10M")
    assert over.status == 409
    assert desk.lease(grant_id).state is GrantState.ENDED


def test_after_its_time_a_grant_is_not_extended_even_if_nobody_has_noticed(desk: Desk) -> None:
    grant_id = desk.active()
    desk.world.clock.moment = desk.expiry_of(grant_id)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT10M").status == 409


def test_an_extension_and_an_end_in_the_same_instant_end_it_in_both_orders(desk: Desk) -> None:
    for order in permutations((EXTEND, END)):
        grant_id = desk.active()
        assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
        assert desk.say(ANN, END, grant_id).status == 202
        desk.deliver(grant_id, order)
        desk.world.engine.run_for(MINUTE)
        lease = desk.lease(grant_id)
        assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.RETURNED)


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.tenant(hard_limit="PT1H"),
        lambda desk: desk.profile(max_duration="PT1H"),
        lambda desk: desk.profile(max_duration="PT3H", roles=(SECURITY_READER,)),
        lambda desk: desk.forget_profile(),
        lambda desk: desk.leave(),
    ],
    ids=["hard limit", "shorter", "fewer roles", "profile deleted", "tenant leaving"],
)
def test_settings_of_now_refuse_an_extension_and_never_an_end(desk: Desk, change: Any) -> None:
    early = desk.active()
    change(desk)
    assert desk.say(ANN, EXTEND, early, duration="PT1H").status == 422
    old = desk.expiry_of(early)
    desk.until(old + MINUTE)
    assert desk.lease(early).state is GrantState.ENDED


def test_settings_that_change_behind_the_api_refuse_it_in_the_ledger(desk: Desk) -> None:
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    desk.tenant(hard_limit="PT1H")
    desk.settle()
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.REFUSED
    assert wish.refusal == "With its extensions a grant lasts 1 h at most."
    desk.until(old + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ENDED

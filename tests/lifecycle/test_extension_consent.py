"""Extensions that need consent: from others than who asked or extends, in time, or not at all.

docs/failures.md, rows 8, 9, 10 and 21.
"""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from curfew.errors import Unavailable
from curfew.giving import extending
from curfew.model.approvals import ExtensionState
from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import Settling
from tests.lifecycle.asking import (
    APPROVE,
    CONSENT,
    DENY,
    EXTEND,
    Desk,
    running_everything_twice,
)
from tests.lifecycle.client import ANN, PAUL, PETRA, Persona
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, World

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


def test_an_extension_waits_for_consent_where_the_profile_wants_it(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    wish = desk.extended(grant_id)
    assert wish.state is ExtensionState.AWAITING_APPROVAL
    assert desk.expiry_of(grant_id) == old
    waiting = desk.say(ANN, EXTEND, grant_id, duration="PT10M")
    assert waiting.status == 409
    assert desk.say(PAUL, APPROVE, grant_id).status == 202
    desk.settle()
    assert desk.expiry_of(grant_id) == old + HOUR
    desk.until(old + HOUR - MINUTE)
    assert desk.is_enabled()
    desk.until(old + HOUR + MINUTE)
    assert not desk.is_enabled()


def test_neither_who_asked_nor_who_extends_consents(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id, PETRA)
    same_ann = Persona(ANN.id.upper(), "boss", "Another Name", ("Approver",))
    same_petra = Persona(PETRA.id, "p.a", "Somebody", ("Approver",))
    for person in (PETRA, same_petra, same_ann):
        assert desk.say(person, APPROVE, grant_id).status == 403
    desk.settle()
    assert desk.expiry_of(grant_id) == old
    # Who consented to the grant itself may consent to another's wish to extend it.
    assert desk.say(PAUL, APPROVE, grant_id).status == 202
    desk.settle()
    assert desk.expiry_of(grant_id) == old + HOUR


def test_two_must_consent_where_the_profile_wants_two(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    desk.profile(max_duration="PT3H", **CONSENT | {"approvals": 2})
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id)
    desk.say(PAUL, APPROVE, grant_id)
    desk.settle()
    assert desk.expiry_of(grant_id) == old
    assert desk.say(PAUL, APPROVE, grant_id).status == 409
    desk.say(PETRA, APPROVE, grant_id)
    desk.settle()
    assert desk.expiry_of(grant_id) == old + HOUR


@pytest.mark.parametrize("order", list(permutations((APPROVE, DENY))), ids="+".join)
def test_consent_and_denial_of_the_same_instant_deny_in_both_orders(
    asking: Desk, order: tuple[str, str]
) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id)
    assert desk.say(PAUL, APPROVE, grant_id).status == 202
    assert desk.say(PETRA, DENY, grant_id).status == 202
    desk.deliver(grant_id, order)
    desk.settle()
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.DENIED
    assert desk.say(PAUL, APPROVE, grant_id).status == 409
    desk.until(old + MINUTE)
    assert not desk.is_enabled()


def test_consent_and_the_expiry_in_the_same_instant_end_the_grant(asking: Desk) -> None:
    desk = asking
    for order in permutations((APPROVE, "deadline")):
        grant_id = desk.consented()
        old = desk.expiry_of(grant_id)
        desk.until(old - MINUTE)
        desk.extended(grant_id)
        assert desk.say(PAUL, APPROVE, grant_id).status == 202
        desk.world.clock.moment = old
        desk.world.engine.fire_due_timers()
        desk.deliver(grant_id, order)
        desk.world.engine.run_for(MINUTE)
        assert desk.lease(grant_id).end_reason is EndReason.EXPIRED
        assert not desk.is_enabled()


def test_a_question_that_lapses_moves_nothing_and_another_may_follow(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    wish = desk.extended(grant_id)
    assert wish.approval is not None
    desk.until(wish.approval.deadline)
    (lapsed,) = desk.lease(grant_id).extensions
    assert lapsed.state is ExtensionState.APPROVAL_EXPIRED
    assert desk.say(PAUL, APPROVE, grant_id).status == 409
    assert desk.extended(grant_id).state is ExtensionState.AWAITING_APPROVAL
    desk.say(PAUL, APPROVE, grant_id)
    desk.settle()
    assert desk.expiry_of(grant_id) == old + HOUR


def test_a_deadline_that_went_by_unwritten_stands_in_nobodys_way(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    wish = desk.extended(grant_id)
    assert wish.approval is not None
    desk.until(wish.approval.deadline - MINUTE)
    desk.world.ledger.trouble = Trouble(times=None)
    desk.until(wish.approval.deadline + 12 * MINUTE)
    desk.world.ledger.trouble = None
    assert desk.lease(grant_id).pending_extension is not None
    assert desk.say(ANN, EXTEND, grant_id, duration="PT30M").status == 202
    desk.world.engine.run_for(MINUTE)
    first, second = desk.lease(grant_id).extensions
    assert first.state is ExtensionState.APPROVAL_EXPIRED
    assert second.state is ExtensionState.AWAITING_APPROVAL


def test_the_expiry_comes_while_approvers_think_and_the_grant_ends_on_time(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.until(old - 5 * MINUTE)
    desk.extended(grant_id)
    desk.until(old + MINUTE)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.EXPIRED)
    assert not desk.is_enabled()
    assert desk.say(PAUL, APPROVE, grant_id).status == 409


def test_a_word_about_the_request_decides_nothing_about_its_extension(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    asked = desk.lease(grant_id).approval
    assert asked is not None
    desk.extended(grant_id)
    assert desk.say(PAUL, APPROVE, grant_id, approval=asked.id).status == 409


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.tenant(hard_limit="PT1H"),
        lambda desk: desk.profile(max_duration="PT1H", **CONSENT),
        lambda desk: desk.profile(max_duration="PT3H", **CONSENT | {"approvals": 2}),
        lambda desk: desk.profile(max_duration="PT3H", roles=(HELPDESK_ADMINISTRATOR,), **CONSENT),
        lambda desk: desk.forget_profile(),
        lambda desk: desk.leave(),
    ],
    ids=["hard limit", "shorter", "more consent", "fewer roles", "profile deleted", "leaving"],
)
@pytest.mark.parametrize("told_before", [False, True], ids=["at the API", "in the ledger"])
def test_consent_to_an_extension_is_held_against_the_settings_of_now(
    asking: Desk, change: Any, told_before: bool
) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id)
    if told_before:
        assert desk.say(PAUL, APPROVE, grant_id).status == 202
        change(desk)
        desk.settle()
        (wish,) = desk.lease(grant_id).extensions
        assert wish.state is ExtensionState.REFUSED
        assert wish.refusal
    else:
        change(desk)
        assert desk.say(PAUL, APPROVE, grant_id).status == 422
        desk.settle()
    assert desk.expiry_of(grant_id) == old


def test_nobody_settles_what_nobody_has_consented_to(asking: Desk) -> None:
    desk = asking
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    wish = desk.extended(grant_id)
    forged = Settling(plan=desk.lease(grant_id).plan, extension=wish.id, expires_at=old)
    answered = desk.world.wait(extending.settle_extension(desk.world.services, forged))
    assert answered.extension.state is ExtensionState.REFUSED
    assert desk.expiry_of(grant_id) == old


def test_every_step_of_an_extension_run_twice_extends_once(asking: Desk) -> None:
    asking.world.engine = running_everything_twice(asking.world)
    desk = Desk(asking.world)
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id)
    desk.say(PAUL, APPROVE, grant_id)
    desk.settle()
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.GRANTED
    assert desk.expiry_of(grant_id) == old + HOUR
    desk.extended(grant_id, duration="PT10M")
    desk.until(desk.world.clock() + 20 * MINUTE)
    assert desk.lease(grant_id).extensions[-1].state is ExtensionState.APPROVAL_EXPIRED
    desk.until(old + HOUR + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ENDED


def test_an_unreadable_setting_is_no_leave_to_extend(desk: Desk) -> None:
    grant_id = desk.active()
    desk.world.ledger.trouble = Trouble(times=None)
    said = desk.say(ANN, EXTEND, grant_id, duration="PT1H")
    desk.world.ledger.trouble = None
    assert said.status == 503
    assert Unavailable.code in said["type"]
    desk.settle()
    assert desk.lease(grant_id).extensions == ()

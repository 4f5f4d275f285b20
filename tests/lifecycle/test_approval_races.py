"""Approvers, the deadline and a withdrawal race: exactly one wins, and the safer one.

docs/failures.md, row 9.
"""

from itertools import permutations
from typing import Any

import pytest

from curfew.model.grants import GrantState
from tests.lifecycle.asking import APPROVE, DENY, END, Desk
from tests.lifecycle.client import ADA, ANN, PAUL, PETRA, Persona
from tests.lifecycle.world import HOUR, World

PIA = Persona("aaaaaaaa-0000-4000-8000-0000000000aa", "pia", "Pia Approver", ("Approver",))


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(approvals=1, approval_deadline="PT4H")
    return desk


_SAFEST_FIRST = {
    END: "withdrawn",
    "deadline": "approval-expired",
    DENY: "denied",
    APPROVE: "",
}


@pytest.mark.parametrize(
    "words",
    [
        (APPROVE, DENY),
        (APPROVE, END),
        (APPROVE, "deadline"),
        (DENY, END),
        (DENY, "deadline"),
        (END, "deadline"),
        (APPROVE, DENY, END, "deadline"),
    ],
    ids="+".join,
)
def test_of_words_of_the_same_instant_the_safest_wins_in_whatever_order(
    desk: Desk, words: tuple[str, ...]
) -> None:
    wins = next(reason for word, reason in _SAFEST_FIRST.items() if word in words)
    speakers = {APPROVE: PETRA, DENY: PAUL, END: ANN}
    grant_id = ""
    for order in permutations(words):
        grant_id = desk.ask()
        deadline = desk.lease(grant_id).deadline
        for word in words:
            if word != "deadline":
                assert desk.say(speakers[word], word, grant_id).status == 202
        if "deadline" in words:
            desk.world.clock.moment = deadline
            desk.world.engine.fire_due_timers()
        desk.deliver(grant_id, order)
        desk.settle()
        desk.assert_closed(grant_id, wins)
        desk.assert_nothing_was_given()
    for word in (APPROVE, DENY):
        assert desk.say(PIA, word, grant_id).status == 409


def test_a_denial_after_the_consent_was_heard_is_too_late(desk: Desk) -> None:
    grant_id = desk.ask()
    desk.say(PETRA, APPROVE, grant_id)
    desk.settle()
    denial = desk.say(PAUL, DENY, grant_id)
    assert denial.status == 409
    desk.world.engine.run_for(HOUR / 60)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


def test_of_two_consents_at_once_one_begins_the_grant_and_it_is_one_grant(desk: Desk) -> None:
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    assert desk.say(PAUL, APPROVE, grant_id).status == 202
    desk.world.engine.run_for(HOUR / 60)
    approval = desk.lease(grant_id).approval
    assert approval is not None
    assert len(approval.decisions) == 1
    assert desk.world.engine.ran.count("admit_grant") == 1
    assert len([u for u in desk.customer.users.values() if "msp-" in u.user_principal_name]) == 1


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", ["record_decision", "admit_grant"])
def test_a_withdrawal_while_consent_is_written_down_wins(desk: Desk, step: str, phase: str) -> None:
    grant_id = desk.ask()
    desk.say(PETRA, APPROVE, grant_id)

    def withdraw(now: str, name: str) -> None:
        if (now, name) == (phase, step):
            desk.world.engine.hook = lambda *_: None
            desk.world.engine.raise_event(grant_id, END, returned_by_ann())

    desk.world.engine.hook = withdraw
    desk.world.engine.run()
    lease = desk.lease(grant_id)
    assert lease.end_reason == "withdrawn"
    assert lease.state.over
    assert desk.holder() is None
    assert desk.world.graph_writes() == []
    assert "open_account" not in desk.world.engine.ran


def returned_by_ann() -> dict[str, Any]:
    return {"reason": "returned", "by": {"id": ANN.id, "name": ANN.name}}


def test_an_old_word_about_another_question_decides_nothing(desk: Desk) -> None:
    first = desk.ask()
    asked = desk.lease(first).approval
    assert asked is not None
    desk.say(ANN, END, first)
    desk.settle()
    second = desk.ask()
    stale = desk.say(PETRA, APPROVE, second, approval=asked.id)
    assert stale.status == 409
    assert "Something else waits" in stale["detail"]
    desk.settle()
    assert desk.lease(second).state is GrantState.AWAITING_APPROVAL
    now_asked = desk.lease(second).approval
    assert now_asked is not None
    assert desk.say(PETRA, APPROVE, second, approval=now_asked.id).status == 202


def test_others_may_end_a_request_too_and_it_says_so(desk: Desk) -> None:
    grant_id = desk.ask()
    assert desk.say(ADA, END, grant_id, reason="No longer needed").status == 202
    desk.settle()
    desk.assert_closed(grant_id, "revoked")
    desk.assert_nothing_was_given()
    assert desk.lease(grant_id).end_remark == "No longer needed"

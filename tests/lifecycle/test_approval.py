"""Consent before access: how much, from whom, until when; nothing exists before it is given.

docs/failures.md, row 10.
"""

import pytest

from curfew.model.approvals import DecisionOrder, Person
from curfew.model.grants import GrantState
from tests.lifecycle.asking import APPROVE, DENY, Desk
from tests.lifecycle.client import ADA, ANN, BEN, PAUL, PETRA, Persona
from tests.lifecycle.world import HOUR, World

PIA = Persona("aaaaaaaa-0000-4000-8000-0000000000aa", "pia", "Pia Approver", ("Approver",))


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(approvals=1, approval_deadline="PT4H")
    return desk


def test_without_approvals_nobody_is_asked(desk: Desk) -> None:
    desk.profile(approvals=0)
    grant_id = desk.active()
    assert desk.see(ANN, grant_id)["approval"] is None


def test_one_consent_is_enough_where_one_is_asked_for(desk: Desk) -> None:
    grant_id = desk.ask()
    assert desk.see(ANN, grant_id)["state"] == "awaiting-approval"
    desk.assert_nothing_was_given()
    assert desk.say(PETRA, APPROVE, grant_id, comment="Go ahead").status == 202
    desk.world.engine.run_for(HOUR / 60)
    seen = desk.see(PETRA, grant_id)
    assert seen["state"] == "active"
    (decision,) = seen["approval"]["decisions"]
    assert decision["by"] == {"id": PETRA.id, "name": PETRA.name}
    assert (decision["approves"], decision["comment"]) == (True, "Go ahead")


def test_the_access_duration_begins_with_the_access_not_with_the_request(desk: Desk) -> None:
    grant_id = desk.ask()
    desk.world.engine.run_for(3 * HOUR)
    desk.say(PETRA, APPROVE, grant_id)
    desk.world.engine.run_for(HOUR / 60)
    assert desk.expiry_of(grant_id) - desk.world.clock() > HOUR * 0.9


def test_two_approvers_must_consent_and_they_differ(desk: Desk) -> None:
    desk.profile(approvals=2)
    grant_id = desk.ask()
    desk.say(PETRA, APPROVE, grant_id)
    desk.settle()
    # The same person once more, and in the same instant in two sessions: it counts once.
    again = desk.say(PETRA, APPROVE, grant_id)
    assert again.status == 409
    assert "decided already" in again["detail"]
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()
    desk.say(PAUL, APPROVE, grant_id)
    desk.world.engine.run_for(HOUR / 60)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


def test_one_approver_in_two_sessions_at_once_counts_once(desk: Desk) -> None:
    desk.profile(approvals=2)
    grant_id = desk.ask()
    other_session = Persona(PETRA.id.upper(), "Petra.B", "P. Approver", ("Approver",))
    for petra in (PETRA, other_session, PETRA):
        assert desk.say(petra, APPROVE, grant_id).status == 202
    desk.settle()
    approval = desk.lease(grant_id).approval
    assert approval is not None
    assert len(approval.decisions) == 1
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()


def test_one_denial_is_enough_even_after_a_consent(desk: Desk) -> None:
    desk.profile(approvals=2)
    grant_id = desk.ask()
    desk.say(PETRA, APPROVE, grant_id)
    desk.settle()
    desk.say(PAUL, DENY, grant_id, comment="Not today")
    desk.settle()
    desk.assert_closed(grant_id, "denied")
    desk.assert_nothing_was_given()
    lease = desk.lease(grant_id)
    assert lease.ended_by is not None
    assert (lease.ended_by.id, lease.end_remark) == (PAUL.id, "Not today")


@pytest.mark.parametrize(
    "same_person",
    [
        Persona(ANN.id, "ann", "Ann Technician", ("Technician", "Approver")),
        Persona(ANN.id, "ANN.Boss", "Somebody Else", ("Approver",)),
        Persona(ANN.id.upper(), "ann", "Ann Technician", ("Approver",)),
    ],
    ids=["same session", "another name and e-mail", "another spelling of the id"],
)
@pytest.mark.parametrize("word", [APPROVE, DENY])
def test_nobody_decides_about_his_own_request(desk: Desk, same_person: Persona, word: str) -> None:
    grant_id = desk.ask()
    refused = desk.say(same_person, word, grant_id)
    assert refused.status == 403
    assert "own access" in refused["detail"]
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()


def test_nobody_decides_about_roles_for_himself(desk: Desk) -> None:
    desk.customer.add_user("paul", "Paul himself", user_id=PAUL.id)
    desk.profile(kind="role", credential="none", subjects=(PAUL.id,), approvals=1)
    grant_id = desk.ask(subject=PAUL.id)
    assert desk.say(PAUL, APPROVE, grant_id).status == 403
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    assert desk.world.graph_writes() == []


def test_the_workflow_believes_no_word_that_the_api_did_not_write_down(desk: Desk) -> None:
    grant_id = desk.ask()
    question = desk.lease(grant_id).approval
    assert question is not None
    forged = {
        "id": "01M7ZXWTY2AVW7VCNCX0BGGWMH",
        "about": question.id,
        "by": {"id": PETRA.id, "name": "Petra"},
        "approves": True,
    }
    desk.world.engine.raise_event(grant_id, APPROVE, forged)
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()


@pytest.mark.parametrize("person", [ANN, PAUL], ids=["who asked", "whom it is for"])
def test_the_ledger_counts_no_word_of_who_has_no_say(desk: Desk, person: Persona) -> None:
    desk.customer.add_user("paul", "Paul himself", user_id=PAUL.id)
    desk.profile(kind="role", credential="none", subjects=(PAUL.id,), approvals=1)
    grant_id = desk.ask(subject=PAUL.id)
    question = desk.lease(grant_id).approval
    assert question is not None
    word = DecisionOrder(
        id="01M7ZXWTY2AVW7VCNCX0BGGWMH",
        about=question.id,
        by=Person(id=person.id, name="Somebody else"),
        approves=True,
    )
    desk.world.wait(
        desk.world.services.leases.change(
            grant_id, lambda lease: lease.model_copy(update={"words": (word,)})
        )
    )
    desk.world.engine.raise_event(grant_id, APPROVE, word.to_json())
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    assert desk.world.graph_writes() == []


@pytest.mark.parametrize("persona", [ANN, BEN, ADA])
def test_only_approvers_decide(desk: Desk, persona: Persona) -> None:
    grant_id = desk.ask()
    assert desk.say(persona, APPROVE, grant_id).status == 403
    assert desk.say(persona, DENY, grant_id).status == 403


def test_the_deadline_is_a_durable_timer_and_closes_the_request(desk: Desk) -> None:
    grant_id = desk.ask()
    asked_at = desk.world.clock()
    desk.until(asked_at + 4 * HOUR - HOUR / 60)
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.until(asked_at + 4 * HOUR)
    desk.assert_closed(grant_id, "approval-expired")
    desk.assert_nothing_was_given()
    late = desk.say(PETRA, APPROVE, grant_id)
    assert late.status == 409


def test_a_consent_after_the_deadline_is_too_late_even_when_the_workflow_is_late_too(
    desk: Desk,
) -> None:
    grant_id = desk.ask()
    desk.world.clock.advance(4 * HOUR)
    late = desk.say(PETRA, APPROVE, grant_id)
    assert late.status == 409
    assert "Nothing waits" in late["detail"]
    desk.settle()
    desk.assert_closed(grant_id, "approval-expired")


def test_the_ledger_itself_refuses_a_word_that_it_sees_after_the_deadline(desk: Desk) -> None:
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202

    def late(phase: str, name: str) -> None:
        if (phase, name) == ("before", "record_decision"):
            desk.world.clock.advance(4 * HOUR)

    desk.world.engine.hook = late
    desk.settle()
    desk.settle()
    desk.assert_closed(grant_id, "approval-expired")
    desk.assert_nothing_was_given()

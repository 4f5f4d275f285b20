"""Consent when workers, answers, the ledger or the workflow itself are lost."""

import pytest

from curfew.model.approvals import DecisionOrder, Person
from curfew.model.grants import GrantState
from tests.lifecycle.asking import APPROVE, DAY, DENY, END, Desk
from tests.lifecycle.client import ANN, PAUL, PETRA, Persona
from tests.lifecycle.engine import ActivityLost, WorkerKilled
from tests.lifecycle.world import HOUR, World

PIA = Persona("aaaaaaaa-0000-4000-8000-0000000000aa", "pia", "Pia Approver", ("Approver",))


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(approvals=1, approval_deadline="PT4H")
    return desk


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", ["record_decision", "admit_grant"])
def test_a_worker_lost_on_the_way_to_consent_loses_nothing(
    desk: Desk, step: str, phase: str, loss: type[Exception]
) -> None:
    grant_id = desk.ask()
    desk.say(PETRA, APPROVE, grant_id)
    lost: list[bool] = []

    def lose(now: str, name: str) -> None:
        if (now, name) == (phase, step) and not lost:
            lost.append(True)
            raise loss

    desk.world.engine.hook = lose
    desk.world.engine.run_for(HOUR / 30)
    assert lost
    lease = desk.lease(grant_id)
    assert lease.state is GrantState.ACTIVE
    assert lease.approval is not None
    assert len(lease.approval.decisions) == 1
    desk.world.engine.run()
    assert desk.lease(grant_id).state is GrantState.ENDED


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_worker_lost_while_a_request_is_closed_closes_it_all_the_same(
    desk: Desk, phase: str, loss: type[Exception]
) -> None:
    grant_id = desk.ask()
    desk.say(PETRA, DENY, grant_id)
    lost: list[bool] = []

    def lose(now: str, name: str) -> None:
        if (now, name) == (phase, "close_unopened") and not lost:
            lost.append(True)
            raise loss

    desk.world.engine.hook = lose
    desk.world.engine.run()
    assert lost
    desk.assert_closed(grant_id, "denied")


def test_a_denial_that_the_ledger_does_not_take_denies_all_the_same(desk: Desk) -> None:
    desk.profile(approvals=1, approval_deadline="PT12H")
    grant_id = desk.ask()
    assert desk.say(PAUL, DENY, grant_id).status == 202
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    down: list[bool] = [True]

    def lose(phase: str, name: str) -> None:
        if down and name in {"record_decision", "close_unopened"} and phase == "before":
            raise ActivityLost

    desk.world.engine.hook = lose
    desk.world.engine.run_for(2 * HOUR)
    down.clear()
    desk.world.engine.run_for(2 * HOUR)
    desk.assert_closed(grant_id, "denied")
    desk.assert_nothing_was_given()


def test_a_request_whose_workflow_was_lost_is_closed_by_an_end(desk: Desk) -> None:
    grant_id = desk.ask()
    desk.world.engine.purge(grant_id)
    assert desk.say(PETRA, APPROVE, grant_id).status == 409
    assert desk.say(ANN, END, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "withdrawn")
    desk.assert_nothing_was_given()


def test_a_request_that_waits_keeps_its_account_from_a_second_one_and_frees_it(
    desk: Desk,
) -> None:
    grant_id = desk.ask()
    second = desk.request()
    assert second.status == 409
    assert second["blockedBy"] == f"/api/grants/{grant_id}"
    desk.world.engine.run_for(DAY)
    desk.assert_closed(grant_id, "approval-expired")
    desk.ask()


def test_a_lease_about_which_much_was_said_is_still_written_and_closed(desk: Desk) -> None:
    grant_id = desk.ask()
    question = desk.lease(grant_id).approval
    assert question is not None
    words = tuple(
        DecisionOrder(
            id=f"01M7ZXWTY2AVW7VCNCX0BG{number:04}",
            about=question.id,
            by=Person(id=PETRA.id, name=PETRA.name),
            approves=True,
            comment="\N{LATIN SMALL LETTER E WITH ACUTE}" * 1000,
        )
        for number in range(50)
    )
    leases, tables = desk.world.services.leases, desk.world.services.tables
    desk.world.wait(leases.change(grant_id, lambda now: now.model_copy(update={"words": words})))
    assert desk.lease(grant_id).words == words
    # Table Storage refuses a property of more than 64 KiB of UTF-16; Azurite does not.
    client = tables._client("leases")
    entity = desk.world.wait(client.get_entity(desk.customer.id, grant_id))
    parts = [value for name, value in entity.items() if name.startswith("document")]
    assert len(parts) > 10
    assert max(len(part) for part in parts) <= 32 * 1024
    assert desk.say(ANN, END, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "withdrawn")
    assert desk.lease(grant_id).words == words

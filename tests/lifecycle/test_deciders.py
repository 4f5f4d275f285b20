"""Who may decide: the approvers that the profile names, by object id or group."""

from dataclasses import replace

import pytest

from curfew.ledger.tenants import PROFILES
from curfew.model.approvals import ExtensionState
from curfew.model.grants import GrantState
from tests.lifecycle.asking import APPROVE, CONSENT, DENY, END, EXTEND, Desk
from tests.lifecycle.client import ADA, ANN, PAUL, PETRA, Persona
from tests.lifecycle.homes import Home, among
from tests.lifecycle.test_poisoned_rows import row
from tests.lifecycle.world import HOUR, World


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    return desk


@pytest.mark.parametrize("word", [APPROVE, DENY])
def test_an_approver_of_another_profile_sees_a_grant_and_does_not_decide_on_it(
    desk: Desk, word: str
) -> None:
    desk.profile(approvals=1, approvers=among(people=(PAUL,)))
    grant_id = desk.ask()
    refused = desk.say(PETRA, word, grant_id)
    assert refused.status == 403
    assert "approvers" in refused["detail"]
    assert desk.see(PETRA, grant_id).status == 200
    assert desk.lease(grant_id).words == ()
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()
    assert desk.say(PAUL, word, grant_id).status == 202


def test_approvers_are_meant_by_their_groups(desk: Desk, home: Home) -> None:
    outer = home.group()
    home.group(PAUL, within=outer)
    desk.profile(approvals=1, approvers=among(outer))
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 403
    assert desk.say(replace(PETRA, groups=(outer.id,)), APPROVE, grant_id).status == 202
    assert desk.say(PAUL, APPROVE, grant_id).status == 202


def test_nobody_decides_while_the_home_tenant_cannot_be_read(desk: Desk, home: Home) -> None:
    desk.profile(approvals=1, approvers=among(home.group(PETRA)))
    grant_id = desk.ask()
    with home.down():
        for word in (APPROVE, DENY):
            assert desk.say(PETRA, word, grant_id).status == 503
    assert desk.lease(grant_id).words == ()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202


@pytest.mark.parametrize("how", ["not among them", "gone"])
def test_row_21_consent_counts_only_while_who_gave_it_may_decide(
    desk: Desk, home: Home, how: str
) -> None:
    desk.profile(approvals=2, approvers=among(people=(PETRA, PAUL)))
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    if how == "gone":
        home.disable(PETRA)
    else:
        desk.profile(approvals=2, approvers=among(home.group(ADA), people=(PAUL,)))
    assert desk.say(PAUL, APPROVE, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()
    assert "consented" in str(desk.lease(grant_id).failure)


def test_row_21_consent_to_an_extension_counts_only_while_who_gave_it_may_decide(
    desk: Desk, home: Home
) -> None:
    desk.profile(max_duration="PT3H", approvers=among(people=(PETRA, PAUL)), **CONSENT)
    grant_id = desk.consented()
    desk.extended(grant_id)
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    home.disable(PETRA)
    desk.settle()
    assert desk.lease(grant_id).extensions[-1].state is ExtensionState.REFUSED


def test_being_an_approver_of_the_profile_is_no_consent_to_ones_own(desk: Desk) -> None:
    desk.profile(approvals=1, approvers=among(people=(ANN, PAUL)))
    grant_id = desk.ask()
    for same in (replace(ANN, roles=("Approver",)), replace(ANN, id=ANN.id.upper(), alias="boss")):
        approver = replace(same, roles=("Approver",))
        refused = desk.say(approver, APPROVE, grant_id)
        assert (refused.status, "own access" in refused["detail"]) == (403, True)


def test_of_a_removed_profile_every_approver_may_refuse_and_none_consent(desk: Desk) -> None:
    desk.profile(approvals=1, approvers=among(people=(PAUL,)))
    grant_id = desk.ask()
    desk.forget_profile()
    assert desk.say(PETRA, APPROVE, grant_id).status == 422
    assert desk.say(PETRA, DENY, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "denied")


def test_a_profile_that_cannot_be_read_names_no_approvers(desk: Desk) -> None:
    desk.profile(approvals=1)
    grant_id = desk.ask()
    with row(desk.world, PROFILES, "helpdesk", tenant=desk.customer.id):
        assert desk.say(PETRA, APPROVE, grant_id).status == 503
    assert desk.say(PETRA, APPROVE, grant_id).status == 202


def test_extensions_are_for_the_profiles_approvers_and_for_who_has_the_grant(desk: Desk) -> None:
    desk.profile(approvers=among(people=(PAUL,)))
    grant_id = desk.active()
    refused = desk.say(PETRA, EXTEND, grant_id, duration="PT1H")
    assert refused.status == 403
    assert desk.lease(grant_id).extensions == ()
    assert desk.extended(grant_id, ANN).state is ExtensionState.GRANTED
    assert desk.extended(grant_id, PAUL).state is ExtensionState.GRANTED


def test_consent_to_an_extension_is_the_profiles_approvers_as_well(desk: Desk) -> None:
    desk.profile(max_duration="PT3H", approvers=among(people=(PETRA, PAUL)), **CONSENT)
    grant_id = desk.consented()
    desk.extended(grant_id)
    desk.profile(max_duration="PT3H", approvers=among(people=(PAUL,)), **CONSENT)
    assert desk.say(PETRA, APPROVE, grant_id).status == 403
    assert desk.say(PAUL, APPROVE, grant_id).status == 202


def test_an_approver_extends_no_access_of_his_own(desk: Desk) -> None:
    user = desk.customer.add_user("paul", "Paul himself", user_id=PAUL.id)
    desk.profile(kind="role", credential="none", subjects=(user.id,))
    grant_id = desk.active(subject=user.id)
    former_technician = replace(ANN, roles=("Approver",))
    for person in (PAUL, former_technician):
        refused = desk.say(person, EXTEND, grant_id, duration="PT1H")
        assert (refused.status, "own access" in refused["detail"]) == (403, True)
    assert desk.say(PETRA, EXTEND, grant_id, duration="PT1H").status == 202


def test_an_approver_whose_wish_waits_is_told_so(desk: Desk) -> None:
    desk.profile(max_duration="PT3H", **CONSENT)
    grant_id = desk.consented()
    desk.extended(grant_id, PETRA)
    assert desk.say(PETRA, EXTEND, grant_id, duration="PT1H").status == 409


@pytest.mark.parametrize("person", [PETRA, ADA])
def test_rule_3_who_may_not_decide_ends_all_the_same(
    desk: Desk, home: Home, person: Persona
) -> None:
    desk.profile(approvers=among(home.group(), people=(PAUL,)))
    grant_id = desk.active()
    with home.down():
        assert desk.say(person, END, grant_id).status == 202
        desk.world.engine.run_for(HOUR)
    assert desk.lease(grant_id).state is GrantState.ENDED

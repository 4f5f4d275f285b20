"""Whether the requester may still ask when his grant is consented to, begun or extended.

docs/failures.md, row 21: an old request is not given under rules that have changed.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from curfew.model.approvals import ExtensionState
from curfew.model.grants import PROVISIONING_LIMIT, GrantState
from simulator.directory.objects import Group
from tests.lifecycle.asking import APPROVE, CONSENT, DAY, DENY, END, EXTEND, Desk, booked
from tests.lifecycle.client import ANN, BEN, PETRA, Persona
from tests.lifecycle.homes import Home, among
from tests.lifecycle.world import HOUR, World

MINUTE = HOUR / 60


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    return desk


@pytest.fixture
def group(home: Home) -> Group:
    return home.group(ANN)


def leaves_group(home: Home, group: Group) -> None:
    group.members.clear()


def group_is_deleted(home: Home, group: Group) -> None:
    del home.tenant.groups[group.id]


def is_disabled(home: Home, group: Group) -> None:
    home.disable(ANN)


def is_deleted(home: Home, group: Group) -> None:
    home.delete(ANN)


type Change = Callable[[Home, Group], None]
CHANGES = [leaves_group, group_is_deleted, is_disabled, is_deleted]
of_each_change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@of_each_change
def test_row_21_consent_to_a_request_of_somebody_who_may_not_ask_any_more_is_refused(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(approvals=1, requesters=among(group))
    # What his token says is of the time when he signed in.
    grant_id = desk.ask(replace(ANN, groups=(group.id,)))
    change(home, group)
    refused = desk.say(PETRA, APPROVE, grant_id)
    assert refused.status == 422
    assert refused["errors"]
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    assert desk.say(PETRA, DENY, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "denied")
    desk.assert_nothing_was_given()


@of_each_change
def test_row_21_nothing_is_given_after_consent_to_who_may_not_ask_any_more(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(approvals=1, requesters=among(group))
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    change(home, group)
    desk.settle()
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()
    assert desk.lease(grant_id).failure


@of_each_change
def test_row_21_nothing_is_given_at_the_start_to_who_may_not_ask_any_more(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(requesters=among(group))
    grant_id, start = booked(desk)
    change(home, group)
    desk.until(start + MINUTE)
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()


@pytest.mark.parametrize("change", [is_disabled, is_deleted], ids=lambda change: change.__name__)
def test_who_has_left_gets_nothing_of_a_profile_for_everybody(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile()
    grant_id, start = booked(desk)
    change(home, group)
    desk.until(start + MINUTE)
    desk.assert_closed(grant_id, "refused")
    assert "home tenant" in (desk.lease(grant_id).failure or "")
    desk.assert_nothing_was_given()


def test_who_has_come_to_be_named_in_person_needs_the_group_no_more(
    desk: Desk, home: Home, group: Group
) -> None:
    desk.profile(requesters=among(group))
    grant_id, start = booked(desk)
    group.members.clear()
    desk.profile(requesters=among(group, people=(ANN,)))
    desk.until(start + MINUTE)
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert len(home.checks()) == 1


def test_an_application_is_looked_at_again_as_a_person_is(desk: Desk, home: Home) -> None:
    principal = home.tenant.principal_of(desk.world.demo.halo.app_id)
    assert principal is not None
    halo = Persona(principal.id, "halo", "halo", ("Integration",), is_application=True)
    user = desk.customer.add_user("clara", "Clara Clerk")
    group = home.group(halo)
    desk.profile(
        kind="role",
        credential="none",
        subjects=(user.id,),
        approvals=1,
        requesters=among(group),
    )
    kept, lost = (desk.ask(halo, subject=user.id) for _ in range(2))
    assert desk.say(PETRA, APPROVE, kept).status == 202
    desk.world.engine.run_for(MINUTE)
    assert desk.lease(kept).state is GrantState.ACTIVE
    principal.enabled = False
    assert desk.say(PETRA, APPROVE, lost).status == 422
    principal.enabled = True
    group.members.clear()
    assert desk.say(PETRA, APPROVE, lost).status == 422


def test_a_home_tenant_that_cannot_be_read_at_the_start_is_waited_for(
    desk: Desk, home: Home, group: Group
) -> None:
    desk.profile(requesters=among(group))
    grant_id, start = booked(desk)
    with home.down():
        desk.until(start + PROVISIONING_LIMIT / 2)
        assert desk.lease(grant_id).state is GrantState.SCHEDULED
        desk.assert_nothing_was_given()
    desk.until(start + PROVISIONING_LIMIT)
    assert desk.lease(grant_id).state is GrantState.ACTIVE


@pytest.mark.parametrize("status", [503, 429, 403])
def test_a_home_tenant_that_stays_unreadable_gives_nothing(
    desk: Desk, home: Home, group: Group, status: int
) -> None:
    desk.profile(requesters=among(group))
    grant_id, start = booked(desk)
    with home.down(status=status):
        desk.until(start + 2 * PROVISIONING_LIMIT)
    desk.assert_closed(grant_id, "failed")
    desk.assert_nothing_was_given()


def test_consent_waits_for_a_home_tenant_that_can_be_read(
    desk: Desk, home: Home, group: Group
) -> None:
    desk.profile(approvals=1, requesters=among(group))
    grant_id = desk.ask()
    with home.down():
        assert desk.say(PETRA, APPROVE, grant_id).status == 503
    assert desk.lease(grant_id).words == ()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202


@of_each_change
def test_who_may_not_ask_any_more_extends_nothing(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(requesters=among(group))
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    change(home, group)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 422
    assert desk.say(PETRA, EXTEND, grant_id, duration="PT1H").status == 422
    desk.settle()
    assert desk.expiry_of(grant_id) == old


@of_each_change
def test_the_ledger_refuses_what_became_forbidden_on_the_way(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(requesters=among(group))
    grant_id = desk.active()
    old = desk.expiry_of(grant_id)
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    change(home, group)
    desk.settle()
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.REFUSED
    assert desk.expiry_of(grant_id) == old


@of_each_change
def test_an_extension_with_consent_is_looked_at_again(
    desk: Desk, home: Home, group: Group, change: Change
) -> None:
    desk.profile(max_duration="PT3H", requesters=among(group), **CONSENT)
    grant_id = desk.consented()
    old = desk.expiry_of(grant_id)
    desk.extended(grant_id)
    with home.kept():
        change(home, group)
        assert desk.say(PETRA, APPROVE, grant_id).status == 422
    group.members[:] = [ANN.id]
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    change(home, group)
    desk.settle()
    (wish,) = desk.lease(grant_id).extensions
    assert wish.state is ExtensionState.REFUSED
    assert desk.expiry_of(grant_id) == old


def test_an_extension_waits_for_the_home_tenant_and_the_expiry_does_not(
    desk: Desk, home: Home, group: Group
) -> None:
    desk.profile(requesters=among(group))
    grant_id = desk.active()
    assert desk.say(ANN, EXTEND, grant_id, duration="PT1H").status == 202
    with home.down():
        desk.until(desk.expiry_of(grant_id) + HOUR)
    assert desk.lease(grant_id).state is GrantState.ENDED


@of_each_change
@pytest.mark.parametrize("by_order", [True, False], ids=["ended", "expired"])
def test_rule_3_an_ending_asks_nobody_in_the_home_tenant(
    desk: Desk, home: Home, group: Group, change: Change, *, by_order: bool
) -> None:
    desk.profile(requesters=among(group))
    grant_id = desk.active()
    change(home, group)
    desk.world.cloud.calls.clear()
    with home.down():
        if by_order:
            assert desk.say(ANN, END, grant_id).status == 202
        desk.world.engine.run_for(DAY)
        assert home.calls() == []
    assert desk.lease(grant_id).state is GrantState.ENDED
    assert not desk.is_enabled()


def test_others_are_told_apart(desk: Desk, home: Home, group: Group) -> None:
    desk.profile(approvals=1, requesters=among(group, home.group(BEN)))
    of_ann, of_ben = desk.ask(ANN), desk.ask(BEN)
    group.members.clear()
    assert desk.say(PETRA, APPROVE, of_ann).status == 422
    assert desk.say(PETRA, APPROVE, of_ben).status == 202

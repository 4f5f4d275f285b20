"""What approvers see comes from the directory, and what they consent to is still on offer.

docs/failures.md, rows 18 and 21.
"""

from typing import Any

import pytest

from curfew.model.grants import GrantState
from tests.lifecycle.asking import APPROVE, DENY, Desk
from tests.lifecycle.client import PAUL, PETRA, Persona
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, SECURITY_READER, World

PIA = Persona("aaaaaaaa-0000-4000-8000-0000000000aa", "pia", "Pia Approver", ("Approver",))


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(approvals=1, approval_deadline="PT4H")
    return desk


def test_approvers_see_the_directorys_names_and_not_the_settings_labels(desk: Desk) -> None:
    group = desk.customer.add_group("Conditional Access: no MFA")
    desk.customer.name = "The real Contoso"
    desk.profile(approvals=1, groups=(group.id,))
    seen = desk.see(PETRA, desk.ask())
    assert seen["tenantName"] == "The real Contoso"
    assert {role["name"] for role in seen["roles"]} == {
        "Security Reader",
        "Helpdesk Administrator",
    }
    assert seen["groups"] == [{"id": group.id, "name": "Conditional Access: no MFA"}]


def test_approvers_see_for_whom_roles_are_by_the_directorys_name(desk: Desk) -> None:
    user = desk.customer.add_user("clara", "Clara Clerk")
    desk.profile(kind="role", credential="none", subjects=(user.id,), approvals=1)
    seen = desk.see(PETRA, desk.ask(subject=user.id))
    assert seen["subjectName"] == "Clara Clerk"
    assert seen["userPrincipalName"] == user.user_principal_name


@pytest.mark.parametrize(
    "label",
    ["tenantName", "roles", "groups", "subjectName", "displayName", "profileName", "approval"],
)
def test_a_request_carries_no_labels(desk: Desk, label: str) -> None:
    labelled: dict[str, Any] = {label: "Harmless"}
    refused = desk.request(**labelled)
    assert refused.status == 400
    assert label in {error["field"] for error in refused["errors"]}


def test_what_the_directory_does_not_know_is_put_before_nobody(desk: Desk) -> None:
    desk.profile(approvals=1, groups=("99999999-0000-4000-8000-000000000009",))
    refused = desk.request()
    assert refused.status == 422
    assert desk.world.engine.instances == {}


def test_a_directory_that_is_down_gets_a_503_and_leaves_no_lease(desk: Desk) -> None:
    fault = desk.world.cloud.faults.outage("graph")
    assert desk.request().status == 503
    desk.world.cloud.faults.remove(fault)
    assert desk.holder() is None
    assert desk.world.engine.instances == {}
    desk.ask()


def _lower_limit(desk: Desk) -> None:
    desk.tenant(hard_limit="PT30M")


def _shorten_profile(desk: Desk) -> None:
    desk.profile(approvals=1, default_duration="PT10M", max_duration="PT30M")


def _lengthen_shortest(desk: Desk) -> None:
    desk.profile(approvals=1, min_duration="PT2H", default_duration="PT2H")


def _shrink(desk: Desk) -> None:
    desk.profile(approvals=1, roles=(SECURITY_READER,))


def _turn_around(desk: Desk) -> None:
    desk.profile(approvals=1, kind="role", credential="none")


def _want_more(desk: Desk) -> None:
    desk.profile(approvals=2)


def _want_a_ticket(desk: Desk) -> None:
    desk.profile(approvals=1, require_ticket=True)


_CHANGES = [
    _lower_limit,
    _shorten_profile,
    _lengthen_shortest,
    _shrink,
    _turn_around,
    _want_more,
    _want_a_ticket,
    Desk.forget_profile,
    Desk.leave,
]


@pytest.mark.parametrize("change", _CHANGES, ids=lambda change: change.__name__)
def test_consent_is_refused_when_the_settings_of_now_forbid_it(desk: Desk, change: Any) -> None:
    grant_id = desk.ask()
    change(desk)
    refused = desk.say(PETRA, APPROVE, grant_id)
    assert refused.status == 422
    assert refused["errors"]
    desk.settle()
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL
    desk.assert_nothing_was_given()
    # A denial needs no settings.
    assert desk.say(PAUL, DENY, grant_id).status == 202
    desk.settle()
    desk.assert_closed(grant_id, "denied")


@pytest.mark.parametrize("change", _CHANGES, ids=lambda change: change.__name__)
def test_settings_that_change_between_consent_and_admission_refuse_the_grant(
    desk: Desk, change: Any
) -> None:
    grant_id = desk.ask()
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    change(desk)
    desk.settle()
    desk.assert_closed(grant_id, "refused")
    desk.assert_nothing_was_given()
    assert desk.lease(grant_id).failure


def test_what_became_more_generous_changes_nothing(desk: Desk) -> None:
    grant_id = desk.ask()
    desk.profile(approvals=0, max_duration="PT12H")
    assert desk.say(PETRA, APPROVE, grant_id).status == 202
    desk.world.engine.run_for(HOUR / 60)
    lease = desk.lease(grant_id)
    assert lease.state is GrantState.ACTIVE
    assert lease.plan.duration == HOUR
    assert {role.id for role in lease.plan.roles} == {SECURITY_READER, HELPDESK_ADMINISTRATOR}

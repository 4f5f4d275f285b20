"""What administrators may offer: a profile that nobody could ever be given is refused with why."""

from typing import Any

import pytest

from tests.lifecycle.asking import APPROVE, Desk
from tests.lifecycle.client import ADA, ANN, PAUL, PETRA, Answer
from tests.lifecycle.world import SECURITY_READER, World


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    return desk


def saved(desk: Desk, **settings: Any) -> Answer:
    address = f"/api/tenants/{desk.customer.id}/profiles/helpdesk"
    offer = {"displayName": "Helpdesk", "roles": [SECURITY_READER]} | settings
    return desk.api(ADA, "PUT", address, offer)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"maxDuration": "PT25H"}, "maxDuration"),
        ({"requesters": {}}, "requesters"),
        ({"approvals": 2, "approvers": {"people": [PETRA.id]}}, "approvers"),
        (
            {
                "approvals": 1,
                "approvers": {"people": [ANN.id]},
                "requesters": {"people": [ANN.id]},
            },
            "approvers",
        ),
        ({"kind": "role", "credential": "none"}, "subjects"),
    ],
)
def test_a_profile_that_nobody_could_be_given_is_refused(
    desk: Desk, settings: dict[str, Any], field: str
) -> None:
    answer = saved(desk, **settings)
    assert answer.status == 422
    assert [error["field"] for error in answer["errors"]] == [field]


def test_one_that_somebody_could_be_given_is_kept(desk: Desk) -> None:
    consent = {"approvals": 1, "approvers": {"people": [PETRA.id]}}
    assert saved(desk, **consent).status == 201


def test_roles_that_need_two_approvers_need_two_to_be_named(desk: Desk) -> None:
    desk.tenant(two_approver_roles=(SECURITY_READER,))
    answer = saved(desk, approvers={"people": [PETRA.id]})
    (error,) = answer["errors"]
    assert error == {
        "field": "approvers",
        "detail": "Consent of 2 is needed, and who asks has no say: too few are named.",
    }


def test_such_a_role_is_given_and_extended_by_consent_of_two(desk: Desk) -> None:
    desk.profile(approval_deadline="PT20M")
    desk.tenant(two_approver_roles=(SECURITY_READER,))
    grant_id = desk.ask()
    assert desk.see(ANN, grant_id)["approval"]["needed"] == 2
    desk.say(PETRA, APPROVE, grant_id)
    desk.settle()
    desk.assert_nothing_was_given()
    desk.say(PAUL, APPROVE, grant_id)
    desk.settle()
    assert desk.is_enabled()
    wish = desk.extended(grant_id)
    assert wish.approval is not None
    assert (wish.approval.needed, wish.state) == (2, "awaiting-approval")

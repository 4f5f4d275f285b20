"""A credential is shown so often and no more; then a new one must be asked for."""

from typing import Any

import pytest

from curfew.model.grants import GrantState
from tests.lifecycle.asking import END, Desk
from tests.lifecycle.client import ANN, Answer
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import HOUR, World

KINDS = ("password", "temporaryAccessPass", "both")


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    return desk


def reveal(desk: Desk, grant_id: str) -> Answer:
    return desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential")


def left(desk: Desk, grant_id: str) -> Any:
    return desk.see(ANN, grant_id)["revealsLeft"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("profile", "most"),
    [({"reveal": "once"}, 1), ({"max_reveals": 3}, 3), ({"reveal": "once", "max_reveals": 5}, 1)],
    ids=["once", "three times", "once whatever the number"],
)
def test_a_credential_is_shown_as_often_as_the_profile_says(
    desk: Desk, profile: dict[str, Any], most: int, kind: str
) -> None:
    desk.profile(credential=kind, **profile)
    grant_id = desk.active()
    assert left(desk, grant_id) == most
    for shown in range(1, most + 1):
        credential = reveal(desk, grant_id)
        assert credential.status == 200
        assert credential.headers["Cache-Control"] == "no-store"
        assert credential["revealsLeft"] == left(desk, grant_id) == most - shown
        assert bool(credential["password"]) is (kind != "temporaryAccessPass")
        assert bool(credential["temporaryAccessPass"]) is (kind != "password")
    refused = reveal(desk, grant_id)
    assert refused.status == 409
    assert refused["type"] == "urn:curfew:problem:used-up"
    assert refused["blockedBy"] == f"/api/grants/{grant_id}/credential/renew"
    assert "Ask for a new one." in refused["detail"]


def test_what_was_promised_when_it_was_asked_for_holds(desk: Desk) -> None:
    desk.profile(max_reveals=2)
    grant_id = desk.active()
    desk.profile(max_reveals=50)
    assert [reveal(desk, grant_id).status for _ in range(3)] == [200, 200, 409]


def test_a_grant_of_an_earlier_release_is_shown_ten_times(desk: Desk) -> None:
    desk.profile()
    grant_id = desk.active()
    stored = desk.lease(grant_id).to_json()
    del stored["plan"]["maxReveals"], stored["reveals"], stored["renewals"], stored["renewing"]
    read = type(desk.lease(grant_id)).read(stored)
    assert read.reveals_left == 10


def test_an_outage_of_the_vault_uses_up_nothing(desk: Desk) -> None:
    desk.profile(reveal="once")
    grant_id = desk.active()
    fault = desk.world.cloud.faults.outage("vault")
    assert reveal(desk, grant_id).status == 503
    desk.world.cloud.faults.remove(fault)
    assert reveal(desk, grant_id).status == 200


def test_nothing_is_told_that_was_not_counted(desk: Desk) -> None:
    desk.profile(reveal="once")
    grant_id = desk.active()
    desk.world.ledger.trouble = Trouble(times=None)
    assert reveal(desk, grant_id).status == 503
    desk.world.ledger.trouble = None
    assert reveal(desk, grant_id).status == 200


def test_an_extension_that_makes_another_pass_shows_it_as_often_again(desk: Desk) -> None:
    desk.profile(credential="temporaryAccessPass", reveal="once", max_duration="PT4H")
    grant_id = desk.active()
    first = reveal(desk, grant_id)["temporaryAccessPass"]
    desk.extended(grant_id, duration="PT2H")
    second = reveal(desk, grant_id)
    assert second.status == 200
    assert second["temporaryAccessPass"] != first
    assert reveal(desk, grant_id).status == 409


def test_an_extension_that_replaces_only_the_pass_shows_the_password_no_oftener(
    desk: Desk,
) -> None:
    desk.profile(reveal="once", max_duration="PT4H")
    grant_id = desk.active()
    assert reveal(desk, grant_id).status == 200
    desk.extended(grant_id, duration="PT2H")
    assert reveal(desk, grant_id).status == 409


def test_after_the_end_nothing_is_shown_however_much_is_left(desk: Desk) -> None:
    desk.profile()
    grant_id = desk.active()
    expires = desk.expiry_of(grant_id)
    desk.world.clock.moment = expires
    late = reveal(desk, grant_id)
    assert desk.lease(grant_id).state is GrantState.ACTIVE
    assert (late.status, late["type"]) == (409, "urn:curfew:problem:conflict")
    desk.say(ANN, END, grant_id)
    desk.world.engine.run_for(HOUR)
    assert reveal(desk, grant_id).status == 409

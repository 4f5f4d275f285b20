"""A new credential for an active grant: the one before is worth nothing, the grant goes on."""

from datetime import timedelta
from typing import Any

import pytest

from curfew.model.grants import EndReason, GrantState
from curfew.model.handovers import MOST_RENEWALS
from curfew.model.messages import RENEW_EVENT
from tests.lifecycle.asking import END, Desk
from tests.lifecycle.client import ADA, ANN, BEN, OTTO, PETRA, Answer
from tests.lifecycle.world import HOUR, World

MINUTE = timedelta(minutes=1)
KINDS = ("password", "temporaryAccessPass", "both")


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(max_duration="PT4H")
    return desk


def reveal(desk: Desk, grant_id: str) -> Answer:
    return desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential")


def renew(desk: Desk, grant_id: str) -> Answer:
    return desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential/renew")


def renewed(desk: Desk, grant_id: str) -> Answer:
    """A new credential, asked for, made and shown."""
    assert renew(desk, grant_id).status == 202
    desk.settle()
    return reveal(desk, grant_id)


def values(credential: Answer) -> set[str]:
    return {credential["password"], credential["temporaryAccessPass"]} - {None}


def enabled(desk: Desk, grant_id: str) -> set[str]:
    """What the vault still hands out of a grant."""
    stem = grant_id[-26:].lower()
    secrets = desk.world.cloud.vault.secrets.items()
    versions = [v for name, s in secrets if stem in name.lower() for v in s.versions.values()]
    return {version.value for version in versions if version.enabled}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_credential_replaces_the_one_before(desk: Desk, kind: str) -> None:
    desk.profile(credential=kind, reveal="once")
    grant_id = desk.active()
    expires = desk.expiry_of(grant_id)
    first = values(reveal(desk, grant_id))
    assert reveal(desk, grant_id).status == 409
    answer = renewed(desk, grant_id)
    assert answer.status == 200
    second = values(answer)
    assert not first & second
    assert [desk.world.sign_in(value) for value in second] == [200] * len(second)
    assert 200 not in [desk.world.sign_in(value) for value in first]
    assert enabled(desk, grant_id) == second
    assert desk.is_enabled()
    assert desk.expiry_of(grant_id) == expires
    assert reveal(desk, grant_id).status == 409, "the new one is shown once, too"
    desk.until(expires + 5 * MINUTE)
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, EndReason.EXPIRED)
    assert not desk.is_enabled()
    assert not enabled(desk, grant_id)
    assert 200 not in [desk.world.sign_in(value) for value in second]


def test_a_renewal_is_asked_for_and_told_of(desk: Desk) -> None:
    grant_id = desk.active()
    asked = renew(desk, grant_id)
    assert asked.status == 202
    assert asked.headers["Location"] == f"/api/grants/{grant_id}"
    assert asked["renewals"][0]["doneAt"] is None
    desk.settle()
    (wish,) = desk.see(ANN, grant_id)["renewals"]
    assert wish["by"] == {"id": ANN.id, "name": ANN.name}
    assert wish["doneAt"] is not None
    page = desk.api(OTTO, "GET", f"/api/audit?tenant={desk.customer.id}").body["value"]
    told = [event["action"] for event in page if event["action"].startswith("credential.")]
    assert told == ["credential.renewal-requested", "credential.renewed"]
    assert desk.world.sign_in(reveal(desk, grant_id)["password"]) == 200


def test_asking_twice_in_a_moment_is_one_wish(desk: Desk) -> None:
    grant_id = desk.active()
    assert [renew(desk, grant_id).status for _ in range(3)] == [202, 202, 202]
    desk.settle()
    assert len(desk.lease(grant_id).renewals) == 1
    assert desk.world.engine.ran.count("replace_credential") == 1


def test_a_grant_gets_so_many_new_credentials_and_no_more(desk: Desk) -> None:
    grant_id = desk.active()
    for _ in range(MOST_RENEWALS):
        assert renewed(desk, grant_id).status == 200
    refused = renew(desk, grant_id)
    assert (refused.status, refused["type"]) == (409, "urn:curfew:problem:used-up")
    desk.settle()
    assert desk.world.engine.ran.count("replace_credential") == MOST_RENEWALS


def test_nobody_but_the_requester_asks_for_a_new_one(desk: Desk) -> None:
    grant_id = desk.active()
    address = f"/api/grants/{grant_id}/credential/renew"
    people = {BEN: 404, PETRA: 403, ADA: 403, OTTO: 403, None: 401}
    for person, status in people.items():
        assert desk.api(person, "POST", address).status == status
    assert not desk.lease(grant_id).renewals


def test_there_is_no_new_one_before_the_beginning_and_after_the_end(desk: Desk) -> None:
    grant_id = desk.ask(startAt="2026-03-01T12:00:00Z")
    assert renew(desk, grant_id).status == 409
    desk.say(ANN, END, grant_id)
    desk.settle()
    grant_id = desk.active()
    desk.world.clock.moment = desk.expiry_of(grant_id)
    assert renew(desk, grant_id).status == 409
    desk.world.engine.run_for(HOUR)
    assert renew(desk, grant_id).status == 409
    assert "replace_credential" not in desk.world.engine.ran


@pytest.mark.parametrize(
    "said",
    [{"id": "01M7ZXWTY2AVW7VCNCX0BGGWMH"}, {"id": "nonsense"}, {}, {"plan": {}, "id": 4}],
    ids=["unknown wish", "no id", "nothing", "another message"],
)
def test_an_event_that_nobody_asked_for_changes_nothing(desk: Desk, said: dict[str, Any]) -> None:
    grant_id = desk.active()
    before, writes = desk.lease(grant_id), desk.world.graph_writes()
    desk.world.engine.raise_event(grant_id, RENEW_EVENT, said)
    desk.settle()
    assert desk.lease(grant_id) == before
    assert desk.world.graph_writes() == writes
    assert desk.world.sign_in(reveal(desk, grant_id)["password"]) == 200
    desk.until(desk.expiry_of(grant_id) + 5 * MINUTE)
    assert desk.lease(grant_id).end_reason is EndReason.EXPIRED


def test_a_word_that_is_repeated_by_the_hub_makes_no_second_one(desk: Desk) -> None:
    grant_id = desk.active()
    password = renewed(desk, grant_id)["password"]
    (wish,) = desk.lease(grant_id).renewals
    desk.world.engine.raise_event(grant_id, RENEW_EVENT, {"id": wish.id})
    desk.settle()
    assert reveal(desk, grant_id)["password"] == password
    assert desk.world.sign_in(password) == 200


def test_a_pass_that_the_tenant_allows_no_more_is_told_and_the_password_left_alone(
    desk: Desk,
) -> None:
    grant_id = desk.active()
    password = reveal(desk, grant_id)["password"]
    desk.customer.access_pass_policy.enabled = False
    assert renew(desk, grant_id).status == 202
    desk.settle()
    (wish,) = desk.lease(grant_id).renewals
    assert wish.failure == "Temporary Access Passes are switched off in this tenant."
    assert desk.world.sign_in(password) == 200
    desk.customer.access_pass_policy.enabled = True
    assert renewed(desk, grant_id).status == 200
    assert desk.world.sign_in(password) != 200


def test_a_pass_lives_no_longer_than_what_is_left(desk: Desk) -> None:
    grant_id = desk.active()
    desk.world.engine.run_for(40 * MINUTE)
    renewed(desk, grant_id)
    made = desk.world.user().access_pass
    assert made is not None
    assert made.end <= desk.expiry_of(grant_id) + MINUTE

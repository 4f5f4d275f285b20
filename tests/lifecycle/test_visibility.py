"""Who may ask: what a caller may not ask for does not exist for him."""

from dataclasses import replace
from typing import Any

import pytest

from curfew.ledger.tenants import PROFILES, TENANTS
from tests.lifecycle.asking import Desk
from tests.lifecycle.client import ADA, ANN, BEN, PETRA, Answer, Persona
from tests.lifecycle.homes import Home, among
from tests.lifecycle.nets import neighbour
from tests.lifecycle.test_poisoned_rows import row
from tests.lifecycle.watched import forget_tenants
from tests.lifecycle.world import World

UNKNOWN = "99999999-0000-4000-8000-000000000009"


@pytest.fixture
def desk(world: World) -> Desk:
    forget_tenants(world)
    desk = Desk(world)
    desk.tenant()
    return desk


def tenants(desk: Desk, caller: Persona) -> set[str]:
    """The ids of the tenants that somebody sees."""
    answer = desk.api(caller, "GET", "/api/tenants")
    assert answer.status == 200
    return {tenant["id"] for tenant in answer["value"]}


def profiles(desk: Desk, caller: Persona) -> set[str] | None:
    """The names of the profiles that somebody sees in the tenant; None when he sees no tenant."""
    answer = desk.api(caller, "GET", f"/api/tenants/{desk.customer.id}")
    if answer.status == 404:
        return None
    return {profile["name"] for profile in answer["profiles"]}


def profile(desk: Desk, caller: Persona, name: str = "helpdesk") -> Answer:
    return desk.api(caller, "GET", f"/api/tenants/{desk.customer.id}/profiles/{name}")


def assert_nothing_was_asked(desk: Desk) -> None:
    assert desk.holder() is None
    assert desk.world.engine.instances == {}
    desk.assert_nothing_was_given()


def test_what_one_may_not_ask_for_gets_the_answer_of_what_is_not_there(
    desk: Desk, home: Home
) -> None:
    desk.profile(requesters=among(home.group(ANN)))
    refused = desk.request(BEN)
    assert refused.status == 404
    assert refused.body == desk.request(BEN, profile="unknown").body
    assert refused.body == desk.request(BEN, tenant=UNKNOWN).body
    assert profile(desk, BEN).body == profile(desk, BEN, "unknown").body
    elsewhere = desk.api(BEN, "GET", f"/api/tenants/{UNKNOWN}")
    assert desk.api(BEN, "GET", f"/api/tenants/{desk.customer.id}").body == elsewhere.body
    assert_nothing_was_asked(desk)
    assert desk.request(ANN).status == 202


def test_each_sees_the_tenants_and_profiles_that_he_may_ask_for(desk: Desk, home: Home) -> None:
    other = Desk(neighbour(desk.world))
    other.tenant()
    desk.profile("helpdesk", requesters=among(home.group(ANN, BEN)))
    desk.profile("senior", requesters=among(home.group(ANN)))
    other.profile("helpdesk", requesters=among(people=(ANN,)))
    mine, theirs = desk.customer.id, other.customer.id
    assert (tenants(desk, ANN), tenants(desk, BEN)) == ({mine, theirs}, {mine})
    assert tenants(desk, ADA) == {mine, theirs}
    assert profiles(desk, ANN) == profiles(desk, ADA) == {"helpdesk", "senior"}
    assert profiles(desk, BEN) == {"helpdesk"}
    assert profiles(other, BEN) is None
    assert (profile(desk, ANN, "senior").status, profile(desk, BEN, "senior").status) == (200, 404)
    assert profile(desk, ADA, "senior").status == 200


def test_a_tenant_without_profiles_is_there_for_administrators_only(desk: Desk) -> None:
    assert tenants(desk, ANN) == set()
    assert profiles(desk, ANN) is None
    assert tenants(desk, ADA) == {desk.customer.id}
    assert profiles(desk, ADA) == set()


def test_a_profile_for_everybody_asks_the_home_tenant_nothing(desk: Desk, home: Home) -> None:
    desk.profile()
    assert tenants(desk, BEN) == {desk.customer.id}
    assert desk.request(BEN).status == 202
    assert home.calls() == []


def test_nobody_is_meant_by_an_empty_audience(desk: Desk) -> None:
    desk.profile(requesters={})
    assert desk.request(ANN).status == 404
    assert tenants(desk, ANN) == set()


def test_the_groups_of_a_whole_list_are_asked_for_in_one_call(desk: Desk, home: Home) -> None:
    other = Desk(neighbour(desk.world))
    other.tenant()
    for number in range(6):
        desk.profile(f"p{number}", requesters=among(home.group(), home.group(ANN)))
        other.profile(f"p{number}", requesters=among(home.group()))
    assert tenants(desk, ANN) == {desk.customer.id}
    assert len(home.calls()) == 1


def test_groups_that_a_token_lists_are_taken_from_it(desk: Desk, home: Home) -> None:
    group = home.group()
    desk.profile(requesters=among(group))
    listed = replace(ANN, groups=(group.id.upper(), UNKNOWN))
    assert tenants(desk, listed) == {desk.customer.id}
    assert tenants(desk, replace(ANN, groups=(UNKNOWN,))) == set()
    assert desk.request(listed).status == 202
    assert home.calls() == []


def test_groups_within_groups_count(desk: Desk, home: Home) -> None:
    outer = home.group()
    home.group(ANN, within=home.group(within=outer))
    desk.profile(requesters=among(outer))
    assert desk.request(BEN).status == 404
    assert desk.request(ANN).status == 202


def test_people_are_named_by_object_id_without_asking_for_groups(desk: Desk, home: Home) -> None:
    desk.profile(requesters=among(home.group(), people=(ANN,)))
    assert desk.request(replace(ANN, id=ANN.id.upper())).status == 202
    assert home.calls() == []
    assert desk.request(BEN).status == 404


@pytest.mark.parametrize("how", ["by name", "by group"])
def test_applications_are_meant_as_people_are(desk: Desk, home: Home, how: str) -> None:
    principal = home.tenant.principal_of(desk.world.demo.halo.app_id)
    assert principal is not None
    halo = Persona(principal.id, "halo", "halo", ("Integration",), is_application=True)
    desk.profile(requesters=among(people=(ANN,)))
    assert desk.request(halo).status == 404
    named = among(people=(halo,)) if how == "by name" else among(home.group(halo))
    desk.profile(requesters=named)
    assert tenants(desk, halo) == {desk.customer.id}
    assert desk.request(halo).status == 202


@pytest.mark.parametrize("trouble", ["outage", "no permission", "half an answer", "no answer"])
def test_a_home_tenant_that_cannot_be_read_lets_nobody_in_and_turns_nobody_away(
    desk: Desk, home: Home, trouble: str
) -> None:
    desk.profile(requesters=among(home.group(ANN)))
    faults: dict[str, dict[str, Any]] = {
        "outage": {"status": 503},
        "no permission": {"status": 403},
        "half an answer": {"effect": "truncate"},
        "no answer": {"effect": "drop"},
    }
    with home.down(**faults[trouble]):
        for person in (ANN, BEN):
            assert desk.request(person).status == 503
            assert desk.api(person, "GET", "/api/tenants").status == 503
            assert profile(desk, person).status == 503
        assert profile(desk, ADA).status == 200
        assert tenants(desk, ADA) == {desk.customer.id}
    assert_nothing_was_asked(desk)
    assert desk.request(ANN).status == 202


def test_rows_that_cannot_be_read_hide_nothing_else(desk: Desk, home: Home) -> None:
    world = desk.world
    desk.profile(requesters=among(home.group(ANN)))
    stranger = {"tenant": UNKNOWN, "key": "tenant"}
    beside = {"tenant": desk.customer.id, "key": "beside"}
    alone = {"tenant": UNKNOWN, "key": "alone"}
    with (
        row(world, TENANTS, **stranger),
        row(world, PROFILES, **beside),
        row(world, PROFILES, **alone),
    ):
        for person in (ANN, ADA):
            assert tenants(desk, person) == {desk.customer.id}
            assert profiles(desk, person) == {"helpdesk"}
        assert tenants(desk, BEN) == set()
        assert profiles(desk, BEN) is None


def test_a_profile_that_speaks_for_another_tenant_offers_nothing_there(desk: Desk) -> None:
    world, other = desk.world, Desk(neighbour(desk.world))
    other.tenant()
    other.profile()
    said = world.wait(world.services.tenants.profile(other.customer.id, "helpdesk")).to_json()
    other.forget_profile()
    where = {"tenant": desk.customer.id, "key": "helpdesk"}
    with row(world, PROFILES, document=said, **where):
        assert tenants(desk, ANN) == set()
        assert desk.request(ANN).status == 503


def test_approvers_ask_for_nothing(desk: Desk) -> None:
    desk.profile(requesters=among(people=(PETRA,)))
    assert desk.request(PETRA).status == 403

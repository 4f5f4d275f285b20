"""The rules that came with people and tenants: audience, hours, tickets, consent, live grants."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from curfew.ids import new_consent_id
from curfew.model.approvals import Extension, ExtensionState, Person
from curfew.model.grants import GrantState
from curfew.model.profiles import Profile
from curfew.model.tenants import GLOBAL_ADMINISTRATOR, Tenant, TenantSettings
from curfew.offers import never_allowed
from curfew.patterns import is_usable, matches
from curfew.policy import extension_approvals_needed
from tests.unit.offers import (
    ANN,
    CLERK,
    GROUP,
    HOUR,
    NOW,
    PETRA,
    ROLE,
    decide_again,
    decide_extension,
    decided,
    fields,
    lease,
    profile,
    question,
    request,
    role_profile,
    tenant,
)

HALO = {"system": "Halo", "number": "INC004711"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the audience -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "groups", "allowed"),
    [
        (None, set(), True),
        ({"people": [ANN]}, set(), True),
        ({"people": [PETRA]}, set(), False),
        ({"groups": [GROUP]}, {GROUP}, True),
        ({"groups": [GROUP]}, {CLERK}, False),
        ({"groups": [GROUP]}, set(), False),
        ({}, {GROUP}, False),
    ],
)
def test_only_who_is_in_the_audience_is_given_anything(
    audience: Any, groups: set[str], allowed: bool
) -> None:
    offer = profile(requesters=audience)
    decision = decided(offer=offer, groups=frozenset(groups))
    assert decision.allowed is allowed
    assert fields(decision) == ([] if allowed else ["profile"])
    waiting = lease(request(), profile(), tenant(), approval=None)
    again = decide_again(waiting, tenant(), offer, groups=frozenset(groups))
    assert (again == ()) is allowed


# --- working hours ------------------------------------------------------------------------------

VIENNA = {"from": "08:00:00", "to": "18:00:00", "timeZone": "Europe/Vienna"}


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-03-02T06:59:59", False),
        ("2026-03-02T07:00:00", True),
        ("2026-03-02T16:59:59", True),
        ("2026-03-02T17:00:00", False),
        ("2026-03-06T12:00:00", True),
        ("2026-03-07T12:00:00", False),
        ("2026-03-08T12:00:00", False),
        # Sunday in UTC, Monday in Vienna only by night; and the hour moves with summer time.
        ("2026-03-27T07:00:00", True),
        ("2026-03-30T05:59:59", False),
        ("2026-03-30T06:00:00", True),
        ("2026-03-30T15:59:59", True),
        ("2026-03-30T16:00:00", False),
        ("2026-10-26T06:59:59", False),
        ("2026-10-26T07:00:00", True),
    ],
)
def test_access_begins_in_working_hours_by_the_clock_on_the_wall(moment: str, open_: bool) -> None:
    offer = profile(working_hours=VIENNA)
    now = at(moment)
    decision = decided(offer=offer, now=now)
    assert fields(decision) == ([] if open_ else ["startAt"])
    # The same moment, asked for ahead, and looked at again when it has come.
    ahead = decided(request(start_at=now), offer=offer, now=now - timedelta(days=2))
    assert ahead.allowed is open_
    waiting = lease(request(), profile(), tenant(), approval=None)
    assert (decide_again(waiting, tenant(), offer, begins=now) == ()) is open_


def test_the_hour_that_comes_twice_and_the_one_that_never_comes_are_read_off_the_wall() -> None:
    nights = {
        "days": ["sunday"],
        "from": "02:00:00",
        "to": "03:00:00",
        "timeZone": "Europe/Vienna",
    }
    offer = profile(working_hours=nights)
    twice = [at("2026-10-25T00:30:00"), at("2026-10-25T01:30:00")]
    assert all(decided(offer=offer, now=moment).allowed for moment in twice)
    assert not decided(offer=offer, now=at("2026-10-25T02:00:00")).allowed
    around = [at("2026-03-29T00:59:59"), at("2026-03-29T01:00:00")]
    assert not any(decided(offer=offer, now=moment).allowed for moment in around)


def test_days_are_those_of_the_profiles_zone() -> None:
    monday = {"days": ["monday"], "from": "00:00:00", "to": "09:00:00", "timeZone": "Asia/Tokyo"}
    assert decided(offer=profile(working_hours=monday), now=at("2026-03-01T15:00:00")).allowed
    assert not decided(offer=profile(working_hours=monday), now=at("2026-03-02T15:00:00")).allowed


def test_the_refusal_says_when_it_would_begin() -> None:
    (reason,) = decided(offer=profile(working_hours=VIENNA), now=at("2026-03-01T12:00:00")).reasons
    assert reason.detail == (
        "Access begins on Monday, Tuesday, Wednesday, Thursday, Friday from 08:00 to 18:00 "
        "(Europe/Vienna) only."
    )


def test_hours_of_a_zone_that_is_not_known_any_more_refuse() -> None:
    offer = profile(working_hours=VIENNA)
    assert offer.working_hours is not None
    gone = offer.working_hours.model_copy(update={"time_zone": "Europe/Atlantis"})
    lost = offer.model_copy(update={"working_hours": gone})
    assert fields(decided(offer=lost, now=at("2026-03-02T12:00:00"))) == ["startAt"]


def test_a_start_at_the_end_of_the_calendar_is_refused_like_any_other() -> None:
    hours = {"days": ["friday"], "timeZone": "Pacific/Kiritimati"}
    asked = request(start_at="9999-12-31T23:59:59Z")
    decision = decided(asked, offer=profile(working_hours=hours))
    assert fields(decision) == ["startAt", "startAt"]
    assert decision.expires_at is None


def test_what_has_begun_is_extended_at_any_time() -> None:
    assert decide_extension(active(), HOUR, tenant(), profile(working_hours=VIENNA)) == ()


# --- tickets ------------------------------------------------------------------------------------

SYSTEMS = {"ticket_systems": {"Halo": "INC[0-9]{6}", "Jira": "OPS-[0-9]+|SEC-[0-9]+"}}


@pytest.mark.parametrize(
    ("system", "number", "wrong"),
    [
        ("Halo", "INC004711", []),
        ("Halo", "INC0047112", ["ticket.number"]),
        ("Halo", "see INC004711", ["ticket.number"]),
        ("Halo", "inc004711", ["ticket.number"]),
        ("Jira", "OPS-1", []),
        ("Jira", "SEC-1", []),
        ("Jira", "OPS-1 and more", ["ticket.number"]),
        ("Jira", "not SEC-1", ["ticket.number"]),
        ("halo", "INC004711", ["ticket.system"]),
        ("ServiceNow", "INC004711", ["ticket.system"]),
    ],
)
def test_a_ticket_is_one_of_its_system_from_beginning_to_end(
    system: str, number: str, wrong: list[str]
) -> None:
    asked = request(ticket={"system": system, "number": number})
    assert fields(decided(asked, tenant(**SYSTEMS))) == wrong
    waiting = lease(asked, profile(), tenant(), approval=None)
    assert [each.field for each in decide_again(waiting, tenant(**SYSTEMS), profile())] == wrong


def test_where_no_system_is_named_every_ticket_will_do_and_none_is_none() -> None:
    assert decided(request(ticket=HALO)).allowed
    assert decided(request(), tenant(**SYSTEMS)).allowed
    assert fields(decided(request(), tenant(**SYSTEMS), profile(require_ticket=True))) == ["ticket"]


@pytest.mark.parametrize(
    "pattern", ["(", "a)|(?:b", "(?x)a #", "(?=a)", r"(a)\1", "a{1000}{1000}{1000}", "[", "\\"]
)
def test_a_pattern_that_cannot_be_used_is_refused_when_it_is_set_and_lets_nobody_through(
    pattern: str,
) -> None:
    assert not is_usable(pattern)
    settings = {"display_name": "Contoso", "account_domain": "contoso.com"}
    with pytest.raises(ValidationError, match="no regular expression that can be used"):
        TenantSettings.model_validate({**settings, "ticket_systems": {"Halo": pattern}})
    stored = Tenant.read({"id": CLERK, **settings, "ticket_systems": {"Halo": pattern}})
    assert fields(decided(request(ticket=HALO), stored)) == ["ticket.number"]
    assert fields(decided(request(ticket={**HALO, "number": pattern}), stored)) == ["ticket.number"]


def test_no_pattern_keeps_the_engine_busy() -> None:
    assert not matches("(a|a|aa)+" * 10 + "b", "a" * 120)
    assert not matches("(?m)^a$", "a\nb")
    assert not matches("[0-9]+", "1\n")


def test_a_ticket_that_is_none_any_more_is_not_extended() -> None:
    given = active(request(ticket=HALO))
    changed = tenant(ticket_systems={"Jira": "OPS-[0-9]+"})
    assert [each.field for each in decide_extension(given, HOUR, changed, profile())] == [
        "ticket.system"
    ]


# --- consent ------------------------------------------------------------------------------------


def active(asked: Any = None, offer: Profile | None = None) -> Any:
    given = lease(asked or request(), offer or profile(), tenant(), approval=None)
    changes = {
        "state": GrantState.ACTIVE,
        "activated_at": NOW,
        "expires_at": NOW + HOUR,
    }
    return given.model_copy(update=changes)


@pytest.mark.parametrize(
    ("approvals", "roles", "needed"),
    [
        (0, [ROLE], None),
        (1, [ROLE], 1),
        (2, [ROLE], 2),
        (0, [GLOBAL_ADMINISTRATOR], 2),
        (1, [ROLE, GLOBAL_ADMINISTRATOR], 2),
        (2, [GLOBAL_ADMINISTRATOR], 2),
    ],
)
def test_some_roles_need_two_approvers_whatever_the_profile_says(
    approvals: int, roles: list[str], needed: int | None
) -> None:
    offer = profile(approvals=approvals, roles=roles, approval_deadline="PT20M")
    consent = decided(offer=offer).consent
    assert (consent.needed if consent else None) == needed
    if consent:
        assert consent.deadline == NOW + timedelta(minutes=20)
    for asked in range(3):
        approval = question(asked, *[PETRA, CLERK][:asked]) if asked else None
        waiting = lease(request(), offer, tenant(), approval=approval)
        assert (decide_again(waiting, tenant(), offer) == ()) is (asked >= (needed or 0))


def test_a_role_that_needs_two_by_now_needs_two_by_now() -> None:
    waiting = lease(request(), profile(approvals=1), tenant(), approval=question(1, PETRA))
    guarded = tenant(two_approver_roles=[ROLE])
    assert [each.field for each in decide_again(waiting, guarded, profile(approvals=1))] == [""]
    assert decide_again(waiting, tenant(two_approver_roles=[]), profile(approvals=1)) == ()


@pytest.mark.parametrize(
    ("offer", "to", "needed"),
    [
        (profile(), tenant(), 0),
        (profile(approvals=2), tenant(), 0),
        (profile(approvals=1, approve_extensions=True), tenant(), 1),
        (profile(), tenant(two_approver_roles=[ROLE]), 2),
        (profile(approvals=1), tenant(two_approver_roles=[ROLE]), 2),
        (profile(approvals=1, approve_extensions=True), tenant(two_approver_roles=[ROLE]), 2),
    ],
)
def test_an_extension_of_such_a_role_needs_the_same_consent(
    offer: Profile, to: Tenant, needed: int
) -> None:
    given = active()
    assert extension_approvals_needed(given, to, offer) == needed
    for asked in (1, 2):
        reasons = decide_extension(given, HOUR, to, offer, consent=question(asked))
        assert (reasons == ()) is (asked >= needed)


def test_an_extension_is_asked_for_as_often_as_ever() -> None:
    wish = Extension(
        id=new_consent_id(),
        duration=HOUR,
        by=Person(id=ANN, name="Ann"),
        requested_at=NOW,
        state=ExtensionState.GRANTED,
    )
    given = active().model_copy(update={"extensions": (wish,) * 20})
    assert decide_extension(given, HOUR, tenant(), profile())


# --- what the ledger says -----------------------------------------------------------------------


@pytest.mark.parametrize(("live", "allowed"), [(0, True), (2, True), (3, False), (4, False)])
def test_nobody_has_more_live_grants_than_the_limit(live: int, allowed: bool) -> None:
    decision = decided(live=live, most_live=3)
    assert decision.allowed is allowed
    if not allowed:
        (reason,) = decision.refusals
        assert reason.detail == "You have as many live grants as one may have, 3 in all tenants."


def test_a_second_grant_of_an_account_conflicts_with_the_first_unless_it_begins_later() -> None:
    decision = decided(holder="g-1", owner=ANN)
    assert (decision.allowed, decision.holder) == (False, "g-1")
    assert (decision.refusals, len(decision.conflicts)) == ((), 1)
    later = decided(request(start_at=NOW + HOUR), holder="g-1", owner=ANN)
    assert (later.allowed, later.holder) == (True, None)


def test_an_account_of_another_technician_is_not_his_and_its_grant_is_not_shown_to_him() -> None:
    decision = decided(holder="g-1", owner=PETRA)
    assert (decision.refusals, decision.holder) == ((), None)
    (conflict,) = decision.conflicts
    assert conflict.detail == "The account msp-ann@contoso.com belongs to another technician."


def test_every_reason_of_the_facts_comes_with_the_others() -> None:
    asked = request(duration="PT9H")
    decision = decided(asked, live=20, owner=PETRA, key_used=True, shown=False)
    assert [each.field for each in decision.reasons] == [
        "duration",
        "",
        "Idempotency-Key",
        "",
        "",
    ]


# --- what nobody could ever be given ------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "to", "wrong"),
    [
        (profile(), tenant(), []),
        (profile(max_duration="PT25H"), tenant(), ["maxDuration"]),
        (profile(requesters={}), tenant(), ["requesters"]),
        (profile(requesters={"groups": [GROUP]}), tenant(), []),
        (profile(approvals=1, approvers={}), tenant(), ["approvers"]),
        (profile(approvals=1, approvers={"people": [PETRA]}), tenant(), []),
        (profile(approvals=2, approvers={"people": [PETRA]}), tenant(), ["approvers"]),
        (profile(approvals=2, approvers={"people": [PETRA, PETRA]}), tenant(), ["approvers"]),
        (profile(approvals=2, approvers={"people": [PETRA, CLERK]}), tenant(), []),
        (profile(approvals=2, approvers={"groups": [GROUP]}), tenant(), []),
        (profile(approvers={}), tenant(), []),
        (profile(approvers={"people": [PETRA]}), tenant(two_approver_roles=[ROLE]), ["approvers"]),
        (
            profile(approvals=1, approvers={"people": [ANN]}, requesters={"people": [ANN]}),
            tenant(),
            ["approvers"],
        ),
        (
            profile(approvals=1, approvers={"people": [ANN]}, requesters={"people": [ANN, PETRA]}),
            tenant(),
            [],
        ),
        (role_profile(subjects=[]), tenant(), ["subjects"]),
        (role_profile(subjects=[]), tenant(is_home=True), []),
        (role_profile(), tenant(break_glass=[CLERK]), ["subjects"]),
    ],
)
def test_a_profile_that_nobody_could_ever_be_given_is_named_as_such(
    offer: Profile, to: Tenant, wrong: list[str]
) -> None:
    assert [each.field for each in never_allowed(offer, to)] == wrong

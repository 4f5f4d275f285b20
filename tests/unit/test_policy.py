"""The decision on a request: pure, and with every reason at once."""

from datetime import timedelta

import pytest

from curfew.ids import new_consent_id
from curfew.model.approvals import Extension, ExtensionState, Person
from curfew.model.grants import GrantState, Lease
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant
from tests.unit.offers import (
    ANN,
    CLERK,
    GROUP,
    HOUR,
    NOW,
    OTHER_ROLE,
    PETRA,
    caller,
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

# --- the request --------------------------------------------------------------------------------


def test_a_request_within_every_limit_is_allowed() -> None:
    decision = decided(request(duration="PT2H"))
    assert decision.allowed
    assert decision.duration == 2 * HOUR
    assert decision.user_principal_name == "msp-ann@contoso.com"
    assert decision.subject is None


def test_without_a_duration_the_profiles_default_counts() -> None:
    assert decided(offer=profile(default_duration="PT3H")).duration == 3 * HOUR


def test_the_default_never_exceeds_the_tenants_hard_limit() -> None:
    decision = decided(to=tenant(hard_limit="PT30M"), offer=profile(default_duration="PT3H"))
    assert decision.allowed
    assert decision.duration == HOUR / 2


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [("PT4M59S", False), ("PT5M", True), ("PT8H", True), ("PT8H1S", False), ("P31D", False)],
)
def test_the_limits_themselves_are_allowed(asked: str, allowed: bool) -> None:
    assert decided(request(duration=asked)).allowed is allowed


def test_the_hard_limit_wins_over_the_profile() -> None:
    decision = decided(request(duration="PT2H"), tenant(hard_limit="PT90M"))
    (refusal,) = decision.refusals
    assert refusal.field == "duration"
    assert refusal.detail == "The longest duration is 1 h 30 min."


def test_every_reason_comes_at_once_and_names_its_field() -> None:
    strict = profile(require_justification=True, require_ticket=True)
    asked = request(duration="PT9H", start_at=NOW, kind="role", subject=CLERK)
    leaving = tenant(leaving_since=NOW)
    decision = decided(asked, leaving, strict, by=caller("李@northwind.example"))
    assert not decision.allowed
    assert sorted(fields(decision)) == sorted(
        ["tenant", "duration", "kind", "subject", "startAt", "justification", "ticket", ""]
    )


def test_what_is_required_and_given_is_no_reason() -> None:
    strict = profile(require_justification=True, require_ticket=True)
    asked = request(justification="Mail is down", ticket={"system": "halo", "number": "4711"})
    assert decided(asked, offer=strict).allowed


@pytest.mark.parametrize(
    ("ahead", "allowed"),
    [
        (timedelta(0), False),
        (timedelta(seconds=-1), False),
        (timedelta(seconds=1), True),
        (timedelta(days=30), True),
        (timedelta(days=30, seconds=1), False),
    ],
    ids=str,
)
def test_the_start_lies_ahead_and_at_most_thirty_days(ahead: timedelta, allowed: bool) -> None:
    decision = decided(request(start_at=NOW + ahead))
    assert decision.allowed is allowed
    assert fields(decision) == ([] if allowed else ["startAt"])


def test_a_tenant_that_leaves_grants_nothing_more() -> None:
    assert fields(decided(to=tenant(leaving_since=NOW))) == ["tenant"]


# --- role grants --------------------------------------------------------------------------------


def test_roles_go_to_the_users_that_the_profile_names() -> None:
    decision = decided(request(subject=CLERK), offer=role_profile())
    assert decision.allowed
    assert (decision.subject, decision.user_principal_name) == (CLERK, "")
    assert fields(decided(request(subject=PETRA), offer=role_profile())) == ["subject"]


def test_in_the_home_tenant_everybody_may_ask_for_himself_and_in_no_other() -> None:
    home = tenant(is_home=True)
    assert decided(request(), home, role_profile()).subject == ANN
    assert decided(request(), home, role_profile()).allowed
    assert fields(decided(request(), offer=role_profile())) == ["subject"]
    assert fields(decided(request(subject=PETRA), home, role_profile())) == ["subject"]


def test_an_emergency_account_gets_nothing_even_when_the_profile_names_it() -> None:
    guarded = tenant(break_glass=[CLERK])
    assert fields(decided(request(subject=CLERK), guarded, role_profile())) == ["subject"]


def test_only_role_grants_have_a_subject_and_kinds_do_not_mix() -> None:
    assert fields(decided(request(subject=CLERK))) == ["subject"]
    assert fields(decided(request(kind="role"))) == ["kind"]
    assert fields(decided(request(kind="account", subject=CLERK), offer=role_profile())) == ["kind"]
    assert decided(request(kind="account")).allowed


def test_a_sign_in_name_of_which_no_account_name_can_be_made_is_no_matter_for_roles() -> None:
    odd = caller("李@northwind.example")
    assert not decided(by=odd).allowed
    assert decided(request(subject=CLERK), offer=role_profile(), by=odd).allowed


# --- again, at consent and at the start ---------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "offer", "field"),
    [
        (tenant(hard_limit="PT59M"), profile(), "duration"),
        (tenant(leaving_since=NOW), profile(), "tenant"),
        (tenant(), profile(default_duration="PT10M", max_duration="PT59M"), "duration"),
        (tenant(), profile(min_duration="PT61M", default_duration="PT2H"), "duration"),
        (tenant(), profile(roles=[OTHER_ROLE]), "roles"),
        (tenant(), profile(roles=[], groups=[GROUP]), "roles"),
        (tenant(), role_profile(), "kind"),
        (tenant(), profile(require_justification=True), "justification"),
        (tenant(), profile(require_ticket=True), "ticket"),
        (tenant(), profile(approvals=2), ""),
    ],
)
def test_what_the_settings_of_now_forbid_is_not_given(
    to: Tenant, offer: Profile, field: str
) -> None:
    asked = request(duration="PT1H")
    waiting = lease(asked, profile(), tenant(), approval=question(1, PETRA))
    assert [reason.field for reason in decide_again(waiting, to, offer)] == [field]


def test_a_user_who_is_offered_nothing_any_more_gets_nothing() -> None:
    waiting = lease(request(subject=CLERK), role_profile(), tenant(), approval=None)
    for to, offer in (
        (tenant(), role_profile(subjects=[PETRA])),
        (tenant(break_glass=[CLERK]), role_profile()),
    ):
        assert [reason.field for reason in decide_again(waiting, to, offer)] == ["subject"]


@pytest.mark.parametrize(
    ("asked_of", "needed_now", "enough"),
    [(0, 0, True), (0, 1, False), (1, 1, True), (1, 2, False), (2, 2, True), (2, 1, True)],
)
def test_consent_is_held_against_what_the_profile_needs_now(
    asked_of: int, needed_now: int, enough: bool
) -> None:
    approval = question(asked_of) if asked_of else None
    waiting = lease(request(), profile(), tenant(), approval=approval)
    assert (decide_again(waiting, tenant(), profile(approvals=needed_now)) == ()) is enough


# --- extensions ---------------------------------------------------------------------------------


def active(lasting: timedelta = HOUR, *, extensions: int = 0) -> Lease:
    wish = Extension(
        id=new_consent_id(),
        duration=HOUR,
        by=Person(id=ANN, name="Ann"),
        requested_at=NOW,
        state=ExtensionState.GRANTED,
    )
    given = lease(request(), profile(), tenant(), approval=None)
    return given.model_copy(
        update={
            "state": GrantState.ACTIVE,
            "activated_at": NOW,
            "expires_at": NOW + lasting,
            "extensions": (wish,) * extensions,
        }
    )


@pytest.mark.parametrize(
    ("lasting", "more", "allowed"),
    [
        (HOUR, 7 * HOUR, True),
        (HOUR, 7 * HOUR + timedelta(seconds=1), False),
        (7 * HOUR, HOUR, True),
        (8 * HOUR, timedelta(minutes=1), False),
        (HOUR, timedelta(minutes=1), True),
        (HOUR, timedelta(seconds=59), False),
    ],
)
def test_the_whole_life_of_a_grant_stays_within_the_profiles_maximum(
    lasting: timedelta, more: timedelta, allowed: bool
) -> None:
    reasons = decide_extension(active(lasting), more, tenant(), profile())
    assert (reasons == ()) is allowed


def test_the_hard_limit_holds_for_a_grant_with_its_extensions() -> None:
    hard = tenant(hard_limit="PT2H")
    assert decide_extension(active(), HOUR, hard, profile()) == ()
    (reason,) = decide_extension(active(), HOUR + timedelta(minutes=1), hard, profile())
    assert reason.detail == "With its extensions a grant lasts 2 h at most."


def test_a_grant_that_was_never_active_has_no_life_to_extend() -> None:
    waiting = lease(request(), profile(), tenant(), approval=None)
    assert decide_extension(waiting, timedelta(minutes=1), tenant(), profile())


def test_a_grant_is_extended_twenty_times_at_most() -> None:
    minute = timedelta(minutes=1)
    assert decide_extension(active(extensions=19), minute, tenant(), profile()) == ()
    assert decide_extension(active(extensions=20), minute, tenant(), profile())


@pytest.mark.parametrize(
    ("asked_of", "offer", "enough"),
    [
        (1, profile(approvals=1, approve_extensions=True), True),
        (1, profile(approvals=2, approve_extensions=True), False),
        (1, profile(approvals=2), True),
    ],
)
def test_consent_to_an_extension_is_held_against_what_the_profile_needs_now(
    asked_of: int, offer: Profile, enough: bool
) -> None:
    reasons = decide_extension(active(), HOUR, tenant(), offer, consent=question(asked_of))
    assert (reasons == ()) is enough


@pytest.mark.parametrize(
    ("to", "offer"),
    [
        (tenant(leaving_since=NOW), profile()),
        (tenant(), profile(roles=[OTHER_ROLE])),
        (tenant(), role_profile()),
    ],
    ids=["leaving", "fewer roles", "another kind"],
)
def test_what_is_not_offered_any_more_is_not_extended(to: Tenant, offer: Profile) -> None:
    assert decide_extension(active(), HOUR, to, offer)

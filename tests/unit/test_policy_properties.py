"""What holds for every request, offer and restriction."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curfew.ids import new_consent_id
from curfew.model.approvals import Decision as Word
from curfew.model.approvals import Person
from curfew.model.grants import GrantRequest, Lease
from curfew.model.profiles import Audience, GrantKind, Profile, WorkingHours
from curfew.model.tenants import Tenant
from curfew.policy import Decision
from tests.unit.offers import (
    ANN,
    CLERK,
    GROUP,
    NOW,
    OTHER_ROLE,
    PETRA,
    ROLE,
    decide_again,
    decided,
    fields,
    lease,
    profile,
    question,
    request,
    role_profile,
    tenant,
)

_minutes = st.integers(min_value=5, max_value=24 * 60)


# Of the profile in force: there are fifteen restrictions.
_PER_RESTRICTION = max(1, settings().max_examples // 2)
_AUDIENCES: tuple[dict[str, list[str]] | None, ...] = (
    None,
    {},
    {"people": [ANN]},
    {"people": [PETRA]},
    {"groups": [GROUP]},
)
_HOURS: tuple[dict[str, Any] | None, ...] = (
    None,
    {"days": ["sunday"], "timeZone": "Europe/Vienna"},
    {"days": ["monday"]},
    {"days": ["sunday"], "from": "23:00:00", "to": "23:30:00", "timeZone": "Asia/Tokyo"},
)
_SYSTEMS: tuple[dict[str, str], ...] = ({}, {"halo": "[0-9]+"}, {"halo": "[a-z]+"}, {"jira": "."})


@st.composite
def facts(draw: st.DrawFn) -> tuple[GrantRequest, Tenant, Profile]:
    """A request, a tenant and a profile of any kind, sensible or not."""
    is_role = draw(st.booleans())
    shortest, usual, longest = sorted(draw(st.tuples(_minutes, _minutes, _minutes)))
    offer: dict[str, Any] = {
        "min_duration": timedelta(minutes=shortest),
        "default_duration": timedelta(minutes=usual),
        "max_duration": timedelta(minutes=longest),
        "require_justification": draw(st.booleans()),
        "require_ticket": draw(st.booleans()),
        "roles": draw(st.sampled_from([[ROLE], [ROLE, OTHER_ROLE]])),
        "requesters": draw(st.sampled_from(_AUDIENCES)),
        "working_hours": draw(st.sampled_from(_HOURS)),
        "approvals": draw(st.integers(min_value=0, max_value=2)),
    }
    terms: dict[str, Any] = {
        "hard_limit": timedelta(minutes=draw(_minutes)),
        "is_home": draw(st.booleans()),
        "break_glass": draw(st.sampled_from([[], [ANN], [CLERK]])),
        "leaving_since": draw(st.sampled_from([None, NOW])),
        "ticket_systems": draw(st.sampled_from(_SYSTEMS)),
        "two_approver_roles": draw(st.sampled_from([[], [ROLE], [OTHER_ROLE]])),
    }
    asked: dict[str, Any] = {
        "duration": draw(st.none() | _minutes.map(lambda count: timedelta(minutes=count))),
        "justification": draw(st.none() | st.just("Mail is down")),
        "ticket": draw(st.none() | st.just({"system": "halo", "number": "4711"})),
    }
    if is_role:
        asked["subject"] = draw(st.sampled_from([None, ANN, CLERK]))
        offer["subjects"] = draw(st.sampled_from([[], [ANN], [CLERK], [ANN, CLERK]]))
        return request(**asked), tenant(**terms), role_profile(**offer)
    return request(**asked), tenant(**terms), profile(**offer)


def _with(model: Any, **changes: Any) -> Any:
    return model.model_copy(update=changes)


_RESTRICTIONS = {
    "hard limit": lambda t, p: (_with(t, hard_limit=t.hard_limit / 2), p),
    "leaving": lambda t, p: (_with(t, leaving_since=NOW), p),
    "break glass": lambda t, p: (_with(t, break_glass=(*t.break_glass, ANN, CLERK)), p),
    "not home": lambda t, p: (_with(t, is_home=False), p),
    "justification": lambda t, p: (t, _with(p, require_justification=True)),
    "ticket": lambda t, p: (t, _with(p, require_ticket=True)),
    "nobody": lambda t, p: (t, _with(p, subjects=())),
    "longer at least": lambda t, p: (
        t,
        _with(p, min_duration=p.default_duration),
    ),
    "shorter at most": lambda t, p: (t, _with(p, max_duration=p.default_duration)),
    "audience": lambda t, p: (t, _with(p, requesters=_fewer(p.requesters))),
    "hours": lambda t, p: (t, _with(p, working_hours=_shorter(p.working_hours))),
    "tickets": lambda t, p: (_with(t, ticket_systems=_narrower(t.ticket_systems)), p),
    "broken pattern": lambda t, p: (
        _with(t, ticket_systems=dict.fromkeys(t.ticket_systems or ["halo"], "(")),
        p,
    ),
    "consent": lambda t, p: (t, _with(p, approvals=2)),
    "two approvers": lambda t, p: (_with(t, two_approver_roles=(ROLE, OTHER_ROLE)), p),
}


def _fewer(audience: Audience | None) -> Audience:
    return Audience(people=(PETRA,)) if audience is None else Audience(people=audience.people[:1])


def _shorter(hours: WorkingHours | None) -> WorkingHours:
    if hours is None:
        return WorkingHours()
    return hours.model_copy(update={"end": time(hours.start.hour, 1)})


def _narrower(systems: dict[str, str]) -> dict[str, str]:
    """Patterns that are met by less, each by some of what met it before."""
    within = {"[0-9]+": "[0-9]{5}", "[a-z]+": "[a-z]{5}", ".": "x"}
    if not systems:
        return {"halo": "[0-9]+"}
    return {name: within[pattern] for name, pattern in systems.items()}


@pytest.mark.parametrize("name", _RESTRICTIONS)
@settings(max_examples=_PER_RESTRICTION)
@given(facts())
def test_a_restriction_never_turns_a_refusal_into_consent(
    name: str, known: tuple[GrantRequest, Tenant, Profile]
) -> None:
    asked, to, offer = known
    # Asked for outright: what is not said follows the settings, and they change here.
    exact = _with(asked, duration=asked.duration or offer.default_duration)
    stricter = _RESTRICTIONS[name](to, offer)
    for live in (0, 1):
        before = decided(exact, to, offer, live=live, most_live=2)
        # A lower limit of live grants is a restriction like any other.
        after = decided(exact, *stricter, live=live, most_live=1)
        assert before.allowed or not after.allowed
        assert _asked(after) >= _asked(before)


def _asked(decision: Decision) -> int:
    return decision.consent.needed if decision.consent else 0


@given(
    facts(),
    st.integers(min_value=0, max_value=3),
    st.sampled_from([None, ANN, PETRA]),
    st.sampled_from([None, "g-1"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, NOW, NOW + timedelta(days=1), NOW + timedelta(days=31)]),
)
def test_it_is_allowed_exactly_when_nothing_stands_against_it(
    known: tuple[GrantRequest, Tenant, Profile],
    live: int,
    owner: str | None,
    holder: str | None,
    key_used: bool,
    shown: bool,
    start: datetime | None,
) -> None:
    asked, to, offer = known
    ahead = _with(asked, start_at=start)
    read: dict[str, Any] = {"live": live, "most_live": 2, "owner": owner, "holder": holder}
    decision = decided(ahead, to, offer, **read, key_used=key_used, shown=shown)
    assert decision.allowed is (not decision.reasons)
    assert decision.reasons == decision.refusals + decision.conflicts
    # No fact that stands against it is outweighed by others.
    if live >= 2 or key_used or not shown or owner == PETRA:
        assert not decision.allowed
    assert decision.expires_at == decision.starts_at + decision.duration
    assert decision.starts_at == (start or NOW)


def _waiting(asked: GrantRequest, offer: Profile, to: Tenant) -> Lease:
    """A grant with the consent of two, which is always enough."""
    return lease(asked, offer, to, approval=question(2, PETRA, CLERK))


@given(facts())
def test_both_decisions_agree_about_the_same_facts(
    known: tuple[GrantRequest, Tenant, Profile],
) -> None:
    asked, to, offer = known
    first = decided(asked, to, offer)
    again = decide_again(_waiting(asked, offer, to), to, offer)
    assert {reason.field for reason in again} == set(fields(first))
    assert (again == ()) is first.allowed


@pytest.mark.parametrize("name", _RESTRICTIONS)
@settings(max_examples=_PER_RESTRICTION)
@given(facts())
def test_what_was_allowed_is_given_later_only_if_it_were_allowed_then(
    name: str, known: tuple[GrantRequest, Tenant, Profile]
) -> None:
    asked, to, offer = known
    exact = _with(asked, duration=asked.duration or offer.default_duration)
    waiting = _waiting(exact, offer, to)
    stricter = _RESTRICTIONS[name](to, offer)
    assert (decide_again(waiting, *stricter) == ()) is decided(exact, *stricter).allowed


@given(
    st.lists(st.tuples(st.sampled_from([ANN, PETRA, CLERK]), st.booleans()), max_size=6),
    st.integers(min_value=1, max_value=2),
)
def test_consent_is_of_different_people_and_without_a_single_denial(
    said: list[tuple[str, bool]], needed: int
) -> None:
    words = tuple(
        Word(id=new_consent_id(), by=Person(id=who, name=who), at=NOW, approves=approves)
        for who, approves in said
    )
    asked = question(needed).model_copy(update={"decisions": words})
    assert asked.denied is any(not approves for _, approves in said)
    assert asked.given is (
        not asked.denied and len({who for who, approves in said if approves}) >= needed
    )


def test_kinds_are_what_they_were() -> None:
    # They stand in stored plans (rule 11).
    assert [kind.value for kind in GrantKind] == ["account", "role"]

"""What holds for every request, offer and restriction."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curfew.ids import new_consent_id
from curfew.model.approvals import Decision as Word
from curfew.model.approvals import Person
from curfew.model.grants import GrantRequest
from curfew.model.profiles import GrantKind, Profile
from curfew.model.tenants import Tenant
from tests.unit.offers import (
    ANN,
    CLERK,
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
    }
    settings: dict[str, Any] = {
        "hard_limit": timedelta(minutes=draw(_minutes)),
        "is_home": draw(st.booleans()),
        "break_glass": draw(st.sampled_from([[], [ANN], [CLERK]])),
        "leaving_since": draw(st.sampled_from([None, NOW])),
    }
    asked: dict[str, Any] = {
        "duration": draw(st.none() | _minutes.map(lambda count: timedelta(minutes=count))),
        "justification": draw(st.none() | st.just("Mail is down")),
        "ticket": draw(st.none() | st.just({"system": "halo", "number": "4711"})),
    }
    if is_role:
        asked["subject"] = draw(st.sampled_from([None, ANN, CLERK]))
        offer["subjects"] = draw(st.sampled_from([[], [ANN], [CLERK], [ANN, CLERK]]))
        return request(**asked), tenant(**settings), role_profile(**offer)
    return request(**asked), tenant(**settings), profile(**offer)


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
}


@pytest.mark.parametrize("name", _RESTRICTIONS)
@given(facts())
def test_a_restriction_never_turns_a_refusal_into_consent(
    name: str, known: tuple[GrantRequest, Tenant, Profile]
) -> None:
    asked, to, offer = known
    # Asked for outright: what is not said follows the settings, and they change here.
    exact = _with(asked, duration=asked.duration or offer.default_duration)
    stricter = _RESTRICTIONS[name](to, offer)
    if not decided(exact, to, offer).allowed:
        assert not decided(exact, *stricter).allowed


@given(facts())
def test_both_decisions_agree_about_the_same_facts(
    known: tuple[GrantRequest, Tenant, Profile],
) -> None:
    asked, to, offer = known
    first = decided(asked, to, offer)
    again = decide_again(lease(asked, offer, to, approval=None), to, offer)
    assert {reason.field for reason in again} == set(fields(first))
    assert (again == ()) is first.allowed


@pytest.mark.parametrize("name", _RESTRICTIONS)
@given(facts())
def test_what_was_allowed_is_given_later_only_if_it_were_allowed_then(
    name: str, known: tuple[GrantRequest, Tenant, Profile]
) -> None:
    asked, to, offer = known
    exact = _with(asked, duration=asked.duration or offer.default_duration)
    waiting = lease(exact, offer, to, approval=None)
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

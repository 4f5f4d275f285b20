"""The decision on a request: pure, and with every reason at once."""

from datetime import timedelta
from typing import Any

import pytest

from curfew.callers import AppRole, Caller
from curfew.model.grants import GrantRequest
from curfew.model.tenants import Profile, Tenant
from curfew.policy import decide

TENANT = "c0000000-0000-4000-a000-000000000001"
ROLE = "5d6b6bb7-de71-4623-b4af-96380a352509"
HOUR = timedelta(hours=1)


def tenant(**settings: Any) -> Tenant:
    return Tenant.model_validate(
        {"id": TENANT, "display_name": "Contoso", "account_domain": "contoso.com", **settings}
    )


def profile(**settings: Any) -> Profile:
    named = {"tenant": TENANT, "name": "helpdesk", "display_name": "Helpdesk", "roles": [ROLE]}
    return Profile.model_validate({**named, **settings})


def request(**fields: Any) -> GrantRequest:
    return GrantRequest.model_validate({"tenant": TENANT, "profile": "helpdesk", **fields})


def caller(sign_in_name: str = "ann@northwind.example") -> Caller:
    roles = frozenset({AppRole.TECHNICIAN})
    return Caller(id="ann", name="Ann", sign_in_name=sign_in_name, roles=roles)


def test_a_request_within_every_limit_is_allowed() -> None:
    decision = decide(request(duration="PT2H"), caller(), tenant(), profile())
    assert decision.allowed
    assert decision.duration == 2 * HOUR
    assert decision.user_principal_name == "msp-ann@contoso.com"


def test_without_a_duration_the_profiles_default_counts() -> None:
    decision = decide(request(), caller(), tenant(), profile(default_duration="PT3H"))
    assert decision.duration == 3 * HOUR


def test_the_default_never_exceeds_the_tenants_hard_limit() -> None:
    decision = decide(
        request(), caller(), tenant(hard_limit="PT30M"), profile(default_duration="PT3H")
    )
    assert decision.allowed
    assert decision.duration == HOUR / 2


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [("PT4M59S", False), ("PT5M", True), ("PT8H", True), ("PT8H1S", False), ("P31D", False)],
)
def test_the_limits_themselves_are_allowed(asked: str, allowed: bool) -> None:
    assert decide(request(duration=asked), caller(), tenant(), profile()).allowed is allowed


def test_the_hard_limit_wins_over_the_profile() -> None:
    decision = decide(
        request(duration="PT2H"), caller(), tenant(hard_limit="PT90M"), profile(max_duration="PT8H")
    )
    (refusal,) = decision.refusals
    assert refusal.field == "duration"
    assert refusal.detail == "The longest duration is 1 h 30 min."


def test_every_reason_comes_at_once_and_names_its_field() -> None:
    strict = profile(require_justification=True, require_ticket=True)
    decision = decide(request(duration="PT9H"), caller("李@northwind.example"), tenant(), strict)
    fields = [refusal.field for refusal in decision.refusals]
    assert fields == ["duration", "justification", "ticket", ""]
    assert not decision.allowed


def test_what_is_required_and_given_is_no_reason() -> None:
    strict = profile(require_justification=True, require_ticket=True)
    asked = request(justification="Mail is down", ticket={"system": "halo", "number": "4711"})
    assert decide(asked, caller(), tenant(), strict).allowed

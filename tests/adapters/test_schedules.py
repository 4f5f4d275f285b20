"""Roles for a time through PIM, and the eligibilities that must not outlive a grant."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from curfew.entra.schedules import Eligibility, Schedules
from curfew.errors import (
    AlreadyExists,
    Changed,
    Missing,
    NotYet,
    Rejected,
    Throttled,
    TooSoon,
    Unavailable,
    Unlicensed,
)
from simulator.directory.objects import User
from tests.adapters.tenancy import HELPDESK, NOBODY, READER, Tenancy

REQUESTS = "roleAssignmentScheduleRequests"


@pytest.fixture
def user(at: Tenancy) -> User:
    return at.user()


def assign(at: Tenancy, user: User, until: datetime, **changes: Any) -> None:
    terms: dict[str, Any] = {"justification": "Broken printer", "ticket": None}
    schedules = at.directory.schedules
    at.wait(schedules.assign(user.id, READER, until, **terms | changes))


def active(at: Tenancy, user: User) -> dict[str, datetime | None]:
    return at.wait(at.directory.schedules.active(user.id))


def test_a_role_begins_now_and_ends_by_the_directory_s_own_clock(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1))
    assert active(at, user) == {READER: at.after(hours=1)}
    assert at.roles(user) == {READER}
    at.advance(hours=1)
    assert active(at, user) == {}
    assert at.roles(user) == set()


def test_the_tenant_s_administrators_see_reason_and_ticket(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1), ticket=("HaloPSA", "4711"))
    (request,) = at.tenant.role_requests.values()
    assert request["justification"] == "Broken printer"
    assert request["ticketInfo"] == {"ticketSystem": "HaloPSA", "ticketNumber": "4711"}


def test_the_directory_never_keeps_a_role_longer_than_told(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1, milliseconds=900))
    assert active(at, user) == {READER: at.after(hours=1)}


def test_a_repetition_changes_nothing(at: Tenancy, user: User) -> None:
    for _ in range(2):
        assign(at, user, at.after(hours=1, milliseconds=300))
    assert [request["action"] for request in at.tenant.role_requests.values()] == ["adminAssign"]


def test_a_lost_answer_is_no_harm(at: Tenancy, user: User) -> None:
    at.faults.fail_after_applied(path=REQUESTS)
    with pytest.raises(Unavailable):
        assign(at, user, at.after(hours=1))
    assign(at, user, at.after(hours=1))
    assert active(at, user) == {READER: at.after(hours=1)}


def test_a_schedule_that_is_there_is_moved(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1))
    assign(at, user, at.after(hours=3))
    assert active(at, user) == {READER: at.after(hours=3)}


def test_what_somebody_holds_for_good_is_not_given_an_end(at: Tenancy, user: User) -> None:
    at.tenant.assign_role(user.id, READER)
    with pytest.raises(AlreadyExists):
        assign(at, user, at.after(hours=1))
    at.advance(days=1)
    assert active(at, user) == {READER: None}


def test_a_schedule_that_does_not_show_yet_is_looked_at_later(at: Tenancy, user: User) -> None:
    at.tenant.knobs.schedule_seconds = 40
    assign(at, user, at.after(hours=1))
    with pytest.raises(NotYet):
        assign(at, user, at.after(hours=1))


def test_extending_moves_the_end(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1))
    schedules = at.directory.schedules
    later = at.after(hours=2)
    at.wait(schedules.extend(user.id, READER, later, justification="More", ticket=None))
    assert active(at, user) == {READER: later}
    with pytest.raises(Rejected):
        at.wait(schedules.extend(user.id, HELPDESK, later, justification="More", ticket=None))


def test_removing_waits_for_the_floor_of_five_minutes(at: Tenancy, user: User) -> None:
    assign(at, user, at.after(hours=1))
    with pytest.raises(TooSoon) as refused:
        at.wait(at.directory.schedules.remove(user.id, READER))
    assert refused.value.retryable
    assert refused.value.retry_after == 60
    assert at.roles(user) == {READER}
    at.advance(minutes=5)
    at.wait(at.directory.schedules.remove(user.id, READER))
    assert at.roles(user) == set()


def test_what_is_gone_is_removed(at: Tenancy, user: User) -> None:
    at.wait(at.directory.schedules.remove(user.id, READER))


def test_a_time_that_is_too_short_for_pim_is_no_matter_of_waiting(at: Tenancy, user: User) -> None:
    at.faults.fail_before(path=REQUESTS, status=400, code="ActiveDurationTooShort")
    with pytest.raises(Rejected):
        assign(at, user, at.after(minutes=3))


def test_the_tenant_s_policy_for_a_role_is_final(at: Tenancy, user: User) -> None:
    at.tenant.role_policy.ticket_required = True
    with pytest.raises(Rejected) as refused:
        assign(at, user, at.after(hours=1))
    assert refused.value.service_code == "RoleAssignmentRequestPolicyValidationFailed"


def test_a_principal_that_has_not_arrived_is_missing(at: Tenancy) -> None:
    newcomer = at.newcomer(seconds=60)
    with pytest.raises(Missing):
        assign(at, newcomer, at.after(hours=1))
    at.advance(minutes=1)
    assign(at, newcomer, at.after(hours=1))


def test_a_request_that_still_runs_is_waited_for(at: Tenancy, user: User) -> None:
    at.faults.fail_before(path=REQUESTS, status=400, code="PendingRoleAssignmentRequest")
    with pytest.raises(Changed):
        assign(at, user, at.after(hours=1))


def test_a_429_says_when(at: Tenancy, user: User) -> None:
    at.faults.throttle(path=REQUESTS, retry_after=17)
    with pytest.raises(Throttled) as refused:
        assign(at, user, at.after(hours=1))
    assert refused.value.retry_after == 17


type Asking = Callable[[Schedules, str, datetime], Awaitable[object]]


@pytest.mark.parametrize(
    "ask",
    [
        lambda s, user, end: s.assign(user, READER, end, justification="x", ticket=None),
        lambda s, user, end: s.extend(user, READER, end, justification="x", ticket=None),
        lambda s, user, end: s.remove(user, READER),
        lambda s, user, end: s.active(user),
        lambda s, user, end: s.eligible(user),
        lambda s, user, end: s.planned(user),
        lambda s, user, end: s.remove_eligibility(user, Eligibility(READER, "/")),
    ],
    ids=["assign", "extend", "remove", "active", "eligible", "planned", "remove_eligibility"],
)
def test_without_the_licence_every_call_says_so(at: Tenancy, ask: Asking) -> None:
    poor = Tenancy.new(at.shared, at.clock)
    with pytest.raises(Unlicensed) as refused:
        poor.wait(ask(poor.directory.schedules, poor.user().id, poor.after(hours=1)))
    assert not refused.value.retryable


def test_half_a_list_is_no_list(at: Tenancy, user: User) -> None:
    at.faults.fail_before(path="Schedule(Instances|s)$", status=503, times=3)
    with pytest.raises(Unavailable):
        active(at, user)
    with pytest.raises(Unavailable):
        at.wait(at.directory.schedules.eligible(user.id))
    with pytest.raises(Unavailable):
        at.wait(at.directory.schedules.planned(user.id))


def test_only_a_principal_s_own_roles_are_its(at: Tenancy, user: User) -> None:
    other = at.user("clerk2")
    at.tenant.assign_role(other.id, HELPDESK)
    at.tenant.make_eligible(other.id, HELPDESK)
    assert active(at, user) == {}
    assert at.wait(at.directory.schedules.eligible(user.id)) == []
    assert active(at, at.tenant.user(other.id)) == {HELPDESK: None}


def test_what_comes_through_a_group_is_the_group_s(at: Tenancy, user: User) -> None:
    group = at.tenant.add_group("Tier 1", members=(user.id,), role_assignable=True)
    at.tenant.assign_role(group.id, READER)
    at.tenant.make_eligible(group.id, HELPDESK)
    assert active(at, user) == {}
    assert at.wait(at.directory.schedules.eligible(user.id)) == []


def test_an_eligibility_for_ever_is_found_and_taken_away(at: Tenancy, user: User) -> None:
    at.tenant.make_eligible(user.id, "Global Administrator")
    at.tenant.make_eligible(user.id, READER, end=at.after(days=30))
    schedules = at.directory.schedules
    found = at.wait(schedules.eligible(user.id))
    assert READER in {eligibility.role_id for eligibility in found}
    assert {eligibility.scope for eligibility in found} == {"/"}
    assert len(found) == 2
    for eligibility in [*found, *found]:
        at.wait(schedules.remove_eligibility(user.id, eligibility))
    assert at.wait(schedules.eligible(user.id)) == []
    assert not at.tenant.role_eligibilities


def test_what_begins_some_day_is_found_and_taken_away(at: Tenancy, user: User) -> None:
    schedules = at.directory.schedules
    at.tenant.make_eligible(user.id, HELPDESK, start=at.after(days=7))
    assign(at, user, at.after(days=30))
    (schedule,) = at.tenant.role_schedules.values()
    schedule.start = at.after(days=7)
    assert active(at, user) == {}
    assert at.wait(schedules.planned(user.id)) == [Eligibility(READER, "/")]
    assert at.wait(schedules.eligible(user.id)) == [Eligibility(HELPDESK, "/")]
    at.wait(schedules.remove(user.id, READER))
    at.wait(schedules.remove_eligibility(user.id, Eligibility(HELPDESK, "/")))
    assert at.wait(schedules.planned(user.id)) == at.wait(schedules.eligible(user.id)) == []
    assert not at.tenant.role_schedules
    assert not at.tenant.role_eligibilities


def test_plain_assignments_are_among_the_planned(at: Tenancy, user: User) -> None:
    at.tenant.assign_role(user.id, READER)
    (planned,) = at.wait(at.directory.schedules.planned(user.id))
    assert planned == Eligibility(READER, "/")
    assert not planned.timed
    assert not planned.later


@pytest.mark.parametrize("later", [False, True])
def test_what_was_asked_for_at_once_is_told_from_what_begins_later(
    at: Tenancy, user: User, later: bool
) -> None:
    at.tenant.knobs.schedule_seconds = 600
    assign(at, user, at.after(days=30))
    if later:
        (schedule,) = at.tenant.role_schedules.values()
        schedule.start = at.after(hours=1)
    assert active(at, user) == {}
    (planned,) = at.wait(at.directory.schedules.planned(user.id))
    assert planned.timed
    assert planned.later is later


def test_nobody_has_no_roles(at: Tenancy) -> None:
    assert at.wait(at.directory.schedules.active(NOBODY)) == {}

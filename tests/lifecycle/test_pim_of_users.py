"""PIM under role grants: what Microsoft keeps for an existing user."""

import pytest

from curfew.errors import Rejected
from curfew.model.grants import EndReason, GrantState
from curfew.model.profiles import Role, RoleMode
from simulator.directory.objects import User
from simulator.faults import Fault
from tests.lifecycle.lent import BOTH, MINUTE, READER, SECOND, active, assert_closed, roles_of
from tests.lifecycle.pim import (
    GLOBAL_READER,
    plainly_assigned,
    schedule,
    schedules,
)
from tests.lifecycle.world import HOUR, SECURITY_READER, World


@pytest.fixture
def licensed(world: World) -> World:
    world.customer.licences = {"P2"}
    return world


@pytest.fixture
def subject(world: World) -> User:
    return world.customer.add_user("bert", "Bert Berger")


def test_a_users_roles_end_with_the_grant_in_pim_as_well(licensed: World, subject: User) -> None:
    grant = active(licensed, subject, role_mode=RoleMode.PIM)
    expires_at = grant.lease.expires_at
    assert schedules(licensed, subject) == dict.fromkeys(BOTH, expires_at)
    licensed.engine.run()
    assert_closed(grant)
    assert roles_of(licensed, subject) == set()


def test_a_users_eligibilities_are_his_own(licensed: World, subject: User) -> None:
    own = licensed.customer.make_eligible(subject.id, "Global Administrator")
    other = schedule(licensed, subject, until=licensed.clock() + 24 * HOUR)
    grant = active(licensed, subject, role_mode=RoleMode.PIM)
    licensed.engine.run()
    assert_closed(grant)
    assert own.id in licensed.customer.role_eligibilities
    assert other.id in licensed.customer.role_schedules


@pytest.mark.parametrize("second_mode", [RoleMode.PIM, RoleMode.DIRECT])
def test_row_7_a_role_of_two_grants_ends_in_pim_when_the_longer_one_does(
    licensed: World, subject: User, second_mode: RoleMode
) -> None:
    first = active(licensed, subject, role_mode=RoleMode.PIM, roles=READER)
    second = active(licensed, subject, role_mode=second_mode, roles=READER, duration=2 * HOUR)
    assert schedules(licensed, subject) == {SECURITY_READER: second.lease.expires_at}
    third = active(licensed, subject, role_mode=RoleMode.PIM, roles=READER, duration=20 * MINUTE)
    assert schedules(licensed, subject) == {SECURITY_READER: second.lease.expires_at}
    licensed.engine.run(until=licensed.clock() + HOUR + MINUTE)
    assert_closed(first)
    assert_closed(third)
    assert roles_of(licensed, subject) == {SECURITY_READER}
    licensed.engine.run()
    assert_closed(second)
    assert roles_of(licensed, subject) == set()


def test_what_lapses_before_the_grant_is_over_is_given(licensed: World, subject: User) -> None:
    lapsing = schedule(licensed, subject, until=licensed.clock() + 30 * MINUTE)
    roles = (Role(id=GLOBAL_READER, name="Global Reader"),)
    grant = active(licensed, subject, roles=roles)
    assert grant.lease.plan.given == (GLOBAL_READER,)
    assert lapsing.end == grant.lease.expires_at
    licensed.engine.run()
    assert_closed(grant)
    assert roles_of(licensed, subject) == set()


def test_what_lapses_after_the_grant_is_the_users_own(licensed: World, subject: User) -> None:
    lasting = schedule(licensed, subject, until=licensed.clock() + 3 * HOUR)
    roles = (Role(id=GLOBAL_READER, name="Global Reader"),)
    grant = active(licensed, subject, roles=roles, role_mode=RoleMode.PIM)
    assert grant.lease.plan.spared == (GLOBAL_READER,)
    licensed.engine.run()
    assert_closed(grant)
    assert lasting.id in licensed.customer.role_schedules


def test_the_five_minute_floor_of_a_role_grant_is_waited_for(
    licensed: World, subject: User
) -> None:
    grant = active(licensed, subject, role_mode=RoleMode.PIM)
    licensed.cloud.faults.add(Fault(method="DELETE", path="roleAssignments/", status=400, times=8))
    sessions = subject.sessions_valid_from
    grant.order_end()
    licensed.engine.run(until=licensed.clock() + 30 * SECOND)
    assert grant.state is GrantState.ENDING
    assert subject.sessions_valid_from > sessions
    licensed.engine.run()
    assert_closed(grant)
    assert roles_of(licensed, subject) == set()


def test_microsofts_refusal_of_a_time_is_told(licensed: World, subject: User) -> None:
    licensed.customer.role_policy.maximum = 30 * MINUTE
    grant = licensed.request_roles(subject, role_mode=RoleMode.PIM)
    licensed.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert (grant.lease.failure or "").startswith(Rejected.code)


@pytest.mark.parametrize("lag", [60, 240, 600])
def test_a_role_that_pim_has_not_put_into_effect_does_not_appear_after_the_end(
    licensed: World, subject: User, lag: int
) -> None:
    licensed.customer.knobs.schedule_seconds = lag
    grant = licensed.request_roles(subject, roles=READER, role_mode=RoleMode.PIM)
    licensed.engine.run(until=licensed.clock() + 20 * SECOND)
    assert schedules(licensed, subject)
    assert roles_of(licensed, subject) == set(), "it is planned, and not in effect"
    grant.order_end()
    licensed.engine.run(until=licensed.clock() + 20 * MINUTE)
    assert_closed(grant)
    assert schedules(licensed, subject) == {}
    assert roles_of(licensed, subject) == set()


def test_an_ending_is_not_verified_while_pim_is_about_to_give_a_role(
    licensed: World, subject: User
) -> None:
    licensed.customer.knobs.schedule_seconds = 1800
    grant = licensed.request_roles(subject, roles=READER, role_mode=RoleMode.PIM)
    licensed.engine.run(until=licensed.clock() + 20 * SECOND)
    denial = Fault(method="POST", path="roleAssignmentScheduleRequests", status=400, times=None)
    denial.code = "RoleAssignmentDoesNotExist"
    licensed.cloud.faults.add(denial)
    grant.order_end()
    licensed.engine.run(until=licensed.clock() + 8 * MINUTE)
    assert schedules(licensed, subject), "PIM says that there is none, and keeps it"
    assert grant.state is GrantState.ENDING
    licensed.cloud.faults.remove(denial)
    licensed.engine.run(until=licensed.clock() + 30 * MINUTE)
    assert_closed(grant)
    assert schedules(licensed, subject) == {}


@pytest.mark.parametrize("mode", [RoleMode.PIM, RoleMode.DIRECT])
def test_what_pim_gives_a_user_some_day_is_his_own(
    licensed: World, subject: User, mode: RoleMode
) -> None:
    next_week = licensed.clock() + 7 * 24 * HOUR
    own = schedule(licensed, subject, until=next_week + HOUR)
    own.start = next_week
    roles = (Role(id=GLOBAL_READER, name="Global Reader"),)
    grant = licensed.request_roles(subject, roles=roles, role_mode=mode)
    licensed.engine.run(until=licensed.clock() + 2 * HOUR)
    assert_closed(grant)
    assert grant.lease.plan.given == (GLOBAL_READER,)
    assert own.id in licensed.customer.role_schedules
    assert plainly_assigned(licensed, subject) == set()

"""PIM as a third line: roles with an expiry that Microsoft keeps as well."""

import pytest

from curfew.model.grants import EndReason, GrantState, Ticket
from curfew.model.profiles import RoleMode
from simulator.directory.objects import User
from simulator.faults import Fault
from tests.lifecycle.lent import BOTH, MINUTE, SECOND, active, assert_closed
from tests.lifecycle.pim import (
    plainly_assigned,
    schedule,
    schedules,
)
from tests.lifecycle.world import HOUR, World


@pytest.fixture
def licensed(world: World) -> World:
    world.customer.licences = {"P2"}
    return world


@pytest.fixture
def subject(world: World) -> User:
    return world.customer.add_user("bert", "Bert Berger")


@pytest.mark.parametrize("mode", [RoleMode.PIM, RoleMode.AUTO])
def test_microsoft_keeps_the_grants_own_expiry(licensed: World, mode: RoleMode) -> None:
    ticket = Ticket(system="Halo", number="4711")
    grant = licensed.request(role_mode=mode, justification="Mail is down", ticket=ticket)
    grant.run_until_active()
    lease = grant.lease
    assert schedules(licensed, licensed.user()) == dict.fromkeys(BOTH, lease.expires_at)
    assert plainly_assigned(licensed, licensed.user()) == set()
    request = next(iter(licensed.customer.role_requests.values()))
    assert request["justification"] == "Mail is down"
    assert request["ticketInfo"] == {"ticketNumber": "4711", "ticketSystem": "Halo"}
    licensed.engine.run()
    licensed.assert_gone(grant)


def test_the_roles_end_with_curfew_dead(licensed: World) -> None:
    grant = licensed.request(role_mode=RoleMode.PIM)
    grant.run_until_active()
    licensed.clock.advance(HOUR)
    assert licensed.roles() == set()


@pytest.mark.parametrize("who", ["account", "subject"])
def test_auto_falls_back_to_plain_roles_without_a_licence(
    world: World, subject: User, who: str
) -> None:
    if who == "account":
        grant = world.request(role_mode=RoleMode.AUTO)
        grant.run_until_active()
        assert plainly_assigned(world, world.user()) == BOTH
        world.engine.run()
        world.assert_gone(grant)
    else:
        grant = active(world, subject, role_mode=RoleMode.AUTO)
        assert plainly_assigned(world, subject) == BOTH
        world.engine.run()
        assert_closed(grant)
        assert plainly_assigned(world, subject) == set()


@pytest.mark.parametrize("who", ["account", "subject"])
def test_pim_without_a_licence_fails_and_says_so(world: World, subject: User, who: str) -> None:
    if who == "account":
        grant = world.request(role_mode=RoleMode.PIM)
    else:
        grant = world.request_roles(subject, role_mode=RoleMode.PIM)
    world.engine.run()
    lease = grant.lease
    assert lease.end_reason is EndReason.FAILED
    assert (lease.failure or "").startswith("no-licence: ")
    assert "no licence" in (lease.failure or "")
    assert lease.evidence is not None
    assert lease.evidence.clean


@pytest.mark.parametrize("plain_removal_works", [True, False])
def test_the_five_minute_floor_holds_up_nothing_but_the_role(
    licensed: World, plain_removal_works: bool
) -> None:
    grant = licensed.request(role_mode=RoleMode.PIM)
    grant.run_until_active()
    password, sessions = licensed.kept(grant), licensed.user().sessions_valid_from
    begun = licensed.clock()
    floor = Fault(
        method="DELETE", path="roleAssignments/", status=400, code="ActiveDurationTooShort"
    )
    floor.times = None
    if not plain_removal_works:
        licensed.cloud.faults.add(floor)
    licensed.clock.advance(SECOND)
    grant.order_end()
    licensed.engine.run(until=begun + 30 * SECOND)

    assert not licensed.user().account_enabled
    assert licensed.user().sessions_valid_from > sessions
    assert licensed.sign_in(password) == 400
    assert licensed.user().access_pass is None
    assert grant.state is GrantState.ENDING
    assert "too-soon" in str(licensed.engine.instances[grant.plan.grant_id].text())
    if not plain_removal_works:
        licensed.engine.run(until=begun + 4 * MINUTE)
        assert licensed.roles() == BOTH
        assert grant.state is GrantState.ENDING
    licensed.engine.run(until=begun + 20 * MINUTE)
    licensed.cloud.faults.clear()
    licensed.assert_gone(grant)


def test_a_role_that_microsoft_is_slow_to_put_into_effect_is_waited_for(licensed: World) -> None:
    licensed.customer.knobs.schedule_seconds = 25
    grant = licensed.request(role_mode=RoleMode.PIM)
    licensed.engine.run(until=licensed.clock() + 20 * SECOND)
    assert grant.lease.activated_at is None
    licensed.engine.run(until=licensed.clock() + MINUTE)
    assert grant.state is GrantState.ACTIVE
    assert licensed.roles() == BOTH
    licensed.engine.run()
    licensed.assert_gone(grant)


@pytest.mark.parametrize("later", [False, True], ids=["now", "next week"])
@pytest.mark.parametrize("mode", [RoleMode.DIRECT, RoleMode.PIM])
def test_what_the_technician_got_for_himself_from_pim_is_taken_back(
    licensed: World, mode: RoleMode, later: bool
) -> None:
    grant = licensed.request(role_mode=mode)
    grant.run_until_active()
    user = licensed.user()
    licensed.customer.make_eligible(user.id, "Global Administrator")
    next_week = licensed.clock() + 7 * 24 * HOUR
    licensed.customer.make_eligible(user.id, "User Administrator", start=next_week)
    hidden = schedule(licensed, user, until=licensed.clock() + 90 * 24 * HOUR)
    if later:
        hidden.start = next_week
    licensed.clock.advance(10 * MINUTE)
    licensed.engine.run()
    licensed.assert_gone(grant)
    assert licensed.customer.role_eligibilities == {}
    assert hidden.id not in licensed.customer.role_schedules


def test_a_sleeping_account_is_woken_without_what_it_may_activate(licensed: World) -> None:
    licensed.ended_grant()
    licensed.customer.make_eligible(licensed.user().id, "Global Administrator")
    schedule(licensed, licensed.user(), until=licensed.clock() + 24 * HOUR)
    licensed.clock.advance(10 * MINUTE)
    grant = licensed.request()
    grant.run_until_active()
    assert licensed.roles() == BOTH
    assert licensed.customer.role_eligibilities == {}
    licensed.engine.run()
    licensed.assert_gone(grant)


def test_an_ending_is_not_verified_while_the_account_may_activate_a_role(licensed: World) -> None:
    grant = licensed.request()
    grant.run_until_active()
    licensed.customer.make_eligible(licensed.user().id, "Global Administrator")
    outage = licensed.cloud.faults.fail_before(
        method="POST", path="roleEligibilityScheduleRequests", times=None
    )
    grant.order_end()
    licensed.engine.run(until=licensed.clock() + 3 * MINUTE)
    assert grant.state is GrantState.ENDING
    assert licensed.roles() == set()
    licensed.cloud.faults.remove(outage)
    licensed.engine.run()
    licensed.assert_gone(grant)
    assert licensed.customer.role_eligibilities == {}


def test_row_6_what_pim_does_not_tell_is_not_nothing(licensed: World) -> None:
    grant = licensed.request()
    grant.run_until_active()
    outage = licensed.cloud.faults.fail_before(
        method="GET", path="role(Assignment|Eligibility)Schedule", times=None
    )
    grant.order_end()
    licensed.engine.run(until=licensed.clock() + 3 * MINUTE)
    assert grant.state is GrantState.ENDING
    assert licensed.roles() == set(), "the plain removal does not wait for PIM"
    licensed.cloud.faults.remove(outage)
    licensed.engine.run()
    licensed.assert_gone(grant)

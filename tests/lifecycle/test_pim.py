"""PIM as a third line: roles with an expiry that Microsoft keeps as well."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from curfew.errors import Rejected
from curfew.model.grants import EndReason, GrantState, Ticket
from curfew.model.messages import Activation
from curfew.model.tenants import CredentialKind, Role, RoleMode
from simulator.directory.objects import RoleSchedule, User
from simulator.directory.roles import role_named
from simulator.faults import Fault
from tests.lifecycle.test_role_grants import BOTH, active, assert_closed, roles_of, step
from tests.lifecycle.world import HOUR, SECURITY_READER, Grant, World

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
GLOBAL_READER = role_named("Global Reader").id
ONE = (Role(id=SECURITY_READER, name="Security Reader"),)


@pytest.fixture
def licensed(world: World) -> World:
    world.customer.licences = {"P2"}
    return world


@pytest.fixture
def subject(world: World) -> User:
    return world.customer.add_user("bert", "Bert Berger")


def schedules(world: World, user: User) -> dict[str, datetime | None]:
    """The end of everything that PIM keeps for a user, by role."""
    kept = world.customer.role_schedules.values()
    return {each.role_id: each.end for each in kept if each.principal_id == user.id}


def plainly_assigned(world: World, user: User) -> set[str]:
    kept = world.customer.role_assignments.values()
    return {each.role_id for each in kept if each.principal_id == user.id}


def extend(world: World, grant: Grant, by: timedelta) -> datetime:
    """Move the expiry in the ledger, and let the step run that follows."""
    expires_at = grant.lease.expires_at
    assert expires_at is not None
    until = expires_at + by
    moved = {"expires_at": until, "deadline": until}
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda now: now.model_copy(update=moved)))
    return until


def prolong(world: World, grant: Grant) -> dict[str, str] | None:
    lease = grant.lease
    assert lease.expires_at is not None
    activation = Activation(plan=lease.plan, handover=lease.handover, expires_at=lease.expires_at)
    failure: dict[str, str] | None = step(world, "prolong_access", activation)["failure"]
    return failure


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


def schedule(world: World, user: User, *, until: datetime) -> RoleSchedule:
    """A role for a time that somebody else has given through PIM."""
    now = world.clock()
    made = RoleSchedule(
        id=f"schedule-{user.id}",
        principal_id=user.id,
        role_id=GLOBAL_READER,
        scope="/",
        created=now,
        start=now,
        end=until,
        request_id="",
        assignment_id=f"assignment-{user.id}",
        visible_from=now,
    )
    world.customer.role_schedules[made.id] = made
    return made


# --- role grants -----------------------------------------------------------------------------


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
    first = active(licensed, subject, role_mode=RoleMode.PIM, roles=ONE)
    second = active(licensed, subject, role_mode=second_mode, roles=ONE, duration=2 * HOUR)
    assert schedules(licensed, subject) == {SECURITY_READER: second.lease.expires_at}
    third = active(licensed, subject, role_mode=RoleMode.PIM, roles=ONE, duration=20 * MINUTE)
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


# --- after an extension ----------------------------------------------------------------------


def test_pim_schedules_move_with_an_extension(licensed: World, subject: User) -> None:
    own = licensed.request(role_mode=RoleMode.PIM)
    own.run_until_active()
    lent = active(licensed, subject, role_mode=RoleMode.AUTO)
    for grant, user in ((own, licensed.user()), (lent, subject)):
        until = extend(licensed, grant, HOUR)
        assert prolong(licensed, grant) is None
        assert schedules(licensed, user) == dict.fromkeys(BOTH, until)


def test_row_7_an_extension_does_not_shorten_what_another_grant_needs(
    licensed: World, subject: User
) -> None:
    longer = active(licensed, subject, role_mode=RoleMode.PIM, roles=ONE, duration=4 * HOUR)
    shorter = active(licensed, subject, role_mode=RoleMode.PIM, roles=ONE)
    extend(licensed, shorter, HOUR)
    assert prolong(licensed, shorter) is None
    assert schedules(licensed, subject) == {SECURITY_READER: longer.lease.expires_at}


def test_a_pass_that_would_lapse_earlier_is_made_anew(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    held = grant.lease.handover.temporary_access_pass
    assert held is not None
    assert held.lapses_at is not None
    made = world.user().access_pass
    assert made is not None
    assert held.lapses_at == made.end
    first = world.kept(grant, "pass")
    world.clock.advance(50 * MINUTE)
    until = extend(world, grant, HOUR)
    assert prolong(world, grant) is None
    renewed = grant.lease.handover.temporary_access_pass
    assert renewed is not None
    assert renewed.lapses_at is not None
    assert renewed.lapses_at >= until
    assert world.kept(grant, "pass") != first
    world.clock.advance(HOUR)
    assert world.sign_in(world.kept(grant, "pass")) == 200
    passes = world.kept(grant, "pass")
    assert prolong(world, grant) is None
    assert world.kept(grant, "pass") == passes, "one that lives long enough stays"
    world.clock.advance(-110 * MINUTE)
    world.engine.run()
    world.assert_gone(grant)


def test_a_pass_lives_no_longer_than_the_tenant_allows(world: World) -> None:
    world.customer.access_pass_policy.maximum_minutes = 90
    grant = world.request(credential=CredentialKind.TEMPORARY_ACCESS_PASS)
    grant.run_until_active()
    begun = world.clock()
    extend(world, grant, 4 * HOUR)
    assert prolong(world, grant) is None
    renewed = grant.lease.handover.temporary_access_pass
    assert renewed is not None
    assert renewed.lapses_at == begun + 90 * MINUTE


@pytest.mark.parametrize("state", [GrantState.ENDING, GrantState.PROVISIONING])
def test_only_an_active_grant_is_prolonged(world: World, state: GrantState) -> None:
    grant = world.request()
    grant.run_until_active()
    extend(world, grant, HOUR)
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda now: now.model_copy(update={"state": state})))
    before = world.graph_writes()
    failure = prolong(world, grant)
    assert failure is not None
    assert failure["code"] == "no-open-lease"
    assert world.graph_writes() == before


def test_a_pass_that_is_made_while_the_ending_begins_is_removed_by_its_own_step(
    world: World,
) -> None:
    grant = world.request()
    grant.run_until_active()
    extend(world, grant, HOUR)
    leases = world.services.leases
    change, lease = leases.change, grant.lease

    async def ended_in_between(*arguments: Any, **options: Any) -> Any:
        leases.change = change  # type: ignore[method-assign]
        await leases.close(lease.model_copy(update={"state": GrantState.ENDED}))
        return await change(*arguments, **options)

    leases.change = ended_in_between  # type: ignore[method-assign]
    failure = prolong(world, grant)
    assert failure is not None
    assert failure["code"] == "no-open-lease"
    assert world.user().access_pass is None
    assert not world.user().account_enabled
    assert not [version for version in world.versions(grant) if version.enabled]


def test_microsofts_refusal_of_a_time_is_told(licensed: World, subject: User) -> None:
    licensed.customer.role_policy.maximum = 30 * MINUTE
    grant = licensed.request_roles(subject, role_mode=RoleMode.PIM)
    licensed.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert (grant.lease.failure or "").startswith(Rejected.code)

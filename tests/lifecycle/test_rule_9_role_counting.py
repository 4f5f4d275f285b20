"""Rule 9, field notes row 7: overlapping role grants are counted, the last one out removes."""

from typing import Any

import pytest

from curfew.model.grants import GrantState, Lease
from curfew.model.messages import Activation, Verification
from simulator.directory.objects import User
from tests.lifecycle.lent import (
    BOTH,
    MINUTE,
    READER,
    SECOND,
    active,
    an_administrator,
    assert_closed,
    group_of,
    members,
    roles_of,
    step,
)
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, SECURITY_READER, World


@pytest.fixture
def subject(world: World) -> User:
    return an_administrator(world)


def test_row_7_what_the_user_holds_for_good_is_neither_given_nor_removed(
    world: World, subject: User
) -> None:
    own = world.customer.assign_role(subject.id, "Security Reader")
    group = group_of(world, members=(subject.id,))
    grant = active(world, subject, groups=(group,))
    assert grant.lease.plan.given == (HELPDESK_ADMINISTRATOR,)
    assert set(grant.lease.plan.spared) == {SECURITY_READER, group.id}
    world.engine.run()
    assert_closed(grant)
    assert roles_of(world, subject) == {SECURITY_READER}
    assert own.id in world.customer.role_assignments
    assert members(world, group) == [subject.id]


def test_a_role_for_a_part_of_the_directory_is_another_role(world: World, subject: User) -> None:
    unit = "/administrativeUnits/0c6ef9f9-1d3a-4b6b-9d6c-2f4b7d6f0001"
    own = world.customer.assign_role(subject.id, "Security Reader", scope=unit)
    directory = world.services.directory(world.customer.id, world.plan().connection)
    world.wait(directory.access.assign_role(subject.id, HELPDESK_ADMINISTRATOR))
    held = world.wait(directory.access.directory_roles(subject.id))
    assert SECURITY_READER not in held.values()
    grant = world.request_roles(subject, roles=READER)
    world.engine.run()
    assert grant.lease.plan.spared == ()
    assert own.id in world.customer.role_assignments


@pytest.mark.parametrize("early", [False, True], ids=["expired", "returned"])
def test_row_7_of_two_grants_of_a_role_the_last_one_out_removes_it(
    world: World, subject: User, early: bool
) -> None:
    group = group_of(world)
    first = active(world, subject, groups=(group,))
    second = active(world, subject, roles=READER, groups=(group,), duration=2 * HOUR)
    assert set(second.lease.plan.given) == {SECURITY_READER, group.id}
    if early:
        first.order_end()
    world.engine.run(until=world.clock() + HOUR + MINUTE)
    assert_closed(first)
    assert second.state is GrantState.ACTIVE
    assert roles_of(world, subject) == {SECURITY_READER}
    assert members(world, group) == [subject.id]
    world.engine.run()
    assert_closed(second)
    assert roles_of(world, subject) == set()
    assert members(world, group) == []


def test_row_7_the_first_one_in_may_be_the_last_one_out(world: World, subject: User) -> None:
    first = active(world, subject, duration=2 * HOUR)
    second = active(world, subject)
    world.engine.run(until=world.clock() + HOUR + MINUTE)
    assert_closed(second)
    assert roles_of(world, subject) == BOTH
    world.engine.run()
    assert_closed(first)
    assert roles_of(world, subject) == set()


@pytest.mark.parametrize("lag", [0, 60])
def test_row_7_two_grants_that_expire_in_the_same_second_leave_nothing(
    world: World, subject: User, lag: int
) -> None:
    group = group_of(world)
    both = [world.request_roles(subject, groups=(group,)) for _ in range(2)]
    world.engine.run(until=world.clock() + 2 * MINUTE)
    assert [grant.state for grant in both] == [GrantState.ACTIVE] * 2
    world.customer.knobs.assignment_seconds = lag
    world.engine.run()
    for grant in both:
        assert_closed(grant)
    assert roles_of(world, subject) == set()
    assert members(world, group) == []


def test_row_7_a_grant_that_begins_while_another_ends_waits_for_its_end(
    world: World, subject: User
) -> None:
    first = active(world, subject)
    world.engine.purge(first.plan.grant_id)
    leases, ending = world.services.leases, {"state": GrantState.ENDING}
    world.wait(leases.change(first.plan.grant_id, lambda now: now.model_copy(update=ending)))
    second = world.request_roles(subject)
    world.engine.run(until=world.clock() + 20 * SECOND)
    assert second.lease.activated_at is None
    # What the ending finds by now is marked by the grant that waits, and stays.
    assert step(world, "remove_access", first.lease.plan)["failure"] is None
    assert roles_of(world, subject) == BOTH
    world.wait(leases.close(first.lease.model_copy(update={"state": GrantState.ENDED})))
    world.engine.run(until=world.clock() + MINUTE)
    assert second.state is GrantState.ACTIVE
    assert roles_of(world, subject) == BOTH
    world.engine.run()
    assert_closed(second)
    assert roles_of(world, subject) == set()


def test_row_7_an_ending_that_was_held_up_keeps_what_a_new_grant_has_marked(
    world: World, subject: User
) -> None:
    first = active(world, subject)
    outage = world.cloud.faults.fail_before(method="DELETE", path="roleAssignments/", times=None)
    first.order_end()
    world.engine.run(until=world.clock() + 20 * SECOND)
    assert first.state is GrantState.ENDING
    second = world.request_roles(subject)
    world.engine.run(until=world.clock() + MINUTE)
    assert_closed(first)
    world.cloud.faults.remove(outage)
    assert second.state is GrantState.ACTIVE
    assert roles_of(world, subject) == BOTH
    world.engine.run()
    assert_closed(second)
    assert roles_of(world, subject) == set()


def test_what_was_the_users_own_and_is_gone_by_now_is_given(world: World, subject: User) -> None:
    own = world.customer.assign_role(subject.id, "Security Reader")
    world.cloud.faults.fail_before(method="POST", path="roleAssignments$", times=1)
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: "assign_access" in world.engine.ran)
    assert grant.lease.plan.spared == (SECURITY_READER,)
    del world.customer.role_assignments[own.id]
    world.engine.run(until=world.clock() + MINUTE)
    assert grant.state is GrantState.ACTIVE
    assert set(grant.lease.plan.given) == BOTH
    world.engine.run()
    assert roles_of(world, subject) == set()


def test_row_7_a_grant_that_is_over_between_two_readings_is_no_possession_of_the_user(
    world: World, subject: User
) -> None:
    first = active(world, subject)
    leases, of_principal = world.services.leases, world.services.leases.of_principal
    second = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["arm_expiry"])
    readings: list[int] = []

    async def over_in_between(*arguments: Any) -> Any:
        readings.append(1)
        if len(readings) == 2:
            for held in world.customer.assignments_of(subject.id):
                if held.role_id in BOTH:
                    del world.customer.role_assignments[held.id]
            await leases.close(first_lease.model_copy(update={"state": GrantState.ENDED}))
        return await of_principal(*arguments)

    first_lease = first.lease
    leases.of_principal = over_in_between  # type: ignore[method-assign, assignment]
    outcome = step(world, "assign_access", second.lease.plan)
    leases.of_principal = of_principal  # type: ignore[method-assign]
    assert outcome["failure"] is None
    assert set(second.lease.plan.given) == BOTH
    assert roles_of(world, subject) == BOTH


def test_the_removal_says_first_that_its_grant_is_ending(world: World, subject: User) -> None:
    grant = active(world, subject)
    assert step(world, "remove_access", grant.lease.plan)["failure"] is None
    assert grant.state is GrantState.ENDING
    assert grant.lease.deadline == world.clock()


def test_what_was_marked_is_not_forgotten_by_a_late_arming(world: World, subject: User) -> None:
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["assign_access"])
    lease = grant.lease
    assert lease.expires_at is not None
    forgetful = lease.plan.model_copy(update={"given": (), "spared": ()})
    late = Activation(plan=forgetful, handover=lease.handover, expires_at=lease.expires_at)
    assert step(world, "arm_expiry", late)["failure"] is None
    assert set(grant.lease.plan.given) == BOTH


def test_row_7_of_two_that_are_ending_each_removes(world: World, subject: User) -> None:
    grants = [active(world, subject) for _ in range(2)]
    leases = world.services.leases

    def end(now: Lease) -> Lease:
        return now.model_copy(update={"state": GrantState.ENDING})

    for grant in grants:
        world.engine.purge(grant.plan.grant_id)
        world.wait(leases.change(grant.plan.grant_id, end))
    assert step(world, "remove_access", grants[0].lease.plan)["failure"] is None
    assert roles_of(world, subject) == set()
    directory = world.services.directory(world.customer.id, grants[0].plan.connection)
    world.wait(directory.access.assign_role(subject.id, SECURITY_READER))
    verification = Verification(plan=grants[0].lease.plan)
    assert step(world, "verify_ended", verification)["value"]["rolesLeft"] == 1


def test_what_was_marked_is_taken_back_although_no_answer_told_it(
    world: World, subject: User
) -> None:
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["arm_expiry"])
    untold = grant.lease.plan
    assert untold.given == ()
    assert step(world, "assign_access", untold)["failure"] is None
    assert roles_of(world, subject) == BOTH
    left = step(world, "verify_ended", Verification(plan=untold))["value"]["rolesLeft"]
    assert left == len(BOTH)
    assert step(world, "remove_access", untold)["failure"] is None
    assert roles_of(world, subject) == set()

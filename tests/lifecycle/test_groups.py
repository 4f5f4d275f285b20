"""Groups in account grants: joined for the time of the grant, and every other one left too."""

from datetime import timedelta
from typing import Any

import pytest

from curfew.ending.removing import remove_access
from curfew.model.grants import EndReason, GrantState
from curfew.model.profiles import Group
from simulator.faults import Fault
from tests.lifecycle.world import World

MINUTE = timedelta(minutes=1)


def group_of(world: World, name: str, **options: Any) -> Group:
    made = world.customer.add_group(name, **options)
    return Group(id=made.id, name=name)


def members(world: World, group: Group) -> list[str]:
    return world.customer.groups[group.id].members


def test_the_account_is_in_the_profiles_groups_for_the_time_of_the_grant(world: World) -> None:
    plain = group_of(world, "Conditional access exclusion")
    privileged = group_of(world, "Tier 0", role_assignable=True)
    grant = world.request(groups=(plain, privileged))
    seen: list[bool] = []

    def look(phase: str, name: str) -> None:
        if phase == "before" and name == "enable_account":
            seen.append(bool(members(world, plain) and members(world, privileged)))

    world.engine.hook = look
    grant.run_until_active()
    assert seen == [True]
    assert members(world, plain) == members(world, privileged) == [world.user().id]
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, plain) == members(world, privileged) == []


def test_a_grant_may_be_of_groups_alone(world: World) -> None:
    group = group_of(world, "Exclusion")
    grant = world.request(roles=(), groups=(group,))
    grant.run_until_active()
    assert members(world, group) == [world.user().id]
    assert world.roles() == set()
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, group) == []


@pytest.mark.parametrize("again", [False, True], ids=["created", "woken"])
def test_every_group_that_the_account_got_into_is_left(world: World, again: bool) -> None:
    own = group_of(world, "Exclusion")
    if again:
        world.ended_grant()
    grant = world.request(groups=(own,))
    grant.run_until_active()
    others = [group_of(world, "Finance"), group_of(world, "Tier 0", role_assignable=True)]
    for other in others:
        members(world, other).append(world.user().id)
    world.engine.run()
    world.assert_gone(grant)
    assert [members(world, group) for group in (own, *others)] == [[], [], []]


def test_what_the_account_was_in_before_is_spared(world: World) -> None:
    world.ended_grant()
    before = group_of(world, "All technicians")
    members(world, before).append(world.user().id)
    grant = world.request()
    grant.run_until_active()
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, before) == [world.user().id]


def test_a_group_that_a_rule_fills_is_nothing_to_leave(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    dynamic = group_of(world, "All users", dynamic=True)
    synced = group_of(world, "From the cellar", synced=True)
    members(world, dynamic).append(world.user().id)
    members(world, synced).append(world.user().id)
    world.engine.run()
    world.assert_gone(grant)


def test_a_group_of_the_plan_is_left_although_somebody_had_put_the_account_in(
    world: World,
) -> None:
    world.ended_grant()
    group = group_of(world, "Exclusion")
    members(world, group).append(world.user().id)
    grant = world.request(groups=(group,))
    grant.run_until_active()
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, group) == []


def test_an_ending_is_not_verified_while_the_account_is_in_a_group(world: World) -> None:
    group = group_of(world, "Exclusion")
    grant = world.request(groups=(group,))
    grant.run_until_active()
    outage = world.cloud.faults.fail_before(method="DELETE", path="members/", times=None)
    grant.order_end()
    world.engine.run(until=world.clock() + 3 * MINUTE)
    assert grant.state is GrantState.ENDING
    assert not world.user().account_enabled
    assert world.roles() == set()
    world.cloud.faults.remove(outage)
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, group) == []


@pytest.mark.parametrize("status", [403, 429, 500])
def test_row_6_memberships_that_cannot_be_read_are_not_none(world: World, status: int) -> None:
    group = group_of(world, "Exclusion")
    grant = world.request(groups=(group,))
    grant.run_until_active()
    outage = world.cloud.faults.fail_before(
        method="GET", path="memberOf", status=status, times=None
    )
    grant.order_end()
    world.engine.run(until=world.clock() + 3 * MINUTE)
    assert grant.state is GrantState.ENDING
    world.cloud.faults.remove(outage)
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, group) == []


@pytest.mark.parametrize("kind", ["dynamic", "synced"])
def test_a_group_that_takes_nobody_fails_the_grant_and_leaves_nothing(
    world: World, kind: str
) -> None:
    group = group_of(world, "By rule", **{kind: True})
    grant = world.request(groups=(group,))
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    world.assert_gone(grant)


@pytest.mark.parametrize("applied", [False, True], ids=["before", "applied"])
def test_rows_1_and_2_a_group_whose_joining_got_no_answer_is_left(
    world: World, applied: bool
) -> None:
    group = group_of(world, "Exclusion")
    world.cloud.faults.add(
        Fault(method="POST", path="members", times=None, applied=applied, effect="drop")
    )
    grant = world.request(groups=(group,))
    world.engine.run(until=world.clock() + 15 * MINUTE)
    world.cloud.faults.clear()
    world.engine.run()
    world.assert_gone(grant)
    assert members(world, group) == []


def test_a_plan_of_an_earlier_release_leaves_only_privileged_groups(world: World) -> None:
    world.ended_grant()
    before, privileged = group_of(world, "Staff"), group_of(world, "Tier 0", role_assignable=True)
    members(world, before).append(world.user().id)
    plan = world.plan(opened=True)
    assert plan.groups_before is None
    members(world, privileged).append(world.user().id)
    world.wait(remove_access(world.services, plan))
    assert members(world, before) == [world.user().id]
    assert members(world, privileged) == []

"""Rule 4: "ended" is written only after everything was read back, and unreadable is not clean."""

import pytest

from curfew.model.grants import GrantState
from simulator.faults import Fault
from tests.lifecycle.world import World

# Each of these calls answers with success and does nothing.
LIES = {
    "disabling": Fault(method="PATCH", body="accountEnabled", status=204, times=None),
    "removing roles": Fault(method="DELETE", path="roleAssignments", status=204, times=None),
    "removing the pass": Fault(
        method="DELETE", path="temporaryAccessPassMethods", status=204, times=None
    ),
    "rotating": Fault(method="PATCH", body="passwordProfile", status=204, times=None),
}
# Each of these readings fails, one way or another.
READINGS = {
    "account": r"/users/[^/]+$",
    "roles": "roleAssignments$",
    "methods": "authentication/methods$",
    "groups": "memberOf$",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_rule_4_a_step_that_only_says_it_worked_does_not_end_the_grant(
    world: World, lie: Fault
) -> None:
    grant = world.request()
    grant.run_until_active()
    world.cloud.faults.add(lie)
    grant.order_end()
    world.engine.run(stop=world.flagged)
    assert grant.state is GrantState.ENDING
    assert grant.lease.stuck

    world.cloud.faults.remove(lie)
    world.engine.run()
    world.assert_gone(grant)
    assert not grant.lease.stuck


@pytest.mark.parametrize("status", [403, 404, 429, 500])
@pytest.mark.parametrize("path", READINGS.values(), ids=READINGS)
def test_rule_4_what_cannot_be_read_is_not_clean(world: World, path: str, status: int) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = world.cloud.faults.fail_before(method="GET", path=path, status=status, times=None)
    grant.order_end()
    world.engine.run(stop=world.flagged)
    assert grant.state is GrantState.ENDING
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)


@pytest.mark.parametrize("path", READINGS.values(), ids=READINGS)
def test_rule_4_a_truncated_answer_is_not_an_empty_one(world: World, path: str) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = Fault(method="GET", path=path, effect="truncate", times=None)
    world.cloud.faults.add(fault)
    grant.order_end()
    world.engine.run(stop=world.flagged)
    assert grant.state is GrantState.ENDING
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)


def test_rule_4_reads_that_flap_between_there_and_not_there_are_seen_through(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.cloud.faults.flapping(path=r"/users/[^/]+$")
    world.cloud.faults.add(Fault(method="PATCH", body="accountEnabled", status=204, times=4))
    grant.order_end()
    world.engine.run()
    world.assert_gone(grant)


def test_rule_4_a_role_that_the_technician_gave_himself_is_found_and_removed(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.customer.assign_role(world.user().id, "Global Administrator")
    world.engine.run()
    world.assert_gone(grant)


def test_rule_4_a_way_in_that_the_technician_registered_is_removed(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    for kind in ("phone", "fido2", "microsoftAuthenticator", "softwareOath"):
        world.customer.register_method(world.user().id, kind)
    world.engine.run()
    world.assert_gone(grant)


def test_rule_4_a_role_assignable_group_joined_during_the_grant_is_left(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    tier0 = next(group for group in world.customer.groups.values() if group.role_assignable)
    tier0.members.append(world.user().id)
    world.engine.run()
    world.assert_gone(grant)
    assert grant.plan.account_id not in tier0.members
    assert world.user().id not in tier0.members


def test_rule_4_a_password_set_by_somebody_else_after_the_end_is_not_taken_for_ours(
    world: World,
) -> None:
    grant = world.ended_grant()
    evidence = grant.lease.evidence
    assert evidence is not None
    assert evidence.password_changed_at is not None
    assert evidence.password_changed_at > grant.lease.requested_at

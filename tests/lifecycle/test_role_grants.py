"""Role grants: roles and groups for an existing user, on top of what is his own."""

from typing import Any

import pytest

from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import Activation
from curfew.model.profiles import Role
from simulator.directory.objects import User
from simulator.faults import Effect, Fault
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.lent import (
    BOTH,
    MINUTE,
    READER,
    SECOND,
    active,
    an_administrator,
    as_it_was,
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


def test_a_user_gets_roles_and_groups_for_the_time_of_the_grant(
    world: World, subject: User
) -> None:
    group = group_of(world, "Tier 0", role_assignable=True)
    before, sessions = as_it_was(subject), subject.sessions_valid_from
    grant = world.request_roles(subject, groups=(group,))
    grant.run_until_active()

    assert roles_of(world, subject) == BOTH
    assert members(world, group) == [subject.id]
    lease = grant.lease
    assert lease.subject_name == "Bert Berger"
    assert set(lease.plan.given) == {*BOTH, group.id}
    assert lease.expires_at is not None
    world.engine.run(until=lease.expires_at - SECOND)
    assert roles_of(world, subject) == BOTH

    world.engine.run(until=lease.expires_at + MINUTE)
    assert_closed(grant)
    assert grant.lease.end_reason is EndReason.EXPIRED
    assert roles_of(world, subject) == set()
    assert members(world, group) == []
    assert as_it_was(subject) == before
    assert subject.sessions_valid_from > sessions
    assert world.customer.assignments_of(subject.id)


def test_the_expiry_is_armed_before_anything_is_given(world: World, subject: User) -> None:
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["arm_expiry"])
    lease = grant.lease
    assert lease.expires_at is not None
    assert lease.deadline == lease.expires_at == world.clock() + HOUR
    assert roles_of(world, subject) == set()


def test_a_grant_is_active_only_when_the_directory_shows_it_all(
    world: World, subject: User
) -> None:
    world.customer.knobs.assignment_seconds = 20
    grant = world.request_roles(subject)
    world.engine.run(until=world.clock() + 10 * SECOND)
    assert grant.lease.activated_at is None
    world.engine.run(until=world.clock() + MINUTE)
    assert grant.state is GrantState.ACTIVE


@pytest.mark.parametrize("applied", [False, True], ids=["before", "applied"])
def test_rows_1_and_2_whichever_write_fails_what_was_given_is_taken_back(
    world: World, subject: User, applied: bool
) -> None:
    group = group_of(world)
    effects: tuple[Effect, ...] = ("status", "drop")
    for path in ("roleAssignments$", "members", "revokeSignInSessions"):
        for effect in effects:
            fault = world.cloud.faults.add(
                Fault(method="POST", path=path, times=3, applied=applied, effect=effect)
            )
            grant = world.request_roles(subject, groups=(group,), duration=10 * MINUTE)
            world.engine.run()
            world.cloud.faults.remove(fault)
            assert_closed(grant)
            assert roles_of(world, subject) == set()
            assert members(world, group) == []


@pytest.mark.parametrize(
    "applied", [pytest.param(False, marks=pytest.mark.slow), True], ids=["before", "applied"]
)
def test_row_1_whichever_write_to_the_ledger_fails_what_was_given_is_taken_back(
    world: World, subject: User, applied: bool
) -> None:
    before = world.ledger.count
    world.request_roles(subject, duration=10 * MINUTE)
    world.engine.run()
    # Every second call here, those between them in the other run.
    for index in range(int(applied), world.ledger.count - before - 2, 2):
        grant = world.request_roles(subject, duration=10 * MINUTE)
        world.ledger.trouble = Trouble(applied=applied, skip=index)
        world.engine.run()
        world.ledger.trouble = None
        assert grant.state is GrantState.ENDED, index
        assert roles_of(world, subject) == set(), index


def test_row_3_every_step_of_a_role_grant_may_run_twice(world: World, subject: User) -> None:
    group = group_of(world)
    world.engine._activities = {name: twice(run) for name, run in world.engine._activities.items()}
    grant = active(world, subject, groups=(group,))
    assert roles_of(world, subject) == BOTH
    assert members(world, group) == [subject.id]
    world.engine.run()
    assert_closed(grant)
    assert roles_of(world, subject) == set()


def twice(run: Any) -> Any:
    async def run_twice(message: Any) -> Any:
        await run(message)
        return await run(message)

    return run_twice


def test_a_ledger_that_cannot_be_read_does_not_keep_a_role_beyond_its_time(
    world: World, subject: User
) -> None:
    grant = active(world, subject)
    world.ledger.trouble = Trouble(applied=False, skip=0, times=10_000)
    world.engine.run(until=world.clock() + HOUR + MINUTE)
    assert roles_of(world, subject) == set()
    world.ledger.trouble = None
    assert grant.state is GrantState.ACTIVE
    world.engine.run()
    assert_closed(grant)


def test_a_user_who_was_deleted_is_not_deleted_for_good(world: World, subject: User) -> None:
    grant = active(world, subject)
    del world.customer.users[subject.id]
    subject.deleted = world.clock()
    world.customer.deleted_users[subject.id] = subject
    world.engine.run()
    assert_closed(grant)
    assert subject.id in world.customer.deleted_users


def test_a_late_repetition_of_the_removal_does_not_touch_what_is_the_users_own_by_now(
    world: World, subject: User
) -> None:
    grant = active(world, subject)
    plan = grant.lease.plan
    world.engine.run()
    world.customer.assign_role(subject.id, "Security Reader")
    outcome = step(world, "remove_access", plan)
    assert outcome["failure"] is None
    assert roles_of(world, subject) == {SECURITY_READER}


def test_a_late_repetition_of_giving_gives_nothing(world: World, subject: User) -> None:
    grant = active(world, subject)
    plan = grant.lease.plan
    world.engine.run()
    outcome = step(world, "assign_access", plan)
    assert outcome["failure"]["code"] == "no-open-lease"
    assert roles_of(world, subject) == set()


def test_a_role_that_is_given_after_the_end_is_undone_by_its_own_step(
    world: World, subject: User
) -> None:
    group = group_of(world)
    grant = world.request_roles(subject, groups=(group,))
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["arm_expiry"])
    plan = grant.lease.plan
    leases = world.services.leases
    get, looks = leases.get, []

    async def ended_in_between(grant_id: str) -> Any:
        lease = await get(grant_id)
        looks.append(lease)
        if world.customer.groups[group.id].members:
            # Between its look at the lease and its write the grant came to its end.
            await leases.close(lease.model_copy(update={"state": GrantState.ENDED}))
        return await get(grant_id)

    leases.get = ended_in_between  # type: ignore[method-assign]
    outcome = step(world, "assign_access", plan)
    leases.get = get  # type: ignore[method-assign]
    assert len(looks) > 1
    assert outcome["failure"]["code"] == "no-open-lease"
    assert roles_of(world, subject) == set()
    assert members(world, group) == []
    assert world.customer.assignments_of(subject.id)


def test_a_grant_that_ends_before_it_gave_anything_leaves_nothing(
    world: World, subject: User
) -> None:
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["open_subject"])
    grant.order_end()
    world.engine.run()
    assert_closed(grant)
    assert grant.lease.end_reason is EndReason.RETURNED
    assert "assign_access" not in world.engine.ran


def test_no_step_of_a_role_grant_touches_the_account_itself(world: World, subject: User) -> None:
    active(world, subject)
    world.engine.run()
    writes = [write for write in world.graph_writes() if f"/users/{subject.id}" in write]
    assert writes == [f"POST /v1.0/users/{subject.id}/revokeSignInSessions"]
    plan = world.role_plan(subject, opened=True)
    before = as_it_was(subject)
    for name in ("disable_account", "remove_methods", "rotate_password"):
        assert step(world, name, plan)["failure"] is None
    assert as_it_was(subject) == before


@pytest.mark.parametrize("what", ["roles", "groups"])
@pytest.mark.parametrize("status", [400, 404, 409])
def test_row_17_an_answer_that_may_mean_gone_is_read_back(
    world: World, subject: User, status: int, what: str
) -> None:
    group = group_of(world)
    given = {"groups": ()} if what == "roles" else {"roles": (), "groups": (group,)}
    grant = active(world, subject, **given)
    path = "roleAssignments/" if what == "roles" else "members/"
    world.cloud.faults.add(Fault(method="DELETE", path=path, status=status, times=3))
    world.engine.run()
    assert_closed(grant)
    assert roles_of(world, subject) == set()
    assert members(world, group) == []


@pytest.mark.parametrize("name", ["arm_expiry", "confirm_access"])
def test_rule_10_no_expiry_is_later_than_was_decided(
    world: World, subject: User, name: str
) -> None:
    grant = world.request_roles(subject)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["open_subject"])
    lease = grant.lease
    later = world.clock() + 24 * HOUR
    forged = Activation(plan=lease.plan, handover=lease.handover, expires_at=later)
    assert step(world, name, forged)["failure"]["code"] == "no-open-lease"
    assert grant.lease.expires_at is None
    assert roles_of(world, subject) == set()


def test_rule_10_nothing_is_given_that_was_not_decided_on(world: World, subject: User) -> None:
    other = world.customer.add_user("otto")
    grant = world.request_roles(subject, roles=READER)
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["arm_expiry"])
    plan = grant.lease.plan
    for forged in (
        {"roles": (*READER, Role(id=HELPDESK_ADMINISTRATOR, name="Helpdesk Administrator"))},
        {"account_id": other.id},
        {"groups": (group_of(world),)},
    ):
        message = plan.model_copy(update=forged)
        assert step(world, "assign_access", message)["failure"]["code"] == "no-open-lease"
    assert roles_of(world, subject) == roles_of(world, other) == set()

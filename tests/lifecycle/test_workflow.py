"""The workflow on the real executor: early ends, races, lost workers, repeated steps, replays."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest

from curfew.ledger.accounts import TABLE
from curfew.model.grants import EndReason, GrantState
from curfew.model.profiles import CredentialKind
from tests.lifecycle.engine import ActivityLost, Engine, WorkerKilled
from tests.lifecycle.world import Grant, World, registered_functions

GIVING = ["open_account", "set_password", "assign_access", "issue_pass", "enable_account"]
TAKING_BACK = [
    "announce_ending",
    "disable_account",
    "revoke_sessions",
    "remove_access",
    "remove_methods",
    "rotate_password",
    "retire_credential",
    "verify_ended",
    "close_grant",
]


@pytest.fixture(autouse=True)
def _account_exists(world: World) -> None:
    # A wake takes every step of giving; a creation has its password set already.
    world.ended_grant()
    world.engine.ran.clear()


def once(phase: str, name: str, act: Any) -> Any:
    """A hook that acts at the first time that a step is at a phase."""
    done: list[bool] = []

    def hook(now: str, step: str) -> None:
        if (now, step) == (phase, name) and not done:
            done.append(True)
            act()

    return hook


def over_at(grant: Grant) -> datetime:
    """When a grant was over; its workflow goes on, to report what the directory tells later."""
    ended_at = grant.lease.ended_at
    assert ended_at is not None
    return ended_at


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", GIVING)
def test_an_end_ordered_while_giving_is_obeyed_when_the_step_is_over(
    world: World, step: str, phase: str
) -> None:
    grant = world.request()
    world.engine.hook = once(phase, step, grant.order_end)
    began = world.clock()
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.RETURNED
    assert over_at(grant) - began < timedelta(minutes=5)


def test_an_end_ordered_before_the_first_step_gives_nothing(world: World) -> None:
    grant = world.request()
    grant.order_end()
    world.engine.run()
    world.assert_gone(grant)
    assert not {"assign_access", "set_password", "enable_account"} & set(world.engine.ran)


@pytest.mark.parametrize("step", TAKING_BACK)
def test_an_end_ordered_while_ending_changes_nothing(world: World, step: str) -> None:
    grant = world.request()
    world.engine.hook = once("before", step, grant.order_end)
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.EXPIRED


def test_an_end_ordered_while_waiting_for_replication_is_obeyed_at_once(world: World) -> None:
    grant = world.request()
    world.cloud.faults.fail_before(method="POST", path="roleAssignments", times=None, status=404)
    began = world.clock()
    world.engine.run_for(timedelta(seconds=20))
    assert grant.state is GrantState.PROVISIONING
    world.cloud.faults.clear()
    grant.order_end()
    world.engine.run()
    world.assert_gone(grant)
    assert over_at(grant) - began < timedelta(minutes=1)


@pytest.mark.parametrize("first", ["expiry", "end"])
def test_an_end_in_the_instant_of_the_expiry_is_decided_by_the_history(
    world: World, first: str
) -> None:
    grant = world.request()
    grant.run_until_active()
    expires_at = grant.lease.expires_at
    assert expires_at is not None
    world.clock.moment = expires_at
    if first == "end":
        grant.order_end()
    world.engine.fire_due_timers()
    if first == "expiry":
        grant.order_end()
    world.engine.run()
    world.assert_gone(grant)
    wanted = EndReason.EXPIRED if first == "expiry" else EndReason.RETURNED
    assert grant.lease.end_reason is wanted


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("step", [*GIVING, *TAKING_BACK])
def test_a_worker_lost_at_any_step_loses_nothing(
    world: World, step: str, phase: str, loss: type[Exception]
) -> None:
    def lose() -> None:
        raise loss

    grant = world.request()
    world.engine.hook = once(phase, step, lose)
    world.engine.run()
    assert world.engine.instances[grant.plan.grant_id].completed
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.EXPIRED


def test_every_step_run_twice_leaves_the_same_state_and_one_working_password(
    world: World,
) -> None:
    flows, steps = registered_functions()

    def twice(name: str) -> Any:
        async def run(message: object) -> object:
            await steps[name](message=message)
            return await steps[name](message=message)

        return run

    doubled = Engine(flows, {name: twice(name) for name in steps}, world.clock, world.loop)
    world.engine, single = doubled, world.engine
    assert single.instances
    grant = world.request()
    grant.run_until_active()

    user = world.user()
    assert world.sign_in(world.kept(grant)) == 200
    assert world.sign_in(world.kept(grant, "pass")) == 200
    assert len(world.customer.assignments_of(user.id)) == len(grant.plan.roles)
    works = [v for v in world.versions(grant) if v.value == user.password]
    assert len(works) == 1
    doubled.run()
    world.assert_gone(grant)


def test_every_step_of_a_creation_run_twice_makes_one_account(world: World) -> None:
    flows, steps = registered_functions()

    def twice(name: str) -> Any:
        async def run(message: object) -> object:
            await steps[name](message=message)
            return await steps[name](message=message)

        return run

    name = world.user().user_principal_name
    del world.customer.users[world.user().id]
    world.wait(world.services.tables.delete(TABLE, world.customer.id, name))
    world.engine = Engine(flows, {n: twice(n) for n in steps}, world.clock, world.loop)
    grant = world.request()
    grant.run_until_active()
    assert world.sign_in(world.kept(grant)) == 200
    assert sum(u.user_principal_name == name for u in world.customer.users.values()) == 1
    world.engine.run()
    world.assert_gone(grant)


def test_giving_that_takes_too_long_is_taken_back(world: World) -> None:
    world.cloud.faults.fail_before(method="POST", path="roleAssignments", status=404, times=None)
    grant = world.request()
    began = world.clock()
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.FAILED
    assert "not-yet" in (grant.lease.failure or "")
    assert over_at(grant) - began < timedelta(minutes=20)


def test_a_pass_that_the_policy_makes_worthless_is_a_failure_with_its_reason(world: World) -> None:
    world.customer.access_pass_policy.enabled = False
    grant = world.request(credential=CredentialKind.TEMPORARY_ACCESS_PASS)
    world.engine.run()
    world.assert_gone(grant)
    assert "credential-unusable" in (grant.lease.failure or "")


def test_each_turn_replays_to_the_same_actions(world: World) -> None:
    turns: list[tuple[Any, bytes, bytes]] = []
    execute = Engine.execute

    def recorded(orchestrator: Any, request: pb.OrchestratorRequest) -> pb.OrchestratorResponse:
        response = execute(orchestrator, request)
        turns.append((orchestrator, request.SerializeToString(), response.SerializeToString()))
        return response

    world.engine.execute = recorded  # type: ignore[method-assign]
    grant = world.request()
    grant.run_until_active()
    fault = world.cloud.faults.outage("graph")
    world.engine.run(stop=world.flagged)
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)

    assert len(turns) > 20
    for orchestrator, stored, answered in turns:
        request = pb.OrchestratorRequest.FromString(stored)
        again = execute(orchestrator, request)
        assert again.SerializeToString(deterministic=True) == pb.OrchestratorResponse.FromString(
            answered
        ).SerializeToString(deterministic=True)


@pytest.fixture(autouse=True)
def _loop_is_idle(world: World) -> Iterator[None]:
    yield
    assert not asyncio.all_tasks(world.loop)

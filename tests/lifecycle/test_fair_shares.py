"""What giving is told, and what hangs, keeps nobody else's access open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from curfew.model.sweeps import FRESH, Swept
from curfew.net.rounds import Limits, by_lot
from simulator.faults import Fault
from tests.lifecycle.nets import kill, neighbour, result_of, sweep
from tests.lifecycle.test_sweep import overdue
from tests.lifecycle.watched import forget_tenants
from tests.lifecycle.world import HOUR, ROLES, Grant, World

A_WHILE = timedelta(minutes=1)
ONE_AT_A_TIME = Limits(run=2.5, tenant=2.5, tenants=1, within=1)
MANY = 25
"""Sweeps until even the unluckiest lot, one of two, has fallen on each."""


@pytest.fixture(autouse=True)
def nobody_else(world: World) -> None:
    """No tenant and no lease of any other test is swept along."""
    forget_tenants(world)
    tables = world.services.tables

    async def forget() -> None:
        for row in [row async for row in tables.all("leases", "PartitionKey ne ''", {})]:
            await tables.delete("leases", row.partition, row.key)

    world.wait(forget())


@pytest.fixture
def grant(world: World) -> Grant:
    """An active grant whose expiry is twenty seconds away."""
    grant = world.request(duration=timedelta(minutes=10), roles=ROLES[:1])
    grant.run_until_active()
    expires_at = grant.lease.expires_at
    assert expires_at is not None
    world.engine.run(until=expires_at - timedelta(seconds=20))
    return grant


def ask_in_a_throttled_part(world: World) -> None:
    """Role grants whose assignments are answered 429, for five minutes each time."""
    fault = Fault(
        service="graph",
        tenant=world.customer.id,
        method="POST",
        path="roleAssignments|ScheduleRequests",
        status=429,
        retry_after=300,
        times=None,
    )
    world.cloud.faults.add(fault)
    own = world.user().id
    others = [user for user in world.customer.users.values() if user.id != own]
    for other in [user for user in others if user.account_enabled][:4]:
        world.request_roles(other, duration=HOUR, roles=ROLES[:1])


def test_an_expiry_waits_for_no_429_that_giving_was_told(world: World, grant: Grant) -> None:
    ask_in_a_throttled_part(world)
    world.engine.run_for(timedelta(seconds=20) + A_WHILE)
    assert not world.user().account_enabled


def test_a_sweep_waits_out_the_short_silence_of_endings(world: World, grant: Grant) -> None:
    kill(world, grant)
    world.clock.advance(timedelta(seconds=15))
    ask_in_a_throttled_part(world)
    world.engine.run_for(timedelta(seconds=10))
    assert world.services.pace(world.customer.id)._silent is not None
    assert result_of(sweep(world), grant) is Swept.ENDED
    assert not world.user().account_enabled


def test_what_is_due_now_comes_before_what_hangs_since_long_ago(world: World) -> None:
    old = overdue(world)
    new = overdue(neighbour(world))
    world.clock.advance(2 * HOUR)
    move_deadline(new)
    world.clock.advance(A_WHILE + FRESH)
    hang(world)
    report = sweep(world, limits=replace(ONE_AT_A_TIME, run=6.0, tenant=6.0))
    assert result_of(report, new) is Swept.ENDED
    assert result_of(report, old) is not Swept.ENDED


def test_a_tenant_that_hangs_is_not_in_front_of_the_others_for_ever(world: World) -> None:
    hanging, good = overdue(world), overdue(neighbour(world))
    world.clock.advance(2 * HOUR)
    hang(world)
    assert_ends_in_spite_of(hanging, good)


def test_an_account_that_hangs_is_not_in_front_of_the_others_for_ever(world: World) -> None:
    hanging = overdue(world)
    good = world.request(user_principal_name=f"msp-bo@{world.customer.domain}", account_id=None)
    good.run_until_active()
    kill(world, good)
    world.clock.advance(2 * HOUR)
    hang(world, path=world.user().id)
    assert_ends_in_spite_of(hanging, good)


def test_every_lot_falls_and_first_is_first() -> None:
    lots = [by_lot(range(6), lambda number: number < 3) for _ in range(500)]
    assert all(sorted(lot[:3]) == [0, 1, 2] and sorted(lot[3:]) == [3, 4, 5] for lot in lots)
    assert {lot[0] for lot in lots} == {0, 1, 2}
    assert {lot[3] for lot in lots} == {3, 4, 5}


def hang(world: World, path: str = "") -> None:
    fault = Fault(service="graph", tenant=world.customer.id, path=path, effect="hang", times=None)
    world.cloud.faults.add(fault)


def move_deadline(grant: Grant) -> None:
    """The grant is due a minute from now."""
    world = grant.world
    due = {"deadline": world.clock() + A_WHILE}
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda now: now.model_copy(update=due)))


def assert_ends_in_spite_of(hanging: Grant, good: Grant) -> None:
    for _ in range(MANY):
        if result_of(sweep(good.world, limits=ONE_AT_A_TIME), good) is Swept.ENDED:
            break
        good.world.clock.advance(timedelta(minutes=5))
    good.world.assert_gone(good)
    assert not hanging.state.over

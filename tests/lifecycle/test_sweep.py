"""The sweep among many tenants: nobody's trouble is another's, and what is unknown ends nothing.

docs/failures.md, rows 6, 13, 15 and 16.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from curfew.entra.pace import ENDINGS_SILENCE
from curfew.errors import Missing, ServiceError
from curfew.events import Event
from curfew.model.approvals import Approval
from curfew.model.grants import EndReason, GrantState, Lease
from curfew.model.messages import CREATION_SETTLES
from curfew.model.sweeps import FRESH, Swept
from curfew.net.rounds import Limits
from simulator.faults import Fault
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.nets import HURRY, INTERVAL, events, kill, neighbour, result_of, sweep
from tests.lifecycle.world import HOUR, Grant, World

QUESTION = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def overdue(world: World) -> Grant:
    """An active grant without a workflow, in a world of its own tenant."""
    grant = world.request()
    grant.run_until_active()
    kill(world, grant)
    return grant


@pytest.fixture
def three(world: World) -> list[Grant]:
    """An overdue grant in each of three tenants."""
    grants = [overdue(each) for each in (world, neighbour(world), neighbour(world))]
    world.clock.advance(HOUR)
    return grants


@pytest.mark.parametrize("effect", ["status", "drop", "hang"])
def test_row_15_one_dead_tenant_of_three_stops_nobody(
    world: World, three: list[Grant], effect: str
) -> None:
    dead = world.customer.id
    fault = Fault(service="graph", tenant=dead, effect=effect, times=None)  # type: ignore[arg-type]
    world.cloud.faults.add(fault)
    report = sweep(world, limits=HURRY)
    results = [result_of(report, grant) for grant in three]
    assert results[1:] == [Swept.ENDED, Swept.ENDED]
    assert results[0] is (Swept.UNREACHED if effect == "hang" else Swept.FAILED)
    assert report.partial
    assert dead in {failure.tenant for failure in report.failures}
    assert events(world, Event.SWEEP_FAILED, tenant=dead)

    world.cloud.faults.remove(fault)
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world), three[0]) is Swept.ENDED
    for grant in three:
        grant.world.assert_gone(grant)


def test_a_throttled_tenant_is_left_in_peace_and_the_others_are_not(
    world: World, three: list[Grant]
) -> None:
    fault = Fault(
        service="graph", tenant=world.customer.id, status=429, retry_after=120, times=None
    )
    world.cloud.faults.add(fault)
    report = sweep(world)
    assert [result_of(report, grant) for grant in three[1:]] == [Swept.ENDED, Swept.ENDED]
    assert three[0].state is GrantState.ENDING
    # Held back by the tenant's wish is not stuck.
    assert not three[0].lease.stuck

    world.cloud.faults.remove(fault)
    told = world.clock()
    assert result_of(sweep(world), three[0]) is Swept.ENDED
    # The sweep was silent as long as endings are, and not as long as giving is.
    assert ENDINGS_SILENCE < world.clock() - told < timedelta(seconds=120)


def test_row_15_a_dead_tenant_costs_few_calls_and_everybody_in_it_gets_a_turn(
    world: World,
) -> None:
    grants = [written(world, f"msp-{number}@{world.customer.domain}") for number in range(9)]
    world.cloud.faults.add(Fault(service="graph", status=503, times=None))
    world.clock.advance(INTERVAL)
    tried: list[set[str]] = []
    for _ in range(3):
        report = sweep(world)
        results = {grant.plan.grant_id: result_of(report, grant) for grant in grants}
        assert set(results.values()) == {Swept.FAILED, Swept.UNREACHED}
        tried.append({each for each, result in results.items() if result is Swept.FAILED})
        assert len(tried[-1]) == Limits().within
        world.clock.advance(INTERVAL)
    # Who was tried without success makes way for the others.
    assert not tried[0] & tried[1]
    assert set.union(*tried) == {grant.plan.grant_id for grant in grants}
    for grant in grants:
        world.wait(world.services.leases.withdraw(grant.lease))


def test_row_6_a_ledger_that_cannot_be_read_ends_nothing(world: World, three: list[Grant]) -> None:
    writes = world.graph_writes()
    world.ledger.trouble = Trouble(times=None)
    with pytest.raises(ServiceError):
        sweep(world)
    world.ledger.trouble = None
    assert events(world, Event.SWEEP_FAILED)
    assert not events(world, Event.SWEEP_DONE)
    assert world.graph_writes() == writes
    assert {grant.state for grant in three} == {GrantState.ACTIVE}


def test_a_lease_that_cannot_be_read_keeps_no_other_from_its_end(
    world: World, three: list[Grant]
) -> None:
    whole = spoil(world, three[0])
    report = sweep(world)
    assert [result_of(report, grant) for grant in three] == [
        Swept.FAILED,
        Swept.ENDED,
        Swept.ENDED,
    ]
    world.wait(world.services.tables._client("leases").upsert_entity(whole))
    assert result_of(sweep(world), three[0]) is Swept.ENDED


def test_row_6_what_cannot_be_read_back_is_not_over(world: World) -> None:
    grant = overdue(world)
    fault = Fault(method="GET", path="roleAssignments$", status=403, times=None)
    world.cloud.faults.add(fault)
    world.clock.advance(HOUR)
    assert result_of(sweep(world), grant) is Swept.FAILED
    assert grant.state is GrantState.ENDING
    assert not world.user().account_enabled
    world.cloud.faults.remove(fault)
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)


def test_a_step_that_was_not_answered_is_taken_again_before_anything_is_closed(
    world: World,
) -> None:
    grant = overdue(world)
    world.clock.advance(HOUR)
    fault = Fault(method="PATCH", body="accountEnabled", status=503, applied=True)
    world.cloud.faults.add(fault)
    assert result_of(sweep(world), grant) is Swept.FAILED
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)


def test_a_directory_that_lags_longer_than_a_sweep_lasts_is_waited_for(world: World) -> None:
    grant = overdue(world)
    world.customer.knobs.stale_seconds = 120
    world.clock.advance(HOUR)
    assert result_of(sweep(world), grant) is Swept.FAILED
    world.clock.advance(INTERVAL)
    world.customer.knobs.stale_seconds = 200
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.customer.knobs.stale_seconds = 0
    world.assert_gone(grant)


def test_an_account_that_is_gone_is_believed_after_a_while(world: World) -> None:
    grant = overdue(world)
    user = world.user()
    del world.customer.users[user.id]
    world.clock.advance(HOUR)
    assert result_of(sweep(world), grant) is Swept.WAITING
    world.customer.users[user.id] = user
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)


def test_an_account_that_stays_gone_ends_its_grant(world: World) -> None:
    grant = overdue(world)
    del world.customer.users[world.user().id]
    world.clock.advance(HOUR)
    assert result_of(sweep(world), grant) is Swept.WAITING
    world.clock.advance(CREATION_SETTLES)
    assert result_of(sweep(world), grant) is Swept.ENDED
    evidence = grant.lease.evidence
    assert evidence is not None
    assert not evidence.account_existed


@pytest.mark.parametrize("appears", [False, True], ids=["never", "late"])
def test_a_creation_that_nobody_saw_succeed_is_looked_for_until_its_absence_is_certain(
    world: World, appears: bool
) -> None:
    plan = world.plan()
    lease = world.lease(plan)
    grant = unstarted(world, lease)
    world.wait(
        world.services.leases.change(
            plan.grant_id, lambda now: now.model_copy(update={"deadline": plan.provision_by})
        )
    )
    world.clock.advance(plan.provision_by - world.clock() + FRESH)
    assert result_of(sweep(world), grant) is Swept.WAITING
    if appears:
        world.customer.add_user("msp-ann", "Ann", enabled=True, employeeType=plan.mark)
    world.clock.advance(CREATION_SETTLES - FRESH)
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)


@pytest.mark.parametrize("state", [GrantState.AWAITING_APPROVAL, GrantState.SCHEDULED])
def test_what_waited_for_nothing_is_closed_without_a_look_at_the_directory(
    world: World, state: GrantState
) -> None:
    approval = Approval(id=QUESTION, needed=1, deadline=world.clock() + HOUR)
    plan = world.plan(approval=approval)
    lease = world.lease(plan)
    grant = unstarted(world, lease)

    def wait(now: Lease) -> Lease:
        waiting = {"state": state, "deadline": approval.deadline, "approval": approval}
        return now.model_copy(update=waiting)

    world.wait(world.services.leases.change(plan.grant_id, wait))
    world.clock.advance(HOUR + FRESH - timedelta(seconds=1))
    assert result_of(sweep(world), grant) is None
    world.clock.advance(timedelta(seconds=1))
    assert result_of(sweep(world), grant) is Swept.CLOSED
    assert grant.state is GrantState.CLOSED
    expected = {GrantState.AWAITING_APPROVAL: EndReason.APPROVAL_EXPIRED}
    assert grant.lease.end_reason is expected.get(state, EndReason.SWEPT)
    assert world.cloud.calls.graph(world.customer.id) == []
    holder = world.services.leases.holder(world.customer.id, plan.user_principal_name)
    assert world.wait(holder) is None


def test_a_grant_that_was_extended_while_the_sweep_was_on_its_way_stays(world: World) -> None:
    grant = overdue(world)
    world.clock.advance(HOUR)

    def extend(now: Lease) -> Lease:
        return now.model_copy(update={"deadline": world.clock() + HOUR})

    get = world.services.leases.get

    async def get_after_extension(grant_id: str) -> Lease:
        world.services.leases.get = get  # type: ignore[method-assign]
        await world.services.leases.change(grant_id, extend)
        return await get(grant_id)

    world.services.leases.get = get_after_extension  # type: ignore[method-assign]
    assert result_of(sweep(world), grant) is None
    assert grant.state is GrantState.ACTIVE
    assert world.user().account_enabled


def test_row_16_every_sweep_is_heard_of(world: World) -> None:
    grant = overdue(world)
    world.clock.advance(HOUR)
    report = sweep(world)
    sweep(world)
    first, second = events(world, Event.SWEEP_DONE)
    assert first.fields["overdue"] == report.overdue >= 1  # type: ignore[attr-defined]
    assert first.fields["ended"] == report.ended >= 1  # type: ignore[attr-defined]
    assert second.fields["overdue"] < report.overdue  # type: ignore[attr-defined]
    (swept,) = events(world, Event.GRANT_SWEPT, grant=grant.plan.grant_id)
    assert swept.fields["reason"] == EndReason.SWEPT  # type: ignore[attr-defined]


def unstarted(world: World, lease: Lease) -> Grant:
    """A grant whose workflow never started."""
    return Grant(world, lease.plan, instance=None)  # type: ignore[arg-type]


def written(world: World, name: str) -> Grant:
    """A grant that is overdue by now, in the ledger alone."""
    plan = world.plan(user_principal_name=name, account_id=str(uuid4()), opened=True)
    lease = world.lease(plan)
    active = {"state": GrantState.ACTIVE, "deadline": world.clock()}
    change = world.services.leases.change
    world.wait(change(plan.grant_id, lambda now: now.model_copy(update=active)))
    return unstarted(world, lease)


def spoil(world: World, grant: Grant) -> Any:
    """Make a lease unreadable, as nothing of Curfew's ever would, and answer it as it was."""
    client = world.services.tables._client("leases")
    plan = grant.plan
    entity = world.wait(client.get_entity(plan.tenant_id, plan.grant_id))
    world.wait(client.upsert_entity({**entity, "document": '{"plan": 1}'}))
    return entity


def test_row_25_the_sweep_ends_what_a_leaving_tenant_has_left_and_forgets_it(
    world: World,
) -> None:
    grant = overdue(world)
    store = world.services.tenants
    saved = world.wait(store.get(world.customer.id))
    world.wait(store.put(saved.model_copy(update={"leaving_since": world.clock()})))
    # Its workflow was told, and is given a while for it.
    assert result_of(sweep(world), grant) is None
    assert grant.state is GrantState.ACTIVE
    world.clock.advance(FRESH)
    report = sweep(world)
    assert result_of(report, grant) is Swept.ENDED
    assert world.customer.id in report.left
    world.assert_gone(grant)
    with pytest.raises(Missing):
        world.wait(store.get(world.customer.id))


def test_a_tenant_that_leaves_stays_while_a_grant_cannot_be_ended(world: World) -> None:
    grant = overdue(world)
    store = world.services.tenants
    saved = world.wait(store.get(world.customer.id))
    world.wait(store.put(saved.model_copy(update={"leaving_since": world.clock()})))
    fault = Fault(method="GET", path="memberOf$", status=403, times=None)
    world.cloud.faults.add(fault)
    world.clock.advance(FRESH)
    assert sweep(world).left == ()
    assert grant.state is GrantState.ENDING
    world.cloud.faults.remove(fault)
    world.clock.advance(INTERVAL)
    assert world.customer.id in sweep(world).left

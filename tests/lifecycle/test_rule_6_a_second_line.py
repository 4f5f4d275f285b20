"""Rule 6: the sweep ends every overdue grant from the ledger alone.

docs/failures.md, rows 5, 12, 13 and 14.
"""

from datetime import timedelta

import pytest

from curfew.ending.verifying import verify_ended
from curfew.model.grants import EndReason, GrantState, Lease
from curfew.model.messages import Verification
from curfew.model.profiles import EndingMode
from curfew.model.sweeps import CURFEW, FRESH, Swept
from simulator.faults import Fault
from tests.lifecycle.nets import INTERVAL, Told, cut_short, kill, result_of, sweep, watch
from tests.lifecycle.world import HOUR, Grant, World

STEPS = ("open_account", "assign_access", "issue_pass", "enable_account")


@pytest.mark.parametrize("woken", [False, True], ids=["created", "woken"])
def test_rule_6_row_13_a_purged_workflow_is_swept_within_one_interval(
    world: World, woken: bool
) -> None:
    if woken:
        world.ended_grant()
    grant = world.request()
    grant.run_until_active()
    password = world.kept(grant)
    assert world.sign_in(password) == 200
    kill(world, grant)

    world.clock.advance(HOUR - timedelta(seconds=1))
    assert result_of(sweep(world), grant) is None
    assert world.user().account_enabled
    world.clock.advance(timedelta(seconds=1))
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.SWEPT
    assert grant.lease.ended_by == CURFEW
    assert world.sign_in(password) == 400


def test_rule_6_row_12_a_task_hub_that_is_gone_loses_no_grant(world: World) -> None:
    grants = [world.request(), role_grant(world)]
    world.engine.run(until=world.clock())
    for grant in grants:
        assert grant.state is GrantState.ACTIVE
        kill(world, grant)
    assert not world.engine.instances
    world.clock.advance(HOUR)
    report = sweep(world)
    assert [result_of(report, grant) for grant in grants] == [Swept.ENDED, Swept.ENDED]
    world.assert_gone(grants[0])
    subject = world.customer.user(grants[1].plan.account_id or "")
    assert not world.customer.assignments_of(subject.id)
    assert subject.account_enabled


@pytest.mark.parametrize("step", STEPS)
def test_rule_6_row_14_what_is_being_given_is_left_alone_for_a_while(
    world: World, step: str
) -> None:
    grant = world.request()
    world.wait(world.services.leases.change(grant.plan.grant_id, deadline_at_its_limit))
    world.engine.run(stop=lambda: world.engine.ran[-1:] == [step])
    if step == "enable_account":
        return_to(world, grant, GrantState.PROVISIONING)
    kill(world, grant)
    armed = grant.lease.expires_at is not None
    assert armed is (step == "enable_account")
    lease, before = grant.lease, world.graph_writes()

    world.clock.advance(lease.deadline - world.clock() - timedelta(seconds=1))
    assert result_of(sweep(world), grant) is None
    if not armed:
        world.clock.advance(FRESH)
        assert result_of(sweep(world), grant) is None
    assert grant.lease == lease
    assert world.graph_writes() == before
    world.clock.advance(timedelta(seconds=1))
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)


def test_rule_6_an_ending_whose_workflow_is_lost_is_swept_for_its_own_reason(
    world: World,
) -> None:
    grant = world.request()
    grant.run_until_active()
    grant.order_end()
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["announce_ending"])
    kill(world, grant)
    assert grant.state is GrantState.ENDING
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.RETURNED
    assert grant.lease.ended_by == grant.lease.technician


def test_rule_6_a_living_workflow_is_told_and_both_agree(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.clock.advance(HOUR)
    told = Told()
    assert result_of(sweep(world, told), grant) is Swept.ENDED
    assert told.grants == [grant.plan.grant_id]
    lease, writes = grant.lease, world.graph_writes()

    world.engine.run()
    assert grant.instance.completed
    changed = {"report": lease.report, "etag": lease.etag}
    assert grant.lease.model_copy(update=changed) == lease
    # It was told after the end, so at the most the account is disabled once more.
    assert [write for write in world.graph_writes()[len(writes) :] if "PATCH" not in write] == []
    world.assert_gone(grant)


def test_rule_6_a_living_workflow_finishes_what_the_sweep_could_not(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = Fault(method="GET", path="authentication/methods$", status=503, times=None)
    world.cloud.faults.add(fault)
    world.clock.advance(HOUR)
    told = Told()
    assert result_of(sweep(world, told), grant) is Swept.FAILED
    assert not world.user().account_enabled
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world, told), grant) is Swept.FAILED
    # Once: an ending workflow has nobody to hear it.
    assert told.grants == [grant.plan.grant_id]
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.SWEPT


def test_rule_6_a_workflow_that_comes_after_the_sweep_alarms_nobody(world: World) -> None:
    """It takes back once more what is over, and the watch takes that for nobody else's doing."""
    world.save_settings()
    grant = world.request()
    grant.run_until_active()
    fault = Fault(service="graph", status=503, times=None)
    world.cloud.faults.add(fault)
    grant.order_end()
    world.engine.run_for(2 * INTERVAL)
    world.cloud.faults.remove(fault)
    assert result_of(sweep(world, Told()), grant) is Swept.ENDED
    swept = world.user().last_password_change
    world.engine.run_for(HOUR)
    assert world.user().last_password_change > swept
    assert watch(world) == []
    world.assert_gone(grant)


@pytest.mark.parametrize(
    ("mode", "writes"),
    [
        *((EndingMode.DISABLE, writes) for writes in (0, 1, 3, 6)),
        # The seventh write deletes the account.
        *((EndingMode.DELETE, writes) for writes in (5, 6, 7)),
    ],
)
def test_rule_6_a_sweep_that_is_killed_is_finished_by_the_next(
    world: World, mode: EndingMode, writes: int
) -> None:
    grant = world.request(ending_mode=mode)
    grant.run_until_active()
    kill(world, grant)
    world.clock.advance(HOUR)
    cut_short(world, after_writes=writes)
    assert grant.state in {GrantState.ACTIVE, GrantState.ENDING}
    world.clock.advance(INTERVAL)
    assert result_of(sweep(world), grant) is Swept.ENDED
    assert grant.lease.evidence is not None
    if mode is EndingMode.DELETE:
        assert grant.lease.evidence.account_deleted
        assert world.customer.find_user(grant.plan.user_principal_name) is None
    world.assert_gone(grant)


@pytest.mark.parametrize("what", ["graph", "vault"])
def test_rule_6_row_5_an_outage_is_outlasted_and_alerted_once(world: World, what: str) -> None:
    grant = world.request()
    grant.run_until_active()
    kill(world, grant)
    world.clock.advance(HOUR)
    outage = world.cloud.faults.outage(what)
    for _ in range(4):
        assert result_of(sweep(world), grant) is Swept.FAILED
        world.clock.advance(INTERVAL)
    alerts = [r for r in world.log if getattr(r, "event", "") == "curfew.grant.stuck"]
    assert len(alerts) == 1
    assert grant.lease.stuck
    assert grant.state is GrantState.ENDING
    world.cloud.faults.remove(outage)
    assert result_of(sweep(world), grant) is Swept.ENDED
    world.assert_gone(grant)
    assert not grant.lease.stuck


def deadline_at_its_limit(lease: Lease) -> Lease:
    return lease.model_copy(update={"deadline": lease.plan.provision_by})


def return_to(world: World, grant: Grant, state: GrantState) -> None:
    """The ledger as it was before the last write: that one was lost."""

    def back(lease: Lease) -> Lease:
        return lease.model_copy(update={"state": state})

    world.wait(world.services.leases.change(grant.plan.grant_id, back))


def role_grant(world: World) -> Grant:
    subject = world.customer.add_user("bob", "Bob Administrator")
    return world.request_roles(subject)


def read_back(world: World) -> Grant:
    """A grant that was read back as over, and whose workflow is lost before it was closed."""
    grant = world.request()
    grant.run_until_active()
    grant.order_end()
    world.engine.run(stop=lambda: grant.lease.evidence is not None)
    world.engine.purge(grant.plan.grant_id)
    assert grant.state is GrantState.ENDING
    return grant


def test_rule_4_the_sweep_believes_no_reading_that_is_out_of_date(world: World) -> None:
    grant = read_back(world)
    world.user().account_enabled = True

    sweep(world)

    assert not world.user().account_enabled
    world.assert_gone(grant)


def test_rule_4_what_was_read_back_and_is_so_no_more_stands_in_no_lease(world: World) -> None:
    grant = read_back(world)
    world.user().account_enabled = True

    verification = Verification(plan=grant.lease.plan)
    evidence = world.wait(verify_ended(world.services, verification))

    assert not evidence.clean
    assert grant.lease.evidence is None

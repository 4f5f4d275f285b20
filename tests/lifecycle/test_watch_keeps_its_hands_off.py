"""The watch leaves alone what is adopted, foreign, protected, unreadable, or a grant's by now.

Rules 6 and 8; field notes §2, rows 6, 15 and 20.
"""

from typing import Any

import pytest

from curfew.events import Event
from curfew.model.grants import GrantState, Lease
from curfew.model.sweeps import Noticed
from simulator.faults import Fault
from tests.lifecycle.nets import HURRY, events, neighbour, results, watch, watch_all
from tests.lifecycle.watched import as_it_was, asleep, forget_tenants, note, swept_leases
from tests.lifecycle.world import APPROVER, HOUR, World


@pytest.fixture(autouse=True)
def alone(world: World) -> None:
    forget_tenants(world)


@pytest.mark.parametrize("protection", ["adopted", "synced", "break-glass"])
def test_rule_8_what_is_not_curfews_to_touch_is_never_ended(world: World, protection: str) -> None:
    user = asleep(world)
    user.account_enabled = True
    if protection == "adopted":
        note(world, adopted_by=APPROVER)
    elif protection == "synced":
        user.synced = True
    else:
        world.save_settings(break_glass=(user.id,))
    before = as_it_was(user), world.graph_writes()
    first = results(watch(world))
    for _ in range(3):
        world.clock.advance(HOUR)
        watch(world)
    assert (as_it_was(user), world.graph_writes()) == before
    assert first == ([Noticed.WARNED] if protection == "synced" else [])
    assert len(events(world, Event.ACCOUNT_SUSPICIOUS)) == len(first)
    assert swept_leases(world) == []


@pytest.mark.parametrize("mark", [None, "curfew-0123456789abcdef", "copied"])
def test_rule_8_an_account_that_only_looks_like_ours_is_reported_once_and_not_touched(
    world: World, mark: str | None
) -> None:
    ours = asleep(world)
    copied = ours.profile["employeeType"] if mark == "copied" else mark
    foreign = world.customer.add_user("msp-bob", "Bob", enabled=True, employeeType=copied)
    world.customer.assign_role(foreign.id, "Global Administrator")
    before = as_it_was(foreign), world.graph_writes()
    assert results(watch(world)) == [Noticed.UNKNOWN]
    for _ in range(2):
        world.clock.advance(HOUR)
        assert watch(world) == []
    assert (as_it_was(foreign), world.graph_writes()) == before
    assert len(events(world, Event.ACCOUNT_UNKNOWN)) == 1


READINGS = {
    "roles": "roleAssignments$",
    "groups": "memberOf$",
    "methods": "authentication/methods$",
    "eligible roles": "roleEligibilityScheduleInstances$",
    "accounts": "/users$",
}


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("path", READINGS.values(), ids=READINGS)
def test_row_6_what_cannot_be_read_is_no_reason_for_anything(
    world: World, path: str, status: int
) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    world.clock.advance(HOUR)
    world.cloud.faults.fail_before(method="GET", path=path, status=status, times=None)
    before = world.graph_writes()
    report = watch_all(world)
    assert report.partial
    assert user.account_enabled
    assert world.graph_writes() == before
    assert events(world, Event.ACCOUNT_UNREADABLE) or events(world, Event.WATCH_FAILED)
    world.cloud.faults.clear()
    assert results(watch(world)) == [Noticed.ENDED]


def test_row_15_one_dead_tenant_keeps_no_other_from_being_watched(world: World) -> None:
    other = neighbour(world)
    users = [asleep(each) for each in (world, other)]
    for user in users:
        user.account_enabled = True
    world.cloud.faults.add(
        Fault(service="graph", tenant=world.customer.id, effect="hang", times=None)
    )
    report = watch_all(world, HURRY)
    assert world.customer.id in {failure.tenant for failure in report.failures}
    noticed = [each.result for each in report.noticed if each.tenant == other.customer.id]
    assert noticed == [Noticed.WARNED]


def test_a_request_that_comes_at_the_same_time_has_the_account(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    world.clock.advance(HOUR)
    open_lease = world.services.leases.open
    request: list[Any] = []

    async def open_after_another(lease: Lease) -> None:
        # A technician's request writes its claim between the look and the ending.
        world.services.leases.open = open_lease  # type: ignore[method-assign]
        rival = lease.model_copy(
            update={
                "state": GrantState.PROVISIONING,
                "profile": "helpdesk",
                "plan": lease.plan.model_copy(update={"grant_id": request[0].grant_id}),
            }
        )
        await open_lease(rival)
        await open_lease(lease)

    request.append(world.plan())
    world.services.leases.open = open_after_another  # type: ignore[method-assign]
    before = world.graph_writes()
    assert watch(world) == []
    assert world.graph_writes() == before

"""The watch leaves alone what is adopted, foreign, protected, unreadable, or a grant's by now.

Rules 6 and 8; docs/failures.md, rows 6, 15 and 20.
"""

from typing import Any

import pytest

from curfew.events import Event
from curfew.ledger import AccountRecord
from curfew.model.grants import GrantState, Lease
from curfew.model.sweeps import Noticed
from simulator.faults import Fault
from tests.lifecycle.client import ADA, Api, Hub
from tests.lifecycle.nets import HURRY, events, neighbour, results, sweep, watch, watch_all
from tests.lifecycle.watched import (
    as_it_was,
    asleep,
    forget_tenants,
    note,
    record_of,
    swept_leases,
)
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


@pytest.mark.parametrize("word", ["adopted", "break-glass"])
def test_rule_8_what_is_taken_out_of_its_hands_as_it_begins_to_end_is_not_ended(
    world: World, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    world.clock.advance(HOUR)
    leases = world.services.leases
    open_now = leases.open
    before = as_it_was(user), world.graph_writes()

    async def open_late(lease: Lease) -> None:
        plan = lease.plan
        if word == "adopted":
            await world.services.accounts.change(
                plan.tenant_id,
                plan.user_principal_name,
                lambda record: record.model_copy(update={"adopted_by": APPROVER}),
            )
        else:
            tenant = await world.services.tenants.get(plan.tenant_id)
            named = {"break_glass": (user.id,)}
            await world.services.tenants.put(tenant.model_copy(update=named))
        await open_now(lease)

    monkeypatch.setattr(leases, "open", open_late)
    assert watch(world) == []
    name = user.user_principal_name
    assert world.wait(leases.holder(world.customer.id, name)) is None
    sweep(world)
    assert (as_it_was(user), world.graph_writes()) == before
    assert swept_leases(world) == []


def test_rule_8_an_emergency_account_that_was_deleted_once_is_left_alone(world: World) -> None:
    user = asleep(world)
    note(world, account_id=None)
    user.account_enabled = True
    world.save_settings(break_glass=(user.id,))
    before = as_it_was(user), world.graph_writes()
    for _ in range(2):
        assert watch(world) == []
        world.clock.advance(HOUR)
    assert (as_it_was(user), world.graph_writes()) == before


def test_an_account_that_is_known_by_its_mark_can_be_adopted_after_the_warning(
    world: World,
) -> None:
    user = asleep(world)
    note(world, account_id=None)
    user.account_enabled = True
    assert results(watch(world)) == [Noticed.WARNED]
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    adoption = f"/api/tenants/{world.customer.id}/accounts/{user.id}/adopt"
    assert api(ADA, "POST", adoption, {"reason": "It is their helpdesk's now."}).status == 200
    world.clock.advance(HOUR)
    assert watch(world) == []
    assert user.account_enabled


def test_an_adoption_that_a_grant_overtakes_is_refused_and_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = asleep(world)
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    lease = world.lease(world.plan())
    world.wait(world.services.leases.withdraw(lease))
    change = world.services.accounts.change

    async def change_first(*record: Any) -> AccountRecord:
        monkeypatch.undo()
        changed = await change(*record)
        await world.services.leases.open(lease)
        return changed

    monkeypatch.setattr(world.services.accounts, "change", change_first)
    adoption = f"/api/tenants/{world.customer.id}/accounts/{user.id}/adopt"
    answer = api(ADA, "POST", adoption, {"reason": "It is their helpdesk's now."})
    assert answer.status == 409
    assert record_of(world).adopted_by is None


READINGS = {
    "roles": "roleAssignments$",
    "groups": "memberOf$",
    "methods": "authentication/methods$",
    "eligible roles": "roleEligibilitySchedules$",
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

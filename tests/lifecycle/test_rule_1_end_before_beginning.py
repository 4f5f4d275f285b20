"""Rule 1: the end is written before the beginning.

Every call after the lease fails in turn: before it was handled, after it was applied, and with a
refusal although it was applied. Whatever becomes of the grant, its account ends disabled,
stripped and verified.
"""

from collections.abc import Iterator
from itertools import product

import pytest

from curfew.ledger.accounts import TABLE
from curfew.model.grants import GrantState
from simulator.faults import Fault
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import World

FAILURES = {
    "unavailable, not applied": (503, False),
    "unavailable, but applied": (503, True),
    "refused, but applied": (400, True),
}

SOON = {
    ("create", "graph", "unavailable, but applied"),
    ("wake", "graph", "unavailable, not applied"),
    ("create", "vault", "refused, but applied"),
}
"""Those that every run of the tests plays; the others take minutes together."""


CASES = [
    pytest.param(*case, marks=() if case in SOON else pytest.mark.slow)
    for case in product(("create", "wake"), ("graph", "vault"), FAILURES)
]


def calls_of_a_whole_grant(world: World, service: str) -> int:
    before = len(world.cloud.calls.where(service=service))
    world.ended_grant()
    return len(world.cloud.calls.where(service=service)) - before


@pytest.mark.parametrize(("path", "service", "failure"), CASES)
def test_rule_1_whichever_call_fails_the_access_is_over_and_verified(
    world: World, path: str, service: str, failure: str
) -> None:
    world.ended_grant()
    calls = calls_of_a_whole_grant(world, service)
    assert calls > 5
    for index in range(calls + 2):
        if path == "create":
            forget_the_account(world)
        status, applied = FAILURES[failure]
        fault = world.cloud.faults.add(
            Fault(service=service, skip=index, status=status, applied=applied)
        )
        grant = world.request()
        world.engine.run()
        world.cloud.faults.remove(fault)
        world.assert_gone(grant)


@pytest.mark.parametrize(
    "applied",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["not applied", "applied"],
)
def test_rule_1_whichever_ledger_call_fails_the_access_is_over_and_verified(
    world: World, applied: bool
) -> None:
    before = world.ledger.count
    world.ended_grant()
    calls = world.ledger.count - before
    for index in range(2, calls):
        grant = world.request()
        world.ledger.trouble = Trouble(applied=applied, skip=index - 2)
        world.engine.run()
        world.ledger.trouble = None
        world.assert_gone(grant)


def test_rule_1_without_an_open_lease_nothing_is_given(world: World) -> None:
    plan = world.plan()
    world.engine.start(plan.grant_id, "grant", {"version": 1, "plan": plan.to_json()})
    world.engine.run()
    assert world.graph_writes() == []
    assert world.engine.instances[plan.grant_id].completed


def test_rule_1_a_lease_that_is_ending_gives_nothing_more(world: World) -> None:
    grant = world.request()
    ending = {"state": GrantState.ENDING}
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda lease: lease.model_copy(update=ending)))
    world.engine.run()
    assert not [write for write in world.graph_writes() if "roleAssignments" in write]


def test_rule_1_the_expiry_stands_in_the_ledger_before_the_account_is_enabled(
    world: World,
) -> None:
    grant = world.request()
    seen: list[bool] = []

    def look(phase: str, name: str) -> None:
        if (phase, name) == ("after", "enable_account"):
            seen.append(world.user().account_enabled)

    world.engine.hook = look
    world.cloud.faults.fail_before(path="/users/", method="PATCH", times=1)
    world.engine.run(stop=lambda: len(seen) == 1)

    assert seen == [False]
    lease = grant.lease
    assert lease.state is GrantState.PROVISIONING
    assert lease.expires_at is not None
    assert lease.deadline == lease.expires_at
    world.cloud.faults.clear()
    world.engine.run()
    world.assert_gone(grant)


def forget_the_account(world: World) -> None:
    """Let the next grant be the first one again."""
    name = f"msp-ann@{world.customer.domain}"
    user = world.customer.find_user(name)
    if user is not None:
        del world.customer.users[user.id]
    world.wait(world.services.tables.delete(TABLE, world.customer.id, name))


@pytest.fixture(autouse=True)
def _no_fault_is_left(world: World) -> Iterator[None]:
    yield
    world.cloud.faults.clear()

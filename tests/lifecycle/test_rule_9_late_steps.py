"""Rule 9, docs/failures.md row 3: a step that comes late hits no grant but its own."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import (
    Activation,
    Ending,
    EndingNotice,
    GrantInput,
    PassOrder,
    TakingBack,
    Verification,
)
from simulator.directory.objects import User
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.lent import step
from tests.lifecycle.world import Grant, World

MINUTE = timedelta(minutes=1)
LATE = (
    "disable_account",
    "revoke_sessions",
    "remove_access",
    "remove_methods",
    "rotate_password",
    "retire_credential",
    "delete_account",
)


def two_grants(world: World) -> tuple[Grant, Grant]:
    """One that is over, and the same technician's next one, active."""
    first = world.ended_grant()
    world.clock.advance(MINUTE)
    second = world.request()
    second.run_until_active()
    world.clock.advance(MINUTE)
    return first, second


def state_of(world: World) -> dict[str, Any]:
    user: User = world.user()
    seen = copy.deepcopy(vars(user))
    seen.pop("past", None)
    held = user.access_pass.value if user.access_pass else None
    return seen | {"roles": world.roles(), "access_pass": held}


@pytest.mark.parametrize("name", LATE)
def test_row_3_a_late_step_of_an_ending_leaves_the_next_grant_alone(
    world: World, name: str
) -> None:
    first, second = two_grants(world)
    before = state_of(world)
    assert step(world, name, first.lease.plan)["failure"] is None
    assert state_of(world) == before
    assert world.sign_in(world.kept(second)) == 200
    world.engine.run()
    world.assert_gone(second)


def test_a_whole_ending_that_comes_late_ends_without_touching_the_next_grant(
    world: World,
) -> None:
    first, second = two_grants(world)
    before = state_of(world)
    ending = Ending(reason=EndReason.EXPIRED)
    late = TakingBack.begin(first.lease.plan, ending, announced=True)
    work = GrantInput(plan=first.lease.plan, taking_back=late).to_json()
    instance = world.engine.start("late", "grant", work)
    world.engine.run(until=world.clock() + MINUTE)
    assert not world.flagged()
    assert state_of(world) == before
    assert second.state is GrantState.ACTIVE
    world.engine.run()
    assert instance.completed
    world.assert_gone(second)


def test_reading_back_late_finds_nothing_of_the_grant(world: World) -> None:
    first, _ = two_grants(world)
    answer = step(world, "verify_ended", Verification(plan=first.lease.plan))
    assert answer["value"]["rolesLeft"] == 0
    assert answer["value"]["accountDisabled"] is None


@pytest.mark.parametrize("name", ["set_password", "assign_access", "issue_pass", "enable_account"])
def test_a_late_step_of_giving_leaves_the_next_grant_alone(world: World, name: str) -> None:
    first, second = two_grants(world)
    before = state_of(world)
    plan, lease = first.lease.plan, first.lease
    message: Any = plan
    if name == "issue_pass":
        message = PassOrder(plan=plan, minutes=60)
    elif name == "enable_account":
        expires_at = world.clock() + MINUTE
        message = Activation(plan=plan, handover=lease.handover, expires_at=expires_at)
    assert step(world, name, message)["failure"]["code"] == "no-open-lease"
    assert state_of(world) == before
    assert world.sign_in(world.kept(second)) == 200


@pytest.mark.parametrize("name", ["set_password", "assign_access", "issue_pass"])
@pytest.mark.parametrize("then", ["over", "held by the next"])
def test_what_is_given_after_the_end_is_undone_by_its_own_step(
    world: World, name: str, then: str
) -> None:
    """The look at the lease came before the end, the write after it."""
    world.ended_grant()
    grant = world.request()
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["open_account"])
    plan = grant.lease.plan
    grant.order_end()
    message: Any = PassOrder(plan=plan, minutes=60) if name == "issue_pass" else plan
    leases, get = world.services.leases, world.services.leases.get
    open_lease = grant.lease
    world.engine.run(until=world.clock() + MINUTE)
    world.assert_gone(grant)
    if then == "held by the next":
        world.lease(world.plan())
    looks = []

    async def as_it_was(grant_id: str) -> Any:
        looks.append(grant_id)
        return open_lease if len(looks) == 1 else await get(grant_id)

    leases.get = as_it_was  # type: ignore[method-assign]
    outcome = step(world, name, message)
    leases.get = get  # type: ignore[method-assign]
    assert outcome["failure"]["code"] == "no-open-lease"
    assert not world.user().account_enabled
    assert not [version for version in world.versions(grant) if version.enabled]
    if then == "over":
        assert world.roles() == set()
        assert world.user().access_pass is None
        assert world.user().password not in {v.value for v in world.versions(grant)}


def test_row_22_a_password_that_a_repetition_has_set_is_the_one_that_is_handed_out(
    world: World,
) -> None:
    grant = world.request()
    grant.run_until_active()
    lease = grant.lease
    opened = lease.model_copy(update={"state": GrantState.PROVISIONING})
    leases, get = world.services.leases, world.services.leases.get
    for name, kind in (("set_password", "password"), ("issue_pass", "pass")):
        looks: list[str] = []

        async def as_it_was(grant_id: str, seen: list[str] = looks) -> Any:
            seen.append(grant_id)
            return opened if len(seen) == 1 else await get(grant_id)

        message: Any = lease.plan
        if name == "issue_pass":
            message = PassOrder(plan=lease.plan, minutes=60)
        leases.get = as_it_was  # type: ignore[method-assign]
        assert step(world, name, message)["failure"] is None
        leases.get = get  # type: ignore[method-assign]
        assert world.sign_in(world.kept(grant, kind)) == 200
    world.engine.run()
    world.assert_gone(grant)


def test_a_ledger_that_cannot_be_read_stops_no_ending(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    password = world.kept(grant)
    world.clock.advance(MINUTE)
    world.ledger.trouble = Trouble(times=None)
    grant.order_end()
    world.engine.run(until=world.clock() + MINUTE)
    assert not world.user().account_enabled
    assert world.roles() == set()
    assert world.sign_in(password) == 400
    assert world.user().access_pass is None
    world.ledger.trouble = None
    world.engine.run()
    world.assert_gone(grant)


def test_an_ending_on_record_is_overdue(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.clock.advance(MINUTE)
    notice = EndingNotice(plan=grant.lease.plan, ending=Ending(reason=EndReason.REVOKED))
    assert step(world, "announce_ending", notice)["value"] == {"over": False}
    assert grant.lease.state is GrantState.ENDING
    assert grant.lease.deadline == world.clock()
    world.engine.run()
    world.assert_gone(grant)


def test_an_ending_that_was_quicker_is_the_end(world: World) -> None:
    grant = world.ended_grant()
    notice = EndingNotice(plan=grant.lease.plan, ending=Ending(reason=EndReason.EXPIRED))
    assert step(world, "announce_ending", notice)["value"] == {"over": True}
    withdrawn = EndingNotice(plan=world.plan(), ending=Ending(reason=EndReason.EXPIRED))
    assert step(world, "announce_ending", withdrawn)["value"] == {"over": False}

"""Rule 6, the second half: the watch finds accounts of Curfew's that no grant accounts for.

It warns first and ends second, and leaves alone what is adopted, foreign or unreadable.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from curfew.events import Event
from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import CREATION_SETTLES
from curfew.model.sweeps import CURFEW, WARNED, Noticed
from simulator.directory.objects import User
from simulator.faults import Fault
from tests.lifecycle.nets import (
    events,
    kill,
    results,
    sweep,
    watch,
    watch_all,
)
from tests.lifecycle.watched import (
    asleep,
    forget_tenants,
    note,
    record_of,
    swept_leases,
)
from tests.lifecycle.world import APPROVER, HOUR, World

PASSWORD = "Somebody-Else-4711"


@pytest.fixture(autouse=True)
def alone(world: World) -> None:
    forget_tenants(world)


def enabled(world: World, user: User) -> None:
    user.account_enabled = True


def strong(world: World, user: User) -> None:
    world.customer.assign_role(user.id, "Global Administrator")


def in_a_strong_group(world: World, user: User) -> None:
    tier0 = next(group for group in world.customer.groups.values() if group.role_assignable)
    tier0.members.append(user.id)


def with_another_way_in(world: World, user: User) -> None:
    world.customer.register_method(user.id, "phone")


def with_another_password(world: World, user: User) -> None:
    user.password = PASSWORD
    user.last_password_change = world.clock()


ACUTE: dict[str, Callable[[World, User], None]] = {
    "enabled": enabled,
    "roles": strong,
    "groups": in_a_strong_group,
    "sign-in-methods": with_another_way_in,
    "password": with_another_password,
}


def test_an_account_that_is_asleep_and_bare_is_no_news(world: World) -> None:
    asleep(world)
    before = world.graph_writes()
    assert watch(world) == []
    assert world.graph_writes() == before
    assert not events(world, Event.ACCOUNT_SUSPICIOUS)


@pytest.mark.parametrize("fact", ACUTE)
def test_what_changed_without_a_grant_is_warned_of_first_and_taken_back_second(
    world: World, fact: str
) -> None:
    user = asleep(world)
    ACUTE[fact](world, user)
    before = world.graph_writes()
    assert results(watch(world)) == [Noticed.WARNED]
    (warning,) = events(world, Event.ACCOUNT_SUSPICIOUS)
    assert fact in warning.fields["facts"]  # type: ignore[attr-defined]
    assert world.graph_writes() == before
    assert fact in record_of(world).suspicions

    world.clock.advance(WARNED - timedelta(seconds=1))
    assert results(watch(world)) == [Noticed.SUSPECTED]
    assert world.graph_writes() == before
    world.clock.advance(timedelta(seconds=1))
    assert results(watch(world)) == [Noticed.ENDED]
    assert not user.account_enabled
    assert not world.customer.assignments_of(user.id)
    assert not user.methods
    assert user.password != PASSWORD
    assert not any(user.id in group.members for group in world.customer.groups.values())

    (lease,) = swept_leases(world)
    assert lease.state is GrantState.ENDED
    assert lease.end_reason is EndReason.SWEPT
    assert lease.ended_by == CURFEW
    assert lease.evidence is not None
    assert lease.evidence.clean
    assert len(events(world, Event.ACCOUNT_SUSPICIOUS)) == 1
    world.clock.advance(CREATION_SETTLES)
    assert watch(world) == []


@pytest.mark.parametrize("renamed", [False, True])
def test_what_is_mended_before_the_second_look_is_forgotten(world: World, renamed: bool) -> None:
    user = asleep(world)
    user.account_enabled = True
    if renamed:
        user.user_principal_name = f"msp-somebody@{world.customer.domain}"
    assert results(watch(world)) == [Noticed.WARNED]
    user.account_enabled = False
    world.clock.advance(HOUR)
    assert results(watch(world)) == [Noticed.SUSPECTED] * renamed
    user.account_enabled = True
    world.clock.advance(HOUR)
    assert results(watch(world)) == [Noticed.WARNED]
    assert user.account_enabled


def test_an_account_in_a_grant_is_its_grants_business(world: World) -> None:
    asleep(world)
    grant = world.request()
    grant.run_until_active()
    for _ in range(2):
        assert watch(world) == []
        world.clock.advance(WARNED)
    assert grant.state is GrantState.ACTIVE
    world.engine.run()
    world.assert_gone(grant)


def test_an_account_that_was_left_enabled_when_its_lease_was_lost_is_found(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    password = world.kept(grant)
    kill(world, grant)
    world.wait(world.services.leases.withdraw(grant.lease))
    assert results(watch(world)) == [Noticed.WARNED]
    world.clock.advance(HOUR)
    assert results(watch(world)) == [Noticed.ENDED]
    assert world.sign_in(password) == 400


def test_an_account_that_was_created_and_never_recorded_is_known_by_its_mark(
    world: World,
) -> None:
    user = asleep(world)
    note(world, account_id=None)
    user.account_enabled = True
    assert results(watch(world)) == [Noticed.WARNED]
    world.clock.advance(HOUR)
    assert results(watch(world)) == [Noticed.ENDED]
    assert not user.account_enabled


def test_an_account_that_was_renamed_is_known_by_its_object_id(world: World) -> None:
    user = asleep(world)
    user.user_principal_name = f"somebody@{world.customer.domain}"
    del user.profile["employeeType"]
    assert results(watch(world)) == [Noticed.WARNED]
    (warning,) = events(world, Event.ACCOUNT_SUSPICIOUS)
    assert warning.fields["facts"] == "renamed, mark"  # type: ignore[attr-defined]
    # Renamed, and otherwise as its ending left it: there is nothing to take back.
    before = world.graph_writes()
    world.clock.advance(HOUR)
    assert results(watch(world)) == [Noticed.SUSPECTED]
    assert world.graph_writes() == before

    user.account_enabled = True
    assert results(watch(world)) == [Noticed.WARNED]
    world.clock.advance(WARNED)
    assert results(watch(world)) == [Noticed.ENDED]
    assert not user.account_enabled


def test_an_account_that_was_released_is_watched_again(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    note(world, adopted_by=APPROVER)
    assert watch(world) == []
    note(world, adopted_by=None)
    assert results(watch(world)) == [Noticed.WARNED]


def test_an_ending_that_the_watch_could_not_finish_is_the_sweeps(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    world.clock.advance(HOUR)
    fault = Fault(method="PATCH", body="passwordProfile", status=503, times=None)
    world.cloud.faults.add(fault)
    assert results(watch(world)) == [Noticed.ENDING]
    assert not user.account_enabled
    world.cloud.faults.remove(fault)
    world.clock.advance(timedelta(minutes=5))
    sweep(world)
    (lease,) = swept_leases(world)
    assert lease.state is GrantState.ENDED
    assert lease.end_reason is EndReason.SWEPT
    assert lease.evidence is not None
    assert lease.evidence.clean


def test_an_account_that_is_idle_for_too_long_is_deleted(world: World) -> None:
    user = asleep(world)
    world.save_settings(delete_idle_after=timedelta(days=30))
    ended_at = record_of(world).last_ended_at
    assert ended_at is not None
    world.clock.advance(ended_at + timedelta(days=30, seconds=-1) - world.clock())
    assert watch(world) == []
    world.clock.advance(timedelta(seconds=1))
    assert results(watch(world)) == [Noticed.DELETED]
    assert user.id in world.customer.deleted_users
    (lease,) = swept_leases(world)
    assert lease.end_reason is EndReason.IDLE
    assert lease.evidence is not None
    assert lease.evidence.account_deleted
    world.clock.advance(timedelta(days=30))
    assert watch(world) == []
    # The next grant makes a new account.
    grant = world.request()
    grant.run_until_active()
    assert world.user().id != user.id
    world.engine.run()
    world.assert_gone(grant)


def test_an_idle_account_whose_deletion_is_refused_is_free_for_the_next_grant(
    world: World,
) -> None:
    user = asleep(world)
    world.save_settings(delete_idle_after=timedelta(days=30))
    world.clock.advance(timedelta(days=31))
    world.cloud.faults.add(Fault(method="DELETE", path=f"/users/{user.id}$", status=403))
    assert results(watch(world)) == [Noticed.ENDED]
    world.clock.advance(timedelta(days=1))
    assert watch(world) == []
    assert user.id in world.customer.users
    world.request().run_until_active()


@pytest.mark.parametrize("keeps", ["no limit", "a grant", "adopted"])
def test_an_account_that_is_not_idle_or_not_to_be_deleted_stays(world: World, keeps: str) -> None:
    user = asleep(world)
    world.save_settings(**({} if keeps == "no limit" else {"delete_idle_after": HOUR}))
    world.clock.advance(HOUR)
    if keeps == "a grant":
        world.request().run_until_active()
    elif keeps == "adopted":
        note(world, adopted_by=APPROVER)
    assert watch(world) == []
    assert user.id in world.customer.users


def test_row_16_every_look_is_heard_of_and_anchors_the_audit_trail(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    report = watch_all(world)
    (done,) = events(world, Event.WATCH_DONE)
    assert done.fields["tenants"] == report.tenants >= 1  # type: ignore[attr-defined]
    assert done.fields["warned"] >= 1  # type: ignore[attr-defined]
    assert events(world, Event.AUDIT_ANCHORED)


def test_what_is_known_of_an_account_outlives_the_account(world: World) -> None:
    user = asleep(world)
    before = record_of(world)
    assert before.last_ended_at is not None
    del world.customer.users[user.id]
    grant = world.request(mark=before.mark)
    grant.run_until_active()
    known = record_of(world)
    assert known.account_id == world.user().id != user.id
    assert known.last_ended_at == before.last_ended_at
    world.engine.run()
    world.assert_gone(grant)

"""What becomes of the technician's account after its verified ending: kept asleep, or deleted."""

from datetime import timedelta

import pytest

from curfew.model.grants import EndReason, GrantState
from curfew.model.profiles import EndingMode
from simulator.directory.objects import User
from simulator.faults import Fault
from tests.lifecycle.lent import step
from tests.lifecycle.nets import kill, sweep
from tests.lifecycle.watched import note
from tests.lifecycle.world import Grant, World

MINUTE = timedelta(minutes=1)


def deleted_grant(world: World) -> tuple[Grant, User]:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    user = world.user()
    world.engine.run()
    assert grant.state is GrantState.ENDED
    return grant, user


def recorded(world: World, grant: Grant) -> str | None:
    name = grant.plan.user_principal_name
    record = world.wait(world.services.accounts.find(world.customer.id, name))
    assert record is not None
    assert record.technician_id == grant.plan.technician_id
    assert record.mark == grant.plan.mark
    found: str | None = record.account_id
    return found


def test_the_account_is_kept_asleep_by_default(world: World) -> None:
    grant = world.ended_grant()
    assert recorded(world, grant) == world.user().id
    assert grant.lease.evidence is not None
    assert grant.lease.evidence.account_deleted is None
    assert "delete_account" not in world.engine.ran


def test_the_account_goes_into_the_bin_after_the_verified_end_and_not_before(
    world: World,
) -> None:
    grant, user = deleted_grant(world)
    assert user.id not in world.customer.users
    assert user.id in world.customer.deleted_users
    assert not user.account_enabled
    ran = world.engine.ran
    assert ran.index("verify_ended") < ran.index("delete_account") < ran.index("close_grant")
    evidence = grant.lease.evidence
    assert evidence is not None
    assert evidence.clean
    assert evidence.account_existed
    assert evidence.account_disabled
    assert evidence.account_deleted
    assert recorded(world, grant) is None


def test_row_24_a_deletion_is_counted(world: World) -> None:
    grant, _ = deleted_grant(world)
    counted = [r for r in world.log if getattr(r, "event", "") == "curfew.account.deleted"]
    assert [getattr(r, "fields", {})["count"] for r in counted] == [1]
    assert getattr(counted[0], "fields", {})["grant"] == grant.plan.grant_id


def test_the_next_grant_makes_a_new_account(world: World) -> None:
    _, first = deleted_grant(world)
    second = world.request(ending_mode=EndingMode.DELETE)
    second.run_until_active()
    assert world.user().id != first.id
    assert world.sign_in(world.kept(second)) == 200
    world.engine.run()
    assert second.state is GrantState.ENDED
    assert world.customer.find_user(second.plan.user_principal_name) is None


def test_an_account_that_is_not_verified_to_be_asleep_is_not_deleted(world: World) -> None:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    outage = world.cloud.faults.fail_before(method="GET", path="authentication/methods", times=None)
    grant.order_end()
    world.engine.run(until=world.clock() + 5 * MINUTE)
    assert "delete_account" not in world.engine.ran
    assert world.user().id in world.customer.users
    world.cloud.faults.remove(outage)
    world.engine.run()
    assert grant.state is GrantState.ENDED
    assert world.customer.find_user(grant.plan.user_principal_name) is None


@pytest.mark.parametrize("applied", [False, True], ids=["before", "applied"])
def test_row_2_a_deletion_without_an_answer_is_done_again(world: World, applied: bool) -> None:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    user = world.user()
    path = f"/users/{user.id}$"
    world.cloud.faults.add(
        Fault(method="DELETE", path=path, times=3, applied=applied, effect="drop")
    )
    world.engine.run()
    assert grant.state is GrantState.ENDED
    assert grant.lease.evidence is not None
    assert grant.lease.evidence.account_disabled
    assert grant.lease.evidence.account_deleted
    assert user.id in world.customer.deleted_users, "deleted, and not for good"
    assert recorded(world, grant) is None


def test_row_3_a_late_repetition_of_the_deletion_leaves_the_next_account_alone(
    world: World,
) -> None:
    first, user = deleted_grant(world)
    second = world.request()
    second.run_until_active()
    late = first.lease.plan
    assert late.account_id == user.id
    for account_id in (late.account_id, world.user().id):
        message = late.model_copy(update={"account_id": account_id})
        assert step(world, "delete_account", message)["failure"] is None
    assert world.sign_in(world.kept(second)) == 200
    assert recorded(world, second) == world.user().id


def test_only_the_account_on_record_is_deleted(world: World) -> None:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    clerk = world.customer.user("clerk@" + world.customer.domain)
    message = grant.lease.plan.model_copy(update={"account_id": clerk.id})
    assert step(world, "delete_account", message)["failure"] is None
    assert clerk.id in world.customer.users


def test_an_account_that_comes_back_from_the_bin_is_ours_and_is_stripped(world: World) -> None:
    _, user = deleted_grant(world)
    world.customer.users[user.id] = world.customer.deleted_users.pop(user.id)
    user.deleted, user.account_enabled = None, True
    world.customer.assign_role(user.id, "Global Administrator")
    name = user.user_principal_name
    record = world.wait(world.services.accounts.find(world.customer.id, name))
    grant = world.request(mark=record.mark)
    grant.run_until_active()
    assert world.user().id == user.id
    assert world.roles() == {role.id for role in grant.plan.roles}
    world.engine.run()
    world.assert_gone(grant)


@pytest.mark.parametrize("swept", [False, True], ids=["workflow", "sweep"])
def test_a_deletion_that_is_refused_keeps_no_grant_open_and_is_not_claimed(
    world: World, swept: bool
) -> None:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    refusal = Fault(method="DELETE", path=f"/users/{world.user().id}$", status=403, times=None)
    world.cloud.faults.add(refusal)
    if swept:
        kill(world, grant)
        world.clock.advance(timedelta(hours=1))
        sweep(world)
    else:
        world.engine.run()
    assert grant.state is GrantState.ENDED
    evidence = grant.lease.evidence
    assert evidence is not None
    assert evidence.clean
    assert evidence.account_deleted is False
    assert not world.user().account_enabled
    assert recorded(world, grant) == world.user().id
    world.cloud.faults.clear()
    world.request().run_until_active()


def test_an_account_that_another_id_is_on_record_for_is_not_said_to_be_deleted(
    world: World,
) -> None:
    grant = world.request(ending_mode=EndingMode.DELETE)
    grant.run_until_active()
    note(world, account_id=world.customer.user("clerk@" + world.customer.domain).id)
    world.engine.run()
    assert grant.lease.evidence is not None
    assert grant.lease.evidence.account_deleted is False
    assert not world.user().account_enabled


def test_a_failed_grant_deletes_what_it_made(world: World) -> None:
    world.cloud.faults.fail_before(method="POST", path="roleAssignments", status=403, times=None)
    grant = world.request(ending_mode=EndingMode.DELETE)
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert world.customer.find_user(grant.plan.user_principal_name) is None

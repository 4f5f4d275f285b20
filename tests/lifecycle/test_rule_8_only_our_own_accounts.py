"""Rule 8: Curfew acts on the accounts that it recorded, and on no other."""

import copy

import pytest

from curfew.model.grants import EndReason
from simulator.directory.objects import User
from tests.lifecycle.world import World

NAME = "msp-ann"


def as_it_was(user: User) -> dict[str, object]:
    seen = copy.deepcopy(vars(user))
    seen.pop("past", None)
    return seen


@pytest.mark.parametrize("mark", [None, "curfew-0123456789abcdef"])
def test_rule_8_a_foreign_account_of_the_same_name_is_refused_and_not_touched(
    world: World, mark: str | None
) -> None:
    foreign = world.customer.add_user(NAME, "Somebody Else", employeeType=mark)
    before = as_it_was(foreign)
    grant = world.request()
    world.engine.run()

    lease = grant.lease
    assert lease.end_reason is EndReason.FAILED
    assert "foreign-account" in (lease.failure or "")
    assert as_it_was(foreign) == before
    assert not world.customer.assignments_of(foreign.id)
    writes = [write for write in world.graph_writes() if foreign.id in write]
    assert writes == []


@pytest.mark.parametrize("change", ["synced", "guest", "renamed"])
def test_rule_8_an_account_that_is_not_ours_any_more_is_not_woken(
    world: World, change: str
) -> None:
    world.ended_grant()
    user = world.user()
    if change == "synced":
        user.synced = True
    elif change == "guest":
        user.user_type = "Guest"
    else:
        user.user_principal_name = f"somebody@{world.customer.domain}"
    password = user.password
    grant = world.request()
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert "foreign-account" in (grant.lease.failure or "")
    assert user.password == password
    assert not user.account_enabled


def test_rule_8_an_account_whose_creation_lost_its_answer_is_known_by_its_mark(
    world: World,
) -> None:
    world.cloud.faults.fail_after_applied(method="POST", path="users$", effect="drop")
    grant = world.request()
    grant.run_until_active()
    users = [u for u in world.customer.users.values() if u.user_principal_name.startswith(NAME)]
    assert len(users) == 1
    assert world.sign_in(world.kept(grant)) == 200
    world.engine.run()
    world.assert_gone(grant)


def test_rule_8_a_creation_that_nobody_saw_succeed_is_looked_for_until_its_absence_is_certain(
    world: World,
) -> None:
    world.customer.knobs.replication_seconds = 400
    world.cloud.faults.fail_after_applied(method="POST", path="users$", status=500, times=None)
    grant = world.request()
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    world.assert_gone(grant)
    user = world.user()
    recorded = world.wait(world.services.accounts.find(world.customer.id, user.user_principal_name))
    assert recorded is not None
    assert recorded.account_id == user.id

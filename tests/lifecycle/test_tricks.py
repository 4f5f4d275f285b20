"""What an attacker, a lagging directory and an engine that repeats itself try, and do not get."""

from datetime import timedelta
from typing import Any

import pytest

from curfew.model.grants import EndReason, GrantState
from curfew.model.messages import Search
from simulator.faults import Fault
from tests.lifecycle.world import (
    HELPDESK_ADMINISTRATOR,
    SECURITY_READER,
    World,
    registered_functions,
)

EXPECTED = {SECURITY_READER, HELPDESK_ADMINISTRATOR}


def messages_of(world: World, grant_id: str) -> list[tuple[str, Any]]:
    """Every activity that a workflow has scheduled, with its message."""
    import json

    instance = world.engine.instances[grant_id]
    events = [event for history in (*instance.old_histories, instance.history) for event in history]
    scheduled = [event.taskScheduled for event in events if event.HasField("taskScheduled")]
    return [(each.name, json.loads(each.input.value)) for each in scheduled]


@pytest.mark.parametrize("seconds", ["2592000", "999999999999999", "1e999", "inf", "-1", "soon"])
def test_a_retry_after_does_not_decide_how_long_an_access_lives(world: World, seconds: str) -> None:
    from curfew.azure_errors import retry_after_of
    from curfew.model.messages import Failure
    from orchestrators.steps import LONGEST_ASKED, longest_wait

    asked = retry_after_of({"Retry-After": seconds})
    failure = Failure(code="throttled", detail="", retryable=True, retry_after=asked)
    assert longest_wait(timedelta(seconds=2), failure) <= timedelta(seconds=LONGEST_ASKED)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="PATCH", body="passwordProfile", status=404),
        Fault(method="POST", path="revokeSignInSessions", status=404),
        Fault(method="PATCH", body="accountEnabled", status=404),
    ],
    ids=["rotating", "revoking", "disabling"],
)
def test_one_404_while_ending_is_not_believed(world: World, fault: Fault) -> None:
    grant = world.request()
    grant.run_until_active()
    before = world.user().sessions_valid_from
    password = world.kept(grant)
    world.clock.advance(timedelta(minutes=1))
    world.cloud.faults.add(Fault(**{**vars(fault), "seen": 0, "hits": 0}))
    grant.order_end()
    world.engine.run()
    world.assert_gone(grant)
    assert world.sign_in(password) == 400
    assert world.user().sessions_valid_from > before
    assert world.user().password != password


def test_an_account_in_the_bin_is_deleted_for_good(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    user = world.user()
    del world.customer.users[user.id]
    user.deleted = world.clock()
    world.customer.deleted_users[user.id] = user
    world.engine.run()
    assert grant.state is GrantState.ENDED
    assert user.id not in world.customer.deleted_users


def test_a_directory_that_knows_nothing_for_a_while_is_not_believed(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    password = world.kept(grant)
    world.cloud.faults.add(Fault(path="/users/", status=404, times=40))
    grant.order_end()
    world.engine.run_for(timedelta(minutes=5))
    assert grant.state is GrantState.ENDING
    world.cloud.faults.clear()
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.evidence is not None
    assert grant.lease.evidence.account_existed
    assert world.sign_in(password) == 400


@pytest.mark.parametrize("step", ["assign_access", "set_password", "issue_pass", "enable_account"])
def test_a_late_repetition_of_giving_gives_nothing(world: World, step: str) -> None:
    world.ended_grant()
    grant = world.request()
    world.engine.run()
    _, steps = registered_functions()
    message = next(m for name, m in messages_of(world, grant.plan.grant_id) if name == step)
    outcome = world.wait(steps[step](message=message))
    assert outcome["failure"]["code"] == "no-open-lease"
    world.assert_gone(grant)


def test_an_enabling_that_lands_after_the_end_is_undone(world: World) -> None:
    world.ended_grant()
    grant = world.request()
    grant.run_until_active()
    _, steps = registered_functions()
    scheduled = messages_of(world, grant.plan.grant_id)
    message = next(m for name, m in scheduled if name == "enable_account")
    close = world.services.leases.close
    leases = world.services.leases
    changed = leases.change

    async def change(*arguments: Any, **options: Any) -> Any:
        # Between the look at the lease and the write to the directory the grant comes to its end.
        lease = await changed(*arguments, **options)
        if not world.user().account_enabled:
            await close(lease.model_copy(update={"state": GrantState.ENDED}))
        return lease

    world.user().account_enabled = False
    leases.change = change  # type: ignore[method-assign]
    outcome = world.wait(steps["enable_account"](message=message))
    leases.change = changed  # type: ignore[method-assign]
    assert outcome["failure"] is not None
    assert not world.user().account_enabled


def test_what_a_sleeping_account_was_given_is_not_woken(world: World) -> None:
    world.ended_grant()
    world.customer.assign_role(world.user().id, "Global Administrator")
    grant = world.request()
    grant.run_until_active()
    assert world.roles() == EXPECTED
    world.engine.run()
    world.assert_gone(grant)


@pytest.mark.parametrize("seconds", [60, 300])
def test_roles_that_a_list_does_not_show_yet_are_taken_back(world: World, seconds: int) -> None:
    world.ended_grant()
    grant = world.request()
    world.customer.knobs.assignment_seconds = seconds
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["assign_access"])
    grant.order_end()
    world.engine.run()
    world.clock.advance(timedelta(seconds=seconds))
    assert not world.roles()
    world.assert_gone(grant)


def test_a_synced_account_is_not_taken_for_ours_after_one_404(world: World) -> None:
    world.ended_grant()
    user = world.user()
    user.synced = True
    password = user.password
    world.cloud.faults.add(Fault(method="GET", path=f"/users/{user.id}$", status=404, times=3))
    grant = world.request()
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert user.password == password
    assert not user.account_enabled


def test_a_phone_is_removed_although_its_id_was_there_before(world: World) -> None:
    world.ended_grant()
    phone = world.customer.register_method(world.user().id, "phone")
    assert phone.id in world.user().methods
    grant = world.request()
    grant.run_until_active()
    world.engine.run()
    world.assert_gone(grant)


def test_an_account_is_not_enabled_after_its_time_is_up(world: World) -> None:
    grant = world.request(duration=timedelta(minutes=2))
    world.engine.run(stop=lambda: world.engine.ran[-1:] == ["issue_pass"])
    outage = world.cloud.faults.outage("graph")
    world.engine.run_for(timedelta(minutes=3))
    world.cloud.faults.remove(outage)
    world.engine.run()
    enabling = [
        call
        for call in world.cloud.calls.graph(world.customer.id, method="PATCH", status=204)
        if call.request_body.get("accountEnabled") is True
    ]
    assert enabling == []
    world.assert_gone(grant)


def test_a_technician_is_not_locked_out_by_an_account_that_was_slow_to_appear(
    world: World,
) -> None:
    world.customer.knobs.replication_seconds = 3600
    world.cloud.faults.fail_after_applied(method="POST", path="users$", effect="drop")
    first = world.request()
    world.engine.run()
    assert first.state is GrantState.ENDED
    world.clock.advance(timedelta(hours=2))
    name = first.plan.user_principal_name
    record = world.wait(world.services.accounts.find(world.customer.id, name))
    second = world.request(mark=record.mark)
    second.run_until_active()
    assert world.sign_in(world.kept(second)) == 200
    world.engine.run()
    world.assert_gone(second)


def test_a_secret_that_was_renewed_is_picked_up(world: World) -> None:
    credential = world.services.credentials.towards(world.customer.id, world.plan().connection)
    scope = f"{world.server.url}/.default"
    world.wait(credential.get_token(scope))
    built = credential._inner
    world.cloud.faults.add(Fault(service="login", path="oauth2/v2.0/token", status=401))
    credential.forget()
    with pytest.raises(Exception, match="identity"):
        world.wait(credential.get_token(scope))
    assert credential._inner is None
    world.wait(credential.get_token(scope))
    assert credential._inner is not built


def test_a_defect_while_taking_back_is_not_the_end_of_the_ending(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    verify = world.engine._activities["verify_ended"]

    async def nonsense(_: Any) -> Any:
        return {"value": {"surprise": True}}

    world.engine._activities["verify_ended"] = nonsense  # type: ignore[index]
    grant.order_end()
    world.engine.run(stop=world.flagged)
    world.engine._activities["verify_ended"] = verify  # type: ignore[index]
    world.engine.run()
    world.assert_gone(grant)


def test_the_account_of_a_withdrawn_grant_is_left_to_the_grant_that_holds_it(world: World) -> None:
    withdrawn = world.plan()
    world.customer.add_user("msp-ann", "Ann", enabled=False, employeeType=withdrawn.mark)
    _, steps = registered_functions()
    message = Search(plan=withdrawn).to_json()

    alone = world.wait(steps["locate_account"](message=message))
    assert alone["value"]["plan"]["accountId"] == world.user().id

    world.lease(world.plan(mark=withdrawn.mark))
    held = world.wait(steps["locate_account"](message=message))
    assert held["value"]["plan"]["accountId"] is None

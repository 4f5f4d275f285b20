"""A new credential races with the expiry and an end, or is lost on its way.

docs/failures.md, rows 3 and 22: what is handed out always works, and after the end nothing does.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from curfew.errors import NoOpenLease
from curfew.giving import renewing
from curfew.model.grants import EndReason, GrantState
from curfew.model.handovers import Handover
from curfew.model.messages import RENEW_EVENT, Renewing
from simulator.faults import Fault
from tests.lifecycle.asking import END, Desk
from tests.lifecycle.client import ANN, Answer
from tests.lifecycle.engine import ActivityLost, WorkerKilled
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.nets import sweep
from tests.lifecycle.world import World

MINUTE = timedelta(minutes=1)
STEP = "replace_credential"


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile(max_duration="PT4H")
    return desk


def reveal(desk: Desk, grant_id: str) -> Answer:
    return desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential")


def ask(desk: Desk, grant_id: str) -> str:
    """Ask for a new credential; the id of the wish."""
    assert desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential/renew").status == 202
    return desk.lease(grant_id).renewals[-1].id


def enabled(desk: Desk, grant_id: str) -> set[str]:
    stem = grant_id[-26:].lower()
    secrets = desk.world.cloud.vault.secrets.items()
    versions = [v for name, s in secrets if stem in name.lower() for v in s.versions.values()]
    return {version.value for version in versions if version.enabled}


def assert_works(desk: Desk, grant_id: str) -> None:
    """What is handed out opens the account, and the vault hands out nothing else."""
    shown = reveal(desk, grant_id)
    assert shown.status == 200, shown.body
    credentials = {shown["password"], shown["temporaryAccessPass"]}
    assert [desk.world.sign_in(value) for value in credentials] == [200, 200]
    assert enabled(desk, grant_id) == credentials


def assert_gone(desk: Desk, grant_id: str, reason: EndReason) -> None:
    """Over, verified, and nothing that was ever kept for the grant opens the account."""
    lease = desk.lease(grant_id)
    assert (lease.state, lease.end_reason) == (GrantState.ENDED, reason)
    assert not desk.is_enabled()
    assert not enabled(desk, grant_id)
    stem = grant_id[-26:].lower()
    secrets = desk.world.cloud.vault.secrets.items()
    ever = {v.value for name, s in secrets if stem in name.lower() for v in s.versions.values()}
    assert desk.world.user().password not in ever
    assert desk.world.user().access_pass is None


FAULTS: dict[str, Callable[[], Fault]] = {
    "kept, and not set": lambda: Fault(method="PATCH", body="passwordProfile", status=503),
    "set, and nobody knows": lambda: Fault(
        method="PATCH", body="passwordProfile", status=503, applied=True
    ),
    "set, and the connection cut": lambda: Fault(
        method="PATCH", body="passwordProfile", effect="drop", applied=True
    ),
    "the pass made, and not kept": lambda: Fault(service="vault", method="PUT", status=503),
    "kept without an answer": lambda: Fault(
        service="vault", method="PUT", status=503, applied=True
    ),
    "a pass without an answer": lambda: Fault(
        method="POST", path="temporaryAccessPass", status=503, applied=True
    ),
    "the versions before not disabled": lambda: Fault(service="vault", method="PATCH", status=503),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_row_22_what_is_handed_out_works_wherever_a_renewal_is_interrupted(
    desk: Desk, fault: Callable[[], Fault]
) -> None:
    grant_id = desk.active()
    ask(desk, grant_id)
    struck = desk.world.cloud.faults.add(fault())
    desk.settle()
    assert struck.spent
    # Whoever looks in between is told to wait, and is not shown what may be dead by now.
    between = reveal(desk, grant_id)
    assert (between.status, between["type"]) == (409, "urn:curfew:problem:conflict")
    assert desk.lease(grant_id).handover == Handover()
    desk.world.engine.run_for(MINUTE)
    assert_works(desk, grant_id)
    desk.until(desk.expiry_of(grant_id) + 5 * MINUTE)
    assert_gone(desk, grant_id, EndReason.EXPIRED)


def test_row_22_a_ledger_that_fails_after_the_password_was_set_hands_out_none(
    desk: Desk,
) -> None:
    grant_id = desk.active()
    ask(desk, grant_id)
    vault = desk.world.services.vault
    retire = vault.retire

    async def then_the_ledger_fails(name: str, *, spare: str = "") -> None:
        await retire(name, spare=spare)
        desk.world.ledger.trouble = Trouble(times=None)

    vault.retire = then_the_ledger_fails  # type: ignore[method-assign]
    desk.settle()
    vault.retire = retire  # type: ignore[method-assign]
    desk.world.ledger.trouble = None
    assert reveal(desk, grant_id).status == 409
    desk.world.engine.run_for(MINUTE)
    assert_works(desk, grant_id)


def test_row_22_after_a_long_outage_another_wish_heals_it(desk: Desk) -> None:
    grant_id = desk.active()
    first = ask(desk, grant_id)
    fault = desk.world.cloud.faults.fail_before(method="PATCH", status=503, times=None)
    desk.world.engine.run_for(5 * MINUTE)
    desk.world.cloud.faults.remove(fault)
    assert reveal(desk, grant_id).status == 409
    second = ask(desk, grant_id)
    desk.world.engine.run_for(MINUTE)
    assert_works(desk, grant_id)
    wishes = {wish.id: wish for wish in desk.lease(grant_id).renewals}
    assert wishes[first].failure == "It was not answered in time."
    assert wishes[second].done_at is not None


@pytest.mark.parametrize("loss", [WorkerKilled, ActivityLost])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_row_3_a_worker_lost_while_renewing_renews_once(
    desk: Desk, phase: str, loss: type[Exception]
) -> None:
    grant_id = desk.active()
    lost: list[bool] = []

    def lose(now: str, name: str) -> None:
        if (now, name) == (phase, STEP) and not lost:
            lost.append(True)
            raise loss

    desk.world.engine.hook = lose
    ask(desk, grant_id)
    desk.world.engine.run_for(MINUTE)
    assert lost
    assert len(desk.lease(grant_id).renewals) == 1
    assert_works(desk, grant_id)


def test_of_two_runs_at_once_the_last_one_set_is_the_one_handed_out(desk: Desk) -> None:
    grant_id = desk.active()
    wish = Renewing(plan=desk.lease(grant_id).plan, renewal=ask(desk, grant_id))

    async def both() -> None:
        runs = (renewing.replace_credential(desk.world.services, wish) for _ in range(2))
        await asyncio.gather(*runs, return_exceptions=True)

    desk.world.wait(both())
    desk.settle()
    assert_works(desk, grant_id)


@pytest.mark.parametrize("order", [(RENEW_EVENT, "deadline"), ("deadline", RENEW_EVENT)])
def test_a_wish_in_the_instant_of_the_expiry_comes_too_late(
    desk: Desk, order: tuple[str, str]
) -> None:
    grant_id = desk.active()
    expires = desk.expiry_of(grant_id)
    desk.until(expires - timedelta(seconds=1))
    ask(desk, grant_id)
    desk.world.clock.moment = expires
    desk.world.engine.fire_due_timers()
    desk.deliver(grant_id, order)
    desk.world.engine.run_for(5 * MINUTE)
    assert STEP not in desk.world.engine.ran
    assert_gone(desk, grant_id, EndReason.EXPIRED)


@pytest.mark.parametrize("order", [(RENEW_EVENT, END), (END, RENEW_EVENT)])
def test_a_wish_in_the_instant_of_an_end_comes_too_late(desk: Desk, order: tuple[str, str]) -> None:
    grant_id = desk.active()
    ask(desk, grant_id)
    assert desk.say(ANN, END, grant_id).status == 202
    desk.deliver(grant_id, order)
    desk.world.engine.run_for(5 * MINUTE)
    assert STEP not in desk.world.engine.ran
    assert_gone(desk, grant_id, EndReason.RETURNED)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_an_end_while_a_new_credential_is_made_ends_it(desk: Desk, phase: str) -> None:
    grant_id = desk.active()
    order = {"reason": "returned", "by": {"id": ANN.id, "name": ANN.name}}
    told: list[bool] = []

    def end(now: str, name: str) -> None:
        if (now, name) == (phase, STEP) and not told:
            told.append(True)
            desk.world.engine.raise_event(grant_id, END, order)

    desk.world.engine.hook = end
    ask(desk, grant_id)
    desk.world.engine.run_for(5 * MINUTE)
    assert told
    assert_gone(desk, grant_id, EndReason.RETURNED)


def test_an_ending_begins_when_no_renewal_is_in_flight_any_more(desk: Desk) -> None:
    grant_id = desk.active()
    engine = desk.world.engine
    order = {"reason": "returned", "by": {"id": ANN.id, "name": ANN.name}}
    held: list[str] = []
    others: set[str] = set()

    def hold(now: str, name: str) -> None:
        # The call is handed out again and again while the order to end is there to be heard.
        if (now, name) == ("before", STEP) and len(held) < 5:
            held.append(name)
            others.update(engine.in_hand)
            if len(held) == 1:
                engine.raise_event(grant_id, END, order)
            raise WorkerKilled

    engine.hook = hold
    ask(desk, grant_id)
    engine.run_for(5 * MINUTE)
    assert len(held) == 5
    assert others == set(), "the ending had begun"
    assert_gone(desk, grant_id, EndReason.RETURNED)


@pytest.mark.parametrize("after", ["keep", "retire"])
def test_a_renewal_that_is_overtaken_by_the_sweep_leaves_no_live_password(
    desk: Desk, after: str
) -> None:
    grant_id = desk.active()
    wish = Renewing(plan=desk.lease(grant_id).plan, renewal=ask(desk, grant_id))
    vault, leases = desk.world.services.vault, desk.world.services.leases
    whole = getattr(vault, after)

    async def overtaken(*arguments: object, **options: object) -> object:
        # The whole ending takes place between two calls of the step.
        setattr(vault, after, whole)
        done = await whole(*arguments, **options)
        lease = await leases.get(grant_id)
        await leases.close(lease.model_copy(update={"state": GrantState.ENDED}))
        return done

    setattr(vault, after, overtaken)
    with pytest.raises(NoOpenLease):
        desk.world.wait(renewing.replace_credential(desk.world.services, wish))
    assert not desk.is_enabled()
    assert not enabled(desk, grant_id)
    assert desk.world.user().access_pass is None
    secrets = desk.world.cloud.calls.secrets()
    assert 200 not in [desk.world.sign_in(value) for value in secrets]


def test_a_step_that_comes_after_the_end_makes_nothing(desk: Desk) -> None:
    grant_id = desk.active()
    wish = Renewing(plan=desk.lease(grant_id).plan, renewal=ask(desk, grant_id))
    assert desk.say(ANN, END, grant_id).status == 202
    desk.world.engine.run_for(5 * MINUTE)
    with pytest.raises(NoOpenLease):
        desk.world.wait(renewing.replace_credential(desk.world.services, wish))
    assert_gone(desk, grant_id, EndReason.RETURNED)


def test_a_step_that_comes_after_the_expiry_makes_nothing_though_nobody_ended_it(
    desk: Desk,
) -> None:
    grant_id = desk.active()
    wish = Renewing(plan=desk.lease(grant_id).plan, renewal=ask(desk, grant_id))
    desk.world.clock.moment = desk.expiry_of(grant_id)
    with pytest.raises(NoOpenLease):
        desk.world.wait(renewing.replace_credential(desk.world.services, wish))
    assert not desk.is_enabled()
    assert not enabled(desk, grant_id)


def test_the_sweep_ends_a_grant_whose_renewal_was_never_finished(desk: Desk) -> None:
    grant_id = desk.active()
    wish = Renewing(plan=desk.lease(grant_id).plan, renewal=ask(desk, grant_id))
    fault = desk.world.cloud.faults.add(
        Fault(method="PATCH", body="passwordProfile", status=503, applied=True)
    )
    with pytest.raises(Exception, match="directory"):
        desk.world.wait(renewing.replace_credential(desk.world.services, wish))
    assert fault.spent
    desk.world.engine.purge(grant_id)
    desk.world.clock.moment = desk.expiry_of(grant_id) + 30 * MINUTE
    for _ in range(3):
        sweep(desk.world)
        desk.world.clock.advance(10 * MINUTE)
    assert_gone(desk, grant_id, EndReason.SWEPT)

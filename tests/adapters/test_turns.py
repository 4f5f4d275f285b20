"""The pace of a tenant where steps run: what is sent, what is not, and to whom."""

import asyncio

import pytest

from activities.perform import perform
from curfew.entra.pace import TURNS, Purpose
from curfew.errors import Throttled
from curfew.model.grants import Plan
from curfew.model.messages import Failure, Outcome
from curfew.model.tenants import Connection, ConnectionKind
from curfew.services import Services
from tests.adapters.tenancy import Tenancy

ALL = 40


async def look(services: Services, plan: Plan) -> None:
    """A step that reads the directory."""
    await services.directory(plan.tenant_id, plan.connection).facts.organization_name()


def run(at: Tenancy, purpose: Purpose | None = Purpose.ENDING) -> Failure | None:
    """One step's failure."""
    outcome = at.wait(perform(look, Plan, at.plan.to_json(), purpose))
    return Outcome.read(outcome).failure


def test_a_429_silences_every_further_step_without_a_call(at: Tenancy) -> None:
    at.faults.throttle(path="organization", retry_after=60)
    told = run(at, Purpose.GIVING)
    assert told is not None
    assert (told.code, told.retry_after) == ("throttled", 60)
    calls = len(at.calls())
    for purpose, silence in [(Purpose.GIVING, 60), (Purpose.ENDING, 20)] * 10:
        refused = run(at, purpose)
        assert refused is not None
        assert refused.code == "busy"
        assert refused.retry_after is not None
        assert silence < refused.retry_after <= silence + 5
    assert len(at.calls()) == calls
    at.advance(seconds=20)
    assert run(at, Purpose.ENDING) is None
    assert run(at, Purpose.GIVING) is not None
    at.advance(seconds=40)
    assert run(at, Purpose.GIVING) is None


def test_another_tenant_notices_nothing(at: Tenancy) -> None:
    other = Tenancy.new(at.shared, at.clock)
    at.faults.throttle(path="organization", tenant=at.tenant.id, retry_after=60)
    assert run(at) is not None
    assert run(at) is not None
    assert run(other) is None


def test_silence_holds_for_the_tenant_and_not_for_one_connection(at: Tenancy) -> None:
    directory = at.directory
    at.faults.throttle(path="organization", retry_after=60)
    with pytest.raises(Throttled):
        at.wait(directory.facts.organization_name())
    services = at.shared.services
    elsewhere = Connection(kind=ConnectionKind.SECRET, secret_name="another")
    assert services.directory(at.tenant.id, elsewhere).pace is directory.pace
    assert services.pace(at.tenant.id) is directory.pace
    assert run(at) is not None


def test_the_limits_of_reports_are_their_own(at: Tenancy) -> None:
    at.faults.throttle(path="organization", retry_after=60)
    graph = at.directory.facts._graph

    async def read_report() -> None:
        with graph.call("read report", limits_apart=True):
            await graph.client.organization.get()

    with pytest.raises(Throttled):
        at.wait(read_report())
    assert run(at) is None


def test_a_step_that_stays_out_of_the_directory_needs_no_turn(at: Tenancy) -> None:
    at.directory.pace.hush(60)

    async def stay_out(services: Services, plan: Plan) -> None:
        """A step that has business in the ledger only."""

    outcome = at.wait(perform(stay_out, Plan, at.plan.to_json(), None))
    assert Outcome.read(outcome).failure is None


def test_a_storm_in_one_tenant_is_held_back_and_another_goes_on(at: Tenancy) -> None:
    other = Tenancy.new(at.shared, at.clock)
    at.shared.cloud.faults.set_latency("graph", 0.02)
    inside = most = 0

    async def count(services: Services, plan: Plan) -> None:
        """A step that notes how many are at it."""
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await look(services, plan)
        inside -= 1

    async def storm() -> list[Outcome]:
        storming = [perform(count, Plan, at.plan.to_json(), Purpose.ENDING) for _ in range(ALL)]
        calm = [perform(look, Plan, other.plan.to_json(), Purpose.GIVING) for _ in range(5)]
        return [Outcome.read(said) for said in await asyncio.gather(*storming, *calm)]

    outcomes = at.wait(storm())
    refused = [said.failure for said in outcomes[:ALL] if said.failure]
    assert most == TURNS
    assert len(refused) == ALL - TURNS
    assert {failure.code for failure in refused} == {"busy"}
    assert len({failure.retry_after for failure in refused}) > 1
    assert not any(said.failure for said in outcomes[ALL:])

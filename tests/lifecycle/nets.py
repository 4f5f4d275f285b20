"""The sweep and the watch as their timers run them, over the virtual task hub."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from curfew.errors import Missing, ServiceError
from curfew.events import Event
from curfew.model.grants import Plan
from curfew.model.messages import END_EVENT, EndOrder
from curfew.model.sweeps import Noticed, SweepReport, Swept, WatchedAccount, WatchReport
from curfew.net.rounds import Limits
from curfew.net.sweeping import Tell
from curfew.net.sweeping import sweep as run_sweep
from curfew.net.watching import watch as run_watch
from simulator.directory.tenant import Tenant
from simulator.faults import Effect, Fault
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import Grant, World, new_customer

INTERVAL = timedelta(minutes=5)
HURRY = Limits(run=20.0, tenant=3.0)


@dataclass
class Told:
    """The workflows that a sweep has told to end."""

    grants: list[str] = field(default_factory=list)


@contextmanager
def virtual_pauses(world: World) -> Iterator[None]:
    """Time passes while somebody waits for a moment."""

    async def pause(seconds: float) -> None:
        world.clock.advance(timedelta(seconds=seconds))

    world.services.pause, before = pause, world.services.pause
    yield
    world.services.pause = before


def telling(world: World, told: Told) -> Tell:
    """Tells workflows as the app does: those that run, and no others."""

    async def tell(plan: Plan, order: EndOrder) -> None:
        instance = world.engine.instances.get(plan.grant_id)
        if instance is None or not instance.running:
            raise Missing("engine", "look up")
        told.grants.append(plan.grant_id)
        world.engine.raise_event(plan.grant_id, END_EVENT, order.to_json())

    return tell


def sweep(world: World, told: Told | None = None, limits: Limits | None = None) -> SweepReport:
    """One sweep. Other tests' tenants may be swept along: only one's own are to be looked at."""
    with virtual_pauses(world):
        report: SweepReport = world.wait(
            run_sweep(world.services, telling(world, told or Told()), limits)
        )
    return report


@dataclass(kw_only=True, eq=False)
class _Dead(Fault):
    """From some moment on every call to the cloud is lost: the caller's process is dead."""

    since: Callable[[], bool]
    effect: Effect = "drop"
    times: int | None = None

    def strike(self) -> bool:
        return self.since()


@dataclass
class _DeadLedger(Trouble):
    since: Callable[[], bool] = field(default=lambda: True)

    def strikes(self) -> bool:
        return self.since()


def cut_short(world: World, *, after_writes: int) -> None:
    """A sweep whose process dies after so many writes to the directory: no call gets through."""
    allowed = len(world.graph_writes()) + after_writes

    def is_dead() -> bool:
        return len(world.graph_writes()) >= allowed

    death = world.cloud.faults.add(_Dead(since=is_dead))
    world.ledger.trouble = _DeadLedger(since=is_dead)
    with suppress(ServiceError):
        sweep(world)
    world.ledger.trouble = None
    world.cloud.faults.remove(death)


def result_of(report: SweepReport, grant: Grant) -> Swept | None:
    """What became of a grant in a sweep; None when the sweep left it alone."""
    found = [each.result for each in report.grants if each.grant == grant.plan.grant_id]
    return found[0] if found else None


def watch(world: World, limits: Limits | None = None) -> list[WatchedAccount]:
    """One look into the directories: what was noticed in the world's own tenant."""
    whole = watch_all(world, limits)
    return [each for each in whole.noticed if each.tenant == world.customer.id]


def watch_all(world: World, limits: Limits | None = None) -> WatchReport:
    """One look into the directories: the whole report."""
    looking = run_watch(world.services, limits) if limits else run_watch(world.services)
    with virtual_pauses(world):
        report: WatchReport = world.wait(looking)
    return report


def results(noticed: list[WatchedAccount]) -> list[Noticed]:
    return [each.result for each in noticed]


def events(world: World, event: Event, **fields: object) -> list[logging.LogRecord]:
    """The events of a name, of this world's tenant unless it carries none."""
    found = [record for record in world.log if getattr(record, "event", "") == event.value]
    wanted = {"tenant": world.customer.id, **fields}

    def fits(record: logging.LogRecord) -> bool:
        said = record.fields  # type: ignore[attr-defined]
        return all(said.get(name, value) == value for name, value in wanted.items())

    return [record for record in found if fits(record)]


def kill(world: World, grant: Grant) -> None:
    """The orchestrator dies and its history is purged: nothing is left of it but the lease."""
    assert world.engine.purge(grant.plan.grant_id)
    world.engine.run(until=world.clock())


def neighbour(world: World) -> World:
    """Another customer in the same world: same clock, engine and services."""
    customer: Tenant = new_customer(world.cloud, world.demo)
    return World(
        cloud=world.cloud,
        demo=world.demo,
        server=world.server,
        ledger=world.ledger,
        services=world.services,
        loop=world.loop,
        clock=world.clock,
        customer=customer,
        engine=world.engine,
        log=world.log,
    )

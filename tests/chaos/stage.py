"""The stage of a sequence: a few customer tenants of its own, the whole app, virtual time."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx

from curfew import services as services_of
from curfew.errors import Missing
from curfew.ledger.audit_rows import AUDIT, NEWEST
from curfew.ledger.tables import Columns, Row
from curfew.ledger.tenants import PROFILES
from curfew.model.grants import GrantState, Lease
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant
from simulator.directory.tenant import Tenant as Directory
from simulator.faults import Fault
from simulator.vault import Secret, SecretVersion
from tests.chaos.offers import REPORTS_READER, offers, subject_of
from tests.chaos.trouble import Weather
from tests.chaos.watching import Watch, managed
from tests.lifecycle.client import Api, Hub, functions
from tests.lifecycle.engine import Activity, Clock, Engine
from tests.lifecycle.shared import Shared
from tests.lifecycle.world import START, new_customer

SWEEP_EVERY = timedelta(minutes=5)
WATCH_EVERY = timedelta(hours=1)
CONNECTION = "chaos-connection"


@dataclass
class Stage:
    """Everything a step can act on and an invariant can look at."""

    shared: Shared
    clock: Clock
    engine: Engine
    api: Api
    customers: list[Directory]
    weather: Weather
    log: list[logging.LogRecord]
    grants: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self)
        self.visitor = visitor(self.shared)
        self.engine.watch = self.watch.look
        self._next_sweep = self.clock() + SWEEP_EVERY
        self._next_watch = self.clock() + timedelta(minutes=12)

    def wait(self, awaitable: Awaitable[Any]) -> Any:
        """The result of a coroutine."""
        return self.shared.loop.run_until_complete(awaitable)

    def note(self, what: str) -> None:
        """Put a line into the story of this sequence, for whoever must understand a failure."""
        self.told.append(f"{self.clock():%d %H:%M:%S}  {what}")

    def grant(self, number: int) -> str | None:
        """One of the grants so far, None while there is none."""
        return self.grants[number % len(self.grants)] if self.grants else None

    def lease(self, grant_id: str) -> Lease:
        """A grant's lease as it is in the tables, whatever the weather."""
        with self.weather.calm():
            found: Lease = self.wait(self.shared.services.leases.find(grant_id))
        return found

    def open_leases(self, customer: Directory) -> list[Lease]:
        """The leases of a tenant that are not over."""

        async def read() -> list[Lease]:
            return [lease async for lease in self.shared.services.leases.live(customer.id)]

        with self.weather.calm():
            found: list[Lease] = self.wait(read())
        return found

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass: the engine runs, the sweep ticks, outages end when their time is up."""
        until = self.clock() + duration
        while self.clock() < until:
            halt = min(until, self._next_sweep, self.weather.next_change or until)
            self.engine.run(until=halt)
            self.weather.change_with_time()
            if self.clock() >= self._next_sweep:
                self.sweep()

    def sweep(self) -> None:
        """The timers that are due fire: the sweep, and once an hour the watch."""
        self._next_sweep = self.clock() + SWEEP_EVERY
        self.wait(self._timer("sweep", client=self.api.hub.client()))
        if self.clock() >= self._next_watch:
            self._next_watch = self.clock() + WATCH_EVERY
            self.wait(self._timer("watch"))
        self.watch.look()

    def kill_sweep(self, after: int, *, applied: bool) -> None:
        """A sweep starts, and its worker dies in its so-manieth call to the directory."""
        cloud = self.shared.cloud
        hanging = cloud.faults.add(
            Fault(service="graph", effect="hang", skip=after, applied=applied, name="worker dies")
        )

        async def sweep() -> None:
            run = asyncio.ensure_future(self._timer("sweep", client=self.api.hub.client()))
            while not (run.done() or hanging.hits):
                await asyncio.wait([run], timeout=0.005)
            if not run.done():
                run.cancel()
                self.weather.note_trouble()
            with suppress(asyncio.CancelledError):
                await run

        self.wait(sweep())
        cloud.faults.remove(hanging)
        self.watch.look()

    def _timer(self, name: str, **bindings: Any) -> Awaitable[None]:
        fired: Awaitable[None] = functions()[name](timer=None, **bindings)
        return fired

    def run_steps(self, count: int) -> None:
        """Let the engine take so many steps, without waiting for any timer."""
        left = [count]

        def enough() -> bool:
            left[0] -= 1
            return left[0] < 0

        self.engine.run(until=self.clock(), stop=enough)

    def lose_time(self, duration: timedelta) -> None:
        """The whole app stands still while time passes: nothing runs, nothing fires."""
        self.clock.advance(duration)
        self.weather.note_trouble()
        self.weather.change_with_time()
        self._next_sweep = max(self._next_sweep, self.clock())
        self.watch.look()

    @property
    def at_rest(self) -> bool:
        """Whether everything is over. A workflow may still wait to report what was done."""
        return not any(
            self.open_leases(customer)
            or any(u.account_enabled and self.is_served(customer) for u in managed(customer))
            for customer in self.customers
        )

    def is_served(self, customer: Directory) -> bool:
        """Whether Curfew still knows the tenant."""

        async def known() -> bool:
            with suppress(Missing):
                await self.shared.services.tenants.get(customer.id)
                return True
            return False

        with self.weather.calm():
            return bool(self.wait(known()))

    def state(self, grant_id: str) -> GrantState:
        """Where a grant is in its life."""
        return self.lease(grant_id).state


@contextmanager
def raised(shared: Shared, tenants: int) -> Iterator[Stage]:
    """A stage with so many customers, each with every profile; struck afterwards."""
    clock = Clock(START)
    cloud, services = shared.cloud, shared.services
    cloud.clock = clock
    cloud.calls.clear()
    cloud.vault.secrets.clear()
    cloud.vault.secrets[CONNECTION] = _secret(shared.demo.curfew_secret)
    services.clock = clock
    services.pause = _no_pause
    services_of.use(services)
    shared.forget_earlier()
    records: list[logging.LogRecord] = []
    with recorded(records):
        flows, steps = registered()
        engine = Engine(flows, steps, clock, shared.loop)
        stage = Stage(
            shared=shared,
            clock=clock,
            engine=engine,
            api=Api(Hub(engine), shared.loop.run_until_complete, shared.demo.home.id),
            customers=[
                new_customer(cloud, shared.demo, licences=licences)
                for licences in ({"P1"}, {"P2"}, set())[:tenants]
            ],
            weather=Weather(cloud, shared.ledger, clock),
            log=records,
        )
        engine.hook = stage.weather.hook
        for customer in stage.customers:
            stage.wait(_onboard(shared, customer))
        try:
            yield stage
        finally:
            stage.weather.clear()
            stage.wait(_forget(stage))
            for customer in stage.customers:
                cloud.tenants.pop(customer.id)


async def _onboard(shared: Shared, customer: Directory) -> None:
    customer.assign_role(subject_of(customer).id, REPORTS_READER)
    settings = Tenant(id=customer.id, display_name=customer.name, account_domain=customer.domain)
    await shared.services.tenants.put(settings)
    profiles = [
        Profile(tenant=customer.id, name=name, **dict(profile))
        for name, profile in offers(customer).items()
    ]
    rows: list[tuple[Row, Columns]] = [
        (Row(customer.id, profile.name, profile.to_json()), {}) for profile in profiles
    ]
    await shared.services.tables.create(PROFILES, *rows)


async def _forget(stage: Stage) -> None:
    """Leave nothing that the next sequence's sweep would look at."""
    services = stage.shared.services
    for customer in stage.customers:
        with suppress(Missing):
            await services.tenants.delete(await services.tenants.get(customer.id))
        await services.tables.delete(AUDIT, NEWEST, customer.id)
        async for lease in services.leases.live(customer.id):
            await services.leases.withdraw(lease)


class _Records(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def recorded(records: list[logging.LogRecord]) -> Iterator[None]:
    """Keep every log record; print none."""
    handler = _Records(records)
    root = logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    logging.getLogger("curfew").setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers = before


def _secret(value: str) -> Secret:
    """A connection's secret, as an administrator has put it into the vault."""
    only = SecretVersion("0" * 32, value, START, START)
    return Secret(CONNECTION, {only.version: only})


async def _no_pause(_: float) -> None:
    """A handler does not wait for the workflow: nothing runs while it does."""


@cache
def registered() -> tuple[dict[str, Any], dict[str, Activity]]:
    """The orchestrators and the activities of the app, by name."""
    flows: dict[str, Any] = {}
    steps: dict[str, Activity] = {}
    for name, user in functions().items():
        if hasattr(user, "orchestrator_function"):
            flows[name] = user.orchestrator_function
        else:
            steps[name] = _activity(user)
    return flows, steps


def _activity(user: Callable[..., Awaitable[Any]]) -> Activity:
    async def run(message: Any) -> Any:
        return await user(message=message)

    return run


@cache
def _visitor(address: str, authority: str) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=authority))


def visitor(shared: Shared) -> httpx.Client:
    """Somebody who tries to sign in."""
    return _visitor(shared.server.url, str(shared.server.ca_file))

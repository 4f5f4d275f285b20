"""What the sweep costs, against the number of tenants and of grants that are over.

Every tenant has its settings and a live grant that is not due; in ten of them one grant is overdue
and nobody ends it. Rows of live grants and of history are copies of rows that the product wrote.
The floor is the smallest of the cases: ten tenants, no history. So a ratio of one says that neither
matters, and that the sweep costs what the overdue grants cost.
"""

import asyncio
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any

from azure.data.tables import TableServiceClient, TransactionOperation

from bench.engine import NotMeasured
from bench.machine import work_of
from bench.report import COUNT, Pair, Result, Section
from bench.tracing import Trace, traced
from bench.worlds import crowd, numbered, tenants
from curfew.events import Event
from curfew.ids import new_grant_id, new_mark
from curfew.ledger import Leases, Tables
from curfew.ledger.leases import HISTORY, LEASES
from curfew.ledger.tenants import TENANTS
from curfew.model.approvals import Person
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind, Role
from curfew.model.tenants import Connection
from devhost.stack import SECURITY_READER, Stack, helpdesk
from simulator.directory.tenant import Tenant

OVERDUE = 10
CALLS_TARGET = 1.0
TIME_TARGET = 1.5
_FIRST = 2  # they import the clients, make the tables, and begin each tenant's audit trail
_BATCH = 100
_EVERY = 300.0
_CLEARANCE = 30.0


@dataclass(frozen=True)
class Case:
    """How large the world is for one sweep."""

    tenants: int
    history: int = 0

    def __str__(self) -> str:
        return f"{self.tenants:,} tenants, {self.history:,} grants that are over"


CASES = (Case(OVERDUE), Case(100), Case(1_000), Case(1_000, 100_000))


@dataclass(frozen=True)
class Cost:
    """What one sweep cost."""

    seconds: float
    processor: float
    calls: Mapping[str, int]


def run(runs: int, cases: Sequence[Case] = CASES) -> Sequence[Result]:
    """Sweep every world, from the smallest to the largest, so many times each.

    Raises:
        NotMeasured: the sweep did not end what was overdue.
    """
    customers = numbered("customer", OVERDUE)
    costs: dict[Case, list[Cost]] = {}
    with traced(world=partial(crowd, customers=customers)) as trace:
        stack = trace.stack
        places = tenants(stack, customers)
        for tenant in places:
            stack.onboard(tenant, helpdesk=helpdesk())
        for _ in range(_FIRST):
            _sweep(trace, places)
        world = World(stack, places)
        for case in cases:
            world.grow(case)
            costs[case] = [_sweep(trace, places) for _ in range(runs)]
    return [result for case in cases for result in _results(case, costs[case], costs[cases[0]])]


def _results(case: Case, costs: Sequence[Cost], least: Sequence[Cost]) -> Iterator[Result]:
    both = list(zip(costs, least, strict=True))
    yield Result(
        f"sweep, calls per overdue grant: {case}",
        tuple(Pair(_each(cost), _each(floor)) for cost, floor in both),
        target=CALLS_TARGET,
        unit=COUNT,
        sections=(
            Section(
                f"of one sweep that ends {OVERDUE}",
                tuple(sorted(costs[-1].calls.items(), key=lambda item: -item[1])),
                COUNT,
            ),
        ),
    )
    yield Result(
        f"sweep, processor time of all processes: {case}",
        tuple(Pair(cost.processor, floor.processor) for cost, floor in both),
        target=TIME_TARGET,
    )
    yield Result(
        f"sweep, time by the clock on the wall: {case}",
        tuple(Pair(cost.seconds, floor.seconds) for cost, floor in both),
    )


def _sweep(trace: Trace, places: Iterable[Tenant]) -> Cost:
    """Leave a grant overdue in each place, and let the sweep end them."""
    stack = trace.stack
    _keep_clear_of_the_clock()
    leases = [overdue(tenant) for tenant in places]
    asyncio.run(_open(stack, leases))
    trace.tables(), trace.others()
    seen = len(stack.host.log)
    before = sum(work_of(stack.host, stack).values())
    stack.host.run_timer("sweep")
    processor = sum(work_of(stack.host, stack).values()) - before
    done = next(
        record
        for record in reversed(stack.host.log[seen:])
        if record.get("extra", {}).get("event") == Event.SWEEP_DONE
    )
    fields = done["extra"]["fields"]
    if fields["ended"] != len(leases):
        raise NotMeasured(f"Of {len(leases)} overdue grants {fields['ended']} were ended.")
    return Cost(fields["seconds"], processor, trace.others() + trace.tables())


def _keep_clear_of_the_clock() -> None:
    """Let the sweep that the host's own clock begins every five minutes be over first."""
    left = _EVERY - time.time() % _EVERY
    if left < _CLEARANCE:
        time.sleep(left + _CLEARANCE / 2)


def _each(cost: Cost) -> float:
    """Calls of all kinds for one overdue grant."""
    return sum(cost.calls.values()) / OVERDUE


def overdue(tenant: Tenant) -> Lease:
    """A grant that was given and that nobody has ended, its account and role in the directory."""
    now = datetime.now(UTC)
    technician = Person(id=str(uuid.uuid4()), name="Terry Technician")
    name = f"msp-{technician.id[:8]}@{tenant.domain}"
    user = tenant.add_user(name, roles=("Security Reader",))
    # Its password and sessions are as old as the grant.
    user.last_password_change = user.sessions_valid_from = now - timedelta(minutes=75)
    plan = Plan(
        grant_id=new_grant_id(tenant.id),
        tenant_id=tenant.id,
        connection=Connection(),
        technician_id=technician.id,
        user_principal_name=name,
        display_name=technician.name,
        mark=new_mark(),
        account_id=user.id,
        opened=True,
        roles=(Role(id=SECURITY_READER, name="Security Reader"),),
        credential=CredentialKind.PASSWORD,
        duration=timedelta(hours=1),
        provision_by=now - timedelta(minutes=75),
    )
    expired = now - timedelta(minutes=10)
    return Lease(
        plan=plan,
        state=GrantState.ACTIVE,
        tenant_name=tenant.name,
        profile="helpdesk",
        technician=technician,
        requested_at=now - timedelta(minutes=90),
        deadline=expired,
        activated_at=now - timedelta(minutes=70),
        expires_at=expired,
    )


async def _open(stack: Stack, leases: Iterable[Lease]) -> None:
    tables = Tables.by_connection_string(stack.azurite.connection_string)
    try:
        for lease in leases:
            await Leases(tables).open(lease)
    finally:
        await tables.close()


class World:
    """Fills the tables with copies of rows: other tenants, their live grants, grants long over."""

    def __init__(self, stack: Stack, places: Sequence[Tenant]) -> None:
        self._stack = stack
        self._tenants = [tenant.id for tenant in places]
        self._history = 0
        self._service = TableServiceClient.from_connection_string(stack.azurite.connection_string)
        self._settings = self._row(TENANTS, places[0].id)
        live = overdue(places[0]).model_copy(
            update={"deadline": datetime.now(UTC) + timedelta(days=1)}
        )
        asyncio.run(_open(stack, [live]))
        self._lease = self._row(LEASES, places[0].id)
        self._over = self._row(HISTORY, places[0].id)

    def grow(self, case: Case) -> None:
        """Add what is missing."""
        for _ in range(case.tenants - len(self._tenants)):
            tenant = str(uuid.uuid4())
            self._tenants.append(tenant)
            settings, lease = self._settings, self._lease
            self._create(TENANTS, [settings | {"PartitionKey": tenant}])
            row = {"PartitionKey": tenant, "RowKey": new_grant_id(tenant)}
            self._create(LEASES, [lease | row])
        batches = (case.history - self._history) // _BATCH
        self._history = case.history
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._add_history, islice(cycle(self._tenants), batches)))

    def _add_history(self, tenant: str) -> None:
        keys = ({"PartitionKey": tenant, "RowKey": new_grant_id(tenant)} for _ in range(_BATCH))
        self._create(HISTORY, [self._over | key for key in keys])

    def _row(self, table: str, tenant: str) -> dict[str, Any]:
        """A row that the product wrote."""
        query = "PartitionKey eq @tenant and not (RowKey ge 'claim:' and RowKey lt 'claim;')"
        rows = self._service.get_table_client(table).query_entities(
            query, parameters={"tenant": tenant}
        )
        return dict(next(iter(rows)))

    def _create(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        client = self._service.get_table_client(table)
        client.submit_transaction([(TransactionOperation.CREATE, row) for row in rows])

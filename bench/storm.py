"""An expiry storm: all the grants of many tenants expire in one second.

How long until the last account is disabled, counted from the first expiry, and how late each is.
The grants are made ready through the front door (`bench.making`); how far their expiries lie apart
is told.

The floor is the larger of two: the same engine, running as many orchestrations that wait on timers
with the very same spread and then run one empty activity each; and Microsoft's published limits.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import product
from statistics import median, quantiles

import httpx
from azure.data.tables import TableServiceClient

from bench.engine import NotMeasured, Watch, answered, floor
from bench.making import AT_ONCE, Grant, Making
from bench.report import COUNT, LONG_TIME, Pair, Result, Section
from bench.worlds import KEPT, crowd, numbered, tenants
from devhost import DevHost
from devhost.stack import UNHURRIED, Stack, helpdesk
from simulator.calls import Call

# Writes to users that an app may make, by scope: so many in so many seconds
# (learn.microsoft.com/graph/throttling-limits, identity and access).
WRITES_IN_TENANT = (3_000, 150.0)
WRITES_OF_APP = (35_000, 300.0)

_PATIENCE = 600.0
_SCOUTS = 20
_SCOUTING = 3.0
_RESERVE = 2.0  # how much longer making them may take than the first few have taken


@dataclass(frozen=True)
class Size:
    """How many grants: one for each technician in each tenant."""

    tenants: int = 20
    technicians: int = 25

    @property
    def grants(self) -> int:
        """How many expire."""
        return self.tenants * self.technicians


_SIZE = Size()


@dataclass(frozen=True)
class Storm:
    """What was seen, in seconds of the wall clock."""

    expiries: tuple[float, ...]
    disabled: tuple[float, ...]
    ended: tuple[float, ...]
    calls: int
    refused: int
    left: tuple[str, ...] = ()

    @property
    def lasted(self) -> float:
        """From the first expiry until the last account was disabled."""
        return max(self.disabled) - min(self.expiries)

    @property
    def lateness(self) -> list[float]:
        """From the expiry of each grant until its account was disabled."""
        return [late - due for due, late in zip(self.expiries, self.disabled, strict=True)]


def throttled(writes: int, limit: tuple[int, float]) -> float:
    """How long so many writes take at the least, of which so many are let through per window."""
    allowed, window = limit
    return (max(writes, 1) - 1) // allowed * window


def percentile(values: Sequence[float], percent: int) -> float:
    """A percentile; of a single value that one."""
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def run(runs: int, size: Size = _SIZE) -> Sequence[Result]:
    """Let the storm come, and then its floor with the same spread."""
    found = []
    for _ in range(runs):
        storm = _storm(size)
        found.append((storm, max(_floor(storm.expiries), _published(size))))
    storms = [storm for storm, _ in found]
    late = [lateness for storm in storms for lateness in storm.lateness]
    return [
        Result(
            f"expiry storm, {size.grants} grants in {size.tenants} tenants, until all are disabled",
            tuple(Pair(storm.lasted, least) for storm, least in found),
            unit=LONG_TIME,
            problems=tuple(f"{what} was left behind" for storm in storms for what in storm.left),
            sections=(
                Section(
                    "how late accounts were disabled",
                    (
                        ("half of them", median(late)),
                        ("99 of 100", percentile(late, 99)),
                        ("the latest", max(late)),
                    ),
                    LONG_TIME,
                ),
                Section(
                    "beside that",
                    (
                        ("spread of the expiries", median(map(_spread, storms))),
                        ("until all are verified and closed", median(map(_until_ended, storms))),
                        ("the floor by the published limits", _published(size)),
                    ),
                    LONG_TIME,
                ),
                Section(
                    "calls to Graph from the first expiry to the last closing",
                    (
                        ("all", median(storm.calls for storm in storms)),
                        ("refused with 429", median(storm.refused for storm in storms)),
                        ("grants left behind", sum(len(storm.left) for storm in storms)),
                    ),
                    COUNT,
                ),
            ),
        )
    ]


def _spread(storm: Storm) -> float:
    return max(storm.expiries) - min(storm.expiries)


def _until_ended(storm: Storm) -> float:
    return max(storm.ended) - min(storm.expiries)


def _published(size: Size) -> float:
    """What the published limits allow: disabling is one write each."""
    return max(throttled(size.technicians, WRITES_IN_TENANT), throttled(size.grants, WRITES_OF_APP))


def _storm(size: Size) -> Storm:
    customers = numbered("customer", size.tenants)
    # One more than needed: the first grant in each tenant tells how long giving takes.
    technicians = numbered("technician", size.technicians + 1)
    world = partial(crowd, technicians=technicians, customers=customers)
    with Stack(world=world, settings=UNHURRIED) as stack:
        for tenant in tenants(stack, customers):
            tenant.knobs.published_limits = True
            stack.onboard(tenant, helpdesk=helpdesk(credential="temporaryAccessPass"))
        return asyncio.run(_play(stack, customers, technicians))


async def _play(stack: Stack, customers: Sequence[str], technicians: Sequence[str]) -> Storm:
    async with Making.at(stack, technicians) as making:
        places = list(product(tenants(stack, customers), technicians))
        scouts = [place for place in places if place[1] == technicians[0]]
        others = [place for place in places if place[1] != technicians[0]]
        began = time.time()
        first = await making.make(scouts, until=lambda: time.time() + making.giving + _SCOUTING)
        pace = (time.time() - began) / len(scouts)
        await making.all_ended(first)
        storm_at = time.time() + _RESERVE * pace * len(others) + making.giving + _SCOUTING
        mark = stack.cloud.calls.next_sequence()
        waiting = await making.make(others, until=lambda: storm_at)
        ended = await making.all_ended(waiting)
    return _seen(stack, waiting, ended, mark)


def _seen(stack: Stack, grants: Sequence[Grant], ended: tuple[float, ...], mark: int) -> Storm:
    """What the directory saw of the storm, and what is left of it there and in the ledger."""
    # The simulator's calls are timed by the monotonic clock, everything else by the wall clock.
    shift = time.time() - time.monotonic()
    calls = stack.cloud.calls.graph(after=mark)
    disabling: dict[str, float] = {}
    for call in calls:
        if _disables(call):
            disabling.setdefault(call.path.rpartition("/")[2], call.ended + shift)
    first = min(grant.expires_at for grant in grants)
    storm = [call for call in calls if call.ended + shift >= first]
    users = [grant.tenant.user(grant.account) for grant in grants]
    if unseen := [user for user in users if user.id not in disabling]:
        raise NotMeasured(f"Nobody saw {len(unseen)} accounts being disabled.")
    return Storm(
        expiries=tuple(grant.expires_at for grant in grants),
        disabled=tuple(disabling[user.id] for user in users),
        ended=ended,
        calls=len(storm),
        refused=sum(call.status == 429 for call in storm),
        left=tuple(_left(stack, grants)),
    )


def _disables(call: Call) -> bool:
    body = call.request_body if isinstance(call.request_body, dict) else {}
    return call.method == "PATCH" and call.status == 204 and body.get("accountEnabled") is False


def _left(stack: Stack, grants: Iterable[Grant]) -> Iterable[str]:
    """What a storm must not leave: an enabled account, a role, a sign-in method, a lease."""
    for grant in grants:
        user = grant.tenant.user(grant.account)
        held = list(grant.tenant.assignments_of(user.id))
        if user.account_enabled or held or user.methods:
            yield f"The account {grant.account}"
    with TableServiceClient.from_connection_string(stack.azurite.connection_string) as service:
        for row in service.get_table_client("leases").list_entities(select=["RowKey"]):
            yield f"The row {row['RowKey']} of the ledger"


def _floor(expiries: Sequence[float]) -> float:
    """How long the engine alone takes for timers of the same spread, each with one thing to do."""
    with floor() as host:
        return asyncio.run(bare_storm(host, [moment - min(expiries) for moment in expiries]))


async def bare_storm(host: DevHost, offsets: Sequence[float]) -> float:
    """The time from the first of so many timers until the last has had its thing done."""
    at_once = asyncio.Semaphore(AT_ONCE)
    async with (
        httpx.AsyncClient(base_url=host.url, timeout=_PATIENCE, limits=KEPT) as client,
        Watch.following(host, over=answered("nothing")) as watch,
    ):

        async def start(moment: float) -> str:
            async with at_once:
                text = datetime.fromtimestamp(moment, UTC).isoformat()
                answer = await client.post("/api/start/expire", json=text)
                return answer.raise_for_status().text

        async def begin(moments: Iterable[float]) -> list[str]:
            return await asyncio.gather(*(start(moment) for moment in moments))

        began = time.time()
        await begin([began] * _SCOUTS)
        pace = (time.time() - began) / _SCOUTS
        fires_at = time.time() + _RESERVE * pace * len(offsets) + 1
        waiting = await begin(fires_at + offset for offset in offsets)
        if time.time() > fires_at:
            raise NotMeasured("Starting the floor took longer than foreseen; the machine is busy.")
        done = await asyncio.gather(*(watch.moment(one, "over", _PATIENCE) for one in waiting))
        return max(done) - fires_at

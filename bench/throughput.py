"""How many grants a second live through the whole app: asked for, given, expired, taken back.

So many technicians in so many tenants that the machine is never idle ask for lives of a fifth of a
second, and ask again as soon as one is over. The floor is the same engine on the same host, which
runs two empty activities and a timer of the same length for each life.

A life is over when its lease has left the ledger. Counting begins when every account has been
made and woken once.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from statistics import fmean, median

import httpx

from bench.engine import Watch, answered, floor, reported, when
from bench.machine import Work, work_of
from bench.report import RATE, Pair, Result, Section, Unit
from bench.worlds import KEPT, ask, crowd, numbered, signed_in, tenants
from curfew.events import Event
from devhost import DevHost
from devhost.logbook import Record
from devhost.stack import UNHURRIED, Stack, helpdesk

TARGET = 0.4
LIFE = 0.2
_LIVES_BEFORE = 2
_PATIENCE = 120.0
_FLOOR_CROWD = 6  # its lives are so short that it takes more of them to keep the machine busy
_FEW = Unit("count", "", digits=2)
_PROFILE = helpdesk(credential="temporaryAccessPass", minDuration=f"PT{LIFE}S")


@dataclass(frozen=True)
class Size:
    """How much is asked for: accounts that live at once, and seconds of counting."""

    tenants: int = 6
    technicians: int = 2
    seconds: float = 15.0

    @property
    def accounts(self) -> int:
        """One for each technician in each tenant."""
        return self.tenants * self.technicians


_SIZE = Size()


@dataclass
class Count:
    """A measurement: when lives were over, and what each process worked between two moments."""

    begin: float = float("inf")
    end: float = float("inf")
    moments: list[float] = field(default_factory=list)
    work: Work = field(default_factory=dict)

    @property
    def lives(self) -> int:
        """How many lives were over between the two moments."""
        return sum(self.begin <= moment < self.end for moment in self.moments)

    @property
    def rate(self) -> float:
        """Lives per second."""
        return self.lives / (self.end - self.begin)


async def sustain(
    watch: Watch, begin: Callable[[int], Awaitable[str]], size: Size, work: Callable[[], Work]
) -> Count:
    """Keep every account busy for so long; `begin` starts an account's next life.

    Raises:
        NotMeasured: a life did not end.
    """
    count = Count()
    made = 0
    warm = asyncio.Event()

    async def lead(account: int) -> None:
        nonlocal made
        lives = 0
        while time.time() < count.end:
            count.moments.append(await watch.moment(await begin(account), "over", _PATIENCE))
            lives += 1
            made += lives == _LIVES_BEFORE
            if made == size.accounts:
                warm.set()

    async def measure() -> None:
        await warm.wait()
        before = work()
        count.begin = time.time()
        await asyncio.sleep(size.seconds)
        after = work()
        count.end = time.time()
        count.work = {name: after[name] - before[name] for name in before.keys() & after.keys()}

    await asyncio.gather(measure(), *(lead(account) for account in range(size.accounts)))
    return count


async def grants(
    stack: Stack, customers: Sequence[str], technicians: Sequence[str], size: Size
) -> Count:
    """Count grants, asked for at the front door."""
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(signed_in(stack, name)) for name in technicians]
        accounts = list(product(tenants(stack, customers), clients))

        async def begin(account: int) -> str:
            tenant, client = accounts[account]
            return await ask(client, tenant.id, LIFE)

        ended = Watch.following(stack.host, over=reported(Event.GRANT_ENDED))
        watch = await opened.enter_async_context(ended)
        return await sustain(watch, begin, size, partial(work_of, stack.host, stack))


async def bare_lives(host: DevHost, size: Size) -> Count:
    """Count two empty activities and a timer."""
    async with (
        httpx.AsyncClient(base_url=host.url, timeout=_PATIENCE, limits=KEPT) as client,
        Watch.following(host, over=answered("nothing", 2)) as watch,
    ):

        async def begin(_: int) -> str:
            answer = await client.post("/api/start/live", json=LIFE)
            return answer.raise_for_status().text

        return await sustain(watch, begin, size, partial(work_of, host))


def run(runs: int, size: Size = _SIZE) -> Sequence[Result]:
    """Count product and floor by turns, each in a stretch of its own."""
    customers = numbered("customer", size.tenants)
    technicians = numbered("technician", size.technicians)
    world = partial(crowd, technicians=technicians, customers=customers)
    found: list[tuple[Count, Count]] = []
    steps: list[dict[str, float]] = []
    told: list[dict[str, float]] = []
    with ExitStack() as opened:
        stack = opened.enter_context(Stack(world=world, settings=UNHURRIED))
        for tenant in tenants(stack, customers):
            stack.onboard(tenant, helpdesk=_PROFILE)
        empty = opened.enter_context(floor())
        for _ in range(runs):
            seen = len(stack.host.log)
            count = asyncio.run(grants(stack, customers, technicians, size))
            log = stack.host.log[seen:]
            steps.append(_steps(log, count))
            told.append(_told(log, count))
            crowded = replace(size, technicians=size.technicians * _FLOOR_CROWD)
            found.append((count, asyncio.run(bare_lives(empty, crowded))))
    return [
        Result(
            f"throughput, {size.accounts} lives at once in {size.tenants} tenants",
            tuple(Pair(count.rate, bare.rate) for count, bare in found),
            target=TARGET,
            at_least=True,
            unit=RATE,
            sections=(
                Section("processor time per grant", _shares([count for count, _ in found])),
                Section("processor time per life of the floor", _shares([b for _, b in found])),
                Section(
                    "between delivery and answer, per run of a function, under this load",
                    _medians(steps),
                ),
                Section("per grant", _medians(told), _FEW),
            ),
        )
    ]


def _steps(log: Iterable[Record], count: Count) -> dict[str, float]:
    """Mean seconds of each function between delivery and answer, while it was counted."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    for record in log:
        if record.get("event") == "answered" and count.begin <= when(record) < count.end:
            times[record["function"]].append(record["milliseconds"] / 1000)
    return {name: fmean(seconds) for name, seconds in times.items()}


def _told(log: Iterable[Record], count: Count) -> dict[str, float]:
    """What the app reported per grant, while it was counted: became active, failed steps by error.

    Where the machine is so busy that enabling waits for longer than a life lasts, the grant ends
    without having been active: its time was up.
    """
    times: Counter[str] = Counter()
    for record in log:
        extra = record.get("extra", {})
        if "event" not in extra or not count.begin <= when(record) < count.end:
            continue
        if extra["event"] == Event.GRANT_ACTIVE:
            times["became active"] += 1
        elif extra["event"] == Event.STEP_FAILED:
            times[f"steps that failed: {extra['fields']['error']}"] += 1
    return {what: number / max(count.lives, 1) for what, number in times.items()}


def _shares(counts: Sequence[Count]) -> tuple[tuple[str, float], ...]:
    """Seconds of processor time for one life, by process."""
    return _medians(
        [
            {name: seconds / max(count.lives, 1) for name, seconds in count.work.items()}
            for count in counts
        ]
    )


def _medians(found: Sequence[Mapping[str, float]]) -> tuple[tuple[str, float], ...]:
    names = {name for one in found for name in one}
    rows = [(name, median(one.get(name, 0.0) for one in found)) for name in names]
    return tuple(sorted(rows, key=lambda row: row[1], reverse=True))

"""Work in many tenants at once, so that none of them can keep the others from their turn.

A tenant that hangs is left when its time is up, one that fails fails alone, and when the whole
time is up the rest is for the next round: everything done here can be done again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import monotonic

from curfew.concurrency import together
from curfew.errors import CurfewError, Throttled, Unavailable

OUT_OF_TIME = "out of time"

type Work[T] = Callable[[T], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how long, in seconds.

    The whole stays under the five minutes after which the host would kill the process, and with
    it every step of every workflow that runs in it.
    """

    run: float = 240.0
    tenant: float = 90.0
    tenants: int = 8
    within: int = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """A tenant that was not worked through, and what stopped the work."""

    tenant: str
    reason: str
    error: Exception | None = None


def by_lot[T](things: Iterable[T], is_first: Callable[[T], bool]) -> list[T]:
    """An order by lot, of those that are first and then of the rest.

    A thing that hangs takes up a place each time without ever being marked as tried. By lot none
    is in front of the same others for ever.
    """
    order = list(things)
    random.shuffle(order)
    return sorted(order, key=is_first, reverse=True)


async def in_every_tenant(tenants: Iterable[str], work: Work[str], limits: Limits) -> list[Cut]:
    """Do the work in each tenant, in this order as places become free.

    Answers the tenants in which it did not come to its end.
    """
    places = asyncio.Semaphore(limits.tenants)
    end = monotonic() + limits.run
    cuts: list[Cut] = []

    async def visit(tenant: str) -> None:
        async with places:
            remaining = min(limits.tenant, end - monotonic())
            if remaining <= 0:
                cuts.append(Cut(tenant, OUT_OF_TIME))
                return
            try:
                async with asyncio.timeout(remaining):
                    await work(tenant)
            except TimeoutError:
                cuts.append(Cut(tenant, OUT_OF_TIME))
            except CurfewError as error:
                cuts.append(Cut(tenant, error.code, error))
            except Exception as error:  # noqa: BLE001 - one tenant's trouble is nobody else's
                cuts.append(Cut(tenant, type(error).__qualname__, error))

    await together(*(visit(tenant) for tenant in tenants))
    return cuts


async def one_by_one[T](things: Iterable[T], work: Work[T], limits: Limits) -> None:
    """Do the work on each of a tenant's things, a few at once, until the tenant itself fails.

    Raises:
        Throttled, Busy, Unavailable: the tenant cannot be worked in right now. What was begun has
            come to its end, and the rest was not begun.
    """
    waiting = iter(things)
    failures: list[Throttled | Unavailable] = []

    async def take() -> None:
        for thing in waiting:
            if failures:
                return
            try:
                await work(thing)
            except (Throttled, Unavailable) as failure:
                failures.append(failure)

    await together(*(take() for _ in range(limits.within)))
    if failures:
        raise failures[0]

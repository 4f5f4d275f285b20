"""Makes grants ready that all expire at one moment.

At the front door, a few at a time, each asking for as long as there is until that moment, less what
giving takes at present.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median

import httpx

from bench.engine import NotMeasured, Watch, reported
from bench.worlds import ask, signed_in
from curfew.events import Event
from devhost.stack import Stack
from simulator.directory.tenant import Tenant

AT_ONCE = 4
_RECENT = 12
_PATIENCE = 900.0


@dataclass(frozen=True)
class Grant:
    """A grant that waits for the storm."""

    id: str
    tenant: Tenant
    technician: str
    expires_at: float

    @property
    def account(self) -> str:
        """Whom to look for in the directory."""
        return f"msp-{self.technician}@{self.tenant.domain}"


class Making:
    """Makes grants ready, a few at a time, so that they all expire at one moment."""

    def __init__(self, watch: Watch, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._watch = watch
        self._clients = clients
        self._giving: deque[float] = deque([1.0], maxlen=_RECENT)

    @classmethod
    @asynccontextmanager
    async def at(cls, stack: Stack, technicians: Iterable[str]) -> AsyncIterator["Making"]:
        """Through the front door of a stack, by these technicians."""
        watching = Watch.following(
            stack.host,
            active=reported(Event.GRANT_ACTIVE),
            armed=reported(Event.GRANT_ACTIVE, "expires"),
            ended=reported(Event.GRANT_ENDED),
        )
        async with AsyncExitStack() as opened:
            clients = {
                name: await opened.enter_async_context(signed_in(stack, name))
                for name in technicians
            }
            watch = await opened.enter_async_context(watching)
            yield cls(watch, clients)

    @property
    def giving(self) -> float:
        """How long giving takes at present, from the request until its expiry is armed."""
        return median(self._giving)

    async def make(
        self, places: Sequence[tuple[Tenant, str]], until: Callable[[], float]
    ) -> list[Grant]:
        """A grant in each place, expiring about then.

        Raises:
            NotMeasured: that moment came before all were active.
        """
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(tenant: Tenant, technician: str) -> Grant:
            async with at_once:
                return await self._one(tenant, technician, until())

        return await asyncio.gather(*(one(*place) for place in places))

    async def _one(self, tenant: Tenant, technician: str, until: float) -> Grant:
        asked = time.time()
        duration = until - asked - self.giving
        if duration < 1:
            raise NotMeasured("Making the grants took longer than foreseen; the machine is busy.")
        grant = await ask(self._clients[technician], tenant.id, duration)
        await self._watch.moment(grant, "active", _PATIENCE)
        expires_at = await self._watch.moment(grant, "armed", _PATIENCE)
        self._giving.append(expires_at - asked - duration)
        return Grant(grant, tenant, technician, expires_at)

    async def all_ended(self, grants: Iterable[Grant]) -> tuple[float, ...]:
        """When each was verified and closed."""
        moments = (self._watch.moment(grant.id, "ended", _PATIENCE) for grant in grants)
        return tuple(await asyncio.gather(*moments))

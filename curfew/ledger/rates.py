"""How often a caller may do something in an hour, counted for all instances together.

The generic cell rate algorithm: of each caller and kind one moment is kept, the one at which all
that he has used will be earned back. Each use moves it on by one interval, an hour divided by the
limit. A use that would put it further ahead of the clock than a burst takes to be earned is
refused, and moves nothing. So a caller who was away may use a burst at once, then one each
interval: over any longer time the limit per hour, in a single hour at most a burst more.

A burst is a quarter of the limit: fifteen minutes' worth, enough for the morning on which many
tenants need help, little beside the hour that a thief of a session would need. It is at least
five, so that a low limit does not make people wait between two steps of one job.

The moment is written under its ETag, so of instances that charge at once each sees the others.
"""

import asyncio
import secrets
from datetime import datetime, timedelta

from curfew.clock import Clock
from curfew.errors import AlreadyExists, Changed, Missing
from curfew.ledger.reading import told
from curfew.ledger.tables import Row, Tables
from curfew.model.base import Model, Moment

RATES = "rates"
_HOUR = timedelta(hours=1)
_SMALLEST_BURST = 5
_TRIES = 20


class _Charge(Model):
    """What a caller has used: when all of it will be earned back."""

    earned_at: Moment


class Rates:
    """The uses of all callers; partition: the caller's object id, row: the kind of use."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def take(self, caller_id: str, kind: str, per_hour: int) -> timedelta:
        """Charge a caller for one use: nothing, or how long he has to wait and was not charged.

        Raises:
            Changed: other instances kept charging him, twenty times in a row.
            Unreadable: the row says nothing, so nobody knows what he has used.
            Unavailable: no answer; he may have been charged.
        """
        async with self._turns.setdefault((caller_id, kind), asyncio.Lock()):
            for attempt in range(_TRIES):
                await asyncio.sleep(secrets.randbelow(20 * attempt + 1) / 1000)
                try:
                    return await self._take(caller_id, kind, per_hour)
                except (AlreadyExists, Changed, Missing):
                    # Another instance was quicker: the next reading shows what it charged.
                    continue
        raise Changed("ledger", "charge a caller")

    async def _take(self, caller_id: str, kind: str, per_hour: int) -> timedelta:
        row = await self._find(caller_id, kind)
        now = self._clock()
        used = max(told(RATES, row, _Charge).earned_at, now) if row else now
        earned_at, wait = charged(used, now, per_hour)
        if wait:
            return wait
        document = _Charge(earned_at=earned_at).to_json()
        if row:
            await self._tables.put(RATES, Row(caller_id, kind, document, row.etag))
        else:
            await self._tables.create(RATES, (Row(caller_id, kind, document), {}))
        return timedelta(0)

    async def _find(self, caller_id: str, kind: str) -> Row | None:
        try:
            return await self._tables.get(RATES, caller_id, kind)
        except Missing:
            return None


def charged(used: datetime, now: datetime, per_hour: int) -> tuple[datetime, timedelta]:
    """When everything is earned back after one more use, and how long that use has to wait."""
    interval = _HOUR / per_hour
    burst = max(per_hour // 4, _SMALLEST_BURST)
    wait = used - now - (burst - 1) * interval
    return used + interval, max(wait, timedelta(0))

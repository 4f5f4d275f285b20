"""How much of one tenant's directory this process takes up at once, and when it keeps silent.

Many grants that end in the same second must not stampede their tenant, and a tenant that said
429 must not be asked again by each of them. Who gets no turn is refused at once: waiting is the
workflow's, on durable timers, and an activity that queued would cost a worker's place that a
grant in another tenant could use.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from curfew.clock import Clock
from curfew.errors import Busy

TURNS = 8
"""How many steps of one tenant are in its directory at once."""

GIVING_TURNS = 5
"""How many of them may be giving: endings come first, and never wait for giving alone."""

LONGEST_SILENCE = timedelta(minutes=5)
"""How long an access lives is not for a header to decide."""

ENDINGS_SILENCE = timedelta(seconds=20)
"""What an ending heeds of a silence. It may have been asked of somebody who gives, and of another
part of the directory; who ends is told again where it is meant for him."""

_BRIEF = timedelta(seconds=5)
_PAUSE = (1.0, 5.0)

type Chance = Callable[[float, float], float]
"""A random number between two."""


class Purpose(StrEnum):
    """What a step wants in a tenant's directory."""

    GIVING = "giving"
    ENDING = "ending"


class Pace:
    """The turns of one tenant. There is one for each tenant in a process.

    Args:
        clock: The present moment. A clock that is set back ends a silence instead of drawing it
            out, so the wall clock does.
        chance: Spreads those who come back, so that they do not all come back together.
    """

    def __init__(self, clock: Clock, chance: Chance = random.uniform) -> None:
        self._clock = clock
        self._chance = chance
        self._taken: Counter[Purpose] = Counter()
        self._silent: tuple[datetime, datetime] | None = None

    @contextmanager
    def turn(self, operation: str, purpose: Purpose) -> Iterator[None]:
        """Hold one of the tenant's turns.

        Raises:
            Busy: there is none, or the tenant asked for silence. Nothing was sent.
        """
        rest = self.rest(purpose)
        if rest or self._is_full(purpose):
            raise Busy("directory", operation, retry_after=rest or self._chance(*_PAUSE))
        self._taken[purpose] += 1
        try:
            yield
        finally:
            self._taken[purpose] -= 1

    def rest(self, purpose: Purpose) -> float:
        """In how many seconds to come back because of a silence; 0 when there is none."""
        silence = self._silence(ENDINGS_SILENCE if purpose is Purpose.ENDING else LONGEST_SILENCE)
        return silence.total_seconds() + self._chance(*_PAUSE) if silence else 0.0

    def hush(self, retry_after: float | None) -> None:
        """Heed a 429: no turn before its Retry-After, unless it asks for a few seconds only.

        An ending heeds the beginning of it, `ENDINGS_SILENCE`, and then may try.

        Those are left to whoever was told. A later, shorter wish does not cut a longer one short.
        """
        wish = min(timedelta(seconds=retry_after or 0.0), LONGEST_SILENCE)
        if wish > max(_BRIEF, self._silence(LONGEST_SILENCE)):
            now = self._clock()
            self._silent = (now, now + wish)

    def _is_full(self, purpose: Purpose) -> bool:
        giving_is_full = purpose is Purpose.GIVING and self._taken[purpose] >= GIVING_TURNS
        return giving_is_full or self._taken.total() >= TURNS

    def _silence(self, heeded: timedelta) -> timedelta:
        """How much longer nothing is to be sent, by who heeds so much of a silence."""
        if self._silent is None:
            return timedelta()
        now, (began, end) = self._clock(), self._silent
        end = min(end, began + heeded)
        return end - now if began <= now < end else timedelta()

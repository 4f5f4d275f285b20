"""Planned deaths of the worker, for tests that need it to die at one exact moment."""

import threading
from typing import Literal

type Moment = Literal["delivered", "answered"]


class Strikes:
    """Counts down to the delivery or answer at which the worker is to be killed.

    `delivered`: the worker has the item and dies at once; nobody knows how far it came.
    `answered`: the function has run to its end, with all its effects. Either way its answer, if it
    gave one, is lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[tuple[Moment, str], list[int]] = {}

    def plan(self, moment: Moment, function: str, occurrence: int) -> None:
        """Strike at the nth time from now on that this function comes to this moment."""
        if occurrence < 1:
            raise ValueError("the first occurrence is 1")
        with self._lock:
            self._planned.setdefault((moment, function.lower()), []).append(occurrence)

    def hit(self, moment: Moment, function: str) -> bool:
        """Count this moment; True when the worker is to die now."""
        if not self._planned:
            return False
        key = (moment, function.lower())
        with self._lock:
            left = [count - 1 for count in self._planned.get(key, ())]
            self._planned[key] = [count for count in left if count > 0]
            return 0 in left

"""The engine by itself, running an app that does nothing; and how a host's log is followed."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path

from devhost import Configuration, DevHost
from devhost.logbook import Record

ROOT = Path(__file__).resolve().parent.parent
_APP = Path(__file__).resolve().parent / "floor" / "function_app.py"
_LOOK = 0.02


type Sign = Callable[[Record], tuple[str, float] | None]
"""Reads from a record whose moment it tells, and which: of a life by its id; None: nobody's."""


class NotMeasured(Exception):
    """Something did not come to its end, so there is nothing to measure."""


@contextmanager
def floor() -> Iterator[DevHost]:
    """The host with the app that does nothing, under the limits of the product's `host.json`."""
    with tempfile.TemporaryDirectory(prefix="curfew-floor-") as folder:
        for file in (_APP, ROOT / "host.json"):
            shutil.copy(file, folder)
        with DevHost(Configuration(app_directory=Path(folder))) as host:
            yield host


def when(record: Record) -> float:
    """The moment of a record, in seconds of the wall clock."""
    return datetime.fromisoformat(record["time"]).timestamp()


class Watch:
    """Moments that a host's log tells, by the ids of the lives they belong to.

    Asking the API instead would be load of its own.
    """

    def __init__(self, host: DevHost, signs: Mapping[str, Sign]) -> None:
        self._host = host
        self._signs = signs
        self._seen = len(host.log)
        self._moments: dict[str, defaultdict[str, asyncio.Future[float]]] = {
            name: defaultdict(asyncio.Future) for name in signs
        }

    @classmethod
    @asynccontextmanager
    async def following(cls, host: DevHost, **signs: Sign) -> AsyncIterator["Watch"]:
        """Follow the log from here on, and note what these signs tell, by their names."""
        watch = cls(host, signs)
        task = asyncio.create_task(watch._follow())
        try:
            yield watch
        finally:
            task.cancel()

    async def moment(self, life: str, name: str, patience: float) -> float:
        """The first moment of a life that the sign of this name has told.

        Raises:
            NotMeasured: it did not come.
        """
        try:
            async with asyncio.timeout(patience):
                return await self._moments[name][life]
        except TimeoutError as error:
            raise NotMeasured(f"{life} was not {name} within {patience:.0f} s") from error

    async def _follow(self) -> None:
        while True:
            log = self._host.log
            for record in log[self._seen :]:
                for name, sign in self._signs.items():
                    told = sign(record)
                    if told is not None and not self._moments[name][told[0]].done():
                        self._moments[name][told[0]].set_result(told[1])
            self._seen = len(log)
            await asyncio.sleep(_LOOK)


def answered(name: str, occurrence: int = 1) -> Sign:
    """When an activity has answered for the nth time in the life of an instance."""
    counts: defaultdict[str, int] = defaultdict(int)

    def sign(record: Record) -> tuple[str, float] | None:
        if record.get("event") != "answered" or record.get("function") != name:
            return None
        instance: str = record["instanceId"]
        counts[instance] += 1
        return (instance, when(record)) if counts[instance] == occurrence else None

    return sign


def reported(event: str, field: str = "") -> Sign:
    """When the app has reported an event of a grant, or the moment that a field of it names."""

    def sign(record: Record) -> tuple[str, float] | None:
        extra = record.get("extra", {})
        if extra.get("event") != event:
            return None
        fields = extra["fields"]
        moment = datetime.fromisoformat(fields[field]).timestamp() if field else when(record)
        return fields["grant"], moment

    return sign

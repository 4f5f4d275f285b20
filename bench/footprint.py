"""What one grant leaves in the durable history, and what it costs in storage transactions.

Events and bytes are counted in the engine's own history of a real grant; the floor is the history
of two empty activities and a timer. From the same events follow the requests to Azure Storage that
Microsoft's provider makes (`bench.storage`); the requests to our own tables are counted by the
spans of Microsoft's client, those to the vault by the simulator.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from bench.engine import NotMeasured, Sign, answered, floor, reported
from bench.report import BYTES, COUNT, Pair, Result, Section
from bench.storage import History, requests, rows_written
from bench.tracing import Trace, traced
from curfew.events import Event
from devhost import DevHost
from devhost.logbook import Record
from devhost.stack import helpdesk

_PATIENCE = 60.0
_GRANTS = 1000
# The directory tells times in whole seconds: within one of them an ending cannot prove that the
# password changed, and takes another pass.
_LIFE = 2
_FIRST = "the first grant of all, which makes the tables"
_LIVES = (
    ("ben", "helpdesk", _FIRST),
    ("ann", "helpdesk", "create"),
    ("ann", "helpdesk", "wake"),
    ("ann", "guarded", "wake with one approval"),
)


@dataclass(frozen=True)
class Print:
    """What one grant left behind: its history, and its requests to our own services."""

    history: History
    tables: Mapping[str, int]
    vault: int

    @property
    def storage(self) -> dict[str, int]:
        """All requests to Azure Storage, by what they do."""
        own = {f"our own tables: {what}": count for what, count in self.tables.items()}
        return requests(self.history) | own


def run(_: int) -> Sequence[Result]:
    """Look at one grant of each kind: how often it is run changes nothing."""
    prints = {}
    with traced() as trace:
        stack = trace.stack
        profiles = {"helpdesk": helpdesk(), "guarded": helpdesk(approvals=1)}
        stack.onboard(stack.world.contoso, **profiles)
        for alias, profile, name in _LIVES:
            with stack.client(alias) as technician:
                prints[name] = _one(trace, technician, profile)
    del prints[_FIRST]
    with floor() as host, httpx.Client(base_url=host.url, timeout=_PATIENCE) as client:
        instance = client.post("/api/start/live", json=_LIFE).raise_for_status().text
        _until(host, answered("nothing", 2), instance)
        least = _history(host, instance)
    return [result for name, found in prints.items() for result in _results(name, found, least)]


def _one(trace: Trace, technician: httpx.Client, profile: str) -> Print:
    """Let one grant live, and count what it left."""
    stack = trace.stack
    trace.tables(), trace.others()
    request = {
        "tenant": stack.world.contoso.id,
        "profile": profile,
        "duration": f"PT{_LIFE}S",
    }
    grant = technician.post("/api/grants", json=request).raise_for_status().json()["id"]
    if profile == "guarded":
        with stack.client("petra") as approver:
            approver.post(f"/api/grants/{grant}/approve", json={}).raise_for_status()
    _until(stack.host, reported(Event.GRANT_ENDED), grant)
    history = _history(stack.host, grant)
    return Print(history, trace.tables(), trace.others()["vault"])


def _results(name: str, found: Print, least: History) -> Iterator[Result]:
    history = found.history
    yield Result(
        f"events of durable history per grant, {name}",
        (Pair(history.rows, least.rows),),
        unit=COUNT,
        sections=(
            Section(
                "among them",
                (
                    ("turns of the orchestrator", len(history.turns)),
                    ("activities", history.activities),
                    ("timers", history.timers),
                    ("events from outside", history.events),
                ),
                COUNT,
            ),
        ),
    )
    yield Result(
        f"bytes of durable history per grant, {name}",
        (Pair(history.size, least.size),),
        unit=BYTES,
    )
    total, bare = (sum(counts.values()) * _GRANTS for counts in (found.storage, requests(least)))
    yield Result(
        f"Azure Storage transactions per {_GRANTS:,} grants, {name}",
        (Pair(total, bare),),
        unit=COUNT,
        sections=(
            Section(
                "computed for one grant from",
                (
                    *found.storage.items(),
                    ("rows written by the engine, were each a transaction", rows_written(history)),
                    ("requests to the vault, which are paid for apart", found.vault),
                ),
                COUNT,
            ),
        ),
    )


def _until(host: DevHost, sign: Sign, life: str) -> None:
    def is_told(record: Record) -> bool:
        told = sign(record)
        return told is not None and told[0] == life

    try:
        host.wait_for(is_told, timeout=_PATIENCE)
    except TimeoutError as error:
        raise NotMeasured(f"{life} was not over within {_PATIENCE:.0f} s") from error


def _history(host: DevHost, instance: str) -> History:
    """The history of an instance from its start to its end.

    After its end a grant waits for the directory's logs, to report what was done; not so here.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        host.backend.hasten(instance)
        found = host.backend.instances()[instance]
        if found.completed_at is not None:
            return History.of(found.history)
        time.sleep(0.05)
    raise NotMeasured(f"{instance} did not complete within {_PATIENCE:.0f} s")

"""How long a technician waits: from the `202` to `active`, with slow answers from Graph.

Every call to Graph takes a tenth of a second more, nothing else is slowed. The floor is what the
directory alone would cost: the longest chain of calls that depend on each other, as recorded in
the same run. What is above it is ours: the workflow engine, the ledger, the vault, our code, and
calls that wait for each other without a reason.

The wait begins when the client has the `202`, and is over when the ledger has taken the state
`active`. That moment is the event that is logged right after, by the same machine's clock; polling
for it would add its own period, and load. `activatedAt` is earlier, by the writing of it.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import median

import httpx

from bench.chain import CREATE, WAKE, Link, Step, UnknownCall, duration, longest_chain
from bench.engine import NotMeasured, when
from bench.report import Pair, Result, Section
from bench.timeline import Span, shares
from bench.worlds import crowd, numbered
from curfew.events import Event
from devhost.logbook import Record
from devhost.stack import UNHURRIED, Stack, helpdesk
from simulator.calls import Call

DELAY = 0.1
_PATIENCE = 60.0
_LEAST_SHOWN = 0.0005
_BETWEEN = "the host, between functions"
_WHERE = "where the time went; a step has what is not Graph or vault: its ledger, SDKs and code"


@dataclass(frozen=True)
class Path:
    """A way to an active grant: the profile's credential, the calls it makes, the target."""

    credential: str
    name: str
    steps: Sequence[Step]
    target: float | None = None


# In each row the technicians have no account before the first path, and wake it on the second.
_TURN = (
    (Path("password", "create", CREATE, target=1.5), Path("both", "create", CREATE)),
    (Path("password", "wake", WAKE, target=1.5), Path("both", "wake", WAKE)),
)
_CREDENTIALS = ("password", "both")


@dataclass(frozen=True)
class Run:
    """One grant: the request until its `202`, the wait after it, its floor, where the time went."""

    request: float
    wait: float
    chain: list[Link]
    shares: dict[str, float]

    @property
    def pair(self) -> Pair:
        """The wait over its floor."""
        return Pair(self.wait, duration(self.chain))


def run(runs: int) -> Sequence[Result]:
    """Take every path by turns; each turn's technicians are new to the tenant."""
    found: dict[Path, list[Run]] = {path: [] for row in _TURN for path in row}
    technicians = numbered("technician", (runs + 1) * len(_CREDENTIALS))
    with ExitStack() as opened:
        stack = opened.enter_context(
            Stack(world=partial(crowd, technicians=technicians), settings=UNHURRIED)
        )
        profiles = {credential: helpdesk(credential=credential) for credential in _CREDENTIALS}
        stack.onboard(stack.world.contoso, **profiles)
        aliases = iter(technicians)
        for turn in range(runs + 1):
            people = {
                credential: opened.enter_context(stack.client(alias))
                for credential, alias in zip(
                    _CREDENTIALS, islice(aliases, len(_CREDENTIALS)), strict=True
                )
            }
            for row in _TURN:
                addresses = []
                for path in row:
                    address, measured = _grant(stack, people[path.credential], path)
                    addresses.append((people[path.credential], address))
                    # The first turn pays for imports, tokens and connections.
                    if turn:
                        found[path].append(measured)
                _end(stack, addresses)
    ordered = sorted(found, key=lambda path: path.target is None)
    return [_result(path, found[path]) for path in ordered]


def _grant(stack: Stack, technician: httpx.Client, path: Path) -> tuple[str, Run]:
    """Ask for a grant and measure until it is active; answers its address, too."""
    request = {"tenant": stack.world.contoso.id, "profile": path.credential}
    mark = stack.cloud.calls.next_sequence()
    stack.cloud.faults.set_latency("graph", DELAY)
    # The simulator's calls are timed by the monotonic clock, the log by the wall clock.
    shift = time.time() - time.monotonic()
    asked = time.time()
    answer = technician.post("/api/grants", json=request)
    accepted = time.time()
    if answer.status_code != 202:
        raise NotMeasured(f"The request was answered {answer.status_code}: {answer.text}")
    address, grant = answer.headers["location"], answer.json()["id"]
    active = when(_news(stack, grant, Event.GRANT_ACTIVE))
    stack.cloud.faults.clear()
    calls = stack.cloud.calls.where(after=mark)
    if technician.get(address).json()["state"] != "active":
        raise NotMeasured(f"{grant} was reported active, and the API does not show it.")
    try:
        chain = longest_chain((call for call in calls if call.service == "graph"), path.steps)
    except UnknownCall as error:
        raise NotMeasured(str(error)) from error
    layers = (
        _spans(calls, shift, graph="Graph"),
        _spans(calls, shift, vault="the vault", login="tokens", msi="tokens"),
        _invocations(stack, grant, "activity"),
        _invocations(stack, grant, "orchestrator"),
    )
    went = shares(accepted, active, layers, otherwise=_BETWEEN)
    return address, Run(accepted - asked, active - accepted, chain, went)


def _end(stack: Stack, grants: Sequence[tuple[httpx.Client, str]]) -> None:
    """End grants together, and wait until all are over: the next measurement is undisturbed."""
    for technician, address in grants:
        technician.post(f"{address}/end", json={}).raise_for_status()
    for _, address in grants:
        _news(stack, address.rpartition("/")[2], Event.GRANT_ENDED)


def _news(stack: Stack, grant: str, event: Event) -> Record:
    """The record of an event of a grant; a step that fails first ends the waiting."""

    def of_grant(record: Record) -> bool:
        extra = record.get("extra", {})
        named = extra.get("fields", {}).get("grant") == grant
        return named and extra.get("event") in {event, Event.STEP_FAILED}

    try:
        record = stack.host.wait_for(of_grant, timeout=_PATIENCE)
    except TimeoutError as error:
        raise NotMeasured(f"{grant}: no {event} within {_PATIENCE:.0f} s") from error
    if record["extra"]["event"] == Event.STEP_FAILED:
        raise NotMeasured(f"{grant}: {record['message']}")
    return record


def _spans(calls: Sequence[Call], shift: float, **labels: str) -> list[Span]:
    return [
        Span(labels[call.service], call.started + shift, call.ended + shift)
        for call in calls
        if call.service in labels
    ]


def _invocations(stack: Stack, grant: str, kind: str) -> Iterator[Span]:
    """The runs of a grant's functions of one kind, as the host saw them."""
    begun: dict[str, float] = {}
    for record in stack.host.log:
        if record.get("instanceId") != grant or record.get("kind") != kind:
            continue
        if record["event"] == "delivered":
            begun[record["invocationId"]] = when(record)
        elif record["event"] == "answered":
            name = record["function"] if kind == "activity" else kind
            yield Span(name, begun[record["invocationId"]], when(record))


def _result(path: Path, runs: list[Run]) -> Result:
    return Result(
        f"latency of {path.name}, {path.credential}",
        tuple(run.pair for run in runs),
        target=path.target,
        sections=(
            Section("the floor, call by call", tuple(_links(runs))),
            Section(_WHERE, tuple(_labels(runs))),
            Section("before that", (("the request", median(run.request for run in runs)),)),
        ),
    )


def _links(runs: list[Run]) -> Iterator[tuple[str, float]]:
    """The steps of the longest chain as it was in most runs, each with its median."""
    names = [tuple(link.step for link in run.chain) for run in runs]
    usual = max(names, key=names.count)
    same = [run.chain for run, steps in zip(runs, names, strict=True) if steps == usual]
    for position, step in enumerate(usual):
        call = same[0][position].call
        seconds = median(chain[position].seconds for chain in same)
        yield f"{step} ({call.method} {_kind(call.path)})", seconds


def _kind(path: str) -> str:
    """A path without its version and with its object ids left out."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "{id}", path.removeprefix("/v1.0"))


def _labels(runs: list[Run]) -> list[tuple[str, float]]:
    labels = {label for run in runs for label in run.shares}
    found = [(label, median(run.shares.get(label, 0.0) for run in runs)) for label in labels]
    shown = [item for item in found if item[1] >= _LEAST_SHOWN]
    return sorted(shown, key=lambda item: item[1], reverse=True)

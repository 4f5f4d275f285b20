"""How histories are saved: a file per scenario, a line per event and action, in their order.

The history that a turn was handed is what the turns before it received and asked for, so nothing
is saved twice. Ids and times are kept; random ids are renamed by their first appearance, so that
recording again shows only what has changed.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
from durabletask.internal import helpers
from google.protobuf.json_format import MessageToDict, ParseDict

from tests.lifecycle.engine import Turn

ROOT = Path(__file__).parent
HOST_JSON = ROOT.parents[1] / "host.json"

_PAYLOADS = {"input", "result"}
_RANDOM = re.compile(
    r"(?P<guid>[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
    r"|(?P<ulid>01[0-9A-HJKMNP-TV-Z]{24})"
    r"|(?P<hex>(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f]))"
    r"|(?P<assignment>(?<![0-9A-Za-z_-])[0-9A-Za-z-]{40}-1(?![0-9A-Za-z_-]))"
    r"|(?P<domain>(?<=@c)[0-9a-f]{8}(?=\.onmicrosoft\.com))"
)


def current_version() -> str:
    """The version that new instances get."""
    host = json.loads(HOST_JSON.read_text())
    version: str = host["extensions"]["durableTask"]["defaultVersion"]
    return version


@dataclass
class SavedTurn:
    """One execution of an orchestrator, as it was recorded."""

    new: list[pb.HistoryEvent]
    actions: list[pb.OrchestratorAction]


@dataclass
class Saved:
    """What a scenario left: turns by execution, and rows of the ledger."""

    name: str
    version: str
    executions: list[list[SavedTurn]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, version: str, turns: list[Turn], rows: list[dict[str, Any]]) -> "Saved":
        """From what an engine has recorded, instance by instance."""
        saved = cls(name, version, rows=rows)
        for instance in dict.fromkeys(turn.instance for turn in turns):
            for turn in (each for each in turns if each.instance == instance):
                if not turn.past:
                    saved.executions.append([])
                saved.executions[-1].append(SavedTurn(list(turn.new), list(turn.actions)))
        return saved

    def turns(self) -> Iterator[tuple[Turn, str]]:
        """Every turn with the history that it was handed, and the orchestrator's name."""
        for execution in self.executions:
            past: list[pb.HistoryEvent] = []
            started = next(
                event.executionStarted
                for event in execution[0].new
                if event.HasField("executionStarted")
            )
            instance = started.orchestrationInstance.instanceId
            for turn in execution:
                yield (
                    Turn(instance, tuple(past), tuple(turn.new), tuple(turn.actions)),
                    started.name,
                )
                past.extend(turn.new)
                past.extend(event for action in turn.actions for event in _stored(action))

    def order(self) -> list[list[list[str]]]:
        """What was asked for, and in which order, by execution and turn."""
        return [
            [[_kind(action) for action in turn.actions] for turn in execution]
            for execution in self.executions
        ]

    def inputs(self) -> Iterator[dict[str, Any]]:
        """What the executions were started with."""
        for execution in self.executions:
            for event in execution[0].new:
                if event.HasField("executionStarted"):
                    yield json.loads(event.executionStarted.input.value)

    def write(self) -> None:
        """Save it."""
        folder = ROOT / self.version
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}.json").write_text(_renamed(self._text()))

    def _text(self) -> str:
        executions = [
            [
                {
                    "new": [_readable(event) for event in turn.new],
                    "actions": [_readable(action) for action in turn.actions],
                }
                for turn in execution
            ]
            for execution in self.executions
        ]
        return _lines({"executions": executions, "rows": self.rows}) + "\n"

    @classmethod
    def read(cls, path: Path) -> "Saved":
        """Read a file."""
        document = json.loads(path.read_text())
        executions = [
            [
                SavedTurn(
                    [ParseDict(_wire(event), pb.HistoryEvent()) for event in turn["new"]],
                    [ParseDict(_wire(each), pb.OrchestratorAction()) for each in turn["actions"]],
                )
                for turn in execution
            ]
            for execution in document["executions"]
        ]
        return cls(path.stem, path.parent.name, executions, document["rows"])


def comparable(action: pb.OrchestratorAction) -> dict[str, Any]:
    """An action as plain values, its payload read."""
    readable: dict[str, Any] = _readable(action)
    return readable


def _stored(action: pb.OrchestratorAction) -> Iterator[pb.HistoryEvent]:
    """What an action leaves in the history at once."""
    if action.HasField("scheduleTask"):
        task = action.scheduleTask
        yield helpers.new_task_scheduled_event(action.id, task.name, task.input.value)
    elif action.HasField("createTimer"):
        yield helpers.new_timer_created_event(action.id, action.createTimer.fireAt.ToDatetime())


def _kind(action: pb.OrchestratorAction) -> str:
    if action.HasField("scheduleTask"):
        return action.scheduleTask.name
    if action.HasField("completeOrchestration"):
        status = action.completeOrchestration.orchestrationStatus
        return pb.OrchestrationStatus.Name(status).removeprefix("ORCHESTRATION_STATUS_").lower()
    return str(action.WhichOneof("orchestratorActionType"))


def _readable(message: Any) -> Any:
    return _payloads(MessageToDict(message), json.loads)


def _wire(document: Any) -> Any:
    return _payloads(document, json.dumps)


def _payloads(document: Any, convert: Any) -> Any:
    """Read or write the payloads inside a message, which travel as text."""
    if isinstance(document, list):
        return [_payloads(item, convert) for item in document]
    if not isinstance(document, dict):
        return document
    return {
        name: convert(value) if name in _PAYLOADS else _payloads(value, convert)
        for name, value in document.items()
    }


def _renamed(text: str) -> str:
    """The same with stable names for what is random."""
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        if found[0] not in names:
            names[found[0]] = _stable(str(found.lastgroup), len(names) + 1)
        return names[found[0]]

    return _RANDOM.sub(name, text)


def _stable(kind: str, number: int) -> str:
    return {
        "guid": f"00000000-0000-4000-8000-{number:012x}",
        "ulid": f"01{number:024d}",
        "hex": f"{number:032x}",
        "assignment": f"{number:040d}-1",
        "domain": f"{number:08x}",
    }[kind]


def _lines(value: Any, depth: int = 0) -> str:
    """JSON with a line per event, action and row, and no line for anything smaller."""
    pad, inner = " " * depth, " " * (depth + 1)
    if isinstance(value, list) and value:
        items = f",\n{inner}".join(_lines(item, depth + 1) for item in value)
        return f"[\n{inner}{items}\n{pad}]"
    if isinstance(value, dict) and value.keys() & {"executions", "new"}:
        items = f",\n{inner}".join(
            f"{json.dumps(name)}: {_lines(item, depth + 1)}" for name, item in value.items()
        )
        return f"{{\n{inner}{items}\n{pad}}}"
    return json.dumps(value, separators=(",", ":"))

"""How long a fresh process takes to import and index the function app.

The floor is the same for an app with one orchestrator and one activity: Microsoft's libraries,
which every durable app pays for. Interpreter start is in neither, and both find their bytecode.

What counts is processor time: the work is done by one thread and waits for nobody, so that it is
the time on an idle machine, and on a busy one still means something. Product and floor alternate.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import Pair, Result, Section

ROOT = Path(__file__).resolve().parent.parent
BARE = Path(__file__).resolve().parent / "bare"
TARGET = 1.6

CLIENTS = ("aiohttp", "azure.data.tables", "azure.identity", "azure.keyvault", "httpx", "msgraph")
"""What a cold start must not import: the first step that needs a client pays for it."""

_SETTINGS = {
    "CURFEW_HOME_TENANT": "00000000-0000-4000-a000-000000000001",
    "CURFEW_APP_ID": "00000000-0000-4000-a000-000000000002",
    "CURFEW_MANAGED_IDENTITY_ID": "00000000-0000-4000-a000-000000000003",
    "CURFEW_VAULT_URL": "https://vault.example",
    "CURFEW_TABLES_URL": "https://tables.example",
}
_PROGRAM = """
import sys, time
wall, processor = time.perf_counter(), time.process_time()
import function_app
count = len(function_app.app.get_functions())
wall, processor = time.perf_counter() - wall, time.process_time() - processor
modules = sorted(sys.modules)
import json
print(json.dumps({"wall": wall, "processor": processor, "count": count, "modules": modules}))
"""
_SHOWN = 8


class NotIndexed(Exception):
    """The app did not start, so there is nothing to measure."""


@dataclass(frozen=True)
class Start:
    """One import and indexing, in seconds, and everything that was imported by then."""

    wall: float
    processor: float
    count: int
    modules: frozenset[str]
    import_times: str = ""


def index(app: Path, *options: str) -> Start:
    """Import and index an app in a fresh interpreter with these options.

    Raises:
        NotIndexed: the app failed to start.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CURFEW_", "PY"))
    }
    answer = subprocess.run(  # noqa: S603 - this interpreter, this file's own program
        [sys.executable, *options, "-c", _PROGRAM],
        cwd=app,
        env=environment | _SETTINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise NotIndexed(f"{app / 'function_app.py'} does not start:\n{answer.stderr}")
    said = json.loads(answer.stdout)
    return Start(
        said["wall"],
        said["processor"],
        said["count"],
        frozenset(said["modules"]),
        answer.stderr,
    )


def clients_in(modules: frozenset[str]) -> list[str]:
    """The clients among imported modules that must not be there yet."""
    return [client for client in CLIENTS if client in modules]


def run(runs: int) -> Sequence[Result]:
    """Measure alternately, after one start of each that fills the caches of bytecode and disk."""
    index(BARE), index(ROOT)
    floors, starts = [], []
    for _ in range(runs):
        floors.append(index(BARE))
        starts.append(index(ROOT))
    both = list(zip(starts, floors, strict=True))
    early = clients_in(starts[0].modules)
    title = "what it imports and the floor does not, by package, in one run"
    return [
        Result(
            "coldstart",
            tuple(Pair(start.processor, floor.processor) for start, floor in both),
            target=TARGET,
            sections=(Section(title, _additional_imports(floors[0].modules)),),
            problems=tuple(f"{client} is imported before a step needs it" for client in early),
        ),
        Result(
            "coldstart by the clock on the wall",
            tuple(Pair(start.wall, floor.wall) for start, floor in both),
        ),
    ]


def _additional_imports(known: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """Seconds per package in which modules were executed that the floor does not import."""
    seconds: dict[str, float] = defaultdict(float)
    for line in index(ROOT, "-X", "importtime").import_times.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            module = parts[2].strip()
            if module not in known:
                seconds[module.split(".")[0]] += int(parts[0]) / 1_000_000
    most = sorted(seconds.items(), key=lambda item: item[1], reverse=True)
    return tuple(most[:_SHOWN])

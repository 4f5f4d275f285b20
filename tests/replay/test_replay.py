"""A release cannot lose a grant: what earlier releases have stored is still understood.

See docs/workflows.md for what to do when one of these fails.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import pytest

from curfew.model.grants import Lease
from curfew.model.messages import GrantInput
from tests.chaos.stage import registered
from tests.lifecycle.engine import Engine
from tests.lifecycle.shared import Shared
from tests.replay.record import played
from tests.replay.scenarios import SCENARIOS
from tests.replay.stored import ROOT, Saved, comparable, current_version

FILES = sorted(ROOT.glob("*/*.json"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in FILES]


@pytest.fixture(scope="module")
def orchestrators(shared: Shared) -> dict[str, Any]:
    from curfew import services as services_of

    services_of.use(shared.services)
    return registered()[0]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_saved_history_replays_to_the_same_actions(
    orchestrators: dict[str, Any], path: Path
) -> None:
    for number, (turn, name) in enumerate(Saved.read(path).turns()):
        request = pb.OrchestratorRequest(
            instanceId=turn.instance, pastEvents=turn.past, newEvents=turn.new
        )
        response = Engine.execute(orchestrators[name], request)
        now = [comparable(action) for action in response.actions]
        recorded = [comparable(action) for action in turn.actions]
        assert list(_lost(recorded, now)) == [], (
            f"turn {number}: an instance of version {path.parent.name} that is running would do "
            "something else than what it did. Branch by ctx.version: docs/workflows.md"
        )


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_was_stored_is_still_read_and_nothing_of_it_is_lost(path: Path) -> None:
    saved = Saved.read(path)
    for row in saved.rows:
        assert list(_lost(row, Lease.read(row).to_json())) == []
    for work in saved.inputs():
        assert list(_lost(work, GrantInput.read(work).to_json())) == []


def _lost(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where something is missing or another by now. Fields that were added since are no loss."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from _lost(value, after.get(name, "nothing"), f"{place}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _lost(one, other, f"{place}[{number}]")
    elif before != after:
        yield f"{place}: {before!r} became {after!r}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_order_of_actions_is_that_of_the_version(shared: Shared, name: str) -> None:
    version = current_version()
    path = ROOT / version / f"{name}.json"
    assert path.exists(), f"{path.name} is not recorded: python -m tests.replay.record"
    assert played(shared, name).order() == Saved.read(path).order(), (
        f"The order of actions has changed, and version {version} is still that of host.json. "
        "If it was ever deployed, raise defaultVersion there and branch by ctx.version; then, or "
        "if it never was, record again: docs/workflows.md"
    )


def test_the_version_of_host_json_is_recorded() -> None:
    recorded = {path.stem for path in FILES if path.parent.name == current_version()}
    assert recorded == set(SCENARIOS)

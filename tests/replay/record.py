"""Plays every scenario and saves its histories under the version of host.json.

`python -m tests.replay.record`, when the version was raised, or as long as it was never deployed.
"""

from curfew.model.grants import Lease
from tests.chaos.stage import Stage, raised
from tests.lifecycle.engine import Turn
from tests.lifecycle.shared import Shared, running
from tests.replay.scenarios import SCENARIOS
from tests.replay.stored import Saved, current_version


def played(shared: Shared, name: str) -> Saved:
    """Play a scenario with the present code."""
    version = current_version()
    with raised(shared, 2) as stage:
        stage.engine.default_version = version
        turns: list[Turn] = []
        stage.engine.turns = turns
        SCENARIOS[name](stage)
        before = [_row(stage, grant) for grant in stage.grants]
        stage.engine.run()
        after = [_row(stage, grant) for grant in stage.grants]
        return Saved.of(name, version, turns, [*before, *after])


def _row(stage: Stage, grant: str) -> dict[str, object]:
    lease: Lease = stage.lease(grant)
    return lease.to_json()


def main() -> None:
    """Record everything."""
    with running() as shared:
        for name in SCENARIOS:
            played(shared, name).write()


if __name__ == "__main__":
    main()

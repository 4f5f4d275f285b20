"""Plays a sequence, lets everything come to rest, and looks at what is left."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from tests.chaos.promises import check, line_of
from tests.chaos.stage import Stage, raised
from tests.chaos.steps import Step
from tests.chaos.watching import Violation
from tests.lifecycle.shared import Shared

_PATIENCE = timedelta(hours=36)


def play(shared: Shared, steps: Sequence[Step], *, tenants: int = 2) -> Counter[str]:
    """Play a sequence and check every promise, during it and after it.

    Answers what a sequence was worth: how much happened in it, and how its grants ended.
    """
    with raised(shared, tenants) as stage:
        try:
            for step in steps:
                stage.note(repr(step))
                step.apply(stage)
            _come_to_rest(stage)
            check(stage)
        except Exception as error:
            error.add_note("\n".join(stage.told))
            raise
        return _worth(stage)


def _worth(stage: Stage) -> Counter[str]:
    calls = list(stage.shared.cloud.calls)
    worth = Counter(
        {
            "sequences": 1,
            "grants": len(stage.grants),
            "calls": len(calls),
            "calls in trouble": sum(1 for call in calls if call.fault),
            "looks": stage.watch.looks,
        }
    )
    worth.update(str(stage.lease(grant).end_reason) for grant in stage.grants)
    return worth


def _come_to_rest(stage: Stage) -> None:
    """The trouble is over; time passes until nothing runs and no lease is open."""
    stage.note("the trouble is over")
    stage.weather.clear()
    until = stage.clock() + _PATIENCE
    while stage.clock() < until:
        if stage.at_rest:
            return
        stage.pass_time(timedelta(minutes=30))
    left = [lease for customer in stage.customers for lease in stage.open_leases(customer)]
    raise Violation(f"after {_PATIENCE} these are not over: {[line_of(lease) for lease in left]}")

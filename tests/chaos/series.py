"""A series: a hundred sequences from one seed."""

import traceback
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.chaos.play import play
from tests.chaos.steps import Step
from tests.chaos.strategies import SEQUENCES
from tests.lifecycle.shared import Shared, running

SERIES = 100


def play_series(work: Any, results: Any, shrink: bool) -> None:
    """Play the series whose seeds come in, until there are no more."""
    with running() as shared:
        while (number := work.get()) is not None:
            counts, failure = _series(shared, number, shrink=shrink)
            results.put((number, dict(counts), failure))


def _series(shared: Shared, number: int, *, shrink: bool) -> tuple[Counter[str], str | None]:
    """Play a series; what happened in it, and the story of the first broken promise."""
    counts: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=SERIES,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(sequence=SEQUENCES)
    def sequences(sequence: list[Step]) -> None:
        counts.update(play(shared, sequence))

    try:
        sequences()
    except Exception as failure:  # noqa: BLE001 - reported, whatever it is
        return counts, "".join(traceback.format_exception(failure))
    return counts, None

"""Whatever happens in whatever order: afterwards it is over, and it was never too late.

`make chaos` plays thousands of sequences; here are a few, always the same ones.
"""

from hypothesis import HealthCheck, given, settings

from tests.chaos.play import play
from tests.chaos.steps import Step
from tests.chaos.strategies import SEQUENCES
from tests.lifecycle.shared import Shared


def test_whatever_happens_nothing_is_left_and_nothing_was_late(shared: Shared) -> None:
    @settings(
        max_examples=12,
        derandomize=True,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(sequence=SEQUENCES)
    def sequences(sequence: list[Step]) -> None:
        play(shared, sequence)

    sequences()

"""What a benchmark found, and how it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Pair:
    """One measurement in seconds, and the floor it is compared with, of the same moment."""

    actual: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor was needed."""
        return self.actual / self.floor


@dataclass(frozen=True)
class Section:
    """What a time is made of: labels with seconds, medians over the runs."""

    title: str
    rows: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Result:
    """A ratio with the measurements behind it.

    Attributes:
        target: The ratio that must not be exceeded; None where there is none.
        problems: What fails the benchmark whatever the ratio is.
    """

    name: str
    pairs: tuple[Pair, ...]
    target: float | None = None
    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """The median of the ratios: each is of one moment, and so is what disturbed it."""
        return median(pair.ratio for pair in self.pairs)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the ratios: the noise of this run."""
        ratios = [pair.ratio for pair in self.pairs]
        if len(ratios) == 1:
            return ratios[0], ratios[0]
        lower, _, upper = quantiles(ratios, n=4, method="inclusive")
        return lower, upper

    @property
    def passed(self) -> bool:
        """Whether the target is met and nothing else is wrong."""
        return not self.problems and (self.target is None or self.ratio <= self.target)

    def document(self) -> dict[str, Any]:
        """The result as JSON, times in seconds."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "target": self.target,
            "passed": self.passed,
            "quartiles": self.spread,
            "runs": [{"actual": pair.actual, "floor": pair.floor} for pair in self.pairs],
            "sections": {section.title: dict(section.rows) for section in self.sections},
            "problems": self.problems,
        }


def lines(result: Result) -> Iterator[str]:
    """The result for people to read, times in milliseconds."""
    actual = median(pair.actual for pair in result.pairs)
    floor = median(pair.floor for pair in result.pairs)
    target = "no target"
    if result.target is not None:
        met = result.ratio <= result.target
        target = f"target {result.target:.2f}: {'met' if met else 'MISSED'}"
    lower, upper = result.spread
    yield f"{result.name}: {result.ratio:.2f} times its floor, {target}"
    yield (
        f"  {_milliseconds(actual)} over {_milliseconds(floor)}, medians of {len(result.pairs)} "
        f"runs; half of the ratios from {lower:.2f} to {upper:.2f}"
    )
    for section in result.sections:
        yield f"  {section.title}"
        yield from (f"    {_milliseconds(time):>9}  {label}" for label, time in section.rows)
    yield from (f"  FAILED: {problem}" for problem in result.problems)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"

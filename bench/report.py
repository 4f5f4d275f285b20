"""What a benchmark found, and how it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Unit:
    """What a figure counts, and how it is written for people: times `scale`, with a symbol."""

    name: str
    symbol: str
    scale: float = 1.0
    digits: int = 0

    def text(self, value: float) -> str:
        """A figure of this unit."""
        return f"{value * self.scale:,.{self.digits}f} {self.symbol}".rstrip()


TIME = Unit("seconds", "ms", scale=1000, digits=1)
LONG_TIME = Unit("seconds", "s", digits=2)
RATE = Unit("per second", "/s", digits=2)
COUNT = Unit("count", "")
BYTES = Unit("bytes", "bytes")


@dataclass(frozen=True)
class Pair:
    """One measurement, and the floor it is compared with, of the same run."""

    actual: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor was needed."""
        return self.actual / self.floor


@dataclass(frozen=True)
class Section:
    """What a figure is made of: labels with figures, medians over the runs."""

    title: str
    rows: tuple[tuple[str, float], ...]
    unit: Unit = TIME


@dataclass(frozen=True)
class Result:
    """A ratio with the measurements behind it.

    Attributes:
        target: The ratio that must not be exceeded; None where there is none.
        at_least: The target must be reached instead: more is better.
        problems: What fails the benchmark whatever the ratio is.
    """

    name: str
    pairs: tuple[Pair, ...]
    target: float | None = None
    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()
    unit: Unit = TIME
    at_least: bool = False

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
    def met(self) -> bool:
        """Whether the ratio is on the right side of its target."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target

    @property
    def passed(self) -> bool:
        """Whether the target is met and nothing else is wrong."""
        return self.met and not self.problems

    def document(self) -> dict[str, Any]:
        """The result as JSON, times in seconds."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "target": self.target,
            "atLeast": self.at_least,
            "passed": self.passed,
            "quartiles": self.spread,
            "unit": self.unit.name,
            "runs": [{"actual": pair.actual, "floor": pair.floor} for pair in self.pairs],
            "sections": {
                section.title: {"unit": section.unit.name, "rows": dict(section.rows)}
                for section in self.sections
            },
            "problems": self.problems,
        }


def lines(result: Result) -> Iterator[str]:
    """The result for people to read."""
    actual = median(pair.actual for pair in result.pairs)
    floor = median(pair.floor for pair in result.pairs)
    target = "no target"
    if result.target is not None:
        bound = "at least" if result.at_least else "at most"
        target = f"target {bound} {result.target:.2f}: {'met' if result.met else 'MISSED'}"
    yield f"{result.name}: {result.ratio:.2f} times its floor, {target}"
    over = f"  {result.unit.text(actual)} over {result.unit.text(floor)}"
    if len(result.pairs) == 1:
        yield f"{over}, one run"
    else:
        lower, upper = result.spread
        yield (
            f"{over}, medians of {len(result.pairs)} runs; "
            f"half of the ratios from {lower:.2f} to {upper:.2f}"
        )
    for section in result.sections:
        yield f"  {section.title}"
        yield from (f"    {section.unit.text(value):>12}  {label}" for label, value in section.rows)
    yield from (f"  FAILED: {problem}" for problem in result.problems)

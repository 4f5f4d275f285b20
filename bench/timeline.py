"""Where a stretch of time went, when several things happened in it at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Span:
    """Something that lasted, in seconds of one clock."""

    label: str
    start: float
    end: float


def shares(
    start: float, end: float, layers: Iterable[Iterable[Span]], *, otherwise: str
) -> dict[str, float]:
    """Seconds per label between two moments; together they are the whole stretch.

    Each moment belongs to the first layer in which something was going on, and there to all the
    labels that were; a moment without any belongs to `otherwise`.
    """
    stack = [list(layer) for layer in layers]
    cuts = {start, end} | {
        min(max(moment, start), end)
        for layer in stack
        for span in layer
        for moment in (span.start, span.end)
    }
    found: dict[str, float] = {}
    for left, right in pairwise(sorted(cuts)):
        middle = (left + right) / 2
        label = otherwise
        for layer in stack:
            running = {span.label for span in layer if span.start <= middle < span.end}
            if running:
                label = " + ".join(sorted(running))
                break
        found[label] = found.get(label, 0.0) + right - left
    return found

"""Plays thousands of random sequences in several processes: `make chaos`.

Sequences come in series of a hundred, each from a seed of its own. A series that finds a broken
promise is shrunk to the shortest sequence that shows it, which is printed with its story and its
seed: `make chaos ARGS=--seed=N` plays that series again.
"""

import argparse
import multiprocessing
import secrets
import sys
import time
from collections import Counter
from queue import Empty
from typing import Any

from tests.chaos.series import SERIES, play_series


def main() -> int:
    """Play, and say what became of it."""
    options = _options()
    if options.seed is not None:
        seeds = [options.seed]
    else:
        first = secrets.randbelow(10**9) * 1000
        seeds = [first + number for number in range(-(-options.sequences // SERIES))]
    began = time.monotonic()
    total, failures = _distribute(seeds, options)
    minutes = (time.monotonic() - began) / 60
    counts = ", ".join(f"{count:,} {name}" for name, count in total.items())
    _say(f"{counts} in {minutes:.1f} minutes")
    for failed, text in failures:
        _say(f"\n{text}\nPlay this series again with: make chaos ARGS=--seed={failed}")
    _say(f"{len(failures)} broken promises" if failures else "Every promise was kept.")
    return int(bool(failures))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--sequences", type=int, default=2000, help="how many sequences")
    parser.add_argument("--processes", type=int, default=2, help="how many at once")
    parser.add_argument("--seed", type=int, help="play this one series again")
    parser.add_argument("--no-shrink", action="store_true", help="show failures as they were found")
    return parser.parse_args()


def _distribute(
    seeds: list[int], options: argparse.Namespace
) -> tuple[Counter[str], list[tuple[int, str]]]:
    context = multiprocessing.get_context("spawn")
    work, results = context.Queue(), context.Queue()
    for number in seeds:
        work.put(number)
    processes = min(options.processes, len(seeds))
    players = [
        context.Process(
            target=play_series, args=(work, results, not options.no_shrink), daemon=True
        )
        for _ in range(processes)
    ]
    for player in players:
        player.start()
    total: Counter[str] = Counter()
    failures: list[tuple[int, str]] = []
    for done in range(1, len(seeds) + 1):
        number, counts, failure = _next(results, players)
        total.update(counts)
        if failure:
            failures.append((number, failure))
        said = "FAILED" if failure else "kept"
        _say(f"{done}/{len(seeds)} series {number}: {said}")
    for _ in players:
        work.put(None)
    for player in players:
        player.join()
    return total, failures


def _next(results: Any, players: list[Any]) -> tuple[int, dict[str, int], str | None]:
    while True:
        try:
            found: tuple[int, dict[str, int], str | None] = results.get(timeout=10)
        except Empty:
            if not any(player.is_alive() for player in players):
                message = "every player has died"
                raise RuntimeError(message) from None
        else:
            return found


if __name__ == "__main__":
    sys.exit(main())

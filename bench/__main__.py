"""Run the benchmarks and print them; exit code 1 if a target is missed."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import coldstart, footprint, latency, storm, sweep, throughput
from bench.engine import NotMeasured
from bench.report import Result, lines
from devhost import HostError
from devhost.azurite import AzuriteError


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: what runs it so many times, and how often it runs by default."""

    run: Callable[[int], Sequence[Result]]
    runs: int


BENCHMARKS = {
    "coldstart": Benchmark(coldstart.run, runs=21),
    "latency": Benchmark(latency.run, runs=7),
    "throughput": Benchmark(throughput.run, runs=2),
    "storm": Benchmark(storm.run, runs=1),
    "sweep": Benchmark(sweep.run, runs=2),
    "footprint": Benchmark(footprint.run, runs=1),
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--runs", type=_positive, help="how many times each is measured")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    arguments = parser.parse_args()
    chosen = arguments.names or list(BENCHMARKS)
    if unknown := sorted(set(chosen) - set(BENCHMARKS)):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    results: list[Result] = []
    try:
        for name in chosen:
            benchmark = BENCHMARKS[name]
            for result in benchmark.run(arguments.runs or benchmark.runs):
                results.append(result)
                print("\n".join(lines(result)), end="\n\n", flush=True)
    except (HostError, AzuriteError, NotMeasured, httpx.HTTPError, coldstart.NotIndexed) as error:
        print(f"error: {str(error) or type(error).__name__}", file=sys.stderr)
        return 1
    if arguments.json is not None:
        document = [result.document() for result in results]
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result.passed for result in results) else 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())

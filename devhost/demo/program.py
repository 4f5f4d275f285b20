"""The program behind `make demo`: its options, its exit codes, and what it says when it cannot."""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import TypeAdapter, ValidationError

from curfew.model.base import Duration
from devhost import HostError
from devhost.azurite import AzuriteError
from devhost.demo.scene import ACCOUNT, Scene
from devhost.demo.steps import NotSeen, Step, play
from devhost.demo.timeline import Document, Terminal, Timeline
from devhost.demo.witness import Witness
from devhost.stack import Stack
from simulator import Cloud
from simulator.scenario import Demo, demo
from simulator.server import PortInUseError

SHORTEST = timedelta(seconds=3)
LONGEST = timedelta(hours=8)

type World = Callable[[Cloud], Demo]


def main(arguments: Sequence[str] | None = None, *, world: World = demo) -> int:
    """Play one grant from request to verified end; 0 only if every step of it was seen."""
    options = _options(arguments)
    timeline: Timeline = Document() if options.json else Terminal(options.svg)
    began = time.monotonic()
    problem: str | None = None
    try:
        with timeline:
            timeline.waiting("starting Azurite, a pretend Microsoft cloud and Curfew …")
            _play(timeline, world, options.duration, options.patience)
    except NotSeen as failure:
        problem = f"Not seen: {failure}"
    except (HostError, AzuriteError, PortInUseError, httpx.HTTPError) as error:
        problem = str(error)
    timeline.over(time.monotonic() - began, problem)
    return 0 if problem is None else 1


def _play(timeline: Timeline, world: World, duration: timedelta, patience: float) -> None:
    witnesses: list[Witness] = []

    def watched(cloud: Cloud) -> Demo:
        made = world(cloud)
        name = f"{ACCOUNT}@{made.contoso.domain}"
        witnesses.append(Witness(cloud, made.contoso, name))
        cloud.calls = witnesses[0]
        return made

    def waiting(step: Step, instead: str) -> None:
        timeline.waiting(f"{step.says} …  {instead}".rstrip())

    with Stack(world=watched) as stack, Scene(stack, witnesses[0], duration) as scene:
        for line in play(scene, patience, waiting):
            timeline.seen(line)
        timeline.waiting("stopping …")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document, for scripts")
    parser.add_argument(
        "--duration",
        type=_duration,
        default=timedelta(seconds=8),
        metavar="PT8S",
        help="how long the first grant lasts, as an ISO 8601 duration",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="how long each step is waited for",
    )
    parser.add_argument("--svg", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _duration(text: str) -> timedelta:
    try:
        duration: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise argparse.ArgumentTypeError(message) from error
    if not SHORTEST <= duration <= LONGEST:
        raise argparse.ArgumentTypeError("must be from PT3S to PT8H")
    return duration

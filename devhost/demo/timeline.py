"""Shows what was seen: as a live timeline, in plain lines, or as one JSON document."""

import io
import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.status import Status
from rich.table import Table
from rich.text import Text

from devhost.demo.steps import Line

CHAPTERS = {
    "start": "A pretend customer",
    "ask": "Giving: the lease first, enabling last",
    "reveal": "Using",
    "expire": "Taking back: disabling first, until everything was read back",
    "try": "Trying the old credential",
    "ask-again": "The next grant",
}
"""The headings, by the stage that each begins with."""

_PLAIN_WIDTH = 120
_PICTURE_WIDTH = 100
_TITLE = "make demo"


class Timeline(Protocol):
    """Where the demo shows what it sees."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Let the terminal be as it was."""

    def waiting(self, text: str) -> None:
        """Say what is going on while nothing is seen."""

    def seen(self, line: Line) -> None:
        """Show a step that was seen."""

    def over(self, seconds: float, problem: str | None = None) -> None:
        """Show how it came out; `problem` says what was not seen, or what went wrong."""


class Terminal:
    """Lines as they are seen; on a terminal in colour, with the current wait below them."""

    def __init__(self, picture: Path | None = None) -> None:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _PLAIN_WIDTH
        self._console = console
        self._picture = picture
        self._printed: list[RenderableType] = []
        self._opened = ExitStack()
        self._status: Status | None = None
        self._begun: set[str] = set()
        self._lines = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._opened.enter_context(self._console.status("", spinner="dots"))
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def waiting(self, text: str) -> None:
        """Below the lines, and only on a terminal."""
        if self._status is not None:
            self._status.update(Text(text, style="dim"))

    def seen(self, line: Line) -> None:
        """A line, under a heading where a chapter begins."""
        heading = CHAPTERS.get(line.step.stage)
        self._lines += 1
        if heading is not None and line.step.stage not in self._begun:
            self._begun.add(line.step.stage)
            self._print(Text(f"\n {heading}", style="bold"))
        self._print(_row(line))

    def over(self, seconds: float, problem: str | None = None) -> None:
        """The last line, and the picture of it all if one was asked for."""
        self._opened.close()
        if problem is not None:
            self._print(Text(f"\n ✗ {problem}", style="bold red"))
            return
        text = f"All {self._lines} seen, none assumed, in {seconds:.0f} s: the access is over."
        self._print(Text(f"\n {text}\n", style="bold green"))
        if self._picture is not None:
            self._picture.write_text(_svg(Group(*self._printed)), encoding="utf-8")

    def _print(self, shown: RenderableType) -> None:
        self._printed.append(shown)
        self._console.print(shown)


class Document:
    """One JSON document at the end, for scripts."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def waiting(self, text: str) -> None:
        """Nobody watches."""

    def seen(self, line: Line) -> None:
        """Keep the line for the document."""
        at = None if line.at is None else round(line.at, 3)
        step = {"name": line.step.name, "says": line.step.says, "seenIn": line.step.seen_in}
        self._steps.append({**step, "at": at, "detail": line.detail})

    def over(self, seconds: float, problem: str | None = None) -> None:
        """Print the document."""
        outcome = {"ok": problem is None, "problem": problem, "seconds": round(seconds, 1)}
        print(json.dumps({**outcome, "steps": self._steps}, indent=2, ensure_ascii=False))


def _row(line: Line) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    for width in (8, 31, 9):
        row.add_column(width=width, no_wrap=True)
    row.add_column(overflow="fold")
    at = "" if line.at is None else f"{line.at:6.2f} s"
    row.add_row(
        Text(at, style="cyan", justify="right"),
        Text.assemble(("✓ ", "green"), line.step.says),
        Text(line.step.seen_in, style="magenta"),
        Text(line.detail, style="dim"),
    )
    return row


def _svg(shown: RenderableType) -> str:
    console = Console(record=True, width=_PICTURE_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    svg = console.export_svg(title=_TITLE)
    # A picture fetches nothing: the reader's own monospaced font will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)

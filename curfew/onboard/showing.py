"""What the command shows: for a person at a terminal, and just as well in a file.

Texts of the API are shown as they are, never read as markup and never obeyed by the terminal;
addresses and commands stand on one line each, however narrow the window is, so that they can be
copied.
"""

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from curfew.model.base import visible
from curfew.model.checks import CheckReport
from curfew.preflight.showing import rendered

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}
_INDENT = 3


class Waiting:
    """Something is being waited for."""

    def __init__(self, console: Console) -> None:
        self._listens = console.is_terminal and sys.stdin.isatty()

    def skipped(self, seconds: float) -> bool:
        """Wait for a moment; whether the person at the keyboard pressed Enter meanwhile."""
        if not self._listens:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if ready:
            sys.stdin.readline()
        return bool(ready)


class Screen:
    """Shows the steps, one after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step = 0

    def title(self, name: str, tenant: str) -> None:
        """Who comes aboard."""
        self._console.print(Text.assemble((visible(name), "bold"), f"  {visible(tenant)}"))

    def step(self, name: str) -> None:
        """A step begins."""
        self._step += 1
        self._console.print()
        self._console.print(Text(f"{self._step}. {name}", style="bold"))

    def done(self, text: str) -> None:
        """Something is as it should be."""
        self._marked("ok", text)

    def note(self, text: str) -> None:
        """Something is not as it should be, and the steps go on."""
        self._marked("warning", text)

    def failed(self, text: str) -> None:
        """The command ends here."""
        first, *more = text.splitlines() or [""]
        self._marked("error", first)
        for line in more:
            self._hanging(Text(" "), _text(line))

    def stopped(self) -> None:
        """The person at the keyboard has had enough."""
        self._console.print()
        self._paragraph("Stopped. Run the command again to go on from here.")

    def address(self, address: str) -> None:
        """What the customer's administrator is to open."""
        self._paragraph(
            "Send this address to a Global Administrator or a Privileged Role Administrator of the "
            "customer. It is good for one hour, for this tenant only, and for one answer."
        )
        self._to_copy(address)

    def instructions(self, lines: list[str]) -> None:
        """What the customer does in his own portal."""
        self._paragraph("The customer lets Curfew in through an app registration of his own:")
        for number, line in enumerate(lines, start=1):
            self._hanging(Text(f"{number}."), _text(line))

    def command(self, command: dict[str, Any]) -> None:
        """The command that gives the directory role, and why it is needed."""
        self._paragraph(command["reason"])
        self._paragraph(f"To be run once, by {command['who']}. In bash or Azure Cloud Shell:")
        self._to_copy(command["azSignIn"], command["az"])
        self._paragraph("Or in PowerShell, with the module Microsoft.Graph:")
        self._to_copy(command["powerShellSignIn"], command["powerShell"])

    def report(self, report: CheckReport, name: str) -> None:
        """What the check found, the worst first."""
        self._console.print(rendered(report, visible(name)))

    @contextmanager
    def waiting(self, what: str, deadline: datetime) -> Iterator[Waiting]:
        """Shows that something is waited for, and until when."""
        text = f"{what}, until {deadline:%H:%M} UTC"
        if not self._console.is_terminal:
            self._paragraph(f"{text}.")
            yield Waiting(self._console)
            return
        with Status(Text(text), console=self._console):
            yield Waiting(self._console)

    def _marked(self, severity: str, text: str) -> None:
        mark, style = _MARKS[severity]
        self._hanging(Text(mark, style=style), _text(text))

    def _paragraph(self, text: str) -> None:
        self._console.print(Padding(_text(text), (0, 0, 0, _INDENT), expand=False))

    def _hanging(self, sign: Text, text: Text) -> None:
        """A sign, and a text whose lines stand beside it."""
        grid = Table.grid(padding=(0, 1))
        grid.add_row(sign, text)
        self._console.print(Padding(grid, (0, 0, 0, _INDENT), expand=False))

    def _to_copy(self, *lines: str) -> None:
        self._console.print()
        for line in lines:
            self._console.print(_text(line, "cyan"), soft_wrap=True)
        self._console.print()


def _text(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)

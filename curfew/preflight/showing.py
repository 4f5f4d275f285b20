"""A report as a person reads it, in a terminal of any width or none."""

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from curfew.model.checks import CheckReport, Finding, Severity

_SIGNS = {
    Severity.OK: ("✓", "green"),
    Severity.WARNING: ("!", "yellow"),
    Severity.ERROR: ("✗", "red"),
}
_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.OK)


def show(report: CheckReport, name: str = "", console: Console | None = None) -> None:
    """Print a report: what is wrong first, each with what it means and how to mend it."""
    (console or Console()).print(rendered(report, name))


def rendered(report: CheckReport, name: str = "") -> RenderableType:
    """A report for rich to print."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=1)
    for severity in _WORST_FIRST:
        for finding in report.findings:
            if finding.severity is severity:
                sign, colour = _SIGNS[severity]
                table.add_row(Text(sign, style=f"bold {colour}"), _said(finding))
    heading = Text.assemble((name or report.tenant, "bold"), "  ", (report.tenant, "dim"))
    return Group(
        Panel(
            Group(heading, _verdict(report)),
            border_style="green" if report.healthy else "red",
            title="Curfew check",
            title_align="left",
        ),
        Padding(table, (0, 1)),
    )


def _verdict(report: CheckReport) -> Text:
    counts = {
        severity: sum(each.severity is severity for each in report.findings)
        for severity in _WORST_FIRST
    }
    verdict = ("Ready.", "bold green") if report.healthy else ("Not ready.", "bold red")
    parts = (
        f"{_counted(counts[Severity.ERROR], 'error')}, "
        f"{_counted(counts[Severity.WARNING], 'warning')}, {counts[Severity.OK]} fine"
    )
    moment = f"{report.checked_at:%Y-%m-%d %H:%M} UTC"
    return Text.assemble(verdict, f" {parts}.  ", (f"Checked {moment}", "dim"))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _said(finding: Finding) -> RenderableType:
    title = Text(finding.title, style="" if finding.severity is Severity.OK else "bold")
    if finding.severity is Severity.OK:
        return Group(title, Text(finding.meaning, style="dim"))
    lines: list[RenderableType] = [title, Text(finding.meaning)]
    if finding.fix is not None:
        lines.append(Text.assemble(("Fix: ", "bold"), finding.fix))
    lines.append(Text(finding.code, style="dim"))
    return Padding(Group(*lines), (0, 0, 1, 0))

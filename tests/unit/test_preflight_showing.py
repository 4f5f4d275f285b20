"""A report on paper: what is wrong comes first, with its meaning and its remedy."""

import io
from datetime import timedelta
from unicodedata import category

from rich.console import Console

from curfew.entra.methods import PassPolicy
from curfew.entra.principals import Registered
from curfew.model.checks import CheckReport
from curfew.preflight.showing import show
from tests.unit.test_preflight import NOW, found


def printed(report: CheckReport) -> str:
    paper = io.StringIO()
    show(report, "Contoso", Console(file=paper, width=72))
    return paper.getvalue()


def test_a_tenant_that_is_ready_says_so_and_what_was_looked_at() -> None:
    page = printed(found())
    assert "Contoso" in page
    assert "Ready. 0 errors, 0 warnings" in page
    assert "Fix:" not in page
    assert "\x1b" not in page


def test_what_is_wrong_stands_before_what_is_not() -> None:
    report = found(pass_policy=PassPolicy(enabled=False, shortest=10, longest=480))
    page = printed(report)
    assert "Not ready. 1 error, 0 warnings" in page
    wrong = page.index("Temporary Access Passes are switched off")
    assert wrong < page.index("Fix: Entra admin center") < page.index("gets into the tenant")
    assert "pass.disabled" in page
    assert max(map(len, page.splitlines())) <= 72


def test_what_a_tenant_calls_its_things_gives_no_terminal_an_order() -> None:
    """A group's name is its tenant's to choose; it would clear the screen, or paint a verdict."""
    name = "\x1b[2J\x1b]0;ready\x07\u202eyldneirf\x9b\ud800"
    credential = Registered(name, NOW - timedelta(days=1))
    report = found(registered=(credential,))
    page = printed(report)
    assert "lapsed on" in page
    assert not [each for each in page if category(each) in {"Cc", "Cf", "Cs"} and each != "\n"]
    assert CheckReport.read(report.to_json()) == report

"""The page for people says what the table of operations says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.test_roles import ANSWERS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "permissions.md"


@pytest.fixture(scope="module")
def printed() -> str:
    made = subprocess.run(
        [sys.executable, "-m", "devhost.permissions"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("CURFEW_")},
        capture_output=True,
        check=True,
        text=True,
    )
    assert made.stderr == ""
    return made.stdout


def test_the_page_is_current(printed: str) -> None:
    """`python -m devhost.permissions > docs/permissions.md` makes it so."""
    assert printed == PAGE.read_text()


def test_every_operation_is_on_it_once(printed: str) -> None:
    table = printed[printed.index("| call | |") : printed.index("## How often")]
    assert len(re.findall(r"^\| `[A-Z]+ /api/", table, re.MULTILINE)) == len(ANSWERS)


def test_what_is_counted_is_said(printed: str) -> None:
    assert "`POST /api/grants` | `CURFEW_REQUESTS_PER_HOUR`" in printed
    assert "`POST /api/grants/{grantId}/credential` | `CURFEW_REVEALS_PER_HOUR`" in printed

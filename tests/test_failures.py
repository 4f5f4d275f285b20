"""The catalogue of failures names tests that exist, and leaves no row without one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CATALOGUE = (ROOT / "docs" / "failures.md").read_text()
ROWS = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", CATALOGUE, re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_the_catalogue_is_whole() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 28))


@pytest.mark.parametrize(("number", "shown_by"), ROWS, ids=[number for number, _ in ROWS])
def test_each_failure_has_its_test(number: str, shown_by: str) -> None:
    named = NAMED.findall(shown_by)

    assert named
    for file, function in named:
        assert f"def {function}(" in (ROOT / "tests" / file).read_text()

"""The page for people says what the table of operations says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from curfew.callers import AppRole
from curfew.preflight.permissions import NEEDS
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


# --- what the tenant is asked for ----------------------------------------------------------------


def test_the_page_on_onboarding_gives_every_permission_with_its_reason() -> None:
    page = (ROOT / "docs" / "onboarding.md").read_text()
    rows = [f"| `{need.feature}` | `{need.permission}` | {need.reason} |" for need in NEEDS]
    found = [row for row in page.splitlines() if row in rows]
    assert found == rows


def test_a_registration_asks_for_what_its_features_need_and_for_nothing_else() -> None:
    def asked(*features: str) -> set[str]:
        made = subprocess.run(
            [sys.executable, "-m", "curfew.preflight", *features],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        (resource,) = json.loads(made.stdout)
        assert resource["resourceAppId"] == "00000003-0000-0000-c000-000000000000"
        return {role["id"] for role in resource["resourceAccess"] if role["type"] == "Role"}

    of_passes = {
        "627169a8-8c15-451c-861a-5b80e383de5c",
        "8e3bc81b-d2f3-4b7b-838c-32c88218d2f0",
    }
    assert asked("passes") == of_passes
    assert of_passes < asked()
    assert "98830695-27a2-44f7-8c18-0c3ebc9698f6" not in asked()


def test_the_app_roles_of_the_registration_are_those_that_are_known() -> None:
    roles = json.loads((ROOT / "infra" / "app-roles.json").read_text())
    assert [role["value"] for role in roles] == list(AppRole)
    assert len({role["id"] for role in roles}) == len(roles)
    for role in roles:
        of_applications = role["value"] == AppRole.INTEGRATION
        assert role["allowedMemberTypes"] == ["Application" if of_applications else "User"]

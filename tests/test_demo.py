"""The demo: everything it shows was seen, and it says so when something was not."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devhost.demo.program import main
from simulator import Cloud
from simulator.faults import Fault
from simulator.scenario import Demo, demo

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = (sys.executable, "-m", "devhost.demo")

EVERY_STEP = """
    running onboarded
    requested leased password-kept created roles-assigned pass-issued enabled
    revealed password-works pass-works
    expired disabled sessions-revoked roles-removed methods-removed rotated secrets-disabled
    verified ended
    password-refused pass-refused session-refused
    requested-again woken returned disabled-again ended-again
"""


def broken(fault: Fault) -> tuple[Callable[[Cloud], Demo], list[Cloud]]:
    """The demo's world with one thing that never works, and the cloud that it was built in."""
    clouds: list[Cloud] = []

    def world(cloud: Cloud) -> Demo:
        clouds.append(cloud)
        cloud.faults.add(fault)
        return demo(cloud)

    return world, clouds


def test_every_step_is_seen() -> None:
    run = subprocess.run(
        [*PROGRAM, "--json", "--duration", "PT5S"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    document = json.loads(run.stdout)
    assert (run.returncode, run.stderr, document["problem"]) == (0, "", None)
    assert {step["name"] for step in document["steps"]} == set(EVERY_STEP.split())
    times = [step["at"] for step in document["steps"] if step["at"] is not None]
    assert times == sorted(times)
    assert times[0] == 0


def test_roles_that_stay_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    stays = Fault(service="graph", method="DELETE", path="roleAssignments/", times=None)
    world, clouds = broken(stays)
    code = main(["--json", "--duration", "PT3S", "--patience", "3"], world=world)
    shown = capsys.readouterr().out
    document = json.loads(shown)
    assert code == 1
    assert document["problem"].startswith("Not seen: roles-removed: ")
    assert "2 left" in document["problem"]
    assert "ended" not in {step["name"] for step in document["steps"]}
    kept = [v.value for s in clouds[0].vault.secrets.values() for v in s.versions.values()]
    assert kept
    assert not [value for value in kept if value in shown]


def test_a_disabling_that_does_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    disabling = r'"accountEnabled": ?false'
    ignored = Fault(service="graph", method="PATCH", body=disabling, status=204, times=None)
    world, _ = broken(ignored)
    code = main(["--duration", "PT3S", "--patience", "3"], world=world)
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert code == 1
    assert "Not seen: disabled: " in last


def test_ctrl_c_ends_it_without_a_word() -> None:
    with subprocess.Popen(
        PROGRAM, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        seen = next(line for line in running.stdout if "Curfew runs" in line)
        running.send_signal(signal.SIGINT)
        try:
            rest, said = running.communicate(timeout=8)
        except subprocess.TimeoutExpired:
            # Python drops an interrupt that arrives inside a finaliser; people press again.
            running.send_signal(signal.SIGINT)
            rest, said = running.communicate(timeout=30)
    assert seen
    assert "Traceback" not in rest
    assert (running.returncode, said) == (130, "")


def test_a_duration_too_short_to_see_anything_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--duration", "PT1S"])
    assert "must be from PT3S to PT8H" in capsys.readouterr().err

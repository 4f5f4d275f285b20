"""`python -m curfew.onboard`: what a person sees, what is done, and what the exit code says."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from curfew.onboard.__main__ import main
from devhost.stack import ROOT, helpdesk
from simulator import Tenant
from tests.api.aboard import run
from tests.api.house import House, until
from tests.api.relay import Relay

ADDRESS = re.compile(r"^https://\S+/v2\.0/adminconsent\?\S+$", re.MULTILINE)
COMMAND = re.compile(r"^az rest .*$", re.MULTILINE)


def report(*findings: tuple[str, str]) -> dict[str, Any]:
    """What a check may say."""
    return {
        "tenant": "00000000-0000-4000-a000-000000000009",
        "checkedAt": "2026-03-01T03:00:00Z",
        "healthy": "error" not in dict(findings),
        "findings": [
            {
                "code": f"a.{severity}",
                "severity": severity,
                "title": title,
                "meaning": f"What {title} means.",
                "fix": None if severity == "ok" else f"How to mend {title}.",
            }
            for severity, title in findings
        ],
    }


class Seat:
    """Somebody at a keyboard, and what he sees so far."""

    def __init__(self, house: House, tenant: Tenant, *more: str) -> None:
        self._house = house
        self._arguments = ("--tenant", tenant.id, "--name", tenant.name, *more)
        self._file = io.StringIO()
        self._crowd = ThreadPoolExecutor(1)
        self.token = house.as_("ada").headers["Authorization"].removeprefix("Bearer ")

    @property
    def screen(self) -> str:
        return self._file.getvalue()

    def begin(self, address: str) -> None:
        console = Console(file=self._file, width=60, highlight=False)
        arguments = ("--address", address, *self._arguments)
        environment = {"CURFEW_TOKEN": self.token}
        self._running = self._crowd.submit(main, arguments, environment, console)

    def sees(self, pattern: re.Pattern[str]) -> str:
        def there() -> bool:
            return bool(pattern.search(self.screen)) or self._running.done()

        until(there, lambda: self.screen)
        found = pattern.search(self.screen)
        assert found is not None, self.screen
        return found[0]

    def leaves(self) -> int:
        code = self._running.result(60)
        self._crowd.shutdown()
        return code


def accept(house: House, address: str, decision: str = "true") -> None:
    """What the customer's administrator does, in his browser."""
    with httpx.Client(verify=house.trust) as browser:
        back = browser.post(address, data={"sim_accept": decision}).headers["Location"]
    assert house.as_("nobody").get(back).status_code == 200


def test_a_customer_comes_aboard_in_front_of_the_administrator(
    house: House, newcomer: Tenant, tmp_path: Path
) -> None:
    profile = tmp_path / "helpdesk.json"
    profile.write_text(json.dumps(helpdesk()))
    seat = Seat(house, newcomer, "--profile", str(profile))
    seat.begin(house.host.url)
    accept(house, seat.sees(ADDRESS))
    assert run(house, newcomer, seat.sees(COMMAND)).status_code == 201
    assert seat.leaves() == 0
    assert "Ready." in seat.screen
    grant = house.grant(house.as_("ann"), newcomer)
    house.end(house.as_("ann"), grant["id"])
    assert seat.token not in seat.screen


def test_what_is_done_already_is_not_done_again(house: House) -> None:
    tenant = house.customer()
    seat = Seat(house, tenant)
    with Relay(house.host.url) as relay:
        seat.begin(relay.url)
        assert seat.leaves() == 0
    assert not ADDRESS.search(seat.screen)
    assert not COMMAND.search(seat.screen)
    assert "left as it is" in seat.screen
    assert [path for method, path in relay.seen if method == "PUT"] == []


def test_errors_of_the_check_are_the_exit_code_and_come_first(house: House) -> None:
    seat = Seat(house, house.customer())
    said = report(("ok", "a good thing"), ("warning", "an old [red]secret"), ("error", "a hole"))
    with Relay(house.host.url, {"/check": said}) as relay:
        seat.begin(relay.url)
        assert seat.leaves() == 1
    order = [seat.screen.index(each) for each in ("✗ a hole", "! an old [red]", "✓ a good")]
    assert order == sorted(order)
    assert "How to mend a hole." in seat.screen


def test_what_the_answer_says_gives_the_terminal_no_order(house: House) -> None:
    seat = Seat(house, house.customer())
    said = report(("warning", "\x1b[2J\x1b]0;ready\x07 a group \u202e"))
    with Relay(house.host.url, {"/check": said}) as relay:
        seat.begin(relay.url)
        seat.leaves()
    assert "a group" in seat.screen
    assert not {"\x1b", "\x07", "\u202e"}.intersection(seat.screen)


@pytest.mark.parametrize(
    "said",
    [
        {"findings": [], "healthy": False},
        {"findings": []},
        report(("ok", "the consent")) | {"healthy": False},
        {"error": "a gateway's page"},
        {"findings": [{"severity": "fatal"}], "healthy": True},
    ],
    ids=["unhealthy", "silent", "contrary", "other", "unknown"],
)
def test_an_answer_that_does_not_say_that_all_is_well_is_not_taken_for_it(
    house: House, said: dict[str, Any]
) -> None:
    seat = Seat(house, house.customer())
    with Relay(house.host.url, {"/check": said}) as relay:
        seat.begin(relay.url)
        assert seat.leaves() in {1, 2}
    assert "Ready" not in seat.screen


@pytest.mark.parametrize("token", ["eyJ\u2026", "eyJ\nHost: elsewhere", "Bearer eyJ"])
def test_what_is_no_token_is_not_sent_and_not_shown(token: str) -> None:
    paper = io.StringIO()
    arguments = ("--address", "http://localhost:9", "--tenant", "c", "--name", "Contoso")
    assert main(arguments, {"CURFEW_TOKEN": token}, Console(file=paper, width=60)) == 2
    assert "CURFEW_TOKEN" in paper.getvalue()
    assert "eyJ" not in paper.getvalue()


def test_warnings_alone_are_healthy(house: House) -> None:
    seat = Seat(house, house.customer())
    with Relay(house.host.url, {"/check": report(("warning", "an old secret"))}) as relay:
        seat.begin(relay.url)
        assert seat.leaves() == 0


def test_a_refusal_ends_it_with_its_meaning(house: House, newcomer: Tenant) -> None:
    seat = Seat(house, newcomer)
    seat.begin(house.host.url)
    accept(house, seat.sees(ADDRESS), "false")
    assert seat.leaves() == 2
    assert "The administrator pressed Cancel." in seat.screen


def test_a_deadline_passes_and_it_goes_on_where_it_was(house: House, newcomer: Tenant) -> None:
    late = Seat(house, newcomer, "--wait", "0.01")
    late.begin(house.host.url)
    address = late.sees(ADDRESS)
    assert late.leaves() == 2
    assert "No consent came in time" in late.screen

    accept(house, address)
    again = Seat(house, newcomer, "--wait", "0.01")
    again.begin(house.host.url)
    assert again.leaves() == 1
    assert not ADDRESS.search(again.screen)
    assert COMMAND.search(again.screen)
    assert "good at any time" in " ".join(again.screen.split())


def test_a_moments_outage_is_sat_out(house: House) -> None:
    seat = Seat(house, house.customer())
    with Relay(house.host.url, {"/onboarding": 503}) as relay:
        seat.begin(relay.url)
        assert seat.leaves() == 0
    assert [path for _, path in relay.seen].count("/api/onboarding") == 2


def test_the_customers_own_app_is_explained_step_by_step(house: House, newcomer: Tenant) -> None:
    own = ("--connection", "secret", "--client-id", house.world.halo.app_id)
    seat = Seat(house, newcomer, *own, "--secret-name", "newcomer-secret", "--wait", "0.01")
    seat.begin(house.host.url)
    assert seat.leaves() == 2
    assert "Grant admin consent" in seat.screen
    assert "The vault has no such secret" in " ".join(seat.screen.split())


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("--address", "http://curfew.example"), {"CURFEW_TOKEN": "t"}, "https://"),
        (("--address", "https://x.example/a"), {"CURFEW_TOKEN": "t"}, "https://"),
        (("--address", "https://a@x.example"), {"CURFEW_TOKEN": "t"}, "https://"),
        (("--address", "https://curfew.example"), {}, "CURFEW_TOKEN"),
    ],
)
def test_nothing_is_sent_where_it_could_be_read(
    arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    file = io.StringIO()
    more = ("--tenant", "c0000000-0000-4000-a000-000000000001", "--name", "X")
    assert main((*arguments, *more), environment, Console(file=file)) == 2
    assert said in file.getvalue()


def test_a_token_that_does_not_hold_is_told_as_such(house: House, newcomer: Tenant) -> None:
    seat = Seat(house, newcomer)
    seat.token = "nothing"
    seat.begin(house.host.url)
    assert seat.leaves() == 2
    assert "does not accept the token" in seat.screen


def test_what_the_api_refuses_is_shown_with_every_reason(house: House) -> None:
    seat = Seat(house, house.customer(onboard=False), "--domain", "elsewhere.example")
    seat.begin(house.host.url)
    assert seat.leaves() == 2
    assert "accountDomain: This is not a verified" in " ".join(seat.screen.split())


@contextmanager
def at_work(house: House, tenant: Tenant) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "curfew.onboard", "--address", house.host.url]
    token = house.as_("ada").headers["Authorization"].removeprefix("Bearer ")
    with subprocess.Popen(
        [*command, "--tenant", tenant.id, "--name", tenant.name],
        cwd=ROOT,
        env={**os.environ, "CURFEW_TOKEN": token, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def test_ctrl_c_is_quiet(house: House, newcomer: Tenant) -> None:
    with at_work(house, newcomer) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Waiting for consent" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors == ""
    assert "Run the command again" in rest

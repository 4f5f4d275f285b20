"""A host that cannot run says why in one line; a host that ends leaves nothing behind."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from devhost import Configuration, DevHost, HostError
from devhost.configuration import read_settings
from devhost.errors import AppRefused, BadConfiguration, PortInUse
from tests.devhost.conftest import APPS

ROOT = Path(__file__).parents[2]


def test_an_app_that_the_worker_refuses_does_not_start_and_says_why() -> None:
    with (
        pytest.raises(AppRefused, match=r"load the wrong function: .*annotation HttpRequest"),
        DevHost(Configuration(APPS / "refused")),
    ):
        pytest.fail("it started")


def test_an_app_that_ends_its_worker_does_not_start() -> None:
    host = DevHost(Configuration(APPS / "dying"))
    with pytest.raises(AppRefused, match="exit code 3"), host:
        pytest.fail("it started")
    assert "a last word" in [record["message"] for record in host.log]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "host.json is missing"),
        ("{", "host.json is not JSON"),
        ("[]", "must hold a JSON object"),
        ("{}", '"version" must be "2.0"'),
        ('{"version": "2.0", "functionTimeout": "soon"}', "functionTimeout"),
        ('{"version": "2.0", "extensions": []}', "extensions"),
        (
            '{"version": "2.0", "extensions": {"http": {"routePrefix": 1}}}',
            "extensions.http.routePrefix: must be a string",
        ),
        ('{"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}', "'Loud'"),
    ],
)
def test_a_host_json_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    (tmp_path / "function_app.py").write_text("")
    if content is not None:
        (tmp_path / "host.json").write_text(content)
    with (
        pytest.raises(BadConfiguration, match=re.escape(reason)),
        DevHost(Configuration(tmp_path)),
    ):
        pytest.fail("it started")


def test_a_directory_without_an_app_is_named(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with (
        pytest.raises(BadConfiguration, match=r"function_app\.py is missing"),
        DevHost(Configuration(tmp_path)),
    ):
        pytest.fail("it started")


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortInUse, match=f"Port {port} "),
            DevHost(Configuration(APPS / "http", port=port)),
        ):
            pytest.fail("it started")


def test_settings_are_read_from_a_local_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text('{"IsEncrypted": false, "Values": {"A": "1"}}')
    assert read_settings(file) == {"A": "1"}
    file.write_text('{"Values": {"A": 1}}')
    with pytest.raises(BadConfiguration, match="the setting A must be a string"):
        read_settings(file)


def test_a_new_worker_that_is_refused_ends_the_host(tmp_path: Path) -> None:
    for name in ("host.json", "function_app.py"):
        (tmp_path / name).write_bytes((APPS / "http" / name).read_bytes())
    with DevHost(Configuration(tmp_path)) as host:
        (tmp_path / "function_app.py").write_bytes(
            (APPS / "refused" / "function_app.py").read_bytes()
        )
        host.kill_worker()
        with pytest.raises(HostError, match="cannot load the wrong function"):
            host.wait(timeout=10)


def test_ending_ends_the_worker(tmp_path: Path) -> None:
    with DevHost(Configuration(APPS / "http")) as host:
        pid = host.worker_pid
        assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "devhost", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_program_ends_cleanly_on_sigterm() -> None:
    with program("--app", str(APPS / "http"), "--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening on ").strip()
        assert httpx.get(f"{url}/api/unrouted").status_code == 200
        process.send_signal(signal.SIGTERM)
        _out, errors = process.communicate(timeout=10)
        assert process.returncode == 0
        assert "Traceback" not in errors


def test_a_signal_ends_the_program_in_the_middle_of_a_request() -> None:
    with program("--app", str(APPS / "durable"), "--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("Listening on ").strip()
        answers: list[int] = []
        request = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{url}/api/waiting", timeout=10).status_code)
        )
        request.start()
        assert process.stderr is not None
        while "waiting begins" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _out, errors = process.communicate(timeout=5)
        request.join()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert answers == [500]


def test_a_signal_ends_the_program_while_the_app_is_still_imported(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import pathlib, time\npathlib.Path('importing').touch()\ntime.sleep(60)\n"
    )
    with program("--app", str(tmp_path), "--port", "0") as process:
        deadline = time.monotonic() + 10
        while not (tmp_path / "importing").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _out, errors = process.communicate(timeout=5)
    assert process.returncode == 0
    assert errors == ""


def test_the_program_names_the_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with program("--app", str(APPS / "http"), "--port", str(port)) as process:
            _out, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors == f"devhost: Port {port} on 127.0.0.1 is already in use.\n"


def test_a_worker_whose_host_was_killed_ends_by_itself() -> None:
    with program("--app", str(APPS / "http"), "--port", "0") as process:
        assert process.stderr is not None
        started = process.stderr.readline()
        found = re.search(r"initialized \((\d+)\)", started)
        assert found, started
        worker = os.pidfd_open(int(found[1]))
        process.kill()
        ended, _, _ = select.select([worker], [], [], 5)
        os.close(worker)
    assert ended

"""Timer triggers, on schedule and on demand; and all that a worker says on the way."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from devhost import Configuration, DevHost, HostError
from devhost.errors import BadConfiguration, FunctionFailed
from devhost.schedules import Schedule, resolve
from tests.devhost.conftest import APPS


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "host.jsonl"


@pytest.fixture(scope="module")
def spans_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spans") / "spans.jsonl"


@pytest.fixture(scope="module")
def host(log_file: Path, spans_file: Path) -> Iterator[DevHost]:
    configuration = Configuration(
        APPS / "timers",
        settings={"EVERY": "* * * * * *"},
        log_file=log_file,
        spans_file=spans_file,
    )
    with DevHost(configuration) as host:
        yield host


def test_a_timer_fires_when_it_is_due(host: DevHost) -> None:
    ticks: list[dict[str, object]] = []

    def second_tick(record: dict[str, object]) -> bool:
        if record["message"] == "tick":
            ticks.append(record)
        return len(ticks) == 2

    extra = host.wait_for(second_tick, timeout=5)["extra"]
    assert extra["past_due"] is False
    assert set(extra["status"]) == {"Last", "Next", "LastUpdated"}


def test_a_timer_runs_on_startup_when_it_says_so(host: DevHost) -> None:
    host.wait_for(lambda r: r["message"] == "started")


def test_a_timer_is_run_on_demand_and_its_failure_is_told(host: DevHost) -> None:
    host.run_timer("daily")
    with pytest.raises(FunctionFailed, match="RuntimeError: the timer fails"):
        host.run_timer("failing")
    with pytest.raises(LookupError):
        host.run_timer("nobody")


def test_the_admin_address_runs_a_timer(host: DevHost) -> None:
    before = len([r for r in host.log if r["message"] == "on stdout"])
    answer = httpx.post(
        f"{host.url}/admin/functions/daily",
        json={},
        headers={"x-functions-key": host.configuration.master_key},
    )
    assert answer.status_code == 202
    count: list[None] = []

    def one_more(record: dict[str, object]) -> bool:
        if record["message"] == "on stdout":
            count.append(None)
        return len(count) > before

    host.wait_for(one_more)


def test_everything_that_is_said_is_in_the_log_and_in_its_file(
    host: DevHost, log_file: Path
) -> None:
    host.run_timer("daily")
    expected = {
        ("worker", "quietly formatted"),
        ("stdout", "on stdout"),
        ("stderr", "on stderr"),
    }
    for source, message in expected:
        host.wait_for(
            lambda r, s=source, m=message: (r["source"], r["message"]) == (s, m)  # type: ignore[misc]
        )
    host.wait_for(lambda r: "as a warning" in r["message"])
    written = [json.loads(line) for line in log_file.read_text().splitlines()]
    assert expected <= {(record["source"], record["message"]) for record in written}


def test_spans_are_written_as_they_end(host: DevHost, spans_file: Path) -> None:
    host.run_timer("daily")
    spans = [json.loads(line) for line in spans_file.read_text().splitlines()]
    assert spans[-1]["name"] == "daily work"
    assert spans[-1]["attributes"] == {"subject": "a span attribute"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", "2026-01-01T10:05:00"),
        ("*/5 * * * *", "2026-01-01T10:05:00"),
        ("30 0 4 * * *", "2026-01-02T04:00:30"),
        ("00:10:00", "2026-01-01T10:12:07"),
        ("1.00:00:00", "2026-01-02T10:02:07"),
    ],
)
def test_schedules(text: str, expected: str) -> None:
    moment = datetime(2026, 1, 1, 10, 2, 7, tzinfo=UTC)
    after = Schedule.read(text, "timer").after(moment)
    assert after == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "every day", "61 * * * * *", "* * * *", "00:00:00"])
def test_a_schedule_that_cannot_be_read_names_the_function(text: str) -> None:
    with pytest.raises(BadConfiguration, match="sweeping"):
        Schedule.read(text, "sweeping")


def test_a_reference_needs_its_setting() -> None:
    assert resolve("%A% x", {"A": "1"}, "timer") == "1 x"
    with pytest.raises(BadConfiguration, match="the setting B"):
        resolve("%B%", {"A": "1"}, "timer")


def test_a_missing_setting_keeps_the_host_from_starting() -> None:
    with (
        pytest.raises(HostError, match="ticking refers to the setting EVERY"),
        DevHost(Configuration(APPS / "timers")),
    ):
        pytest.fail("it started")


def test_time_span_schedules_keep_their_distance() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert Schedule.read("00:00:10", "t").after(moment) - moment == timedelta(seconds=10)

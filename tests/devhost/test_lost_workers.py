"""A worker may die at any moment: the task hub's items are held, and the next worker gets them."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devhost import Configuration, DevHost
from devhost.strikes import Moment
from tests.devhost.conftest import APPS
from tests.devhost.orchestrations import deliveries, result, send, start


@pytest.fixture(scope="module")
def host() -> Iterator[DevHost]:
    with DevHost(Configuration(APPS / "durable")) as host:
        yield host


@pytest.mark.parametrize(
    ("moment", "function", "occurrence", "marks"),
    [
        ("delivered", "marked", 1, [1, 2]),
        ("answered", "marked", 1, [1, 2]),
        ("answered", "mark", 1, [2, 3]),
        ("answered", "marked", 3, [1, 2]),
    ],
)
def test_a_worker_killed_at_a_moment_loses_nothing(
    host: DevHost,
    tmp_path: Path,
    moment: Moment,
    function: str,
    occurrence: int,
    marks: list[int],
) -> None:
    path = tmp_path / "marks"
    host.kill_worker_at(moment, function, occurrence)
    instance = start(host, "marked", str(path))
    # An activity whose answer was lost has had its effect, and has it again.
    assert result(host, instance) == marks
    assert len(path.read_text().splitlines()) == marks[-1]
    handed_out = deliveries(host, instance, function)
    assert handed_out.count(2) == 1
    assert max(handed_out) == 2


def test_a_worker_killed_as_an_activity_arrives_loses_nothing(
    host: DevHost, tmp_path: Path
) -> None:
    path = tmp_path / "marks"
    host.kill_worker_at("delivered", "mark")
    instance = start(host, "marked", str(path))
    first, second = result(host, instance)
    # Whether the first worker still got to its mark before it died, nobody can say.
    assert first in {1, 2}
    assert second == first + 1
    assert deliveries(host, instance, "mark") == [1, 2, 1]


def test_several_activities_in_flight_are_all_delivered_again(host: DevHost) -> None:
    instance = start(host, "together", 5)
    seen: list[str] = []

    def napping(record: dict[str, object]) -> bool:
        if record["message"] == "napping":
            seen.append("nap")
        return len(seen) == 5

    host.wait_for(napping)
    host.kill_worker()
    assert result(host, instance) == 5
    assert sorted(deliveries(host, instance, "nap")) == [1] * 5 + [2] * 5


def test_a_timer_that_falls_due_and_an_event_that_comes_without_a_worker_are_kept(
    host: DevHost, tmp_path: Path
) -> None:
    instance = start(host, "story", {"marks": str(tmp_path / "marks")})
    host.wait_for(answered_by(instance, "story"))
    host.stop_worker()
    assert host.worker_pid is None
    due = threading.Event()
    assert not due.wait(1.2)
    host.start_worker()
    send(host, instance, "word", "kept")
    assert result(host, instance) == {"attempts": 3, "word": "kept"}


def test_killed_again_and_again_it_still_finishes(host: DevHost, tmp_path: Path) -> None:
    for _ in range(3):
        host.kill_worker_at("answered", "mark")
    instance = start(host, "marked", str(tmp_path / "marks"))
    host.wait_for(lambda r: r.get("instanceId") == instance and r.get("delivery") == 2)
    host.kill_worker()
    assert len(result(host, instance)) == 2


def test_a_host_can_let_the_activity_fail_as_the_durable_extension_does(tmp_path: Path) -> None:
    configuration = Configuration(APPS / "durable", worker_exit_fails_activities=True)
    with DevHost(configuration) as host:
        host.kill_worker_at("answered", "fail")
        outcome = result(host, start(host, "failing"))
        assert outcome.startswith("Microsoft.Azure.WebJobs.Script.Workers.WorkerProcessExit")


def answered_by(instance: str, function: str) -> Callable[[dict[str, object]], bool]:
    return lambda record: (
        record.get("event") == "answered"
        and record["instanceId"] == instance
        and record["function"] == function
    )

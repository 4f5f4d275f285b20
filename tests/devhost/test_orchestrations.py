"""Orchestrations run on Microsoft's backend through Microsoft's worker library."""

import time
from pathlib import Path

import httpx

from devhost import DevHost
from tests.devhost.orchestrations import deliveries, finish, result, start


def test_timer_retries_and_external_event(durable_host: DevHost, tmp_path: Path) -> None:
    with httpx.Client(base_url=f"{durable_host.url}/api", timeout=10) as http:
        begun = time.monotonic()
        story = http.post("/start/story", json={"marks": str(tmp_path / "marks")}).text
        durable_host.wait_for(
            lambda r: r.get("event") == "answered" and r["function"] == "stumble" and r["ok"]
        )
        assert time.monotonic() - begun > 1
        assert http.get(f"/instances/{story}").json()["status"] == "RUNNING"
        event = http.post(f"/instances/{story}/events/word", json={"from": "outside"})
        assert event.status_code == 202
        assert result(durable_host, story) == {"attempts": 3, "word": {"from": "outside"}}
        assert http.get(f"/instances/{story}").json()["status"] == "COMPLETED"


def test_every_item_of_a_healthy_run_is_delivered_once(durable_host: DevHost) -> None:
    steps = start(durable_host, "steps", 5)
    assert result(durable_host, steps) == 5
    assert deliveries(durable_host, steps, "nothing") == [1] * 5
    assert deliveries(durable_host, steps, "steps") == [1] * 6


def test_activities_run_at_the_same_time(durable_host: DevHost) -> None:
    begun = time.monotonic()
    assert result(durable_host, start(durable_host, "together", 5)) == 5
    assert time.monotonic() - begun < 5 * 0.3


def test_many_orchestrations_at_the_same_time(durable_host: DevHost) -> None:
    instances = [start(durable_host, "steps", 3) for _ in range(20)]
    assert [result(durable_host, instance) for instance in instances] == [3] * 20


def test_a_failed_activity_shows_type_and_first_line_as_the_durable_extension_does(
    durable_host: DevHost,
) -> None:
    assert result(durable_host, start(durable_host, "failing")) == "LookupError|first line"
    failed = durable_host.wait_for(lambda r: r.get("event") == "failed" and r["function"] == "fail")
    assert "second line" in failed["exception"]


def test_an_orchestrator_that_does_not_exist_fails_its_instance(durable_host: DevHost) -> None:
    state = finish(durable_host, start(durable_host, "nowhere"))
    assert state.runtime_status.name == "FAILED"
    assert state.failure_details is not None
    assert "'nowhere' doesn't exist" in state.failure_details.message


def test_a_new_instance_gets_the_default_version_of_host_json(durable_host: DevHost) -> None:
    assert result(durable_host, start(durable_host, "versioned")) == "1.2.3"


def test_entities_keep_their_state(durable_host: DevHost) -> None:
    assert result(durable_host, start(durable_host, "counting", "one")) == [1, 3]
    assert result(durable_host, start(durable_host, "counting", "one")) == [4, 6]


def test_the_histories_can_be_read(durable_host: DevHost) -> None:
    steps = start(durable_host, "steps", 1)
    result(durable_host, steps)
    instance = durable_host.backend.instances()[steps]
    names = [event.WhichOneof("eventType") for event in instance.history]
    assert names[0] == "orchestratorStarted"
    assert "taskCompleted" in names
    assert names[-1] == "executionCompleted"


def test_durable_management_addresses_are_not_served(durable_host: DevHost) -> None:
    address = f"{durable_host.url}/runtime/webhooks/durabletask/instances"
    assert httpx.get(address).status_code == 404


def test_an_overlong_activity_fails_and_its_worker_is_replaced(durable_host: DevHost) -> None:
    before = durable_host.worker_pid
    overlong = start(durable_host, "overlong")
    expected = "Microsoft.Azure.WebJobs.Host.FunctionTimeoutException"
    assert result(durable_host, overlong) == expected
    assert durable_host.worker_pid not in {before, None}

"""Speaks to the durable sample app through the task hub, whatever state its worker is in."""

import json
from typing import Any

from durabletask.client import OrchestrationState, TaskHubGrpcClient

from devhost import DevHost


def start(host: DevHost, name: str, given: Any = None) -> str:
    with _client(host) as client:
        return client.schedule_new_orchestration(name, input=given)


def send(host: DevHost, instance_id: str, event: str, data: Any) -> None:
    with _client(host) as client:
        client.raise_orchestration_event(instance_id, event, data=data)


def finish(host: DevHost, instance_id: str, timeout: int = 20) -> OrchestrationState:
    """Wait until an instance is over and give its state."""
    with _client(host) as client:
        state = client.wait_for_orchestration_completion(instance_id, timeout=timeout)
    assert state is not None
    return state


def result(host: DevHost, instance_id: str) -> Any:
    state = finish(host, instance_id)
    assert state.runtime_status.name == "COMPLETED", state
    assert state.serialized_output is not None
    return json.loads(state.serialized_output)


def deliveries(host: DevHost, instance_id: str, function: str) -> list[int]:
    """How often each work item of a function was handed out, in the order of its hand-outs."""
    return [
        record["delivery"]
        for record in host.log
        if record.get("event") == "delivered"
        and record["instanceId"] == instance_id
        and record["function"] == function
    ]


def _client(host: DevHost) -> TaskHubGrpcClient:
    return TaskHubGrpcClient(host_address=host.backend.address)

"""Microsoft's in-memory Durable Task backend, listening on loopback only."""

import copy
from concurrent import futures
from datetime import UTC
from typing import override

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as services
from durabletask.testing.in_memory_backend import (
    InMemoryOrchestrationBackend,
    OrchestrationInstance,
)

_HISTORY_LIMIT = 1_000_000
_THREADS = 64


class LoopbackBackend(InMemoryOrchestrationBackend):
    """The engine unchanged; only its listener is another one.

    The original binds every interface on a port that must be known beforehand, with ten threads,
    each of which a waiting client occupies.
    """

    def __init__(self) -> None:
        super().__init__(max_history_size=_HISTORY_LIMIT, port=0)
        #: The version that new instances get when their starter names none, as from host.json.
        self.default_version = ""

    @property
    def address(self) -> str:
        """Where it listens, once started."""
        return f"127.0.0.1:{self._port}"

    def instances(self) -> dict[str, OrchestrationInstance]:
        """Give every instance that was ever started, with input, output, status and history."""
        with self._lock:
            return copy.deepcopy(self._instances)

    def hasten(self, instance_id: str) -> None:
        """Fire the timer that an instance made last, whenever it is due; not one that has fired."""
        with self._lock:
            instance = self._instances[instance_id]
            events = (*instance.history, *instance.dispatched_events, *instance.pending_events)
            made = [event for event in events if event.HasField("timerCreated")]
            fired = {event.timerFired.timerId for event in events if event.HasField("timerFired")}
            if instance.completed_at or not made or made[-1].eventId in fired:
                return
            due = made[-1].timerCreated.fireAt.ToDatetime(tzinfo=UTC)
            fires = helpers.new_timer_fired_event(made[-1].eventId, due)
            instance.pending_events.append(fires)
            self._enqueue_orchestration(instance_id)

    @override
    def start(self) -> str:
        self._shutdown_event.clear()
        server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=_THREADS),
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        services.add_TaskHubSidecarServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        self._port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._server = server
        return self.address

    @override
    def StartInstance(
        self, request: pb.CreateInstanceRequest, context: grpc.ServicerContext
    ) -> pb.CreateInstanceResponse:
        if self.default_version and not request.HasField("version"):
            request.version.value = self.default_version
        return super().StartInstance(request, context)

    @override
    def CompleteOrchestratorTask(
        self, request: pb.OrchestratorResponse, context: grpc.ServicerContext
    ) -> pb.CompleteTaskResponse:
        answer = super().CompleteOrchestratorTask(request, context)
        # Events that came while the orchestrator ran leave it queued without waking the stream,
        # which would then find it only at its next look, a tenth of a second later.
        self._work_available.set()
        return answer

"""Carries work items from the task hub to the worker, and answers back.

The backend hands an item out once. The pump therefore holds it until a worker has answered: an
item whose worker died is delivered to the next one, as Azure Storage's queues would do.
"""

import asyncio
import base64
import binascii
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as services
from google.protobuf import empty_pb2, message, wrappers_pb2

from devhost import failures
from devhost.catalog import Catalog
from devhost.errors import FunctionFailed, HostError, InvocationTimedOut, WorkerLost
from devhost.functions import Function
from devhost.hostjson import HostJson
from devhost.process import Invocation
from devhost.runner import Runner
from devhost.strikes import Strikes

type Outcome = dict[str, Any]

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass
class Delivery:
    """One work item on its way: what it runs, for which instance, how often it was handed out."""

    kind: str
    function: Function
    instance_id: str
    value: dict[str, Any]
    count: int = 0


class Pump:
    """One stream of work items; every item is one task until it is answered."""

    def __init__(
        self,
        address: str,
        host_json: HostJson,
        *,
        runner: Runner,
        catalog: Catalog,
        strikes: Strikes,
        worker_exit_fails_activities: bool,
        on_fatal: Callable[[HostError], None],
    ) -> None:
        self._channel = grpc.insecure_channel(address, options=_UNLIMITED)
        self._hub: Any = services.TaskHubSidecarServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._runner = runner
        self._catalog = catalog
        self._strikes = strikes
        self._timeout = host_json.function_timeout or timedelta.max
        self._worker_exit_fails_activities = worker_exit_fails_activities
        self._limits = {
            "orchestrator": asyncio.Semaphore(host_json.max_orchestrators),
            "activity": asyncio.Semaphore(host_json.max_activities),
            "entity": asyncio.Semaphore(host_json.max_orchestrators),
        }
        self._on_fatal = on_fatal
        self._closing = False
        self._held: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._reader = threading.Thread(target=self._read, name="work-items", daemon=True)

    def start(self) -> None:
        """Begin to take work items."""
        self._reader.start()

    async def close(self) -> None:
        """Take no more items and forget those not answered; the task hub dies with the host."""
        self._closing = True
        self._channel.close()
        for task in self._held:
            task.cancel()
        await asyncio.gather(*self._held, return_exceptions=True)
        await asyncio.to_thread(self._reader.join)

    def start_instance(self, name: str, serialized_input: str) -> str:
        """Start an orchestration in the host's own name, as the admin endpoint does."""
        request = pb.CreateInstanceRequest(
            name=name, input=wrappers_pb2.StringValue(value=serialized_input)
        )
        instance_id: str = self._hub.StartInstance(request).instanceId
        return instance_id

    def _read(self) -> None:
        try:
            self._hub.Hello(empty_pb2.Empty())
            for item in self._hub.GetWorkItems(pb.GetWorkItemsRequest()):
                self._loop.call_soon_threadsafe(self._hold, item)
        except (grpc.RpcError, ValueError) as error:
            self._fail(f"The task hub's stream of work items broke: {error}")

    def _hold(self, item: pb.WorkItem) -> None:
        task = self._loop.create_task(self._carry(item))
        self._held.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._held.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(f"A work item could not be carried: {error!r}")

    def _fail(self, reason: str) -> None:
        """End the host: an item that is not answered is an orchestration that hangs for ever."""
        if not self._closing:
            self._loop.call_soon_threadsafe(self._on_fatal, HostError(reason))

    async def _carry(self, item: pb.WorkItem) -> None:
        match item.WhichOneof("request"):
            case "orchestratorRequest":
                await self._orchestrator(item.orchestratorRequest, item.completionToken)
            case "activityRequest":
                await self._activity(item.activityRequest, item.completionToken)
            case "entityRequestV2":
                await self._entity(item.entityRequestV2, item.completionToken)
            case other:
                self._runner.log.host("WARNING", f"The task hub sent an unknown work item: {other}")

    async def _orchestrator(self, request: pb.OrchestratorRequest, token: str) -> None:
        name = _orchestrator_name(request)
        function = self._catalog.app.durable("orchestrationTrigger", name)
        if function is None:
            response = failures.failed_orchestration(failures.of_unknown("orchestrator", name))
        else:
            value = {"string": base64.b64encode(request.SerializeToString()).decode("ascii")}
            delivery = Delivery("orchestrator", function, request.instanceId, value)
            response = _orchestrator_response(await self._deliver(delivery))
        response.instanceId = request.instanceId
        response.completionToken = token
        self._complete(self._hub.CompleteOrchestratorTask, response)

    async def _activity(self, request: pb.ActivityRequest, token: str) -> None:
        response = pb.ActivityResponse(
            instanceId=request.orchestrationInstance.instanceId,
            taskId=request.taskId,
            completionToken=token,
        )
        function = self._catalog.app.durable("activityTrigger", request.name)
        if function is None:
            response.failureDetails.CopyFrom(failures.of_unknown("activity", request.name))
        else:
            value = {"json": request.input.value or "null"}
            outcome = await self._deliver(
                Delivery("activity", function, response.instanceId, value)
            )
            if isinstance(outcome, pb.TaskFailureDetails):
                response.failureDetails.CopyFrom(outcome)
            else:
                result = next(iter(outcome["returns"].values()), "null")
                response.result.CopyFrom(wrappers_pb2.StringValue(value=str(result)))
        self._complete(self._hub.CompleteActivityTask, response)

    async def _entity(self, request: pb.EntityRequest, token: str) -> None:
        batch, infos = helpers.convert_to_entity_batch_request(request)
        name = request.instanceId.split("@")[1]
        function = self._catalog.app.durable("entityTrigger", name)
        result = pb.EntityBatchResult()
        if function is None:
            result.failureDetails.CopyFrom(failures.of_unknown("entity", name))
        else:
            value = {"string": base64.b64encode(batch.SerializeToString()).decode("ascii")}
            outcome = await self._deliver(Delivery("entity", function, request.instanceId, value))
            if isinstance(outcome, pb.TaskFailureDetails):
                result.failureDetails.CopyFrom(outcome)
            else:
                result.ParseFromString(base64.b64decode(outcome["returns"]["string"]))
        result.completionToken = token
        del result.operationInfos[:]
        result.operationInfos.extend(infos)
        self._complete(self._hub.CompleteEntityTask, result)

    async def _deliver(self, delivery: Delivery) -> Outcome | pb.TaskFailureDetails:
        """Hand the item to a worker, and to the next, until one has answered."""
        name = delivery.function.name
        async with self._limits[delivery.kind]:
            while True:
                invocation = self._runner.invocation(delivery.function, delivery.value)
                try:
                    outcome = await self._attempt(delivery, invocation)
                except WorkerLost as loss:
                    if delivery.kind == "activity" and self._worker_exit_fails_activities:
                        return failures.of_lost_worker(name, str(loss))
                    continue
                except InvocationTimedOut:
                    failure = failures.of_timeout(name, self._timeout)
                    self._runner.log.host("ERROR", failure.errorMessage, invocationId=invocation.id)
                    if delivery.kind == "activity":
                        return failure
                    continue
                if outcome["ok"]:
                    return outcome
                raised = FunctionFailed(outcome["message"], outcome["stack"])
                self._runner.log.failed(name, raised, invocation.id)
                return failures.of_exception(outcome)

    async def _attempt(self, delivery: Delivery, invocation: Invocation) -> Outcome:
        await self._runner.supervisor.ready()
        delivery.count += 1
        facts = {
            "kind": delivery.kind,
            "function": delivery.function.name,
            "instanceId": delivery.instance_id,
            "invocationId": invocation.id,
            "delivery": delivery.count,
        }
        level = "DEBUG" if delivery.count == 1 else "WARNING"
        again = "" if delivery.count == 1 else " again"
        self._runner.log.host(
            level, f"Delivered {delivery.function.name}{again}", event="delivered", **facts
        )
        started = time.perf_counter()
        running = asyncio.ensure_future(self._runner.supervisor.invoke(invocation))
        struck = self._strikes.hit("delivered", delivery.function.name)
        if struck:
            await asyncio.sleep(0)
            self._runner.supervisor.kill()
        outcome = await running
        if self._strikes.hit("answered", delivery.function.name):
            struck = True
            self._runner.supervisor.kill()
        if struck:
            raise WorkerLost("it was struck, and whatever it answered is lost")
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        self._runner.log.host(
            "DEBUG",
            f"Answered {delivery.function.name}",
            event="answered",
            milliseconds=milliseconds,
            ok=outcome["ok"],
            **facts,
        )
        return outcome

    def _complete(self, call: Any, response: message.Message) -> None:
        def check(future: "grpc.Future[message.Message]") -> None:
            if not future.cancelled() and (error := future.exception()) is not None:
                self._fail(f"The task hub refused an answer: {error}")

        call.future(response).add_done_callback(check)


def _orchestrator_name(request: pb.OrchestratorRequest) -> str:
    """The last start counts: after continue-as-new there are several."""
    for event in (*reversed(request.newEvents), *reversed(request.pastEvents)):
        if event.HasField("executionStarted"):
            return event.executionStarted.name
    return ""


def _orchestrator_response(
    outcome: Outcome | pb.TaskFailureDetails,
) -> pb.OrchestratorResponse:
    if isinstance(outcome, pb.TaskFailureDetails):
        return failures.failed_orchestration(outcome)
    response = pb.OrchestratorResponse()
    try:
        response.ParseFromString(base64.b64decode(outcome["returns"]["string"], validate=True))
    except (KeyError, binascii.Error, message.DecodeError):
        return failures.failed_orchestration(
            failures.details(
                "System.InvalidOperationException",
                "The function invocation did not result in an orchestrator response.",
            )
        )
    return response

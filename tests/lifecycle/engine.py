"""A virtual task hub: the real Durable Task executor, histories in memory, time as a number.

Every turn hands the whole history to the executor, as Azure does, so every turn is also a
replay of all steps before it. Hours pass in the moment between two turns.
"""

import asyncio
import base64
import heapq
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
from azure.durable_functions.worker import DurableFunctionsWorker
from durabletask.internal import helpers

type Activity = Callable[[Any], Awaitable[Any]]
type Orchestrator = Callable[..., Any]

_MOST_TURNS = 4_000


class Clock:
    """The present moment, moved by whoever holds it."""

    def __init__(self, start: datetime) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class WorkerKilled(Exception):
    """Raised by a hook to play the loss of the worker: the work item is handed out again."""


class ActivityLost(Exception):
    """Raised by a hook to play a worker process that dies under its host: the activity fails."""


@dataclass
class Scheduled:
    """An activity that was scheduled and has not been answered."""

    instance: "Instance"
    execution: int
    task_id: int
    name: str
    input: str


@dataclass
class Instance:
    """One orchestration instance."""

    id: str
    name: str
    version: str | None = None
    status: int = pb.ORCHESTRATION_STATUS_RUNNING
    history: list[pb.HistoryEvent] = field(default_factory=list)
    pending: list[pb.HistoryEvent] = field(default_factory=list)
    old_histories: list[list[pb.HistoryEvent]] = field(default_factory=list)
    output: str | None = None
    failure: pb.TaskFailureDetails | None = None
    execution: int = 0

    @property
    def completed(self) -> bool:
        return self.status == pb.ORCHESTRATION_STATUS_COMPLETED

    @property
    def running(self) -> bool:
        return self.status == pb.ORCHESTRATION_STATUS_RUNNING

    def text(self) -> str:
        """All that was ever stored for this instance."""
        events = [event for history in (*self.old_histories, self.history) for event in history]
        return "\n".join(str(event) for event in events) + str(self.output) + str(self.failure)


@dataclass(frozen=True)
class Turn:
    """One execution of an orchestrator: what it was handed, and what it asked for."""

    instance: str
    past: tuple[pb.HistoryEvent, ...]
    new: tuple[pb.HistoryEvent, ...]
    actions: tuple[pb.OrchestratorAction, ...]


type Hook = Callable[[str, str], None]
"""Called with ("before" | "after", activity name); may raise WorkerKilled or ActivityLost."""


class Engine:
    """Runs orchestrations and activities in one thread, one thing at a time, in virtual time."""

    def __init__(
        self,
        orchestrators: Mapping[str, Orchestrator],
        activities: Mapping[str, Activity],
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.clock = clock
        self.instances: dict[str, Instance] = {}
        self.ran: list[str] = []
        self.hook: Hook = lambda phase, name: None
        #: Called after every turn, activity and move of the clock.
        self.watch: Callable[[], None] = lambda: None
        #: Every turn, once somebody puts a list here.
        self.turns: list[Turn] | None = None
        #: Instances that were purged or followed by another of the same id.
        self.gone: list[Instance] = []
        #: The version of new instances, as `defaultVersion` of host.json is in Azure.
        self.default_version: str | None = None
        self._orchestrators = orchestrators
        self._activities = activities
        self._loop = loop
        self._queue: list[Scheduled] = []
        self._timers: list[tuple[datetime, int, str, int, int]] = []
        self._sequence = 0

    def start(self, instance: str, name: str, work: dict[str, Any]) -> Instance:
        """Start an instance; nothing happens before `run`."""
        return self.start_serialized(instance, name, json.dumps(work))

    def start_serialized(self, instance: str, name: str, work: str | None) -> Instance:
        """Start an instance in the place of one of the same id that is over."""
        self.purge(instance)
        started = Instance(instance, name, self.default_version)
        self.instances[instance] = started
        self._begin(started, work)
        return started

    def purge(self, instance: str) -> bool:
        """Forget an instance with its history and timers; whether there was one.

        What it had scheduled is already in the hands of workers and runs all the same; nobody
        waits for the answers.
        """
        gone = self.instances.pop(instance, None)
        if gone is not None:
            self.gone.append(gone)
            self._timers = [timer for timer in self._timers if timer[2] != instance]
            heapq.heapify(self._timers)
        return gone is not None

    def _begin(self, instance: Instance, work: str | None) -> None:
        instance.pending.append(helpers.new_orchestrator_started_event(self.clock.moment))
        instance.pending.append(
            helpers.new_execution_started_event(
                instance.name, instance.id, work, version=instance.version
            )
        )

    def raise_event(self, instance: str, name: str, data: dict[str, Any]) -> None:
        """Deliver an external event; it is handled at the next `run`."""
        self.raise_serialized(instance, name, json.dumps(data))

    def raise_serialized(self, instance: str, name: str, data: str | None) -> None:
        """Deliver an external event as it travels."""
        self.instances[instance].pending.append(helpers.new_event_raised_event(name, data))

    @property
    def in_hand(self) -> tuple[str, ...]:
        """The activities that were scheduled and have not been answered."""
        return tuple(work.name for work in self._queue)

    def fire_due_timers(self) -> None:
        """Put the timers that are due among the pending events, without running anything."""
        while self._timers and self._timers[0][0] <= self.clock.moment:
            fire_at, _, instance, execution, timer_id = heapq.heappop(self._timers)
            target = self.instances[instance]
            if target.running and target.execution == execution:
                target.pending.append(helpers.new_timer_fired_event(timer_id, fire_at))

    def run(
        self, *, until: datetime | None = None, stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Run until nothing is left to do, time would pass `until`, or `stop` says so."""
        for _ in range(_MOST_TURNS):
            if stop():
                return
            if ready := next((i for i in self.instances.values() if i.pending and i.running), None):
                self._turn(ready)
            elif self._queue:
                self._perform(self._queue.pop(0))
            elif not self._next_timer(until):
                if until is not None:
                    self.clock.moment = max(self.clock.moment, until)
                    self.watch()
                return
            self.watch()
        message = "the engine does not come to rest"
        raise AssertionError(message)

    def run_for(self, duration: timedelta) -> None:
        """Run while so much time passes."""
        self.run(until=self.clock.moment + duration)

    def _next_timer(self, until: datetime | None) -> bool:
        while self._timers:
            fire_at, _, name, execution, _ = self._timers[0]
            instance = self.instances[name]
            if not instance.running or instance.execution != execution:
                heapq.heappop(self._timers)
                continue
            if until is not None and fire_at > until:
                return False
            self.clock.moment = max(self.clock.moment, fire_at)
            self.fire_due_timers()
            return True
        return False

    def _turn(self, instance: Instance) -> None:
        new = list(instance.pending)
        instance.pending.clear()
        if not new[0].HasField("orchestratorStarted"):
            new.insert(0, helpers.new_orchestrator_started_event(self.clock.moment))
        request = pb.OrchestratorRequest(
            instanceId=instance.id, pastEvents=instance.history, newEvents=new
        )
        response = self.execute(self._orchestrators[instance.name], request)
        if self.turns is not None:
            past = tuple(instance.history)
            self.turns.append(Turn(instance.id, past, tuple(new), tuple(response.actions)))
        instance.history.extend(new)
        for action in response.actions:
            self._act(instance, action)

    @staticmethod
    def execute(
        orchestrator: Orchestrator, request: pb.OrchestratorRequest
    ) -> pb.OrchestratorResponse:
        """One execution by the real worker, over the wire format of the Functions host."""
        encoded = base64.b64encode(request.SerializeToString()).decode()
        answer = DurableFunctionsWorker().execute_orchestration_request(orchestrator, encoded)
        response = pb.OrchestratorResponse()
        response.ParseFromString(base64.b64decode(answer))
        return response

    def _act(self, instance: Instance, action: pb.OrchestratorAction) -> None:
        if action.HasField("scheduleTask"):
            scheduled = action.scheduleTask
            instance.history.append(
                helpers.new_task_scheduled_event(action.id, scheduled.name, scheduled.input.value)
            )
            self._queue.append(
                Scheduled(
                    instance,
                    instance.execution,
                    action.id,
                    scheduled.name,
                    scheduled.input.value,
                )
            )
        elif action.HasField("createTimer"):
            fire_at = action.createTimer.fireAt.ToDatetime(tzinfo=UTC)
            instance.history.append(helpers.new_timer_created_event(action.id, fire_at))
            self._sequence += 1
            timer = (fire_at, self._sequence, instance.id, instance.execution, action.id)
            heapq.heappush(self._timers, timer)
        elif action.HasField("completeOrchestration"):
            self._complete(instance, action.completeOrchestration)
        else:
            message = f"an action this engine does not know: {action}"
            raise AssertionError(message)

    def _complete(self, instance: Instance, done: pb.CompleteOrchestrationAction) -> None:
        if done.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            instance.old_histories.append(list(instance.history))
            instance.history.clear()
            instance.execution += 1
            arrived = list(instance.pending)
            instance.pending.clear()
            if done.HasField("newVersion"):
                instance.version = done.newVersion.value
            self._begin(instance, done.result.value)
            instance.pending.extend([*done.carryoverEvents, *arrived])
            return
        instance.status = done.orchestrationStatus
        instance.output = done.result.value
        instance.failure = done.failureDetails if done.HasField("failureDetails") else None

    def _perform(self, work: Scheduled) -> None:
        try:
            self.hook("before", work.name)
            answer = self._loop.run_until_complete(
                self._activities[work.name](json.loads(work.input))
            )
            self.ran.append(work.name)
            self.hook("after", work.name)
        except WorkerKilled:
            self._queue.insert(0, work)
            return
        except ActivityLost as lost:
            self._answer(work, helpers.new_task_failed_event(work.task_id, lost))
            return
        self._answer(work, helpers.new_task_completed_event(work.task_id, json.dumps(answer)))

    def _answer(self, work: Scheduled, event: pb.HistoryEvent) -> None:
        """Hand an answer to the execution that waits for it, if it is still there."""
        known = self.instances.get(work.instance.id)
        if known is work.instance and known.execution == work.execution:
            known.pending.append(event)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances.values())

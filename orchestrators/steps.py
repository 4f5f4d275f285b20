"""How a workflow runs its steps: together, and again after durable waits.

Steps answer an `Outcome` instead of raising, so that what went wrong crosses the history as
codes. A step that never answered (a crash, a time-out) counts as a failure that may have been
applied.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from curfew.model.base import Model
from curfew.model.messages import Failure, Outcome
from durabletask import task

type Workflow[T] = Generator[task.Task[Any], Any, T]
type Calls = Mapping[str, Model]
"""Activities by name, each with its message."""


def seconds(*pauses: float) -> tuple[timedelta, ...]:
    """Pauses between tries, in seconds."""
    return tuple(timedelta(seconds=pause) for pause in pauses)


PATIENCE = seconds(2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30)
"""The pauses while Entra replicates: about five minutes together."""

LONGEST_ASKED = 300.0
"""The longest wait, in seconds, that a service gets by asking for it."""


@dataclass(slots=True)
class Trying:
    """How long to try: until an order to end, or a point in time; and what stayed unsure.

    `unsure_since` is when a try was last lost whose write may have been applied.
    """

    order: task.CancellableTask[Any]
    until: datetime
    unsure_since: datetime | None = None

    def ordered_to_end(self) -> bool:
        """Whether the order to end has arrived."""
        return self.order.is_complete


def now(ctx: task.OrchestrationContext) -> datetime:
    """The workflow's time, aware. The context's own is naive and in UTC."""
    return ctx.current_utc_datetime.replace(tzinfo=UTC)


def attempt(ctx: task.OrchestrationContext, calls: Calls) -> Workflow[dict[str, Outcome]]:
    """Run every call once, together, and wait for all of them."""
    tasks = {
        name: ctx.call_activity(name, input=message.to_json(), return_type=dict)
        for name, message in calls.items()
    }
    try:
        yield task.when_all(list(tasks.values()))
    except task.TaskFailedError:
        # `when_all` raises only the first failure, after all have ended.
        return {name: outcome_of(name, run) for name, run in tasks.items()}
    return {name: outcome_of(name, run) for name, run in tasks.items()}


def persist(
    ctx: task.OrchestrationContext,
    calls: Calls,
    trying: Trying,
    *,
    patience: Sequence[timedelta] = PATIENCE,
) -> Workflow[dict[str, Outcome]]:
    """Run calls until each has succeeded, one fails for good, or it is no use trying longer.

    Calls that succeeded are not run again. A call in flight is always waited for: it would land
    later, with nobody left to take it back.
    """
    outcomes: dict[str, Outcome] = {}
    for pause in (*patience, None):
        latest = yield from attempt(ctx, calls)
        outcomes |= latest
        failures = {name: said.failure for name, said in latest.items() if said.failure}
        calls = {name: calls[name] for name in failures}
        if any(failure.unsure for failure in failures.values()):
            trying.unsure_since = now(ctx)
        hopeless = any(not failure.retryable for failure in failures.values())
        if not failures or hopeless or pause is None or trying.ordered_to_end():
            break
        wait = longest_wait(pause, *failures.values())
        if now(ctx) + wait > trying.until:
            break
        timer = ctx.create_timer(wait)
        yield task.when_any([timer, trying.order])
        if trying.ordered_to_end():
            timer.cancel()
            break
    return outcomes


def longest_wait(pause: timedelta, *failures: Failure) -> timedelta:
    """The pause, or longer if a service asked for it with Retry-After, but not much longer.

    How long an access lives is not for a header to decide.
    """
    asked = max((failure.retry_after or 0.0 for failure in failures), default=0.0)
    return max(pause, timedelta(seconds=min(asked, LONGEST_ASKED)))


def outcome_of(name: str, run: task.Task[Any]) -> Outcome:
    """What a step that has run came to."""
    if run.is_failed:
        return Outcome(failure=Failure.lost(f"The step {name} did not answer."))
    try:
        return Outcome.read(run.get_result())
    except ValueError:
        return Outcome(failure=Failure.lost(f"The step {name} answered in a way unknown here."))

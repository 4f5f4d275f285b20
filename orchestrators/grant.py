"""One grant, from its lease to its verified end.

    give ──▶ wait ──▶ take back ──▶ (again, for ever, until verified)
      └── anything goes wrong ──▶ take back

The lease was written before this workflow started. Whatever happens in `give` and `wait`, the
next line is `take_back`: nothing that can fail stands between the two.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from curfew.errors import NoOpenLease
from curfew.model.base import Model
from curfew.model.grants import EndReason, Handover, Plan, SecretVersion
from curfew.model.messages import (
    END_EVENT,
    Activation,
    Assigned,
    Ending,
    EndOrder,
    Failure,
    GrantInput,
    Opened,
    Outcome,
    PassOrder,
    TakingBack,
)
from durabletask import task

from orchestrators.steps import Calls, Trying, Workflow, now, persist
from orchestrators.taking_back import take_back

NAME = "grant"

OPEN = "open_account"
SET_PASSWORD = "set_password"  # noqa: S105 - the name of an activity
ASSIGN = "assign_access"
ISSUE_PASS = "issue_pass"  # noqa: S105 - the name of an activity
ENABLE = "enable_account"


def grant(ctx: task.OrchestrationContext, stored: dict[str, Any]) -> Workflow[None]:
    """Give the access, wait for its time to be up or for an `end`, and take it back."""
    work = GrantInput.read(stored)
    plan, taking_back = work.plan, work.taking_back
    if taking_back is None:
        order = ctx.wait_for_external_event(END_EVENT, data_type=dict)
        giving = Giving(plan, Trying(order, until=plan.provision_by))
        try:
            expires_at = yield from give(ctx, giving)
            ending = yield from wait(ctx, expires_at, order)
        except Stopped as stopped:
            if stopped.without_lease and giving.untouched:
                return
            ending = stopped.ending
        except Exception as failure:
            ending = Ending(reason=EndReason.FAILED, failure=type(failure).__name__)
        plan = giving.plan
        taking_back = TakingBack(ending=ending, unsure_since=giving.trying.unsure_since)
    yield from take_back(ctx, plan, taking_back)


@dataclass
class Giving:
    """What is known of the account so far, even when a step after it fails."""

    plan: Plan
    trying: Trying

    def note(self, outcomes: dict[str, Outcome]) -> None:
        """Note what the ending must know, whatever else becomes of the step."""
        if (opened := outcomes.get(OPEN)) and opened.value is not None:
            self.plan = Opened.read(opened.value).plan
        if (assigned := outcomes.get(ASSIGN)) and assigned.value is not None:
            made = Assigned.read(assigned.value).assignments
            self.plan = self.plan.model_copy(update={"assignments": made})

    @property
    def untouched(self) -> bool:
        """Whether the directory is as it was: nothing opened, and no creation without an answer."""
        return not self.plan.opened and self.trying.unsure_since is None


class Stopped(Exception):
    """Giving did not come to its end."""

    def __init__(self, ending: Ending, *, without_lease: bool = False) -> None:
        super().__init__(ending.reason)
        self.ending = ending
        self.without_lease = without_lease


def give(ctx: task.OrchestrationContext, giving: Giving) -> Workflow[datetime]:
    """Open the account, equip it while it is disabled, enable it last. Answers the expiry."""
    outcomes = yield from _must(ctx, {OPEN: giving.plan}, giving)
    opened = Opened.read(outcomes[OPEN].value)
    plan = giving.plan

    calls: dict[str, Model] = {ASSIGN: plan}
    if plan.credential.has_password and opened.password is None:
        calls[SET_PASSWORD] = plan
    if opened.pass_minutes is not None:
        calls[ISSUE_PASS] = PassOrder(plan=plan, minutes=opened.pass_minutes)
    outcomes = yield from _must(ctx, calls, giving)
    handover = Handover(
        password=opened.password or _secret(outcomes.get(SET_PASSWORD)),
        temporary_access_pass=_secret(outcomes.get(ISSUE_PASS)),
    )

    # Fixed before the first try to enable: a try whose answer was lost may have begun the access.
    expires_at = now(ctx) + plan.duration
    activation = Activation(plan=giving.plan, handover=handover, expires_at=expires_at)
    giving.trying.until = min(giving.trying.until, expires_at)
    yield from _must(ctx, {ENABLE: activation}, giving)
    return expires_at


def wait(
    ctx: task.OrchestrationContext, expires_at: datetime, order: task.CancellableTask[Any]
) -> Workflow[Ending]:
    """Until the time is up or somebody ends the grant; of two at once, the first in the history."""
    expiry = ctx.create_timer(max(expires_at - now(ctx), timedelta(0)))
    first = yield task.when_any([expiry, order])
    if first is order:
        expiry.cancel()
        return _ordered(order)
    return Ending(reason=EndReason.EXPIRED)


def _must(
    ctx: task.OrchestrationContext, calls: Calls, giving: Giving
) -> Workflow[dict[str, Outcome]]:
    """Run calls that giving depends on.

    Raises:
        Stopped: an `end` arrived, or a call failed for good.
    """
    trying = giving.trying
    if trying.ordered_to_end():
        raise Stopped(_ordered(trying.order))
    outcomes = yield from persist(ctx, calls, trying)
    giving.note(outcomes)
    if trying.ordered_to_end():
        raise Stopped(_ordered(trying.order))
    for outcome in outcomes.values():
        if outcome.failure is not None:
            raise _failed(outcome.failure)
    return outcomes


def _failed(failure: Failure) -> Stopped:
    ending = Ending(reason=EndReason.FAILED, failure=f"{failure.code}: {failure.detail}")
    return Stopped(ending, without_lease=failure.code == NoOpenLease.code)


def _ordered(order: task.CancellableTask[Any]) -> Ending:
    return EndOrder.read(order.get_result()).ending()


def _secret(outcome: Outcome | None) -> SecretVersion | None:
    if outcome is None or outcome.value is None:
        return None
    return SecretVersion.read(outcome.value)

"""Giving: an account opened, equipped while it is disabled and enabled last; or roles to a user."""

from dataclasses import dataclass
from datetime import datetime

from curfew.errors import NoOpenLease
from curfew.model.base import Model
from curfew.model.grants import EndReason, Plan
from curfew.model.handovers import Handover, SecretVersion
from curfew.model.messages import (
    Activation,
    Assigned,
    Ending,
    EndOrder,
    Failure,
    Opened,
    Outcome,
    PassOrder,
)
from curfew.model.profiles import GrantKind
from durabletask import task

from orchestrators.steps import Calls, Trying, Workflow, now, persist

OPEN = "open_account"
SET_PASSWORD = "set_password"  # noqa: S105 - the name of an activity
ASSIGN = "assign_access"
ISSUE_PASS = "issue_pass"  # noqa: S105 - the name of an activity
ENABLE = "enable_account"
OPEN_SUBJECT = "open_subject"
ARM = "arm_expiry"
CONFIRM = "confirm_access"


@dataclass
class Giving:
    """What is known of the account so far, even when a step after it fails."""

    plan: Plan
    trying: Trying

    def note(self, outcomes: dict[str, Outcome]) -> None:
        """Note what the ending must know, whatever else becomes of the step."""
        for step in (OPEN, OPEN_SUBJECT):
            if (opened := outcomes.get(step)) and opened.value is not None:
                self.plan = Opened.read(opened.value).plan
        if (assigned := outcomes.get(ASSIGN)) and assigned.value is not None:
            made = Assigned.read(assigned.value)
            known = made.plan or self.plan
            self.plan = known.model_copy(update={"assignments": made.assignments})

    @property
    def untouched(self) -> bool:
        """Whether the directory is as it was: nothing opened, and no creation without an answer."""
        return not self.plan.opened and self.trying.unsure_since is None


@dataclass(frozen=True, slots=True)
class Active:
    """A grant that was given: what it is, and when it is over."""

    plan: Plan
    expires_at: datetime


class Stopped(Exception):
    """Giving did not come to its end."""

    def __init__(self, ending: Ending, *, without_lease: bool = False) -> None:
        super().__init__(ending.reason)
        self.ending = ending
        self.without_lease = without_lease


def give(ctx: task.OrchestrationContext, giving: Giving) -> Workflow[Active]:
    """Give what the plan says, and answer when it is over."""
    give_kind = _give_roles if giving.plan.kind is GrantKind.ROLE else _give_account
    expires_at = yield from give_kind(ctx, giving)
    return Active(giving.plan, expires_at)


def _give_account(ctx: task.OrchestrationContext, giving: Giving) -> Workflow[datetime]:
    """Open the account, equip it while it is disabled, enable it last."""
    outcomes = yield from must(ctx, {OPEN: giving.plan}, giving)
    opened = Opened.read(outcomes[OPEN].value)
    plan = giving.plan

    calls: dict[str, Model] = {ASSIGN: plan}
    if plan.credential.has_password and opened.password is None:
        calls[SET_PASSWORD] = plan
    if opened.pass_minutes is not None:
        calls[ISSUE_PASS] = PassOrder(plan=plan, minutes=opened.pass_minutes)
    outcomes = yield from must(ctx, calls, giving)
    handover = Handover(
        password=opened.password or _secret(outcomes.get(SET_PASSWORD)),
        temporary_access_pass=_secret(outcomes.get(ISSUE_PASS)),
    )

    # Fixed before the first try to enable: a try whose answer was lost may have begun the access.
    kept_by_microsoft = Assigned.read(outcomes[ASSIGN].value).expires_at
    expires_at = kept_by_microsoft or now(ctx) + plan.duration
    activation = Activation(plan=giving.plan, handover=handover, expires_at=expires_at)
    giving.trying.until = min(giving.trying.until, expires_at)
    yield from must(ctx, {ENABLE: activation}, giving)
    return expires_at


def _give_roles(ctx: task.OrchestrationContext, giving: Giving) -> Workflow[datetime]:
    """Look at the user, arm the expiry, then give: the access begins with the first role."""
    yield from must(ctx, {OPEN_SUBJECT: giving.plan}, giving)
    expires_at = now(ctx) + giving.plan.duration
    giving.plan = giving.plan.model_copy(update={"until": expires_at})
    activation = Activation(plan=giving.plan, handover=Handover(), expires_at=expires_at)
    giving.trying.until = min(giving.trying.until, expires_at)
    yield from must(ctx, {ARM: activation}, giving)
    yield from must(ctx, {ASSIGN: giving.plan}, giving)
    activation = activation.model_copy(update={"plan": giving.plan})
    yield from must(ctx, {CONFIRM: activation}, giving)
    return expires_at


def must(
    ctx: task.OrchestrationContext, calls: Calls, giving: Giving
) -> Workflow[dict[str, Outcome]]:
    """Run calls that giving depends on.

    Raises:
        Stopped: an `end` arrived, or a call failed for good.
    """
    trying = giving.trying
    if trying.ordered_to_end():
        raise Stopped(ordered(trying.order))
    outcomes = yield from persist(ctx, calls, trying)
    giving.note(outcomes)
    if trying.ordered_to_end():
        raise Stopped(ordered(trying.order))
    for outcome in outcomes.values():
        if outcome.failure is not None:
            raise _failed(outcome.failure)
    return outcomes


def ordered(order: task.CancellableTask[object]) -> Ending:
    """The ending that has been ordered."""
    return EndOrder.read(order.get_result()).ending()


def _failed(failure: Failure) -> Stopped:
    ending = Ending(reason=EndReason.FAILED, failure=f"{failure.code}: {failure.detail}")
    return Stopped(ending, without_lease=failure.code == NoOpenLease.code)


def _secret(outcome: Outcome | None) -> SecretVersion | None:
    if outcome is None or outcome.value is None:
        return None
    return SecretVersion.read(outcome.value)

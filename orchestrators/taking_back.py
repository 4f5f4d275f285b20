"""The end of a grant: rounds of the same steps until everything was read back as gone.

A round is a few passes with growing pauses, a later one two. When it is used up the grant is
flagged as stuck, and after a longer pause the workflow starts the next round as a new execution,
so that an outage of days leaves a short history. There is no last round.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from curfew.errors import Busy
from curfew.model.base import Model
from curfew.model.evidence import Evidence
from curfew.model.grants import Plan
from curfew.model.messages import (
    Announced,
    Closing,
    Deletion,
    EndingNotice,
    EndStep,
    Failure,
    GrantInput,
    Located,
    Outcome,
    Revocation,
    Rotation,
    Search,
    StuckNotice,
    TakingBack,
    Verification,
    settles_at,
    steps_to_mend,
)
from curfew.model.profiles import EndingMode
from durabletask import task

from orchestrators.steps import Workflow, attempt, longest_wait, now, seconds

ANNOUNCE = "announce_ending"
LOCATE = "locate_account"
VERIFY = "verify_ended"
DELETE = "delete_account"
CLOSE = "close_grant"
FLAG = "flag_stuck"

FIRST_ROUND = seconds(2, 4, 8, 16, 30)
LATER_ROUNDS = seconds(15)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TURNS = 30


def take_back(
    ctx: task.OrchestrationContext, plan: Plan, taking_back: TakingBack
) -> Workflow[Plan | None]:
    """One round; whatever happens in it, the grant is closed or the next round follows.

    Answers the plan that was taken back, None when the next round is to come.
    """
    try:
        closed = yield from _round(ctx, plan, taking_back)
    except Exception as failure:
        reasons = (f"{type(failure).__name__} in the workflow",)
        notice = StuckNotice(plan=plan, round=taking_back.round, failures=reasons)
        yield from attempt(ctx, {FLAG: notice})
        yield ctx.create_timer(pause_after(taking_back.round))
        again = taking_back.model_copy(update={"round": taking_back.round + 1})
        ctx.continue_as_new(GrantInput(plan=plan, taking_back=again).to_json())
        return None
    return closed


def _round(
    ctx: task.OrchestrationContext, plan: Plan, taking_back: TakingBack
) -> Workflow[Plan | None]:
    progress = Progress(plan.to_take_back(), taking_back)
    pauses = FIRST_ROUND if taking_back.round == 1 else LATER_ROUNDS
    for pause in (*pauses, None):
        closed = yield from _unhurried_pass(ctx, progress)
        if closed:
            return progress.plan
        if pause is not None:
            yield ctx.create_timer(longest_wait(pause, *progress.failures.values()))

    finished = taking_back.round
    notice = StuckNotice(plan=progress.plan, round=finished, failures=progress.reasons)
    yield from attempt(ctx, {FLAG: notice})
    yield ctx.create_timer(longest_wait(pause_after(finished), *progress.failures.values()))
    progress.update(round=finished + 1)
    again = GrantInput(plan=progress.plan, taking_back=progress.state)
    ctx.continue_as_new(again.to_json())
    return None


def _unhurried_pass(ctx: task.OrchestrationContext, progress: "Progress") -> Workflow[bool]:
    """A pass; while this app itself holds the steps back, the same pass again and again.

    Many grants that end at once take their turns: that is no failure, and raises no alert.
    """
    for _ in range(MOST_TURNS):
        closed = yield from one_pass(ctx, progress)
        failures = progress.failures.values()
        if closed or not failures or any(failure.code != Busy.code for failure in failures):
            return closed
        yield ctx.create_timer(longest_wait(timedelta(0), *failures))
    return False


def pause_after(finished_round: int) -> timedelta:
    """One minute after the first round, then twice as long each time, up to an hour."""
    return min(timedelta(minutes=2 ** min(finished_round - 1, 10)), LONGEST_PAUSE)


@dataclass
class Progress:
    """How far the ending is: what is still to do, and what failed in the latest pass."""

    plan: Plan
    state: TakingBack
    failures: dict[str, Failure] = field(default_factory=dict)
    over: bool = False

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of TakingBack
        """Note changes in the state that the next round starts with."""
        self.state = self.state.model_copy(update=changes)

    def note(self, outcomes: dict[str, Outcome]) -> None:
        """Note what steps came to: what succeeded is not pending any more.

        The directory's times are measured against the first reading of an ending: a step that ran
        twice within one of its whole seconds would hide itself otherwise.
        """
        for name, outcome in outcomes.items():
            if outcome.failure is not None:
                self.failures[name] = outcome.failure
        done = set(outcomes) - set(self.failures)
        pending = tuple(step for step in self.state.pending if step not in done)
        self.update(pending=pending, announced=self.state.announced or ANNOUNCE in done)
        if ANNOUNCE in done:
            self.over = Announced.read(outcomes[ANNOUNCE].value or {}).over
        if EndStep.ROTATE in done:
            rotation = Rotation.read(outcomes[EndStep.ROTATE].value)
            self.update(rotated_after=self.state.rotated_after or rotation.rotated_after)
        if EndStep.REVOKE in done:
            revocation = Revocation.read(outcomes[EndStep.REVOKE].value)
            self.update(revoked_after=self.state.revoked_after or revocation.revoked_after)

    def keep(self, evidence: Evidence) -> None:
        """Keep what was verified of an account that is to be deleted: nobody can verify it later.

        Any other account is read back again in the next pass, should closing fail in this one.
        """
        if self.plan.ending_mode is EndingMode.DELETE and evidence.account_existed:
            self.update(evidence=evidence)

    @property
    def verification(self) -> Verification:
        """What to read back."""
        return Verification(
            plan=self.plan,
            rotated_after=self.state.rotated_after,
            revoked_after=self.state.revoked_after,
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """What failed in the latest pass, for people."""
        return tuple(f"{name}: {failure.detail}" for name, failure in self.failures.items())


def one_pass(ctx: task.OrchestrationContext, progress: Progress) -> Workflow[bool]:
    """Take every pending step once, disabling first; read back; close when nothing is left.

    A step that fails does not keep the others from being taken.
    """
    progress.failures = {}
    if progress.state.evidence is not None:
        return (yield from _close(ctx, progress, progress.state.evidence))
    if not (progress.plan.account_id or progress.state.located):
        found = yield from _locate(ctx, progress)
        if not found:
            return False

    ending = progress.state.ending
    notice = EndingNotice(plan=progress.plan, ending=ending)
    announcing = {} if progress.state.announced else {ANNOUNCE: notice}
    pending: dict[str, Model] = dict.fromkeys(progress.state.pending, progress.plan)
    disabling: dict[str, Model] = {
        step: pending.pop(step) for step in (EndStep.DISABLE,) if step in pending
    }
    for calls in ({**disabling, **announcing}, pending):
        if calls:
            outcomes = yield from attempt(ctx, calls)
            progress.note(outcomes)
            if progress.over:
                return True

    evidence = yield from _verify(ctx, progress)
    if evidence is None or progress.state.pending or not evidence.clean:
        return False
    if progress.plan.account_id and not evidence.account_existed:
        settled = yield from _absence_settles(ctx, progress)
        if not settled:
            return False
    progress.keep(evidence)
    return (yield from _close(ctx, progress, evidence))


def _close(
    ctx: task.OrchestrationContext, progress: Progress, evidence: Evidence
) -> Workflow[bool]:
    """Delete the account where the profile says so, then write the ending down."""
    plan = progress.plan
    if plan.ending_mode is EndingMode.DELETE and evidence.account_existed:
        outcomes = yield from attempt(ctx, {DELETE: plan})
        progress.note(outcomes)
        if progress.failures:
            return False
        deletion = Deletion.read(outcomes[DELETE].value or {})
        evidence = evidence.model_copy(update={"account_deleted": deletion.deleted})
    closing = Closing(plan=plan, ending=progress.state.ending, evidence=evidence)
    outcomes = yield from attempt(ctx, {CLOSE: closing})
    progress.note(outcomes)
    return not progress.failures


def _locate(ctx: task.OrchestrationContext, progress: Progress) -> Workflow[bool]:
    """Find the account of a grant that never knew it, waiting until its absence is certain."""
    search = Search(plan=progress.plan, unsure_since=progress.state.unsure_since)
    while True:
        outcomes = yield from attempt(ctx, {LOCATE: search})
        progress.note(outcomes)
        if progress.failures:
            return False
        located = Located.read(outcomes[LOCATE].value)
        if located.look_again_at is None:
            break
        yield ctx.create_timer(max(located.look_again_at - now(ctx), timedelta(0)))
    progress.plan = located.plan
    pending = progress.state.pending if located.plan.account_id else (EndStep.RETIRE,)
    progress.update(located=True, pending=pending)
    return True


def _absence_settles(ctx: task.OrchestrationContext, progress: Progress) -> Workflow[bool]:
    """Whether the account was gone for long enough; else wait, and take every step once more.

    For a while a whole replica may know nothing of an account that is there and enabled.
    """
    since = progress.state.absent_since
    if since is not None and now(ctx) >= settles_at(since):
        return True
    pending = EndStep.of(progress.plan.kind)
    progress.update(absent_since=since or now(ctx), pending=pending)
    yield ctx.create_timer(settles_at(since or now(ctx)) - now(ctx))
    return False


def _verify(ctx: task.OrchestrationContext, progress: Progress) -> Workflow[Evidence | None]:
    """Read back, and put every step whose effect does not show back among the pending."""
    outcomes = yield from attempt(ctx, {VERIFY: progress.verification})
    progress.note(outcomes)
    if VERIFY in progress.failures:
        return None
    evidence = Evidence.read(outcomes[VERIFY].value)
    wanted = {*progress.state.pending, *steps_to_mend(evidence)}
    pending = tuple(step for step in EndStep.of(progress.plan.kind) if step in wanted)
    absent_since = None if evidence.account_existed else progress.state.absent_since
    progress.update(pending=pending, absent_since=absent_since)
    return evidence

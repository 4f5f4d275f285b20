"""Before anything is given: consent, the start, and a last look at the settings.

Until `admit` has returned, nothing exists in any directory, not even a password. Approvers, the
approval deadline and a withdrawal race for the decision, and it is made here, one word at a time.
"""

from datetime import timedelta

from curfew.errors import Begun
from curfew.model.approvals import Approval
from curfew.model.grants import PROVISIONING_LIMIT, EndReason, Plan
from curfew.model.messages import (
    Admission,
    Ending,
    EndingNotice,
    Recording,
    Tally,
)
from durabletask import task

from orchestrators.giving import Giving, ordered
from orchestrators.steps import Trying, Workflow, attempt, now, persist, seconds
from orchestrators.words import Words, same_instant

RECORD = "record_decision"
ADMIT = "admit_grant"
CLOSE_UNOPENED = "close_unopened"

LONG_PATIENCE = seconds(1, 2, 4, 8, 15, *(30,) * 60)
LONGEST_PAUSE = timedelta(hours=1)


class NotAdmitted(Exception):
    """Nothing is given: not consented to, ended before its start, or not allowed any more."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


def admit(ctx: task.OrchestrationContext, giving: Giving, words: Words) -> Workflow[None]:
    """Wait for consent and for the start, then look at the settings again.

    A grant that waits for neither is admitted already: the request was decided a moment ago.

    Raises:
        NotAdmitted: nothing may be given, or something went wrong before anything was.
    """
    if not waits_to_be_admitted(giving.plan):
        return
    try:
        yield from _admitted(ctx, giving, words)
    except NotAdmitted:
        raise
    except Exception as failure:
        ending = Ending(reason=EndReason.FAILED, failure=type(failure).__name__)
        raise NotAdmitted(ending) from failure


def _admitted(ctx: task.OrchestrationContext, giving: Giving, words: Words) -> Workflow[None]:
    plan, order = giving.plan, giving.trying.order
    if plan.approval is not None:
        yield from _consent(ctx, giving, plan.approval, words)
    if plan.start_at is not None:
        start = ctx.create_timer(max(plan.start_at - now(ctx), timedelta(0)))
        yield task.when_any([order, start])
        if order.is_complete:
            start.cancel()
    if order.is_complete:
        raise NotAdmitted(as_withdrawal(ordered(order)))
    giving.trying.until = now(ctx) + PROVISIONING_LIMIT
    outcomes = yield from persist(ctx, {ADMIT: plan}, giving.trying, patience=LONG_PATIENCE)
    if order.is_complete:
        raise NotAdmitted(as_withdrawal(ordered(order)))
    failure = outcomes[ADMIT].failure
    if failure is not None:
        reason = f"{failure.code}: {failure.detail}"
        raise NotAdmitted(Ending(reason=EndReason.FAILED, failure=reason))
    admission = Admission.read(outcomes[ADMIT].value)
    if admission.refusals:
        reasons = " ".join(admission.refusals)
        raise NotAdmitted(Ending(reason=EndReason.REFUSED, failure=reasons))
    giving.plan = admission.plan
    giving.trying.until = admission.plan.provision_by


def _consent(
    ctx: task.OrchestrationContext, giving: Giving, question: Approval, words: Words
) -> Workflow[None]:
    """Hear approvers until enough have consented.

    Of what arrives in the same instant a withdrawal comes first, then the deadline, then a
    denial: whatever the order, the outcome is the same, and the safer one. A denial that the
    ledger does not take for long denies all the same.
    """
    plan, order = giving.plan, giving.trying.order
    deadline = ctx.create_timer(max(question.deadline - now(ctx), timedelta(0)))
    trying = Trying(order, until=question.deadline)
    while True:
        yield task.when_any([order, deadline, *words.tasks])
        yield from same_instant(ctx)
        if order.is_complete:
            deadline.cancel()
            raise NotAdmitted(as_withdrawal(ordered(order)))
        if deadline.is_complete or now(ctx) >= question.deadline:
            raise NotAdmitted(Ending(reason=EndReason.APPROVAL_EXPIRED))
        word = words.next()
        if word is None or word.about != question.id:
            continue
        recording = Recording(plan=plan, order=word)
        outcomes = yield from persist(ctx, {RECORD: recording}, trying, patience=LONG_PATIENCE)
        if outcomes[RECORD].value is None:
            if word.approves or trying.ordered_to_end() or now(ctx) >= question.deadline:
                continue
            deadline.cancel()
            ending = Ending(reason=EndReason.DENIED, by=word.by, remark=word.comment)
            raise NotAdmitted(ending)
        tally = Tally.read(outcomes[RECORD].value).approval
        if tally is not None and tally.denied:
            deadline.cancel()
            raise NotAdmitted(_denied(tally))
        if tally is not None and tally.given:
            deadline.cancel()
            return


def close_unopened(ctx: task.OrchestrationContext, plan: Plan, ending: Ending) -> Workflow[bool]:
    """Move the lease to the history: nothing was given. Again and again, until it is written.

    False when the grant was admitted after all, so that it must be taken back.
    """
    pause = timedelta(seconds=2)
    notice = EndingNotice(plan=plan, ending=ending)
    while True:
        outcomes = yield from attempt(ctx, {CLOSE_UNOPENED: notice})
        failure = outcomes[CLOSE_UNOPENED].failure
        if failure is None or failure.code == Begun.code:
            return failure is None
        yield ctx.create_timer(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def waits_to_be_admitted(plan: Plan) -> bool:
    """Whether a grant waits for consent or for its start, with nothing given so far."""
    return not plan.opened and (plan.approval is not None or plan.start_at is not None)


def as_withdrawal(ending: Ending) -> Ending:
    """An ending of a grant of which nothing was given yet."""
    if ending.reason is EndReason.RETURNED:
        return ending.model_copy(update={"reason": EndReason.WITHDRAWN})
    return ending


def _denied(tally: Approval) -> Ending:
    denial = next(decision for decision in tally.decisions if not decision.approves)
    return Ending(reason=EndReason.DENIED, by=denial.by, remark=denial.comment)

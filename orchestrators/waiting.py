"""While a grant is active: its expiry, an end, wishes to extend it, and for new credentials."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from curfew.model.approvals import Approval, DecisionOrder, Extension, ExtensionState
from curfew.model.base import Model
from curfew.model.grants import EndReason
from curfew.model.handovers import Handover
from curfew.model.messages import (
    EXTEND_EVENT,
    RENEW_EVENT,
    Activation,
    Ending,
    ExtendOrder,
    Lapse,
    Outcome,
    Prolonged,
    Prolonging,
    Recording,
    Renewing,
    RenewOrder,
    Settling,
    Tally,
)
from durabletask import task

from orchestrators.giving import Active, ordered
from orchestrators.steps import Trying, Workflow, now, outcome_of, persist, seconds
from orchestrators.words import Words, same_instant

EXTEND = "extend_expiry"
SETTLE = "settle_extension"
LAPSE = "lapse_extension"
RECORD = "record_extension_decision"
PROLONG = "prolong_access"
REPLACE = "replace_credential"

BRIEF_PATIENCE = seconds(1, 2, 4, 8)
LEDGERS_PATIENCE = seconds(1, 2, 4, 8, 15, *(30,) * 20)


def wait(
    ctx: task.OrchestrationContext,
    active: Active,
    order: task.CancellableTask[Any],
    words: Words,
) -> Workflow[Ending]:
    """Until the time is up or somebody ends the grant.

    Of what arrives in the same instant an end comes first, then the expiry, then everything
    else: a wish to extend that comes with the expiry comes too late, whatever the order.
    """
    vigil = Vigil(ctx, active, order, words)
    while True:
        yield task.when_any(vigil.tasks)
        heard = vigil.words.said or vigil.renewal.is_complete
        if heard and not (order.is_complete or vigil.is_over):
            yield from same_instant(ctx)
        if order.is_complete:
            vigil.expiry.cancel()
            return ordered(order)
        if vigil.is_over:
            return Ending(reason=EndReason.EXPIRED)
        if vigil.wish.is_complete:
            yield from vigil.hear_wish()
        elif (word := vigil.words.next()) is not None:
            yield from vigil.hear(word)
        elif vigil.renewal.is_complete:
            yield from vigil.hear_renewal()
        elif vigil.lapsed():
            yield from vigil.lapse()


@dataclass
class _Question:
    """An extension that approvers are asked about, and their deadline."""

    extension: Extension
    approval: Approval
    deadline: task.CancellableTask[Any]


class Vigil:
    """The expiry as it stands, what may move it, and the question that is open."""

    def __init__(
        self,
        ctx: task.OrchestrationContext,
        active: Active,
        order: task.CancellableTask[Any],
        words: Words,
    ) -> None:
        self.expires_at = active.expires_at
        self.words = words
        self.wish = self._listen(ctx, EXTEND_EVENT)
        self.renewal = self._listen(ctx, RENEW_EVENT)
        self.expiry = ctx.create_timer(max(active.expires_at - now(ctx), timedelta(0)))
        self._ctx = ctx
        self._plan = active.plan
        self._order = order
        self._question: _Question | None = None

    @staticmethod
    def _listen(ctx: task.OrchestrationContext, event: str) -> task.CancellableTask[Any]:
        return ctx.wait_for_external_event(event, data_type=dict)

    @property
    def tasks(self) -> list[task.Task[Any]]:
        """What to wait for."""
        deadline = [self._question.deadline] if self._question else []
        heard = [self.wish, self.renewal, *self.words.tasks]
        return [self._order, self.expiry, *heard, *deadline]

    @property
    def is_over(self) -> bool:
        """Whether the time is up: by the timer, or by the clock when it is late."""
        return self.expiry.is_complete or now(self._ctx) >= self.expires_at

    def lapsed(self) -> bool:
        """Whether the approvers' time for the open question is up."""
        question = self._question
        if question is None:
            return False
        return question.deadline.is_complete or now(self._ctx) >= question.approval.deadline

    def hear_wish(self) -> Workflow[None]:
        """Extend, ask the approvers, or refuse: the ledger has the last word on which."""
        said, self.wish = self.wish.get_result(), self._listen(self._ctx, EXTEND_EVENT)
        wish = Prolonging(plan=self._plan, order=ExtendOrder.read(said), expires_at=self.expires_at)
        outcome = yield from self._ask_ledger(EXTEND, wish)
        yield from self._prolonged(outcome)

    def hear_renewal(self) -> Workflow[None]:
        """Have a new credential made. What the lease knows nothing of changes nothing.

        The call is always waited for: it would land later, and set a password after the ending
        has set its own.
        """
        said, self.renewal = self.renewal.get_result(), self._listen(self._ctx, RENEW_EVENT)
        try:
            renewing = Renewing(plan=self._plan, renewal=RenewOrder.read(said).id)
        except ValueError:
            return
        trying = Trying(self._order, until=self.expires_at)
        yield from persist(self._ctx, {REPLACE: renewing}, trying, patience=BRIEF_PATIENCE)

    def hear(self, word: DecisionOrder) -> Workflow[None]:
        """Record an approver's word on the open question; one on another decides nothing."""
        question = self._question
        if question is None or word.about != question.approval.id or self.lapsed():
            return
        recording = Recording(plan=self._plan, order=word)
        outcome = yield from self._ask_ledger(RECORD, recording)
        tally = Tally.read(outcome.value).approval if outcome and outcome.value else None
        if tally is None or not (tally.denied or tally.given):
            return
        self._close_question()
        if tally.given:
            settling = Settling(
                plan=self._plan, extension=question.extension.id, expires_at=self.expires_at
            )
            outcome = yield from self._ask_ledger(SETTLE, settling)
            yield from self._prolonged(outcome)

    def lapse(self) -> Workflow[None]:
        """Close the open question without an answer."""
        question = self._question
        if question is not None:
            self._question = None
            yield from self._ask_ledger(
                LAPSE, Lapse(plan=self._plan, extension=question.extension.id)
            )

    def _prolonged(self, outcome: Outcome | None) -> Workflow[None]:
        if outcome is None or outcome.value is None or self.is_over:
            # What comes with the expiry comes too late, also when the ledger was in time.
            return
        result = Prolonged.read(outcome.value)
        approval = result.extension.approval
        if result.extension.state is ExtensionState.AWAITING_APPROVAL and approval is not None:
            self._close_question()
            deadline = self._ctx.create_timer(max(approval.deadline - now(self._ctx), timedelta(0)))
            self._question = _Question(result.extension, approval, deadline)
        elif result.expires_at > self.expires_at:
            self.expires_at = result.expires_at
            self.expiry.cancel()
            remaining = max(self.expires_at - now(self._ctx), timedelta(0))
            self.expiry = self._ctx.create_timer(remaining)
            # What Microsoft keeps of the expiry must not be earlier; it is no part of the promise.
            yield from self._prolong()

    def _close_question(self) -> None:
        if self._question is not None:
            self._question.deadline.cancel()
            self._question = None

    def _ask_ledger(self, name: str, message: Model) -> Workflow[Outcome | None]:
        """Run a step that touches the ledger only, again for a while.

        The expiry and an end do not wait for it: a step that lands later finds the grant ending
        and changes nothing.
        """
        outcome: Outcome | None = None
        for pause in (*LEDGERS_PATIENCE, None):
            run = self._ctx.call_activity(name, input=message.to_json(), return_type=dict)
            yield task.when_any([self._order, self.expiry, run])
            if not run.is_complete:
                return None
            outcome = outcome_of(name, run)
            if outcome.failure is None or not outcome.failure.retryable or pause is None:
                break
            timer = self._ctx.create_timer(pause)
            yield task.when_any([self._order, self.expiry, timer])
            if not timer.is_complete:
                timer.cancel()
                return None
        return outcome

    def _prolong(self) -> Workflow[None]:
        """Move what Microsoft keeps of the expiry. A call in flight is always waited for."""
        activation = Activation(plan=self._plan, handover=Handover(), expires_at=self.expires_at)
        trying = Trying(self._order, until=self.expires_at)
        yield from persist(self._ctx, {PROLONG: activation}, trying, patience=BRIEF_PATIENCE)

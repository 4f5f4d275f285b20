"""What approvers say, heard one word at a time."""

from datetime import timedelta
from typing import Any

from curfew.model.approvals import DecisionOrder
from curfew.model.messages import APPROVE_EVENT, DENY_EVENT
from durabletask import task

from orchestrators.steps import Workflow


def same_instant(ctx: task.OrchestrationContext) -> Workflow[None]:
    """Let everything arrive that the engine delivers together with what has just arrived.

    It wakes the workflow with the first of several events, and the first is not the safest.
    """
    yield ctx.create_timer(timedelta(0))


class Words:
    """The events `deny` and `approve`; each word names the question that it answers.

    There is one for a whole workflow: whoever began to listen first hears an event, even when
    nobody waits for him any more.
    """

    def __init__(self, ctx: task.OrchestrationContext) -> None:
        self._ctx = ctx
        self._deny = self._listen(DENY_EVENT)
        self._approve = self._listen(APPROVE_EVENT)

    def _listen(self, event: str) -> task.CancellableTask[Any]:
        return self._ctx.wait_for_external_event(event, data_type=dict)

    @property
    def said(self) -> bool:
        """Whether a word has arrived."""
        return self._deny.is_complete or self._approve.is_complete

    @property
    def tasks(self) -> list[task.Task[Any]]:
        """What to wait for."""
        return [self._deny, self._approve]

    def next(self) -> DecisionOrder | None:
        """The next word that has arrived, denials first; None when nobody has spoken."""
        if self._deny.is_complete:
            said, self._deny = self._deny.get_result(), self._listen(DENY_EVENT)
            return DecisionOrder.read(said)
        if self._approve.is_complete:
            said, self._approve = self._approve.get_result(), self._listen(APPROVE_EVENT)
            return DecisionOrder.read(said)
        return None

"""One grant, from its lease to its verified end.

    admit ──▶ give ──▶ wait ──▶ take back ──▶ (again, for ever, until verified) ──▶ report
      │        └── anything goes wrong ──▶ take back
      └── not consented to, not allowed any more, or ended ──▶ close: nothing was ever given

The lease was written before this workflow started. Whatever happens in `give` and `wait`, the
next line is `take_back`: nothing that can fail stands between the two.
"""

from typing import Any

from curfew.model.grants import EndReason
from curfew.model.messages import END_EVENT, Ending, GrantInput, TakingBack
from durabletask import task

from orchestrators.admitting import (
    NotAdmitted,
    admit,
    as_withdrawal,
    close_unopened,
    waits_to_be_admitted,
)
from orchestrators.giving import Giving, Stopped, give
from orchestrators.reporting import report
from orchestrators.steps import Trying, Workflow
from orchestrators.taking_back import take_back
from orchestrators.waiting import wait
from orchestrators.words import Words

NAME = "grant"


def grant(ctx: task.OrchestrationContext, stored: dict[str, Any]) -> Workflow[None]:
    """Ask for consent, give the access, wait for its time to be up, take it back, report."""
    work = GrantInput.read(stored)
    plan, taking_back = work.plan, work.taking_back
    if taking_back is None:
        order = ctx.wait_for_external_event(END_EVENT, data_type=dict)
        words = Words(ctx)
        giving = Giving(plan, Trying(order, until=plan.provision_by))
        try:
            yield from admit(ctx, giving, words)
            active = yield from give(ctx, giving)
            ending = yield from wait(ctx, active, order, words)
        except NotAdmitted as refused:
            closed = yield from close_unopened(ctx, giving.plan, refused.ending)
            if closed:
                return
            ending = refused.ending
        except Stopped as stopped:
            if stopped.without_lease and giving.untouched:
                return
            ending = stopped.ending
        except Exception as failure:
            ending = Ending(reason=EndReason.FAILED, failure=type(failure).__name__)
        plan = giving.plan
        taking_back = TakingBack.begin(plan, ending, unsure_since=giving.trying.unsure_since)
    elif waits_to_be_admitted(plan) and taking_back.round == 1:
        # Its workflow was lost, and perhaps before anything was given.
        closed = yield from close_unopened(ctx, plan, as_withdrawal(taking_back.ending))
        if closed:
            return
    taken = yield from take_back(ctx, plan, taking_back)
    if taken is not None:
        yield from report(ctx, taken)

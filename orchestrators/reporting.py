"""After a verified end: what was done with the access, as the directory's own logs tell it."""

from curfew.model.grants import Plan
from durabletask import task

from orchestrators.steps import Workflow, attempt, seconds

REPORT = "report_activity"

# The directory's logs arrive minutes, sometimes hours, after what they tell; and a token that was
# issued before the end may be used for a while after it.
PAUSES = seconds(95 * 60, 120 * 60, 115 * 60)


def report(ctx: task.OrchestrationContext, plan: Plan) -> Workflow[None]:
    """Attach the report to the grant's history; of a grant that never opened there is none."""
    if not plan.opened:
        return
    for pause in PAUSES:
        yield ctx.create_timer(pause)
        outcomes = yield from attempt(ctx, {REPORT: plan})
        if outcomes[REPORT].failure is None:
            return

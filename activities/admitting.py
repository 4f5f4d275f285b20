"""The steps before anything is given. See `curfew.giving.admitting`.

The library is imported inside each step, as in `activities.giving`.
"""

import azure.durable_functions as df

from activities.perform import Message, perform
from curfew.model.grants import Plan
from curfew.model.messages import EndingNotice, Recording

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="message")
async def record_decision(message: Message) -> Message:
    """Write an approver's word on the request into the lease."""
    from curfew.giving import admitting

    return await perform(admitting.record_decision, Recording, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def admit_grant(message: Message) -> Message:
    """Look at the settings again and open the lease for giving."""
    from curfew.giving import admitting

    return await perform(admitting.admit_grant, Plan, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def close_unopened(message: Message) -> Message:
    """Move a lease under which nothing was given to the history."""
    from curfew.giving import admitting

    return await perform(admitting.close_unopened, EndingNotice, message, purpose=None)

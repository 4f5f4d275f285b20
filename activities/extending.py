"""The steps of an active grant, and the report after its end. See `curfew.giving.extending`.

The library is imported inside each step, as in `activities.giving`.
"""

import azure.durable_functions as df

from activities.perform import Message, perform
from curfew.model.grants import Plan
from curfew.model.messages import Activation, Lapse, Prolonging, Recording, Renewing, Settling

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="message")
async def extend_expiry(message: Message) -> Message:
    """Extend, ask the approvers first, or refuse."""
    from curfew.giving import extending

    return await perform(extending.extend_expiry, Prolonging, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def record_extension_decision(message: Message) -> Message:
    """Write an approver's word on an extension into the lease."""
    from curfew.giving import extending

    return await perform(extending.record_extension_decision, Recording, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def settle_extension(message: Message) -> Message:
    """Extend what has been consented to."""
    from curfew.giving import extending

    return await perform(extending.settle_extension, Settling, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def lapse_extension(message: Message) -> Message:
    """Close an extension that nobody answered in time."""
    from curfew.giving import extending

    return await perform(extending.lapse_extension, Lapse, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def prolong_access(message: Message) -> Message:
    """Move what Microsoft keeps of the expiry."""
    from curfew.giving import prolonging

    return await perform(prolonging.prolong_access, Activation, message)


@blueprint.activity_trigger(input_name="message")
async def replace_credential(message: Message) -> Message:
    """Make a new credential in the place of the one that was given."""
    from curfew.giving import renewing

    return await perform(renewing.replace_credential, Renewing, message)


@blueprint.activity_trigger(input_name="message")
async def report_activity(message: Message) -> Message:
    """Attach to the history what was done with the access."""
    from curfew import reporting

    return await perform(reporting.report_activity, Plan, message, purpose=None)

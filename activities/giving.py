"""The steps that give access. See `curfew.opening` and `curfew.giving`.

The library is imported inside each step: it brings Microsoft's clients with it, and a cold start
does not pay for them.
"""

import azure.durable_functions as df

from activities.perform import Message, perform
from curfew.model.grants import Plan
from curfew.model.messages import Activation, PassOrder

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="message")
async def open_account(message: Message) -> Message:
    """Have the technician's account ready and disabled."""
    from curfew import opening

    return await perform(opening.open_account, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def set_password(message: Message) -> Message:
    """Give the account a new password, in the vault and in Entra."""
    from curfew import giving

    return await perform(giving.set_password, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def assign_access(message: Message) -> Message:
    """Give the account the roles of the profile."""
    from curfew import giving

    return await perform(giving.assign_access, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def issue_pass(message: Message) -> Message:
    """Create a Temporary Access Pass and keep it in the vault."""
    from curfew import giving

    return await perform(giving.issue_pass, PassOrder, message)


@blueprint.activity_trigger(input_name="message")
async def enable_account(message: Message) -> Message:
    """Arm the expiry, enable the account, read it back."""
    from curfew import giving

    return await perform(giving.enable_account, Activation, message)

"""The steps that give access: see `curfew.giving`.

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
    from curfew.giving import opening

    return await perform(opening.open_account, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def set_password(message: Message) -> Message:
    """Give the account a new password, in the vault and in Entra."""
    from curfew.giving import equipping as giving

    return await perform(giving.set_password, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def assign_access(message: Message) -> Message:
    """Give the roles and groups of the profile."""
    from curfew.giving import equipping as giving

    return await perform(giving.assign_access, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def issue_pass(message: Message) -> Message:
    """Create a Temporary Access Pass and keep it in the vault."""
    from curfew.giving import equipping as giving

    return await perform(giving.issue_pass, PassOrder, message)


@blueprint.activity_trigger(input_name="message")
async def enable_account(message: Message) -> Message:
    """Arm the expiry, enable the account, read it back."""
    from curfew.giving import equipping as giving

    return await perform(giving.enable_account, Activation, message)


@blueprint.activity_trigger(input_name="message")
async def open_subject(message: Message) -> Message:
    """Look at the user whom a role grant is for."""
    from curfew.giving import subjects

    return await perform(subjects.open_subject, Plan, message)


@blueprint.activity_trigger(input_name="message")
async def arm_expiry(message: Message) -> Message:
    """Arm the expiry of a role grant, before anything is given."""
    from curfew.giving import lending

    return await perform(lending.arm_expiry, Activation, message, purpose=None)


@blueprint.activity_trigger(input_name="message")
async def confirm_access(message: Message) -> Message:
    """Read back what a role grant has given."""
    from curfew.giving import lending

    return await perform(lending.confirm_access, Activation, message)

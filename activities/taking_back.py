"""The steps that take access back: see `curfew.ending`.

The library is imported inside each step, as in `activities.giving`.
"""

import azure.durable_functions as df

from activities.perform import Message, perform
from curfew.entra.pace import Purpose
from curfew.model.grants import Plan
from curfew.model.messages import Closing, EndingNotice, Search, StuckNotice, Verification

blueprint = df.Blueprint()


@blueprint.activity_trigger(input_name="message")
async def announce_ending(message: Message) -> Message:
    """Write down that the grant is ending, and why."""
    from curfew.ending import steps as ending

    return await perform(ending.announce_ending, EndingNotice, message, None)


@blueprint.activity_trigger(input_name="message")
async def locate_account(message: Message) -> Message:
    """Find the account of a grant that failed before it knew one."""
    from curfew.ending import steps as ending

    return await perform(ending.locate_account, Search, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def disable_account(message: Message) -> Message:
    """Disable the account."""
    from curfew.ending import steps as ending

    return await perform(ending.disable_account, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def revoke_sessions(message: Message) -> Message:
    """Refuse every refresh token of the account."""
    from curfew.ending import steps as ending

    return await perform(ending.revoke_sessions, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def remove_access(message: Message) -> Message:
    """Remove the roles and groups."""
    from curfew.ending import removing

    return await perform(removing.remove_access, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def remove_methods(message: Message) -> Message:
    """Remove the sign-in methods that were not there before."""
    from curfew.ending import steps as ending

    return await perform(ending.remove_methods, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def rotate_password(message: Message) -> Message:
    """Set a password that nobody keeps."""
    from curfew.ending import steps as ending

    return await perform(ending.rotate_password, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def retire_credential(message: Message) -> Message:
    """Disable the grant's secrets in the vault."""
    from curfew.ending import steps as ending

    return await perform(ending.retire_credential, Plan, message, None)


@blueprint.activity_trigger(input_name="message")
async def verify_ended(message: Message) -> Message:
    """Read everything back."""
    from curfew.ending import verifying

    return await perform(verifying.verify_ended, Verification, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def delete_account(message: Message) -> Message:
    """Put the account into the bin, where the profile says so."""
    from curfew.ending import steps as ending

    return await perform(ending.delete_account, Plan, message, Purpose.ENDING)


@blueprint.activity_trigger(input_name="message")
async def close_grant(message: Message) -> Message:
    """Move the lease to the history."""
    from curfew.ending import steps as ending

    return await perform(ending.close_grant, Closing, message, None)


@blueprint.activity_trigger(input_name="message")
async def flag_stuck(message: Message) -> Message:
    """Raise the alert and mark the lease."""
    from curfew.ending import steps as ending

    return await perform(ending.flag_stuck, StuckNotice, message, None)

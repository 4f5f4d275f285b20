"""Opening: the technician's account is there, asleep, ours, and on record.

Found by its recorded object id, or created; an account of the name that is neither is refused.
"""

from contextlib import suppress
from datetime import timedelta

from pydantic import SecretStr

from curfew.concurrency import settled, together
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import PASS, Method
from curfew.errors import (
    AlreadyExists,
    ForeignAccount,
    NameTaken,
    NoOpenLease,
    NotYet,
    Unusable,
    Withdrawn,
)
from curfew.giving.keeping import with_new_password
from curfew.giving.protected import require_unprotected
from curfew.guards import leased, open_lease, replicating, require_open
from curfew.ledger import AccountRecord
from curfew.model.grants import Lease, Plan
from curfew.model.handovers import SecretVersion
from curfew.model.messages import Opened
from curfew.rights import pim_roles, take_every_role
from curfew.services import Services


async def open_account(services: Services, plan: Plan) -> Opened:
    """Have the technician's account ready and disabled: found by its object id, or created.

    Order: the lease is read (without an open one nothing is given); then a recorded account is
    looked at, or a new one created with a password that lies in the vault first. An account of
    this name that Curfew did not create is refused and never adopted.

    Raises:
        NoOpenLease: there is no lease that is open for giving.
        ForeignAccount: the name belongs to somebody else, the account is not ours any more, or
            it is one that no grant may touch.
        NotYet: the directory knows the name and shows no account yet.
        Unusable: the profile asks for a pass, and the tenant has switched them off.
    """
    directory = services.directory_of(plan)
    lease = await open_lease(services, plan)
    opened: Opened
    opened, minutes = await together(
        _wake_or_create(services, directory, lease), _pass_minutes(directory, plan)
    )
    return opened.model_copy(update={"pass_minutes": minutes})


async def _wake_or_create(services: Services, directory: Directory, lease: Lease) -> Opened:
    if lease.plan.opened:
        # An earlier run has it ready; what it found there before is noted, and not noted anew.
        return Opened(plan=lease.plan)
    recorded = await _recorded(services, lease.plan)
    known = lease.plan.account_id or recorded
    opened = await _wake(services, directory, lease, known) if known else None
    return opened or await _create(services, directory, lease)


async def _pass_minutes(directory: Directory, plan: Plan) -> int | None:
    """How long a pass may live: no longer than the grant, as far as the tenant's policy allows."""
    return await pass_minutes(directory, plan.duration) if plan.credential.has_pass else None


async def pass_minutes(directory: Directory, duration: timedelta) -> int:
    """The whole minutes of a pass for so long, in the range that the tenant allows.

    Raises:
        Unusable: the tenant has switched passes off.
    """
    policy = await directory.methods.pass_policy()
    if not policy.enabled:
        message = "Temporary Access Passes are switched off in this tenant."
        raise Unusable(message)
    wanted = -(-duration // timedelta(minutes=1))
    return min(max(wanted, policy.shortest), policy.longest)


async def _wake(
    services: Services, directory: Directory, lease: Lease, account_id: str
) -> Opened | None:
    """The account by its recorded object id; None when the directory does not know it.

    The sign-in methods it had before are noted in the lease, so that the ending can tell what
    came later. Roles and passes that it has while asleep are of no grant, and are removed.
    """
    account, methods, groups, assigned, unprotected = await settled(
        directory.accounts.look(account_id),
        directory.methods.registered(account_id),
        directory.access.memberships(account_id),
        _roles_asleep(directory, account_id),
        require_unprotected(services, directory, lease.plan, account_id),
    )
    if isinstance(account, BaseException):
        raise account
    if account is None:
        return None
    _require_ours(account, lease.plan)
    with replicating():
        for reading in (unprotected, methods, groups, assigned):
            if isinstance(reading, BaseException):
                raise reading
    passes = [method for method in methods if method.kind == PASS]
    if account.enabled or assigned or passes:
        # A look more, for what is taken here would otherwise be missed by a grant that has begun.
        await open_lease(services, lease.plan)
        await _put_to_sleep(directory, account, passes)
    found = {
        "account_id": account.id,
        "opened": True,
        "methods_before": tuple(method.id for method in methods if method.has_own_id),
        "role_groups_before": tuple(group for group, privileged in groups.items() if privileged),
        "groups_before": tuple(groups),
    }
    plan = lease.plan.model_copy(update=found)
    await _note(services, lease, plan)
    return Opened(plan=plan)


async def _roles_asleep(directory: Directory, account_id: str) -> bool:
    """Whether a sleeping account has roles, or may activate any."""
    assigned, kept = await together(
        directory.access.assigned_roles(account_id), pim_roles(directory, account_id)
    )
    return bool(assigned or kept.planned or kept.eligible)


async def _put_to_sleep(directory: Directory, account: Account, passes: list[Method]) -> None:
    """Take what an account was given outside of any grant: it gets its new password asleep."""
    if account.enabled:
        await directory.accounts.set_enabled(account.id, enabled=False)
    await together(
        take_every_role(directory, account.id, ()),
        *(directory.methods.remove(account.id, each) for each in passes),
    )


async def _create(services: Services, directory: Directory, lease: Lease) -> Opened:
    plan = lease.plan

    async def create(password: SecretStr) -> str:
        return await directory.accounts.create_disabled(
            plan.user_principal_name, plan.display_name, plan.mark, password
        )

    # The mark is on record before the account can exist: should every answer be lost, a later
    # grant of this technician knows the account by it.
    await record_account(services, plan)
    try:
        account_id, kept = await with_new_password(services, plan, create)
    except AlreadyExists:
        return await _existing(services, directory, lease)
    return await _opened(services, lease, account_id, kept)


async def _opened(
    services: Services, lease: Lease, account_id: str, kept: SecretVersion | None
) -> Opened:
    known = {"account_id": account_id, "opened": True, "groups_before": ()}
    plan = lease.plan.model_copy(update=known)
    # First the record: should the lease be gone by now, the account is ours all the same.
    await record_account(services, plan)
    try:
        await _note(services, lease, plan)
    except NoOpenLease as error:
        raise _withdrawn() from error
    return Opened(plan=plan, password=kept)


async def _existing(services: Services, directory: Directory, lease: Lease) -> Opened:
    """The account that has taken the name, if it is ours: recorded, or of an earlier run."""
    plan = lease.plan
    account = await directory.accounts.look(plan.user_principal_name)
    if account is None:
        message = "The account's name is taken, and the directory does not show by whom."
        raise NameTaken(message)
    if account.id == await _recorded(services, plan):
        return await _wake_shown(services, directory, lease, account)
    if account.mark != plan.mark:
        message = "An account of this name exists, and Curfew did not create it."
        raise ForeignAccount(message)
    try:
        _require_ours(account, plan)
        # Ours by its mark: of a run that nobody saw succeed, or back from the bin.
        known = {"account_id": account.id, "opened": True}
        await record_account(services, plan.model_copy(update=known))
        return await _wake_shown(services, directory, lease, account)
    except NoOpenLease as error:
        raise _withdrawn() from error
    except ForeignAccount:
        # It bears our mark, and is not to be touched: neither by this grant's ending.
        with suppress(NoOpenLease):
            refused = plan.model_copy(update={"account_id": account.id})
            await _note(services, lease, refused)
        raise


async def _wake_shown(
    services: Services, directory: Directory, lease: Lease, account: Account
) -> Opened:
    opened = await _wake(services, directory, lease, account.id)
    if opened is None:
        message = "The directory shows the account by its name and not by its object id."
        raise NotYet(message)
    return opened


def _withdrawn() -> Withdrawn:
    message = "The lease was withdrawn while the account was being created."
    return Withdrawn(message)


async def record_account(services: Services, plan: Plan) -> None:
    """Record a plan's account as ours, for this technician's next grant to find."""
    record = AccountRecord(
        user_principal_name=plan.user_principal_name,
        technician_id=plan.technician_id,
        account_id=plan.account_id if plan.opened else None,
        mark=plan.mark,
    )
    await services.accounts.record(plan.tenant_id, record)


def _require_ours(account: Account, plan: Plan) -> None:
    same_name = account.user_principal_name.lower() == plan.user_principal_name.lower()
    if account.synced or account.guest or not same_name:
        message = "The account has been renamed, synchronised or turned into a guest."
        raise ForeignAccount(message)


async def _recorded(services: Services, plan: Plan) -> str | None:
    """The technician's account as recorded.

    Raises:
        ForeignAccount: an administrator has taken it out of Curfew's hands.
    """
    record = await services.accounts.find(plan.tenant_id, plan.user_principal_name)
    if record is None or record.technician_id != plan.technician_id:
        return None
    if record.adopted_by is not None:
        message = "An administrator has adopted this account; Curfew leaves it alone."
        raise ForeignAccount(message)
    return record.account_id


async def _note(services: Services, lease: Lease, plan: Plan) -> None:
    """Write what was learnt of the account into the lease, where an ending finds it."""

    def note(now: Lease) -> Lease:
        require_open(now)
        return now.model_copy(update={"plan": plan})

    with leased():
        await services.leases.change(plan.grant_id, note, known=lease)

"""Opening: the technician's account is there, asleep, ours, and on record.

Found by its recorded object id, or created; an account of the name that is neither is refused.
"""

from datetime import timedelta

from pydantic import SecretStr

from curfew.concurrency import settled, together
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import PASS
from curfew.errors import (
    AlreadyExists,
    ForeignAccount,
    NameTaken,
    NoOpenLease,
    NotYet,
    Unusable,
    Withdrawn,
)
from curfew.guards import leased, open_lease, replicating, require_open
from curfew.keeping import with_new_password
from curfew.ledger import AccountRecord
from curfew.model.grants import Lease, Plan, SecretVersion
from curfew.model.messages import Opened
from curfew.services import Services


async def open_account(services: Services, plan: Plan) -> Opened:
    """Have the technician's account ready and disabled: found by its object id, or created.

    Order: the lease is read (without an open one nothing is given); then a recorded account is
    looked at, or a new one created with a password that lies in the vault first. An account of
    this name that Curfew did not create is refused and never adopted.

    Raises:
        NoOpenLease: there is no lease that is open for giving.
        ForeignAccount: the name belongs to somebody else, or the account is not ours any more.
        NotYet: the directory knows the name and shows no account yet.
        Unusable: the profile asks for a pass, and the tenant has switched them off.
    """
    directory = services.directory(plan.tenant_id, plan.connection)
    lease = await open_lease(services, plan)
    opened: Opened
    opened, minutes = await together(
        _wake_or_create(services, directory, lease), _pass_minutes(directory, plan)
    )
    return opened.model_copy(update={"pass_minutes": minutes})


async def _wake_or_create(services: Services, directory: Directory, lease: Lease) -> Opened:
    known = lease.plan.account_id or await _recorded(services, lease.plan)
    opened = await _wake(services, directory, lease, known) if known else None
    return opened or await _create(services, directory, lease)


async def _pass_minutes(directory: Directory, plan: Plan) -> int | None:
    """How long a pass may live: no longer than the grant, as far as the tenant's policy allows."""
    if not plan.credential.has_pass:
        return None
    policy = await directory.methods.pass_policy()
    if not policy.enabled:
        message = "Temporary Access Passes are switched off in this tenant."
        raise Unusable(message)
    wanted = -(-plan.duration // timedelta(minutes=1))
    return min(max(wanted, policy.shortest), policy.longest)


async def _wake(
    services: Services, directory: Directory, lease: Lease, account_id: str
) -> Opened | None:
    """The account by its recorded object id; None when the directory does not know it.

    The sign-in methods it had before are noted in the lease, so that the ending can tell what
    came later. Roles and passes that it has while asleep are of no grant, and are removed.
    """
    account, methods, groups, assigned = await settled(
        directory.accounts.look(account_id),
        directory.methods.registered(account_id),
        directory.access.role_groups(account_id),
        directory.access.assigned_roles(account_id),
    )
    if isinstance(account, BaseException):
        raise account
    if account is None:
        return None
    _require_ours(account, lease.plan)
    with replicating():
        for reading in (methods, groups, assigned):
            if isinstance(reading, BaseException):
                raise reading
    if account.enabled:
        # Somebody enabled it outside of any grant; it gets its new password and roles asleep.
        await directory.accounts.set_enabled(account.id, enabled=False)
    await together(
        *(directory.access.remove_assignment(assignment) for assignment in assigned),
        *(directory.methods.remove(account.id, m) for m in methods if m.kind == PASS),
    )
    found = {
        "account_id": account.id,
        "opened": True,
        "methods_before": tuple(method.id for method in methods if method.has_own_id),
        "role_groups_before": tuple(groups),
    }
    plan = lease.plan.model_copy(update=found)
    await _note(services, lease, plan)
    return Opened(plan=plan)


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
    known = {"account_id": account_id, "opened": True}
    plan = lease.plan.model_copy(update=known)
    # First the record: should the lease be gone by now, the account is ours all the same.
    await record_account(services, plan)
    try:
        await _note(services, lease, plan)
    except NoOpenLease as error:
        message = "The lease was withdrawn while the account was being created."
        raise Withdrawn(message) from error
    return Opened(plan=plan, password=kept)


async def _existing(services: Services, directory: Directory, lease: Lease) -> Opened:
    """The account that has taken the name, if it is ours: recorded, or of an earlier run."""
    plan = lease.plan
    account = await directory.accounts.look(plan.user_principal_name)
    if account is None:
        message = "The account's name is taken, and the directory does not show by whom."
        raise NameTaken(message)
    if account.id == await _recorded(services, plan):
        if (opened := await _wake(services, directory, lease, account.id)) is None:
            message = "The directory shows the account by its name and not by its object id."
            raise NotYet(message)
        return opened
    if account.mark != plan.mark:
        message = "An account of this name exists, and Curfew did not create it."
        raise ForeignAccount(message)
    _require_ours(account, plan)
    return await _opened(services, lease, account.id, None)


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
    record = await services.accounts.find(plan.tenant_id, plan.user_principal_name)
    return record.account_id if record and record.technician_id == plan.technician_id else None


async def _note(services: Services, lease: Lease, plan: Plan) -> None:
    """Write what was learnt of the account into the lease, where an ending finds it."""

    def note(now: Lease) -> Lease:
        require_open(now)
        return now.model_copy(update={"plan": plan})

    with leased():
        await services.leases.change(plan.grant_id, note, known=lease)

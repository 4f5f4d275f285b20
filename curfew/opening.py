"""Giving: each function one side effect on the way to an enabled account, each repeatable.

The order of a grant is the workflow's; the order inside a step is here. Every step begins where
a lost earlier run of it may have stopped.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from pydantic import SecretStr

from curfew import passwords
from curfew.concurrency import settled, together
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.methods import PASS
from curfew.errors import (
    AlreadyExists,
    CurfewError,
    ForeignAccount,
    Missing,
    NameTaken,
    NoOpenLease,
    NotYet,
    Rejected,
    Unusable,
    Withdrawn,
)
from curfew.events import Event, emit
from curfew.ledger import AccountRecord
from curfew.model.grants import GrantState, Lease, Plan, SecretVersion
from curfew.model.messages import Activation, Assigned, Opened, PassOrder
from curfew.services import Services

_PASSWORD_TRIES = 3
_KEPT_LONGER = timedelta(hours=1)
_PASS_STARTS_LATER = "NotYetValid"  # noqa: S105 - Microsoft's word for a usability


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
    lease = await _open_lease(services, plan)
    opened: Opened
    opened, minutes = await together(
        _wake_or_create(services, directory, lease), _pass_minutes(directory, plan)
    )
    return opened.model_copy(update={"pass_minutes": minutes})


async def set_password(services: Services, plan: Plan) -> SecretVersion | None:
    """Give the account a new password: into the vault first, then into Entra.

    A crash in between leaves a version in the vault that opens nothing, never a lost password;
    the next run makes another.
    """
    await _open_lease(services, plan)
    accounts = services.directory(plan.tenant_id, plan.connection).accounts
    with _replicating():
        _, kept = await _with_new_password(
            services, plan, lambda password: accounts.set_password(account_of(plan), password)
        )
    return kept


async def assign_access(services: Services, plan: Plan) -> Assigned:
    """Give the account the roles of the profile.

    Raises:
        NoOpenLease: the grant is not being given any more; a late repetition gives nothing.
        NotYet: the account has not replicated to where roles are kept.
    """
    await _open_lease(services, plan)
    access = services.directory(plan.tenant_id, plan.connection).access
    with _replicating():
        made = await together(
            *(access.assign_role(account_of(plan), role.id) for role in plan.roles)
        )
    return Assigned(assignments=tuple(assignment for assignment in made if assignment))


async def issue_pass(services: Services, order: PassOrder) -> SecretVersion:
    """Create a Temporary Access Pass for the account.

    Microsoft tells its value once, in the answer; it goes from there into the vault. A second
    run makes another pass, which replaces the first.

    Raises:
        Unusable: the tenant's policy does not let this account sign in with a pass.
        NotYet: the account has not replicated to where sign-in methods are kept.
    """
    plan = order.plan
    await _open_lease(services, plan)
    methods = services.directory(plan.tenant_id, plan.connection).methods
    with _replicating():
        issued = await methods.create_pass(account_of(plan), order.minutes)
    if not issued.usable and issued.usability != _PASS_STARTS_LATER:
        message = "The tenant's policy does not let this account use a Temporary Access Pass."
        raise Unusable(message)
    return await _keep(services, plan, plan.pass_secret, issued.value)


async def enable_account(services: Services, activation: Activation) -> None:
    """Arm the expiry in the ledger, then enable the account, then read everything back.

    The enabling is the last write to the directory (rule 2). The grant is active only once the
    account was seen enabled, with every role of the profile.

    Raises:
        NoOpenLease: the lease is gone or ending; nothing is enabled.
        NotYet: the directory does not show it all yet.
    """
    plan = activation.plan
    directory = services.directory(plan.tenant_id, plan.connection)

    def is_repeated(lease: Lease) -> bool:
        """Whether an earlier run of this very step came to its end."""
        return lease.state is GrantState.ACTIVE and lease.expires_at == activation.expires_at

    def arm(lease: Lease) -> Lease:
        if is_repeated(lease):
            return lease
        _require_open(lease)
        armed = {
            "plan": plan,
            "expires_at": activation.expires_at,
            "deadline": activation.expires_at,
            "handover": activation.handover,
        }
        return lease.model_copy(update=armed)

    def activate(lease: Lease) -> Lease:
        if is_repeated(lease):
            return lease
        _require_open(lease)
        active = {"state": GrantState.ACTIVE, "activated_at": services.clock()}
        return lease.model_copy(update=active)

    if services.clock() >= activation.expires_at:
        message = "The time was up before the access began."
        raise NoOpenLease(message)
    with _leased():
        lease = await services.leases.change(plan.grant_id, arm)
    try:
        with _replicating():
            await directory.accounts.set_enabled(account_of(plan), enabled=True)
            await _read_back(directory, plan)
        with _leased():
            # A repeated run writes nothing here, so it must look at the lease anew.
            known = None if is_repeated(lease) else lease
            await services.leases.change(plan.grant_id, activate, known=known)
    except CurfewError:
        await _disable_if_over(services, directory, plan)
        raise
    expires = activation.expires_at.isoformat()
    emit(Event.GRANT_ACTIVE, grant=plan.grant_id, tenant=plan.tenant_id, expires=expires)


def account_of(plan: Plan) -> str:
    """The account of a plan that has one; a workflow that forgot it is a defect."""
    if plan.account_id is None:
        message = "The plan has no account yet."
        raise AssertionError(message)
    return plan.account_id


async def _disable_if_over(services: Services, directory: Directory, plan: Plan) -> None:
    """Undo an enabling that came too late: its grant ended between the look and the write.

    Where another grant has the account by now, that one's own ending disables it.
    """
    with suppress(Missing):
        lease = await services.leases.get(plan.grant_id)
        expired = lease.expires_at is not None and services.clock() >= lease.expires_at
        if lease.state is not GrantState.ENDING and not expired:
            return
    holder = await services.leases.holder(plan.tenant_id, plan.user_principal_name)
    if holder in {None, plan.grant_id}:
        await directory.accounts.set_enabled(account_of(plan), enabled=False)


async def _read_back(directory: Directory, plan: Plan) -> None:
    account, assigned = await together(
        directory.accounts.get(account_of(plan)),
        directory.access.assigned_roles(account_of(plan)),
    )
    if not account.enabled or {role.id for role in plan.roles} != set(assigned.values()):
        message = "The directory does not show the account enabled, with its roles and no others."
        raise NotYet(message)


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
    with _replicating():
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
        account_id, kept = await _with_new_password(services, plan, create)
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


async def _open_lease(services: Services, plan: Plan) -> Lease:
    with _leased():
        lease = await services.leases.get(plan.grant_id)
    _require_open(lease)
    return lease


def _require_open(lease: Lease) -> None:
    if lease.state is not GrantState.PROVISIONING:
        message = "The grant is not being given any more."
        raise NoOpenLease(message)


async def _note(services: Services, lease: Lease, plan: Plan) -> None:
    """Write what was learnt of the account into the lease, where an ending finds it."""

    def note(now: Lease) -> Lease:
        _require_open(now)
        return now.model_copy(update={"plan": plan})

    with _leased():
        await services.leases.change(plan.grant_id, note, known=lease)


async def _with_new_password[T](
    services: Services, plan: Plan, use: Callable[[SecretStr], Awaitable[T]]
) -> tuple[T, SecretVersion | None]:
    """Use a new password, kept in the vault first where the technician is to have it.

    A tenant's banned-password list can refuse a random password, though hardly twice: it is
    made anew, three times at the most.
    """
    for remaining in reversed(range(_PASSWORD_TRIES)):
        password = passwords.generate()
        kept = None
        if plan.credential.has_password:
            kept = await _keep(services, plan, plan.password_secret, password)
        try:
            return await use(password), kept
        except Rejected:
            if not remaining:
                raise
    raise AssertionError


async def _keep(services: Services, plan: Plan, name: str, value: SecretStr) -> SecretVersion:
    lapses = plan.provision_by + plan.duration + _KEPT_LONGER
    return await services.vault.keep(name, value, lapses)


@contextmanager
def _replicating() -> Iterator[None]:
    try:
        yield
    except Missing as error:
        message = "The account has not replicated everywhere yet."
        raise NotYet(message) from error


@contextmanager
def _leased() -> Iterator[None]:
    try:
        yield
    except Missing as error:
        message = "There is no lease for this grant."
        raise NoOpenLease(message) from error

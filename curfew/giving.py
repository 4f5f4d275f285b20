"""Giving what the profile says to an account that is open and asleep, and waking it last.

Each function is one side effect and repeatable: it begins where a lost earlier run may have
stopped, and gives nothing under a lease that is not open for giving.
"""

from contextlib import suppress

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.errors import CurfewError, Missing, NoOpenLease, NotYet, Unusable
from curfew.events import Event, emit
from curfew.guards import account_of, leased, open_lease, replicating, require_open
from curfew.keeping import keep, with_new_password
from curfew.model.grants import GrantState, Lease, Plan, SecretVersion
from curfew.model.messages import Activation, Assigned, PassOrder
from curfew.services import Services

_PASS_STARTS_LATER = "NotYetValid"  # noqa: S105 - Microsoft's word for a usability


async def set_password(services: Services, plan: Plan) -> SecretVersion | None:
    """Give the account a new password: into the vault first, then into Entra.

    A crash in between leaves a version in the vault that opens nothing, never a lost password;
    the next run makes another.
    """
    await open_lease(services, plan)
    accounts = services.directory(plan.tenant_id, plan.connection).accounts
    with replicating():
        _, kept = await with_new_password(
            services, plan, lambda password: accounts.set_password(account_of(plan), password)
        )
    return kept


async def assign_access(services: Services, plan: Plan) -> Assigned:
    """Give the account the roles of the profile.

    Raises:
        NoOpenLease: the grant is not being given any more; a late repetition gives nothing.
        NotYet: the account has not replicated to where roles are kept.
    """
    await open_lease(services, plan)
    access = services.directory(plan.tenant_id, plan.connection).access
    with replicating():
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
    await open_lease(services, plan)
    methods = services.directory(plan.tenant_id, plan.connection).methods
    with replicating():
        issued = await methods.create_pass(account_of(plan), order.minutes)
    if not issued.usable and issued.usability != _PASS_STARTS_LATER:
        message = "The tenant's policy does not let this account use a Temporary Access Pass."
        raise Unusable(message)
    return await keep(services, plan, plan.pass_secret, issued.value)


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
        require_open(lease)
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
        require_open(lease)
        active = {"state": GrantState.ACTIVE, "activated_at": services.clock()}
        return lease.model_copy(update=active)

    if services.clock() >= activation.expires_at:
        message = "The time was up before the access began."
        raise NoOpenLease(message)
    with leased():
        lease = await services.leases.change(plan.grant_id, arm)
    try:
        with replicating():
            await directory.accounts.set_enabled(account_of(plan), enabled=True)
            await _read_back(directory, plan)
        with leased():
            # A repeated run writes nothing here, so it must look at the lease anew.
            known = None if is_repeated(lease) else lease
            await services.leases.change(plan.grant_id, activate, known=known)
    except CurfewError:
        await _disable_if_over(services, directory, plan)
        raise
    expires = activation.expires_at.isoformat()
    emit(Event.GRANT_ACTIVE, grant=plan.grant_id, tenant=plan.tenant_id, expires=expires)


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

"""Giving what the profile says to an account that is open and asleep, and waking it last.

Each function is one side effect and repeatable: it begins where a lost earlier run may have
stopped, gives nothing under a lease that is not open for giving, and undoes what it gave when the
grant has ended meanwhile.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.entra.methods import TemporaryAccessPass
from curfew.errors import CurfewError, Missing, NotYet, Unusable
from curfew.giving.activating import activate, arm
from curfew.giving.keeping import keep, with_new_password
from curfew.giving.lending import lend
from curfew.giving.undoing import require_still_given
from curfew.guards import account_of, is_passed_on, open_lease, replicating
from curfew.model.grants import GrantState, Plan
from curfew.model.handovers import SecretVersion
from curfew.model.messages import Activation, Assigned, PassOrder
from curfew.model.profiles import GrantKind
from curfew.rights import give_roles, join_groups
from curfew.services import Services

_PASS_STARTS_LATER = "NotYetValid"  # noqa: S105 - Microsoft's word for a usability


async def set_password(services: Services, plan: Plan) -> SecretVersion | None:
    """Give the account a new password: into the vault first, then into Entra.

    A crash in between leaves a version in the vault that opens nothing, never a lost password;
    the next run makes another.
    """
    await open_lease(services, plan)
    accounts = services.directory_of(plan).accounts
    with replicating():
        _, kept = await with_new_password(
            services, plan, lambda password: accounts.set_password(account_of(plan), password)
        )
    await require_still_given(services, plan, password=kept)
    return kept


async def assign_access(services: Services, plan: Plan) -> Assigned:
    """Give the roles of the profile and put the account into its groups.

    Where PIM keeps the roles it knows an expiry as well, and that is the grant's (`expires_at`).

    Raises:
        NoOpenLease: the grant is not being given any more; a late repetition gives nothing.
        NotYet: the account has not replicated to where roles are kept.
        NoLicence: the profile insists on PIM, and the tenant has no licence for it.
    """
    if plan.kind is GrantKind.ROLE:
        return await lend(services, plan)
    await open_lease(services, plan)
    directory = services.directory_of(plan)
    # PIM counts in whole seconds.
    until = services.clock().replace(microsecond=0) + plan.duration
    try:
        with replicating():
            given, _ = await together(
                give_roles(directory, plan, {role.id: until for role in plan.roles}),
                join_groups(directory, plan, [group.id for group in plan.groups]),
            )
    except CurfewError:
        # Of what was given at once one thing may have failed and another not.
        await require_still_given(services, plan)
        raise
    await require_still_given(services, plan)
    return Assigned(
        assignments=tuple(given.assignments.values()),
        expires_at=until if given.scheduled else None,
    )


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
    kept = await new_pass(services, plan, order.minutes)
    await require_still_given(services, plan, temporary_access_pass=kept)
    return kept


async def new_pass(services: Services, plan: Plan, minutes: int) -> SecretVersion:
    """A pass of so many minutes, in the vault; raises as `issue_pass` does."""
    methods = services.directory_of(plan).methods
    with replicating():
        issued = await methods.create_pass(account_of(plan), minutes)
    if not issued.usable and issued.usability != _PASS_STARTS_LATER:
        message = "The tenant's policy does not let this account use a Temporary Access Pass."
        raise Unusable(message)
    kept = await keep(services, plan, plan.pass_secret, issued.value)
    return kept.model_copy(update={"lapses_at": _lapses_at(services, issued)})


def _lapses_at(services: Services, issued: TemporaryAccessPass) -> datetime:
    created = issued.created_at or services.clock()
    return created + timedelta(minutes=issued.lifetime)


async def enable_account(services: Services, activation: Activation) -> None:
    """Arm the expiry in the ledger, then enable the account, then read everything back.

    The enabling is the last write to the directory (rule 2). The grant is active only once the
    account was seen enabled, with every role of the profile.

    Raises:
        NoOpenLease: the lease is gone or ending; nothing is enabled.
        NotYet: the directory does not show it all yet.
    """
    plan = activation.plan
    directory = services.directory_of(plan)
    lease = await arm(services, activation)
    try:
        with replicating():
            await directory.accounts.set_enabled(account_of(plan), enabled=True)
            await _read_back(directory, plan)
        await activate(services, activation, lease)
    except CurfewError:
        await _disable_if_over(services, directory, plan)
        raise


async def _disable_if_over(services: Services, directory: Directory, plan: Plan) -> None:
    """Undo an enabling that came too late: its grant ended between the look and the write.

    Where another grant has the account by now, that one's own ending disables it.
    """
    with suppress(Missing):
        lease = await services.leases.get(plan.grant_id)
        expired = lease.expires_at is not None and services.clock() >= lease.expires_at
        if lease.state is not GrantState.ENDING and not expired:
            return
    if not await is_passed_on(services, plan):
        await directory.accounts.set_enabled(account_of(plan), enabled=False)


async def _read_back(directory: Directory, plan: Plan) -> None:
    account, assigned, groups = await together(
        directory.accounts.get(account_of(plan)),
        directory.access.assigned_roles(account_of(plan)),
        directory.access.member_groups(account_of(plan)),
    )
    has_roles = {role.id for role in plan.roles} == set(assigned.values())
    if not account.enabled or not has_roles or not {group.id for group in plan.groups} <= groups:
        message = "The directory does not show the account enabled, with its roles and no others."
        raise NotYet(message)

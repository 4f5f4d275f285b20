"""The user of a role grant: somebody's own account, looked at before anything is given to it."""

from curfew.concurrency import together
from curfew.entra.accounts import Account
from curfew.errors import ForeignAccount
from curfew.giving.protected import require_unprotected
from curfew.guards import account_of, leased, open_lease, require_open
from curfew.model.grants import Lease, Plan
from curfew.model.messages import Opened
from curfew.model.tenants import Tenant
from curfew.services import Services


async def open_subject(services: Services, plan: Plan) -> Opened:
    """Look at the user whom a role grant is for, and note in the lease that it may be touched.

    Nothing is written to the directory. What cannot be read refuses, or comes again.

    Raises:
        NoOpenLease: there is no lease that is open for giving.
        ForeignAccount: this user is not one for a role grant.
    """
    lease = await open_lease(services, plan)
    account_id = account_of(lease.plan)
    directory = services.directory_of(plan)
    tenant: Tenant
    account: Account | None
    tenant, account = await together(
        require_unprotected(services, directory, lease.plan, account_id),
        directory.accounts.look(account_id),
    )
    if account is None:
        message = "There is no such user in this tenant."
        raise ForeignAccount(message)
    await _require_somebodys_own(services, plan, account)
    if not account.enabled:
        message = "This user is disabled."
        raise ForeignAccount(message)
    if account.synced and not tenant.allow_synced:
        message = "This user is synchronised from an on-premises directory, and so is not allowed."
        raise ForeignAccount(message)

    found = {"opened": True, "user_principal_name": account.user_principal_name}
    opened = lease.plan.model_copy(update=found)

    def note(now: Lease) -> Lease:
        require_open(now)
        noted = {"plan": now.plan.model_copy(update=found), "subject_name": account.display_name}
        return now.model_copy(update=noted)

    with leased():
        await services.leases.change(plan.grant_id, note, known=lease)
    return Opened(plan=opened)


async def _require_somebodys_own(services: Services, plan: Plan, account: Account) -> None:
    async for record in services.accounts.of_tenant(plan.tenant_id):
        if record.account_id == account.id or (record.mark and record.mark == account.mark):
            message = "This is a technician's account of Curfew's; it has grants of its own."
            raise ForeignAccount(message)

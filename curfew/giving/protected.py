"""The accounts that no grant may touch, whatever the ledger says of them (rule 8)."""

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.errors import ForeignAccount, Missing
from curfew.model.grants import Plan
from curfew.model.tenants import Tenant
from curfew.services import Services


async def require_unprotected(
    services: Services, directory: Directory, plan: Plan, account_id: str
) -> Tenant:
    """Refuse emergency accounts, as the settings name them now, and those that rule Curfew itself.

    Whoever owns this app's service principal can give it credentials. Asked before giving only,
    and what cannot be read stops the giving: an ending asks nobody (rule 3).

    Raises:
        ForeignAccount: it may not be touched, or nobody can tell.
    """
    app_id = plan.connection.client_id or services.settings.app_id
    try:
        tenant: Tenant
        tenant, own = await together(
            services.tenants.get(plan.tenant_id), directory.principals.own(app_id)
        )
    except Missing as error:
        message = "What would tell which accounts are protected cannot be found."
        raise ForeignAccount(message) from error
    if account_id in tenant.break_glass:
        message = "This is an emergency account; Curfew never touches it."
        raise ForeignAccount(message)
    if account_id == own.id or account_id in own.owner_ids:
        message = "This is Curfew's own service principal or one of its owners."
        raise ForeignAccount(message)
    return tenant

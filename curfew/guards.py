"""What the steps hold themselves to: an open lease, patience with replicas, other's accounts."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from curfew.errors import Conflict, CurfewError, Missing, NoOpenLease, NotYet, ServiceError
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.profiles import GrantKind
from curfew.model.tenants import Tenant
from curfew.services import Services

LEDGERS_TIME = 3.0
"""How many seconds an ending waits for a ledger that it can do without."""
LEAVES = "This tenant is being off-boarded."

_DECIDED = (
    "tenant_id",
    "kind",
    "technician_id",
    "roles",
    "groups",
    "role_mode",
    "ending_mode",
    "credential",
    "duration",
    "max_reveals",
)


def account_of(plan: Plan) -> str:
    """The account of a plan that has one; a workflow that forgot it is a defect."""
    if plan.account_id is None:
        message = "The plan has no account yet."
        raise AssertionError(message)
    return plan.account_id


async def open_lease(services: Services, plan: Plan) -> Lease:
    """The lease of a plan, if it is open for giving.

    Raises:
        NoOpenLease: it is not, or there is none.
    """
    with leased():
        lease = await services.leases.get(plan.grant_id)
    require_open(lease)
    require_same(lease, plan)
    return lease


def require_open(lease: Lease) -> None:
    """Refuse a lease that is active or ending: a late repetition of a step gives nothing."""
    if lease.state is not GrantState.PROVISIONING:
        message = "The grant is not being given any more."
        raise NoOpenLease(message)


def require_same(lease: Lease, plan: Plan) -> None:
    """Refuse a plan that asks for anything but what was decided on and written into the lease.

    Whoever can start workflows or write histories could otherwise have more given than anybody
    was asked for.
    """
    decided = lease.plan
    # The user of a role grant is known by his object id from the beginning, his name comes later.
    who = "account_id" if decided.kind is GrantKind.ROLE else "user_principal_name"
    if any(getattr(plan, name) != getattr(decided, name) for name in (*_DECIDED, who)):
        message = "The plan is not the one in the lease."
        raise NoOpenLease(message)
    # A step that is repeated because its answer was lost does not know the account yet.
    if decided.opened and plan.account_id not in {None, decided.account_id}:
        message = "The plan is for another account than the lease."
        raise NoOpenLease(message)


@contextmanager
def leased() -> Iterator[None]:
    """A ledger that has no lease any more: nothing may be given."""
    try:
        yield
    except Missing as error:
        message = "There is no lease for this grant."
        raise NoOpenLease(message) from error


@contextmanager
def replicating() -> Iterator[None]:
    """A 404 for an account that is known to exist: it has not replicated there yet."""
    try:
        yield
    except Missing as error:
        message = "The account has not replicated everywhere yet."
        raise NotYet(message) from error


async def require_staying(services: Services, lease: Lease) -> None:
    """Withdraw a new lease, under which nothing was given, if its tenant does not stay.

    Who leaves says so first and looks for leases then; who asks writes the lease first and looks
    whether the tenant stays then. One of the two sees the other, so no grant begins where Curfew
    has let go of its roles.

    Raises:
        Conflict: the tenant leaves, or has left.
        ServiceError: nobody can tell; the lease is withdrawn all the same.
    """
    try:
        await require_known_to_stay(services, lease.plan.tenant_id)
    except CurfewError:
        await services.leases.withdraw(lease)
        raise


async def require_known_to_stay(services: Services, tenant_id: str) -> None:
    """Refuse a tenant that leaves by now, or has left.

    Raises:
        Conflict: it does not stay.
        ServiceError: nobody can tell.
    """
    try:
        tenant = await services.tenants.get(tenant_id)
    except Missing as error:
        raise Conflict(LEAVES) from error
    require_not_leaving(tenant)


def require_not_leaving(tenant: Tenant) -> None:
    """Refuse a tenant that was leaving when it was read."""
    if tenant.leaving_since is not None:
        raise Conflict(LEAVES)


async def is_passed_on(services: Services, plan: Plan) -> bool:
    """Whether another grant holds the account, by the ledger's positive word.

    A ledger that cannot be read says nothing, and stops no ending (rule 3).
    """
    try:
        async with asyncio.timeout(LEDGERS_TIME):
            holder = await services.leases.holder(plan.tenant_id, plan.user_principal_name)
    except (ServiceError, TimeoutError):
        return False
    return holder not in {None, plan.grant_id}

"""What every step of giving holds itself to: an open lease, and patience with replicas."""

from collections.abc import Iterator
from contextlib import contextmanager

from curfew.errors import Missing, NoOpenLease, NotYet
from curfew.model.grants import GrantState, Lease, Plan
from curfew.services import Services


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
    return lease


def require_open(lease: Lease) -> None:
    """Refuse a lease that is active or ending: a late repetition of a step gives nothing."""
    if lease.state is not GrantState.PROVISIONING:
        message = "The grant is not being given any more."
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

"""Arming the expiry in the ledger, and later: active. Between the two the access begins."""

from datetime import timedelta

from curfew.errors import NoOpenLease
from curfew.events import Event, emit
from curfew.guards import leased, require_open, require_same
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import GrantState, Lease
from curfew.model.messages import Activation
from curfew.services import Services

_SKEW = timedelta(minutes=1)
"""How much the workflow's clock and this process's may differ."""


async def arm(services: Services, activation: Activation) -> Lease:
    """Write expiry, deadline, plan and the places of the credentials into the open lease.

    Raises:
        NoOpenLease: the lease is gone or ending, the time was up before the access began, or the
            expiry is later than was decided.
    """

    def write(lease: Lease) -> Lease:
        if is_repeated(lease, activation):
            return lease
        require_open(lease)
        require_same(lease, activation.plan)
        if activation.expires_at > services.clock() + lease.plan.duration + _SKEW:
            message = "The expiry is later than was decided."
            raise NoOpenLease(message)
        # What was noted of a user's own roles and groups is not for a late repetition to forget.
        marked = lease.plan.given or lease.plan.spared
        noted = {"given": lease.plan.given, "spared": lease.plan.spared} if marked else {}
        armed = {
            "plan": activation.plan.model_copy(update=noted),
            "expires_at": activation.expires_at,
            "deadline": activation.expires_at,
            "handover": activation.handover,
        }
        return lease.model_copy(update=armed)

    if services.clock() >= activation.expires_at:
        message = "The time was up before the access began."
        raise NoOpenLease(message)
    with leased():
        return await services.leases.change(activation.plan.grant_id, write)


async def activate(services: Services, activation: Activation, armed: Lease) -> None:
    """Write that the access has begun, after it was seen.

    Raises:
        NoOpenLease: the lease is gone or ending.
    """

    def write(lease: Lease) -> Lease:
        if is_repeated(lease, activation):
            return lease
        require_open(lease)
        require_same(lease, activation.plan)
        begun = {"state": GrantState.ACTIVE, "activated_at": services.clock()}
        return lease.model_copy(update=begun)

    plan = activation.plan
    with leased():
        # A repeated run writes nothing here, so it must look at the lease anew.
        known = None if is_repeated(armed, activation) else armed
        active = await services.leases.change(plan.grant_id, write, known=known)
    expires = activation.expires_at.isoformat()
    emit(Event.GRANT_ACTIVE, grant=plan.grant_id, tenant=plan.tenant_id, expires=expires)
    entry = AuditEntry.of_grant(active, Action.GRANT_ACTIVE, after={"expiresAt": expires})
    await services.audit.note(entry)


def is_repeated(lease: Lease, activation: Activation) -> bool:
    """Whether an earlier run of the very step came to its end."""
    return lease.state is GrantState.ACTIVE and lease.expires_at == activation.expires_at

"""What an ending acts on: the plan as the ledger has it, not as a message says.

Messages travel through the task hub, and whoever can write to that could otherwise have the account
of anybody disabled, or a grant closed that was never looked at. A ledger that cannot be read says
nothing, and stops no ending (rule 3): then the message counts.
"""

import asyncio
from contextlib import suppress

from curfew.errors import CurfewError, Missing, ServiceError
from curfew.guards import LEDGERS_TIME, is_passed_on
from curfew.model.audit import Action
from curfew.model.grants import Lease, Plan
from curfew.model.profiles import GrantKind
from curfew.services import Services


async def on_record(services: Services, plan: Plan) -> Plan | None:
    """The plan that a step of an ending acts on; None where there is nothing of this grant's.

    There is nothing when a role grant is over or never began, when another grant has the account by
    now, and when nothing but the message knows of such a grant or account.
    """
    try:
        async with asyncio.timeout(LEDGERS_TIME):
            return await _known(services, plan)
    except (ServiceError, TimeoutError):
        return plan


async def _known(services: Services, plan: Plan) -> Plan | None:
    try:
        lease = await services.leases.find(plan.grant_id)
    except Missing:
        return await _without_lease(services, plan)
    if lease.kind is GrantKind.ROLE and (lease.state.over or not lease.plan.opened):
        # Over and verified, or never begun: what its user holds is none of its business.
        return None
    if lease.state.over:
        return await _without_lease(services, plan)
    known = _decided(plan, lease)
    is_account_grant = known.kind is GrantKind.ACCOUNT
    if is_account_grant and not lease.claimed and await is_passed_on(services, known):
        return None
    if is_account_grant and not lease.plan.opened:
        known = known.model_copy(update={"account_id": await _ours(services, plan)})
    if lease.stuck:
        # What a customer has replaced since may be what lets the ending in.
        with suppress(CurfewError):
            tenant = await services.tenants.get(plan.tenant_id)
            known = known.model_copy(update={"connection": tenant.connection})
    return known


async def _without_lease(services: Services, plan: Plan) -> Plan | None:
    """Of a lease that is gone or over: what is on record elsewhere is taken back all the same."""
    if plan.kind is GrantKind.ROLE:
        actions = (Action.GRANT_REQUESTED, Action.GRANT_ACTIVE)
        keys = [f"{plan.grant_id}:{action}" for action in actions]
        is_known = await services.audit.knows(plan.tenant_id, keys)
        return plan if is_known else None
    if await is_passed_on(services, plan):
        return None
    return plan if plan.account_id is None or await _ours(services, plan) else None


async def _ours(services: Services, plan: Plan) -> str | None:
    """The account of a message, if the record of accounts names it."""
    if plan.account_id is None:
        return None
    record = await services.accounts.by_id(plan.tenant_id, plan.account_id)
    return plan.account_id if record else None


def _decided(plan: Plan, lease: Lease) -> Plan:
    """The lease's plan; before it was active, with the ids of what the message knows was made."""
    decided = lease.plan
    if lease.activated_at is not None:
        return decided
    made = dict.fromkeys((*decided.assignments, *plan.assignments))
    update = {"assignments": tuple(made), "assigned": {**decided.assigned, **plan.assigned}}
    return decided.model_copy(update=update)

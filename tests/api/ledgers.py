"""The ledger written to behind the app's back, as a release before or a lost workflow left it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from curfew.ids import new_grant_id, new_mark
from curfew.ledger import AccountRecord, Accounts, Leases, Tables
from curfew.model.approvals import Person
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind
from curfew.model.tenants import Connection
from simulator import Tenant
from simulator.directory.objects import User
from tests.api.house import House


def write(house: House, work: Callable[[Tables], Awaitable[None]]) -> None:
    """Do something with the house's tables."""

    async def run() -> None:
        tables = Tables.by_connection_string(house.azurite.connection_string)
        try:
            await work(tables)
        finally:
            await tables.close()

    asyncio.run(run())


def lost_grant(house: House, tenant: Tenant) -> tuple[str, User]:
    """A grant whose time is up and whose workflow is lost; its account, still enabled."""
    user, record = lost_account(house, tenant)
    now = datetime.now(UTC)
    expired = now - timedelta(minutes=10)
    user.last_password_change = user.sessions_valid_from = now - timedelta(minutes=75)
    plan = Plan(
        grant_id=new_grant_id(tenant.id),
        tenant_id=tenant.id,
        connection=Connection(),
        technician_id=record.technician_id,
        user_principal_name=record.user_principal_name,
        display_name="Terry Technician",
        mark=record.mark,
        account_id=user.id,
        opened=True,
        roles=(),
        credential=CredentialKind.PASSWORD,
        duration=timedelta(hours=1),
        provision_by=now - timedelta(minutes=75),
    )
    lease = Lease(
        plan=plan,
        state=GrantState.ACTIVE,
        tenant_name=tenant.name,
        profile="helpdesk",
        technician=Person(id=record.technician_id, name="Terry Technician"),
        requested_at=now - timedelta(minutes=90),
        deadline=expired,
        activated_at=now - timedelta(minutes=70),
        expires_at=expired,
    )
    write(house, lambda tables: Leases(tables).open(lease))
    return plan.grant_id, user


def lost_account(house: House, tenant: Tenant) -> tuple[User, AccountRecord]:
    """An account on record that is enabled, and has no grant."""
    mark = new_mark()
    user = tenant.add_user(f"msp-{uuid.uuid4().hex[:8]}", employeeType=mark)
    record = AccountRecord(
        user_principal_name=user.user_principal_name,
        technician_id=str(uuid.uuid4()),
        account_id=user.id,
        mark=mark,
    )
    write(house, lambda tables: Accounts(tables).record(tenant.id, record))
    return user, record

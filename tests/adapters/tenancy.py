"""One customer tenant, seen from both sides: the product's adapters and the tenant itself."""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from curfew.entra.directory import Directory
from curfew.ids import new_grant_id, new_mark
from curfew.model.grants import Plan
from curfew.model.profiles import CredentialKind
from curfew.model.tenants import Connection
from simulator.calls import Call
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from simulator.faults import Faults
from tests.lifecycle.engine import Clock
from tests.lifecycle.shared import Shared
from tests.lifecycle.world import new_customer

READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
NOBODY = "00000000-0000-4000-8000-0000000000ff"


@dataclass
class Tenancy:
    """A tenant of its own, and the directory that the product has of it."""

    shared: Shared
    clock: Clock
    tenant: Tenant

    @classmethod
    def new(cls, shared: Shared, clock: Clock, **changes: Any) -> Self:
        """A customer that nobody else uses."""
        return cls(shared, clock, new_customer(shared.cloud, shared.demo, **changes))

    @property
    def directory(self) -> Directory:
        return self.shared.services.directory(self.tenant.id, Connection())

    @property
    def faults(self) -> Faults:
        return self.shared.cloud.faults

    @property
    def plan(self) -> Plan:
        """A plan for some account of this tenant."""
        return Plan(
            grant_id=new_grant_id(self.tenant.id),
            tenant_id=self.tenant.id,
            connection=Connection(),
            technician_id=NOBODY,
            user_principal_name=f"msp-ann@{self.tenant.domain}",
            display_name="Ann Technician",
            mark=new_mark(),
            roles=(),
            credential=CredentialKind.PASSWORD,
            duration=timedelta(hours=1),
            provision_by=self.after(minutes=15),
        )

    def wait[T](self, awaitable: Awaitable[T]) -> T:
        """The result of a coroutine."""
        return self.shared.loop.run_until_complete(awaitable)

    def user(self, name: str = "msp-ann", **changes: Any) -> User:
        """An account that the tenant has had for long."""
        return self.tenant.add_user(name, **changes)

    def newcomer(self, *, seconds: float) -> User:
        """An account that its readers see only after so many seconds."""
        self.tenant.knobs.replication_seconds = seconds
        user = self.user("msp-new")
        user.arrival = self.tenant.arrival()
        return user

    def roles(self, user: User) -> set[str]:
        """The roles that an account holds by the directory's own state."""
        return {held.role_id for held in self.tenant.assignments_of(user.id)}

    def after(self, **parts: float) -> datetime:
        """The moment so much later than now."""
        return self.clock() + timedelta(**parts)

    def advance(self, **parts: float) -> None:
        self.clock.advance(timedelta(**parts))

    def calls(self, **conditions: Any) -> list[Call]:
        """The calls to Graph that this tenant has seen."""
        return self.shared.cloud.calls.graph(self.tenant.id, **conditions)

    def tokens(self) -> int:
        """How many tokens towards this tenant were handed out."""
        return len(self.shared.cloud.calls.login(self.tenant.id, status=200))

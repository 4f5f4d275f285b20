"""The product's own steps over the real SDKs, in virtual time, against pretend tenants."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import azure.durable_functions as df
import httpx
from pydantic import SecretStr

import activities.admitting
import activities.extending
import activities.giving
import activities.taking_back
import orchestrators.blueprint
from curfew.errors import Missing
from curfew.ids import new_grant_id, new_mark
from curfew.model.approvals import Person
from curfew.model.grants import (
    PROVISIONING_LIMIT,
    EndReason,
    GrantState,
    Lease,
    Plan,
)
from curfew.model.messages import END_EVENT, EndOrder, GrantInput
from curfew.model.profiles import CredentialKind, GrantKind, Role
from curfew.model.tenants import Connection, TenantSettings
from curfew.model.tenants import Tenant as SavedTenant
from curfew.services import Services
from simulator import Cloud, Server
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from simulator.scenario import Demo, add_customer
from simulator.vault import SecretVersion
from tests.lifecycle.engine import Clock, Engine, Instance
from tests.lifecycle.ledger_proxy import LedgerProxy

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
ROLES = (
    Role(id=SECURITY_READER, name="Security Reader"),
    Role(id=HELPDESK_ADMINISTRATOR, name="Helpdesk Administrator"),
)
TECHNICIAN = Person(id="aaaaaaaa-0000-4000-8000-00000000000a", name="Ann Technician")
APPROVER = Person(id="aaaaaaaa-0000-4000-8000-00000000000b", name="Petra Approver")
HOUR = timedelta(hours=1)


def registered_functions() -> tuple[dict[str, Any], dict[str, Any]]:
    """The orchestrators and the activities as the app registers them, by name."""
    app = df.DFApp()
    rooms = (
        orchestrators.blueprint,
        activities.admitting,
        activities.giving,
        activities.extending,
        activities.taking_back,
    )
    for room in rooms:
        app.register_functions(room.blueprint)
    flows: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for function in app.get_functions():
        name, user = function.get_function_name() or "", function.get_user_function()
        if name.startswith("BuiltIn__"):
            continue
        if hasattr(user, "orchestrator_function"):
            flows[name] = user.orchestrator_function
        else:
            steps[name] = user
    return flows, steps


@dataclass
class World:
    """One customer tenant of its own, a clock, an engine, and everything to look at."""

    cloud: Cloud
    demo: Demo
    server: Server
    ledger: LedgerProxy
    services: Services
    loop: asyncio.AbstractEventLoop
    clock: Clock
    customer: Tenant
    engine: Engine
    log: list[logging.LogRecord] = field(default_factory=list)
    has_settings: bool = False

    def save_settings(self, **changes: Any) -> None:
        """Write the tenant's settings, as an administrator does."""
        store = self.services.tenants
        try:
            etag = self.wait(store.get(self.customer.id)).etag
        except Missing:
            etag = ""
        settings = TenantSettings(
            display_name=self.customer.name, account_domain=self.customer.domain, **changes
        )
        self.wait(store.put(SavedTenant(id=self.customer.id, etag=etag, **dict(settings))))
        self.has_settings = True

    def wait(self, awaitable: Any) -> Any:
        """The result of a coroutine."""
        return self.loop.run_until_complete(awaitable)

    def plan(self, **changes: Any) -> Plan:
        """A plan for Ann's account in the customer's tenant; for a wake if it is recorded."""
        name = f"msp-ann@{self.customer.domain}"
        account = self.wait(self.services.accounts.find(self.customer.id, name))
        plan = Plan(
            grant_id=new_grant_id(self.customer.id),
            tenant_id=self.customer.id,
            connection=Connection(),
            technician_id=TECHNICIAN.id,
            user_principal_name=name,
            display_name="Ann Technician (Curfew)",
            mark=new_mark(),
            account_id=account.account_id if account else None,
            roles=ROLES,
            credential=CredentialKind.BOTH,
            duration=HOUR,
            provision_by=self.clock() + PROVISIONING_LIMIT,
        )
        return plan.model_copy(update=changes)

    def role_plan(self, subject: User, **changes: Any) -> Plan:
        """A plan for roles and groups to an existing user of the customer's tenant."""
        lent = {
            "kind": GrantKind.ROLE,
            "account_id": subject.id,
            "user_principal_name": "",
            "display_name": "",
            "mark": "",
            "credential": CredentialKind.NONE,
        }
        return self.plan(**{**lent, **changes})

    def lease(self, plan: Plan) -> Lease:
        """Write the lease of a plan, as the API does before it starts the workflow."""
        if not self.has_settings:
            self.save_settings()
        lease = Lease(
            plan=plan,
            tenant_name=self.customer.name,
            profile="helpdesk",
            kind=plan.kind,
            technician=TECHNICIAN,
            claimed=plan.kind is GrantKind.ACCOUNT,
            requested_at=self.clock(),
            deadline=plan.provision_by + plan.duration,
        )
        self.wait(self.services.leases.open(lease))
        return lease

    def request(self, **changes: Any) -> "Grant":
        """Write a lease and start its workflow; nothing runs yet."""
        return self.begin(self.plan(**changes))

    def request_roles(self, subject: User, **changes: Any) -> "Grant":
        """As `request`, for roles and groups to an existing user."""
        return self.begin(self.role_plan(subject, **changes))

    def begin(self, plan: Plan) -> "Grant":
        """Write the lease of a plan and start its workflow; nothing runs yet."""
        self.lease(plan)
        work = GrantInput(plan=plan).to_json()
        return Grant(self, plan, self.engine.start(plan.grant_id, "grant", work))

    def ended_grant(self, **changes: Any) -> "Grant":
        """A whole grant, from request to its verified end."""
        grant = self.request(**changes)
        self.engine.run()
        assert grant.state is GrantState.ENDED
        return grant

    def user(self) -> User:
        """Ann's account in the customer's directory."""
        user = self.customer.find_user(f"msp-ann@{self.customer.domain}")
        assert user is not None
        return user

    def roles(self) -> set[str]:
        """The role definitions that Ann's account holds."""
        return {held.role_id for held in self.customer.assignments_of(self.user().id)}

    def sign_in(self, typed: str) -> int:
        """The status of an attempt to sign in as Ann's account."""
        return self.session(typed).status_code

    def session(self, typed: str) -> httpx.Response:
        """The answer to an attempt to sign in as Ann's account."""
        name = self.user().user_principal_name
        return self._token(grant_type="password", username=name, password=typed)

    def resume(self, refresh_token: str) -> int:
        """The status of an attempt to go on with a session."""
        return self._token(grant_type="refresh_token", refresh_token=refresh_token).status_code

    def _token(self, **form: str) -> httpx.Response:
        form |= {"client_id": self.demo.curfew.app_id, "scope": f"{self.server.url}/.default"}
        with httpx.Client(verify=ssl.create_default_context(cafile=self.server.ca_file)) as client:
            address = f"{self.server.url}/{self.customer.id}/oauth2/v2.0/token"
            return client.post(address, data=form)

    def flagged(self) -> bool:
        """Whether a round of taking back was used up."""
        return "flag_stuck" in self.engine.ran

    def graph_writes(self) -> list[str]:
        """Every write to the customer's directory, as method and path."""
        calls = self.cloud.calls.graph(self.customer.id)
        return [f"{call.method} {call.path}" for call in calls if call.method != "GET"]

    def assert_gone(self, grant: "Grant") -> None:
        """Nothing of a grant is left, by the directory's and the vault's own state."""
        lease = grant.lease
        assert lease.state is GrantState.ENDED
        assert lease.evidence is not None
        assert lease.evidence.clean
        holder = self.services.leases.holder(self.customer.id, grant.plan.user_principal_name)
        assert self.wait(holder) is None
        user = self.customer.find_user(grant.plan.user_principal_name)
        if user is not None:
            assert not user.account_enabled
            assert not self.customer.assignments_of(user.id)
            assert user.access_pass is None
            assert not user.methods
            assert user.password not in {version.value for version in self.versions(grant)}
        assert not [version for version in self.versions(grant) if version.enabled]

    def versions(self, grant: "Grant") -> list[SecretVersion]:
        """All that the vault ever kept for a grant."""
        stem = grant.plan.grant_id[-26:].lower()
        secrets = self.cloud.vault.secrets.items()
        return [v for name, s in secrets if stem in name.lower() for v in s.versions.values()]

    def kept(self, grant: "Grant", kind: str = "password") -> str:
        """The value of a grant's password or pass that the vault hands out."""
        lease = grant.lease
        place = (
            lease.handover.password if kind == "password" else lease.handover.temporary_access_pass
        )
        assert place is not None
        value: SecretStr = self.wait(self.services.vault.read(place.name, place.version))
        return value.get_secret_value()


@dataclass
class Grant:
    """One grant under test."""

    world: World
    plan: Plan
    instance: Instance

    @property
    def lease(self) -> Lease:
        found: Lease = self.world.wait(self.world.services.leases.find(self.plan.grant_id))
        return found

    @property
    def state(self) -> GrantState:
        return self.lease.state

    def run_until_active(self) -> None:
        """Run up to the moment at which the account is in use."""
        last = {"enable_account", "confirm_access"}
        self.world.engine.run(stop=lambda: bool(last & set(self.world.engine.ran[-1:])))
        self.world.engine.run(until=self.world.clock())
        assert self.state is GrantState.ACTIVE

    def order_end(self) -> None:
        """Tell the workflow to end, as the API does."""
        order = EndOrder(reason=EndReason.RETURNED, by=TECHNICIAN)
        self.world.engine.raise_event(self.plan.grant_id, END_EVENT, order.to_json())


def new_customer(cloud: Cloud, demo: Demo, **changes: Any) -> Tenant:
    """A customer tenant that nobody else uses."""
    tenant_id = str(uuid4())
    domain = f"c{tenant_id[:8]}.onmicrosoft.com"
    return add_customer(cloud, "Contoso", domain, demo.curfew, tenant_id=tenant_id, **changes)

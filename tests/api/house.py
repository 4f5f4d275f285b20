"""The whole of Curfew on one machine, with a ledger and an engine that can be made to fail."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, override

import httpx

from devhost.configuration import Configuration
from devhost.stack import UNHURRIED, Profile, Stack, helpdesk
from simulator import Tenant
from simulator.calls import Call
from simulator.scenario import add_customer
from tests.api.contract import Contract
from tests.api.failing import Engine, Ledger

PATIENCE = 60.0

type Grant = dict[str, Any]


class House(Stack):
    """The stack with its tables behind a proxy, and shortcuts for what most tests do."""

    def __init__(
        self, *, configure: Callable[[Configuration], Configuration] | None = None
    ) -> None:
        super().__init__(configure=configure or (lambda configuration: configuration))
        self.engine = Engine()
        self._clients: dict[str, httpx.Client] = {}
        self._newcomers = 0
        self._contract: Contract | None = None

    @override
    def __enter__(self) -> Self:
        with self.engine.installed():
            super().__enter__()
        with super().client() as client:
            document = client.get("/api/openapi.json").raise_for_status().json()
        self._contract = Contract(document)
        return self

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            client.close()
        super().__exit__(kind, error, trace)
        self.ledger.close()

    @override
    def _configuration(self) -> Configuration:
        self.ledger = Ledger(self.azurite.connection_string)
        self._settings = {
            **UNHURRIED,
            "CURFEW_TABLES_CONNECTION_STRING": self.ledger.connection_string,
        }
        return super()._configuration()

    @override
    def client(self, alias: str | None = None) -> httpx.Client:
        """A client whose every answer is held against the app's own document."""
        client = super().client(alias)
        if self._contract is not None:
            client.event_hooks["response"].append(self._contract.check)
        return client

    def as_(self, alias: str) -> httpx.Client:
        """A client of one of the people, of the integration `halo`, or of `nobody`."""
        if alias not in self._clients:
            special = {"halo": self._integration, "nobody": self.client}
            self._clients[alias] = special.get(alias, lambda: self.client(alias))()
        return self._clients[alias]

    def _integration(self) -> httpx.Client:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.world.halo.app_id,
            "client_secret": self.world.halo_secret,
            "scope": f"{self.world.audience}/.default",
        }
        address = f"{self.simulator.url}/{self.world.home.id}/oauth2/v2.0/token"
        with httpx.Client(verify=self.trust) as login:
            token = login.post(address, data=asked).raise_for_status().json()["access_token"]
        client = self.client()
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def technician(self) -> httpx.Client:
        """A technician of whom no other test knows."""
        self._newcomers += 1
        alias = f"tech{self._newcomers}"
        home = self.world.home
        person = home.add_user(alias, f"Technician {self._newcomers}", password=self.world.password)
        home.app_roles[person.id, self.world.api.app_id] = {"Technician"}
        self.world.people[alias] = person
        client = self.as_(alias)
        client.headers["X-Alias"] = alias
        return client

    def account(self, client: httpx.Client, tenant: Tenant | None = None) -> str:
        """The name of a technician's account in a customer tenant."""
        tenant = tenant or self.world.contoso
        return f"msp-{client.headers['X-Alias']}@{tenant.domain}"

    def customer(
        self,
        profiles: dict[str, Profile] | None = None,
        *,
        onboard: bool = True,
        consent: bool = True,
    ) -> Tenant:
        """A customer of whom no other test knows, with the profile `helpdesk` or those given."""
        number = len(self.cloud.tenants)
        tenant = add_customer(
            self.cloud,
            f"Customer {number}",
            f"customer{number}.onmicrosoft.com",
            self.world.curfew if consent else None,
        )
        if onboard:
            self.onboard(tenant, **(profiles or {}))
        return tenant

    def request(
        self, client: httpx.Client, customer: Tenant | None = None, /, **fields: Any
    ) -> httpx.Response:
        """Ask for a grant of the profile `helpdesk`."""
        customer = customer or self.world.contoso
        asked = {"tenant": customer.id, "profile": "helpdesk", **fields}
        return client.post("/api/grants", json=asked)

    def grant(self, client: httpx.Client, customer: Tenant | None = None, **fields: Any) -> Grant:
        """A grant that is active."""
        answer = self.request(client, customer, **fields)
        assert answer.status_code == 202, answer.text
        return self.reaches(client, answer.json()["id"], "active")

    def release(self, client: httpx.Client, grant_id: str) -> None:
        """Tell a grant to end, and let it do so by itself."""
        assert client.post(f"/api/grants/{grant_id}/end").status_code == 202

    def end(self, client: httpx.Client, grant_id: str) -> Grant:
        """A grant that was told to end, and did."""
        self.release(client, grant_id)
        return self.reaches(client, grant_id, "ended")

    def reaches(self, client: httpx.Client, grant_id: str, *states: str) -> Grant:
        """The grant once it is in one of these states."""
        seen: Grant = {}

        def arrived() -> bool:
            answer = client.get(f"/api/grants/{grant_id}")
            if answer.status_code == 200:
                seen.update(answer.json())
            return seen.get("state") in states

        until(arrived, lambda: f"{grant_id} is {seen.get('state')}, {seen.get('failure')}")
        return seen

    def live(self) -> list[str]:
        """Every grant that is not over; a workflow of one that is may still wait to report."""
        tenants = self.cloud.tenants.values()
        return [key for tenant in tenants for key in self.leases(tenant) if key.startswith("g-")]

    def is_idle(self) -> bool:
        """Whether every grant is over."""
        return not self.live()

    def leases(self, tenant: Tenant) -> list[str]:
        """The keys of all rows in the leases of a tenant."""
        return self.ledger.keys("leases", tenant.id)

    def writes(self, tenant: Tenant, *, after: int = 0) -> list[Call]:
        """Every call to a tenant's directory that was not a reading."""
        calls = self.cloud.calls.graph(tenant.id, after=after)
        return [call for call in calls if call.method != "GET"]


def until(
    holds: Callable[[], bool], otherwise: Callable[[], str], patience: float = PATIENCE
) -> None:
    """Return as soon as a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.03)


def standard_profiles() -> dict[str, Profile]:
    """Profiles for the kinds of requests that the tests make."""
    return {
        "helpdesk": helpdesk(),
        "strict": helpdesk(
            requireJustification=True, requireTicket=True, minDuration="PT5M", maxDuration="PT2H"
        ),
    }

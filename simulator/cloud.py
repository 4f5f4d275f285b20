"""All state of the pretend cloud, in one place, behind one lock."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.applications import Application
from simulator.calls import Calls
from simulator.directory.objects import new_id
from simulator.directory.tenant import Tenant
from simulator.environment import AZURE_CLOUD, Environment
from simulator.faults import Faults
from simulator.graph.limits import Limits
from simulator.keys import Keys
from simulator.login.sessions import Sessions
from simulator.login.tokens import base_claims
from simulator.vault import Vault


def wall_clock() -> datetime:
    """The time on the wall, in UTC."""
    return datetime.now(UTC)


class Cloud:
    """Tenants, applications, a vault, keys, faults and the log of calls.

    `clock` may be replaced by any callable that gives an aware UTC time; `advance` moves it on.
    Only the times inside tokens ignore it and follow the wall clock, because the real SDKs'
    caches do. Hold `lock` to change several things at once while a server runs. `defects` are
    errors of this cloud itself: a test that finds one should fail.
    """

    def __init__(self, environment: Environment = AZURE_CLOUD, *, keys: Keys | None = None) -> None:
        self.environment = environment
        self.url = "https://127.0.0.1"
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = wall_clock
        self.tenants: dict[str, Tenant] = {}
        #: Tenants of other clouds, of which the authority here knows no more than where they are.
        self.elsewhere: dict[str, Environment] = {}
        self.applications: dict[str, Application] = {}
        self.keys = keys or Keys()
        self.faults = Faults()
        self.calls = Calls()
        self.sessions = Sessions()
        self.limits = Limits()
        self.vault = Vault()
        self.identity_header = new_id()
        self.token_seconds = 3600
        self.defects: list[Exception] = []
        self._offset = timedelta()

    def now(self) -> datetime:
        """The time in this cloud."""
        return self.clock() + self._offset

    def advance(self, by: timedelta) -> datetime:
        """Move the time on (or back), and say what it is now."""
        with self.lock:
            self._offset += by
            return self.now()

    def follow_wall(self) -> datetime:
        """Take back every advance."""
        with self.lock:
            self._offset = timedelta()
            return self.now()

    def mint(
        self,
        tenant: Tenant,
        claims: dict[str, Any],
        *,
        audience: str,
        key: str = "signing",
        algorithm: str = "RS256",
        seconds: int = 3600,
    ) -> str:
        """A token with any claims, for tests of whoever must refuse it.

        `claims` override what a good token has; None removes a claim. A negative `seconds` makes
        an expired one, `key` and `algorithm` a forged one (see `Keys.sign`).
        """
        merged = base_claims(self, tenant, audience, seconds) | claims
        kept = {name: value for name, value in merged.items() if value is not None}
        return self.keys.sign(kept, key=key, algorithm=algorithm)

    def add_tenant(
        self,
        name: str,
        domain: str,
        *,
        tenant_id: str | None = None,
        is_home: bool = False,
        licences: set[str] | None = None,
        **settings: Any,
    ) -> Tenant:
        """Open a tenant with its initial domain; further keywords are fields of `Tenant`."""
        with self.lock:
            tenant = Tenant(
                id=tenant_id or new_id(),
                name=name,
                domain=domain,
                now=self.now,
                is_home=is_home,
                licences=licences or set(),
                **settings,
            )
            self.tenants[tenant.id] = tenant
            if is_home and self.vault.tenant is None:
                self.vault.tenant = tenant.id
            return tenant

    def add_application(
        self, display_name: str, home: Tenant, *, app_id: str | None = None, **settings: Any
    ) -> Application:
        """Register an application in its home tenant, where it exists without further consent."""
        with self.lock:
            application = Application(
                app_id=app_id or new_id(),
                display_name=display_name,
                home_tenant=home.id,
                **settings,
            )
            self.applications[application.app_id] = application
            home.consent(application.app_id, display_name, set())
            return application

    def tenant(self, id_or_domain: str) -> Tenant:
        """The tenant with this id or verified domain; `KeyError` when there is none."""
        found = self.find_tenant(id_or_domain)
        if found is None:
            raise KeyError(id_or_domain)
        return found

    def find_tenant(self, id_or_domain: str) -> Tenant | None:
        """The tenant with this id or verified domain, if there is one."""
        wanted = id_or_domain.lower()
        for tenant in self.tenants.values():
            domain = tenant.domains.get(wanted)
            if tenant.id == wanted or (domain is not None and domain.verified):
                return tenant
        return None

    @property
    def home(self) -> Tenant:
        """The home tenant; `LookupError` while there is none."""
        for tenant in self.tenants.values():
            if tenant.is_home:
                return tenant
        raise LookupError("this cloud has no home tenant")

"""All of it on one machine: Azurite, the simulator and the host with Curfew on it.

`make serve` keeps it running; the demo, the tests and the benchmarks use `Stack` in process.
"""

import argparse
import signal
import ssl
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from devhost import Configuration, DevHost, EasyAuth, HostError, Person
from devhost.azurite import Azurite, AzuriteError
from simulator import Cloud, Server
from simulator.directory.tenant import Tenant
from simulator.scenario import Demo, demo
from simulator.server import PortInUseError

ROOT = Path(__file__).resolve().parent.parent
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"

UNHURRIED = {
    "CURFEW_REQUESTS_PER_HOUR": "1000000",
    "CURFEW_REVEALS_PER_HOUR": "1000000",
    "CURFEW_MAX_LIVE_GRANTS": "1000000",
}
"""Settings for callers who ask more often, and for more, than people do: tests and benchmarks."""

type Profile = dict[str, Any]


def helpdesk(**settings: Any) -> Profile:
    """A profile that suits a demonstration: two roles, both credentials, short durations."""
    return {
        "displayName": "Helpdesk",
        "roles": [SECURITY_READER, HELPDESK_ADMINISTRATOR],
        "credential": "both",
        "minDuration": "PT1S",
        "defaultDuration": "PT1H",
        "maxDuration": "PT8H",
        **settings,
    }


class Stack:
    """A context in which the whole of Curfew runs against pretend tenants.

    Args:
        world: Builds the tenants; the demo world by default.
        port: The host's port, 0 for any free one.
        simulator_port: The simulator's port, 0 for any free one.
        settings: App settings to add or replace.
        configure: Changes the host's configuration, for tests of the host's harder moods.
        folder: Where the tables and logs are kept; a temporary one by default.
    """

    def __init__(
        self,
        *,
        world: Callable[[Cloud], Demo] = demo,
        port: int = 0,
        simulator_port: int = 0,
        settings: dict[str, str] | None = None,
        configure: Callable[[Configuration], Configuration] = lambda configuration: configuration,
        folder: Path | None = None,
    ) -> None:
        self._world = world
        self._port = port
        self._simulator_port = simulator_port
        self._settings = settings or {}
        self._configure = configure
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            folder = self._folder or Path(
                opening.enter_context(tempfile.TemporaryDirectory(prefix="curfew-"))
            )
            self.folder = folder
            self.azurite = opening.enter_context(Azurite(data_dir=self._folder))
            self.cloud = Cloud()
            self.world = self._world(self.cloud)
            self.simulator = opening.enter_context(Server(self.cloud, port=self._simulator_port))
            configuration = self._configure(self._configuration())
            self.host = opening.enter_context(DevHost(configuration))
            answer = f"{self.host.url}/api/onboarding/answer"
            self.world.curfew.redirect_uris.append(answer)
            self._stack = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _configuration(self) -> Configuration:
        home = self.world.home
        return Configuration(
            app_directory=ROOT,
            port=self._port,
            settings={
                **self.simulator.environment(),
                "CURFEW_HOME_TENANT": home.id,
                "CURFEW_APP_ID": self.world.curfew.app_id,
                "CURFEW_MANAGED_IDENTITY_ID": self.world.identity.client_id,
                "CURFEW_VAULT_URL": self.simulator.url,
                "CURFEW_TABLES_CONNECTION_STRING": self.azurite.connection_string,
                "CURFEW_AUTHORITY_URL": self.simulator.url,
                "CURFEW_GRAPH_URL": self.simulator.url,
                "CURFEW_ADDRESS": "http://127.0.0.1:{port}",
                **self._settings,
            },
            easy_auth=EasyAuth(
                authority=f"{self.simulator.url}/{home.id}/v2.0",
                audience=(self.world.audience, self.world.api.app_id),
                home_tenant=home.id,
                people=self._people,
                ca_file=self.simulator.ca_file,
            ),
        )

    def _people(self) -> list[Person]:
        home, api = self.world.home, self.world.api
        return [
            Person(
                object_id=user.id,
                name=user.display_name,
                user_name=user.user_principal_name,
                roles=sorted(home.app_roles.get((user.id, api.app_id), ())),
            )
            for user in self.world.people.values()
        ]

    def sign_in(self, tenant: Tenant, name: str, password: str, **form: str) -> httpx.Response:
        """Try a credential at the simulator's token endpoint, as a person would at a sign-in.

        The client is one that the tenant knows and that asks for no second factor. Microsoft's
        own, such as the Azure portal, let nobody in with a password alone: name one in
        `client_id`, and only a Temporary Access Pass gets in.
        """
        application = self.world.api if tenant.is_home else self.world.curfew
        asked = {
            "grant_type": "password",
            "client_id": application.app_id,
            "username": name,
            "password": password,
            "scope": f"{self.simulator.url}/.default",
            **form,
        }
        with httpx.Client(verify=self.trust) as client:
            return client.post(f"{self.simulator.url}/{tenant.id}/oauth2/v2.0/token", data=asked)

    @property
    def trust(self) -> ssl.SSLContext:
        """A TLS context that knows the simulator's throw-away authority."""
        return ssl.create_default_context(cafile=self.simulator.ca_file)

    def client(self, alias: str | None = None) -> httpx.Client:
        """A client of the API, signed in as one of the home tenant's people."""
        headers = {}
        if alias is not None:
            person = self.world.people[alias]
            answer = self.sign_in(
                self.world.home,
                person.user_principal_name,
                self.world.password,
                scope=f"{self.world.audience}/.default",
            )
            headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        return httpx.Client(base_url=self.host.url, headers=headers, timeout=60)

    def onboard(self, tenant: Tenant, **profiles: Profile) -> None:
        """Tell Curfew about a customer, over its API, as an administrator."""
        settings = {
            "displayName": tenant.name,
            "accountDomain": tenant.domain,
            "hardLimit": "PT24H",
        }
        with self.client("ada") as ada:
            ada.put(f"/api/tenants/{tenant.id}", json=settings).raise_for_status()
            for name, profile in (profiles or {"helpdesk": helpdesk()}).items():
                address = f"/api/tenants/{tenant.id}/profiles/{name}"
                ada.put(address, json=profile).raise_for_status()


def main() -> int:
    """Run the stack until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make serve", description=main.__doc__)
    parser.add_argument("--port", type=int, default=7071, help="the host's port")
    parser.add_argument("--simulator-port", type=int, default=7443, help="the simulator's port")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stack = Stack(
        port=arguments.port,
        simulator_port=arguments.simulator_port,
        configure=lambda configuration: replace(configuration, console=True),
    )
    try:
        with stack:
            for customer in (stack.world.contoso, stack.world.fabrikam):
                stack.onboard(customer)
            _print_addresses(stack)
            stop.wait()
    except (HostError, AzuriteError, PortInUseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _print_addresses(stack: Stack) -> None:
    people = ", ".join(stack.world.people)
    print(
        f"\n  API        {stack.host.url}/api/health\n"
        f"  sign in    {stack.host.url}/.auth/login/aad   ({people})\n"
        f"  simulator  {stack.simulator.url}   (authority: {stack.simulator.ca_file})\n"
        f"  tables     {stack.azurite.url}\n\n"
        "Ctrl-C ends it.\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

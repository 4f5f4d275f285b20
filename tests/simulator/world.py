"""One pretend cloud with its server, and the few calls that most tests make."""

import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
from azure.identity import ManagedIdentityCredential

from simulator import Cloud, Demo, Server, Tenant
from simulator.directory.objects import User
from simulator.keys import peek
from simulator.scenario import CONSENT, add_customer
from tests.simulator.openapi import check_answer, operation_of

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
GRAPH = "https://graph.microsoft.com/.default"
PAA = "Privileged Authentication Administrator"
GOOD_PASSWORD = "Correct-Horse-42"


class World:
    """The cloud on a frozen clock; every Graph answer is checked against its schema."""

    def __init__(self, cloud: Cloud, demo: Demo, server: Server) -> None:
        self.cloud = cloud
        self.demo = demo
        self.server = server
        context = ssl.create_default_context(cafile=server.ca_file)
        self.http = httpx.Client(base_url=server.url, verify=context)
        self.operations: set[tuple[str, str]] = set()
        self.closing = ExitStack()
        self.closing.enter_context(self.http)
        self._tokens: dict[str, str] = {}

    @property
    def contoso(self) -> Tenant:
        return self.demo.contoso

    def advance(self, **parts: float) -> None:
        self.cloud.advance(timedelta(**parts))

    def customer(
        self,
        *permissions: str,
        role: str | None = PAA,
        without: tuple[str, ...] = (),
        licences: set[str] | None = None,
    ) -> Tenant:
        """A further customer that consented to just these permissions (none named: all)."""
        name = f"Customer {len(self.cloud.tenants)}"
        return add_customer(
            self.cloud,
            name,
            f"{name.lower().replace(' ', '')}.onmicrosoft.com",
            self.demo.curfew,
            permissions=(frozenset(permissions) or CONSENT) - set(without),
            role=role,
            licences=licences,
        )

    def app_token(self, tenant: Tenant, *, fresh: bool = False) -> str:
        if fresh or tenant.id not in self._tokens:
            answer = self.token(
                tenant,
                grant_type="client_credentials",
                client_id=self.demo.curfew.app_id,
                client_secret=self.demo.curfew_secret,
                scope=GRAPH,
            )
            assert answer.status_code == 200, answer.text
            self._tokens[tenant.id] = answer.json()["access_token"]
        return self._tokens[tenant.id]

    def token(self, tenant: Tenant | str, **form: str) -> httpx.Response:
        name = tenant if isinstance(tenant, str) else tenant.id
        return self.http.post(f"/{name}/oauth2/v2.0/token", data=form)

    def sign_in(self, tenant: Tenant, user: User | str, typed: str, **form: str) -> httpx.Response:
        name = user if isinstance(user, str) else user.user_principal_name
        wanted = {
            "grant_type": "password",
            "client_id": self.demo.curfew.app_id,
            "scope": GRAPH,
            "username": name,
            "password": typed,
        }
        return self.token(tenant, **wanted | form)

    def refresh(self, tenant: Tenant, refresh_token: str) -> httpx.Response:
        return self.token(
            tenant,
            grant_type="refresh_token",
            client_id=self.demo.curfew.app_id,
            refresh_token=refresh_token,
            scope=GRAPH,
        )

    def graph(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        tenant: Tenant | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        **query: str,
    ) -> httpx.Response:
        """A call to Graph; query options without their `$`."""
        bearer = token or self.app_token(tenant or self.contoso)
        options = "&".join(f"${name}={quote(value)}" for name, value in query.items())
        response = self.http.request(
            method,
            f"/v1.0/{path}" + (f"?{options}" if options else ""),
            json=json,
            headers={"authorization": f"Bearer {bearer}"} | (headers or {}),
        )
        check_answer(response)
        if (operation := operation_of(response)) is not None and response.status_code < 400:
            self.operations.add(operation)
        return response

    def query(
        self, path: str, options: Mapping[str, str], headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A read with query options given as a mapping."""
        given = "&".join(f"${name}={quote(value)}" for name, value in options.items())
        return self.graph("GET", f"{path}?{given}" if given else path, headers=headers)

    def create_user(self, name: str = "jit", *, tenant: Tenant | None = None) -> User:
        """An account made through Graph, disabled, as Curfew makes it."""
        customer = tenant or self.contoso
        response = self.graph(
            "POST",
            "users",
            {
                "accountEnabled": False,
                "displayName": name,
                "mailNickname": name,
                "userPrincipalName": f"{name}@{customer.domain}",
                "passwordProfile": {
                    "password": GOOD_PASSWORD,
                    "forceChangePasswordNextSignIn": False,
                },
            },
            tenant=customer,
        )
        assert response.status_code == 201, response.text
        return customer.users[response.json()["id"]]

    def give_role(
        self, user: User, role_id: str, *, tenant: Tenant | None = None
    ) -> httpx.Response:
        body = {"principalId": user.id, "roleDefinitionId": role_id, "directoryScopeId": "/"}
        path = "roleManagement/directory/roleAssignments"
        return self.graph("POST", path, body, tenant=tenant)

    def close(self) -> None:
        self.closing.close()


def code_of(response: httpx.Response) -> str:
    """The code of a Graph error."""
    return str(response.json()["error"]["code"])


def aadsts(response: httpx.Response) -> int:
    """The AADSTS number of a refusal of the token service."""
    return int(response.json()["error_codes"][0])


def claims_of(response: httpx.Response) -> dict[str, Any]:
    """The claims of the access token in an answer."""
    assert response.status_code == 200, response.text
    return peek(response.json()["access_token"])


def identity_credential(world: World, client_id: str | None = None) -> ManagedIdentityCredential:
    """The managed identity as the real SDK sees it; closed with the world."""
    client = client_id or world.demo.identity.client_id
    return world.closing.enter_context(ManagedIdentityCredential(client_id=client))


def held(world: World, user: User, tenant: Tenant) -> list[str]:
    """The ids of the roles that Graph lists for a user."""
    path = "roleManagement/directory/roleAssignments"
    filtered = f"principalId eq '{user.id}'"
    found = world.graph("GET", path, tenant=tenant, filter=filtered).json()["value"]
    return [item["roleDefinitionId"] for item in found]

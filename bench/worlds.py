"""Worlds of any size: the demo's, with more technicians and more customers."""

from collections.abc import Sequence

import httpx

from bench.engine import NotMeasured
from devhost.stack import Stack
from simulator import Cloud
from simulator.directory.tenant import Tenant
from simulator.scenario import Demo, add_customer, demo

_PATIENCE = 120.0
KEPT = httpx.Limits(keepalive_expiry=2.0)
"""Connections are let go before the host does, which closes idle ones after five seconds."""


def crowd(cloud: Cloud, *, technicians: Sequence[str] = (), customers: Sequence[str] = ()) -> Demo:
    """The demo world, with more technicians at home and more customers."""
    world = demo(cloud)
    for alias in technicians:
        user = world.home.add_user(alias, alias.title(), password=world.password)
        world.home.app_roles[user.id, world.api.app_id] = {"Technician"}
        world.people[alias] = user
    for name in customers:
        add_customer(cloud, name.title(), domain_of(name), world.curfew)
    return world


def domain_of(customer: str) -> str:
    """The initial domain of a customer."""
    return f"{customer}.onmicrosoft.com"


def tenants(stack: Stack, customers: Sequence[str]) -> list[Tenant]:
    """The tenants of customers, in their order."""
    return [stack.cloud.tenant(domain_of(name)) for name in customers]


def numbered(name: str, count: int) -> list[str]:
    """So many names: the same word, and a number."""
    return [f"{name}{number}" for number in range(count)]


async def ask(client: httpx.AsyncClient, tenant_id: str, seconds: float) -> str:
    """Ask for a grant of so many seconds as the client's technician, and answer its id.

    Raises:
        NotMeasured: it was not accepted.
    """
    request = {"tenant": tenant_id, "profile": "helpdesk", "duration": f"PT{seconds:.3f}S"}
    answer = await client.post("/api/grants", json=request)
    if answer.status_code != 202:
        raise NotMeasured(f"A request was answered {answer.status_code}: {answer.text}")
    grant: str = answer.json()["id"]
    return grant


def signed_in(stack: Stack, alias: str) -> httpx.AsyncClient:
    """A client of the API, signed in as one of the home tenant's people."""
    with stack.client(alias) as client:
        token = {"Authorization": client.headers["Authorization"]}
        return httpx.AsyncClient(
            base_url=stack.host.url, headers=token, timeout=_PATIENCE, limits=KEPT
        )

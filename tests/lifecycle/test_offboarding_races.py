"""What happens in a tenant while it is being off-boarded: the leaving sees it, or is too late."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from curfew.errors import Missing
from curfew.model.tenants import Tenant
from curfew.net.leaving import leave
from devhost.stack import helpdesk
from simulator import Fault
from tests.lifecycle.client import ADA, Answer, Api, Hub
from tests.lifecycle.nets import sweep
from tests.lifecycle.watched import asleep
from tests.lifecycle.world import World


def administrator(world: World) -> Api:
    return Api(Hub(world.engine), world.wait, world.demo.home.id)


def leaving(world: World, **word: Any) -> Tenant:
    """The tenant as somebody reads it who is to forget it."""
    store = world.services.tenants
    tenant = world.wait(store.get(world.customer.id))
    word = {"leaving_since": world.clock(), **word}
    kept: Tenant = world.wait(store.put(tenant.model_copy(update=word)))
    return kept


def own_roles(world: World) -> list[str]:
    principal = world.customer.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    return [each.role_id for each in world.customer.assignments_of(principal.id)]


async def meanwhile(world: World, work: Awaitable[Any], call: str, then: Awaitable[Any]) -> Any:
    """Do something while a call to the customer's directory is on its way."""

    def on_its_way() -> bool:
        return any(fault.seen for fault in world.cloud.faults if fault.path == call)

    world.cloud.faults.add(Fault(path=call, effect="none", delay=1.5, times=1))
    working = asyncio.ensure_future(work)
    async with asyncio.timeout(10):
        while not on_its_way():  # noqa: ASYNC110 - the simulator is in another thread
            await asyncio.sleep(0.01)
    await then
    return await working


def test_who_comes_back_is_not_forgotten_by_a_leaving_that_began_before(world: World) -> None:
    user = asleep(world)
    before = leaving(world, delete_accounts=True)
    # Another process is done with it first, and an administrator takes the customer in again.
    store = world.services.tenants
    world.wait(store.delete(before))
    world.has_settings = False
    world.save_settings()
    address = f"/api/tenants/{world.customer.id}/profiles/helpdesk"
    assert administrator(world)(ADA, "PUT", address, helpdesk()).status == 201
    roles, writes = own_roles(world), world.graph_writes()

    assert roles
    assert not world.wait(leave(world.services, before))
    assert own_roles(world) == roles
    assert world.graph_writes() == writes
    assert user.id in world.customer.users
    assert world.wait(store.get(world.customer.id)).leaving_since is None
    assert world.wait(store.profile(world.customer.id, "helpdesk"))


def test_who_comes_back_while_he_leaves_keeps_his_settings(world: World) -> None:
    asleep(world)
    before = leaving(world)
    store = world.services.tenants
    api = administrator(world)
    profile = f"/api/tenants/{world.customer.id}/profiles/helpdesk"

    async def come_back() -> None:
        await store.delete(before)
        await store.put(before.model_copy(update={"etag": "", "leaving_since": None}))
        made = await api.send(ADA, "PUT", profile, helpdesk())
        assert made.status == 201

    left = world.wait(
        meanwhile(world, leave(world.services, before), "roleAssignments", come_back())
    )
    assert not left
    assert own_roles(world)
    assert world.wait(store.profile(world.customer.id, "helpdesk"))


def test_an_account_that_is_adopted_while_its_tenant_leaves_is_not_deleted(world: World) -> None:
    user = asleep(world)
    api, address = administrator(world), f"/api/tenants/{world.customer.id}"
    adoption = f"{address}/accounts/{user.id}/adopt"
    adopted = api.send(ADA, "POST", adoption, {"reason": "It is theirs now."})
    left = api.send(ADA, "DELETE", f"{address}?deleteAccounts=true")
    answer = world.wait(meanwhile(world, left, f"users/{user.id}", adopted))
    assert answer.status == 202
    assert own_roles(world)
    assert world.customer.id in sweep(world).left
    assert user.id in world.customer.users


@pytest.mark.parametrize("word", ["leaving", "gone"])
def test_a_profile_that_overtakes_the_leaving_of_its_tenant_is_withdrawn(
    world: World, word: str
) -> None:
    """Else the customer who comes back next year would find it offered."""
    world.save_settings()
    api, store = administrator(world), world.services.tenants

    async def lets_go() -> None:
        tenant = await store.get(world.customer.id)
        if word == "gone":
            await store.delete(tenant)
        else:
            await store.put(tenant.model_copy(update={"leaving_since": world.clock()}))

    written = api.send(
        ADA, "PUT", f"/api/tenants/{world.customer.id}/profiles/helpdesk", helpdesk()
    )
    answer: Answer = world.wait(meanwhile(world, written, "roleDefinitions", lets_go()))
    assert answer.status == 409
    with pytest.raises(Missing):
        world.wait(store.profile(world.customer.id, "helpdesk"))


def test_nothing_is_offered_in_a_tenant_that_leaves(world: World) -> None:
    world.save_settings()
    leaving(world)
    address = f"/api/tenants/{world.customer.id}/profiles/helpdesk"
    assert administrator(world)(ADA, "PUT", address, helpdesk()).status == 409
    world.clock.advance(timedelta(hours=1))
    assert world.customer.id in sweep(world).left

"""A tenant leaves although the engine was down when told. docs/failures.md, row 25."""

from datetime import timedelta

import pytest

from curfew.ledger import AuditQuery
from curfew.ledger.tables import Row
from curfew.model.audit import Action
from curfew.model.grants import EndReason
from curfew.model.sweeps import WARNED
from tests.lifecycle.client import ADA, Api, Hub
from tests.lifecycle.nets import kill, sweep, watch
from tests.lifecycle.watched import asleep
from tests.lifecycle.world import HOUR, World


@pytest.mark.parametrize("lost", [False, True], ids=["living", "lost"])
def test_row_25_a_leaving_tenant_is_told_again_until_every_workflow_has_heard(
    world: World, lost: bool
) -> None:
    hub = Hub(world.engine)
    api = Api(hub, world.wait, world.demo.home.id)
    address = f"/api/tenants/{world.customer.id}"
    grant = world.request()
    grant.run_until_active()
    if lost:
        kill(world, grant)

    hub.trouble = lambda call, applied: True
    assert api(ADA, "DELETE", address).status == 503
    assert api(ADA, "GET", address)["leavingSince"]
    hub.trouble = lambda call, applied: False
    assert api(ADA, "DELETE", address).status == 202
    world.engine.run_for(timedelta(minutes=1))
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.REVOKED
    assert api(ADA, "GET", address).status == 200
    assert world.customer.id in sweep(world).left
    assert api(ADA, "GET", address).status == 404
    assert api(ADA, "DELETE", address).status == 404


def test_a_tenant_that_the_sweep_forgets_is_in_the_trail_first(world: World) -> None:
    world.save_settings()
    store, trail = world.services.tenants, world.services.audit
    saved = world.wait(store.get(world.customer.id))
    world.wait(store.put(saved.model_copy(update={"leaving_since": world.clock()})))
    world.clock.advance(HOUR)

    tables = world.services.tables
    unreadable = Row("newest", world.customer.id, "{}")
    world.wait(tables.create("audit", (unreadable, {})))
    assert world.customer.id not in sweep(world).left
    assert world.wait(store.get(world.customer.id))

    world.wait(tables.delete("audit", unreadable.partition, unreadable.key))
    assert world.customer.id in sweep(world).left
    found = world.wait(trail.events(AuditQuery(tenant=world.customer.id), size=50)).events
    assert [event.action for event in found] == [Action.TENANT_DELETED]


@pytest.mark.parametrize("word", ["ended", "adopted"])
def test_a_tenant_stays_while_the_watch_has_warned_of_an_account(world: World, word: str) -> None:
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    address = f"/api/tenants/{world.customer.id}"
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    refused = api(ADA, "DELETE", address)
    assert refused.status == 409
    assert user.user_principal_name in refused["detail"]
    assert api(ADA, "GET", address).status == 200
    if word == "ended":
        world.clock.advance(WARNED)
        watch(world)
        assert not user.account_enabled
    else:
        adoption = f"{address}/accounts/{user.id}/adopt"
        assert api(ADA, "POST", adoption, {"reason": "It is theirs now."}).status == 200
    assert api(ADA, "DELETE", address).status == 204


def test_a_leaving_tenant_stays_until_the_watch_has_ended_what_it_warned_of(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    tenant = world.wait(world.services.tenants.get(world.customer.id))
    leaving = tenant.model_copy(update={"leaving_since": world.clock()})
    world.wait(world.services.tenants.put(leaving))
    world.clock.advance(WARNED)
    assert world.customer.id not in sweep(world).left
    watch(world)
    assert not user.account_enabled
    assert world.customer.id in sweep(world).left

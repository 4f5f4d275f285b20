"""A tenant leaves although the engine was down when told. Field notes §2, row 25."""

from datetime import timedelta

import pytest

from curfew.model.grants import EndReason
from tests.lifecycle.client import ADA, Api, Hub
from tests.lifecycle.nets import kill, sweep
from tests.lifecycle.world import World


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

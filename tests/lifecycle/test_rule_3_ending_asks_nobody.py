"""Rule 3: ending asks no policy, setting or licence, and what is gone already is done."""

from datetime import timedelta

import pytest

from curfew.model.grants import EndReason
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.world import World


def test_rule_3_an_end_needs_no_settings(world: World) -> None:
    grant = world.request()
    grant.run_until_active()

    async def forget() -> None:
        async for tenant in world.services.tenants.all():
            await world.services.tenants.delete(tenant)

    world.wait(forget())
    world.engine.run()
    world.assert_gone(grant)


def test_rule_3_an_end_needs_no_licence_and_no_pass_policy(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.customer.licences.clear()
    world.customer.access_pass_policy.enabled = False
    world.engine.run()
    world.assert_gone(grant)


@pytest.mark.parametrize("what", ["account", "roles", "pass", "secrets"])
def test_rule_3_what_is_gone_already_is_done(world: World, what: str) -> None:
    grant = world.request()
    grant.run_until_active()
    user = world.user()
    if what == "account":
        del world.customer.users[user.id]
    elif what == "roles":
        for held in world.customer.assignments_of(user.id):
            del world.customer.role_assignments[held.id]
    elif what == "pass":
        user.access_pass = None
    else:
        for version in world.versions(grant):
            version.enabled = False
    world.engine.run()
    world.assert_gone(grant)
    evidence = grant.lease.evidence
    assert evidence is not None
    assert evidence.account_existed is (what != "account")


def test_rule_3_a_second_order_to_end_changes_nothing(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    grant.order_end()
    grant.order_end()
    world.engine.run()
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.RETURNED


def test_rule_3_a_ledger_that_is_down_does_not_delay_the_disabling(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    world.ledger.trouble = Trouble(times=None)
    expires_at = grant.plan.provision_by + grant.plan.duration
    world.engine.run(until=expires_at + timedelta(minutes=1))
    user = world.user()
    assert not user.account_enabled
    assert not world.roles()
    world.ledger.trouble = None
    world.engine.run()
    world.assert_gone(grant)

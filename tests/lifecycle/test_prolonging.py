"""After an extension: what Microsoft keeps of the expiry moves along."""

from typing import Any

import pytest

from curfew.model.grants import GrantState
from curfew.model.profiles import CredentialKind, RoleMode
from simulator.directory.objects import User
from tests.lifecycle.lent import BOTH, MINUTE, READER, active
from tests.lifecycle.pim import (
    extend,
    prolong,
    schedules,
)
from tests.lifecycle.world import HOUR, SECURITY_READER, World


@pytest.fixture
def licensed(world: World) -> World:
    world.customer.licences = {"P2"}
    return world


@pytest.fixture
def subject(world: World) -> User:
    return world.customer.add_user("bert", "Bert Berger")


def test_pim_schedules_move_with_an_extension(licensed: World, subject: User) -> None:
    own = licensed.request(role_mode=RoleMode.PIM)
    own.run_until_active()
    lent = active(licensed, subject, role_mode=RoleMode.AUTO)
    for grant, user in ((own, licensed.user()), (lent, subject)):
        until = extend(licensed, grant, HOUR)
        assert prolong(licensed, grant) is None
        assert schedules(licensed, user) == dict.fromkeys(BOTH, until)


def test_row_7_an_extension_does_not_shorten_what_another_grant_needs(
    licensed: World, subject: User
) -> None:
    longer = active(licensed, subject, role_mode=RoleMode.PIM, roles=READER, duration=4 * HOUR)
    shorter = active(licensed, subject, role_mode=RoleMode.PIM, roles=READER)
    extend(licensed, shorter, HOUR)
    assert prolong(licensed, shorter) is None
    assert schedules(licensed, subject) == {SECURITY_READER: longer.lease.expires_at}


def test_a_pass_that_would_lapse_earlier_is_made_anew(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    held = grant.lease.handover.temporary_access_pass
    assert held is not None
    assert held.lapses_at is not None
    made = world.user().access_pass
    assert made is not None
    assert held.lapses_at == made.end
    first = world.kept(grant, "pass")
    world.clock.advance(50 * MINUTE)
    until = extend(world, grant, HOUR)
    assert prolong(world, grant) is None
    renewed = grant.lease.handover.temporary_access_pass
    assert renewed is not None
    assert renewed.lapses_at is not None
    assert renewed.lapses_at >= until
    assert world.kept(grant, "pass") != first
    world.clock.advance(HOUR)
    assert world.sign_in(world.kept(grant, "pass")) == 200
    passes = world.kept(grant, "pass")
    assert prolong(world, grant) is None
    assert world.kept(grant, "pass") == passes, "one that lives long enough stays"
    world.clock.advance(-110 * MINUTE)
    world.engine.run()
    world.assert_gone(grant)


def test_a_pass_lives_no_longer_than_the_tenant_allows(world: World) -> None:
    world.customer.access_pass_policy.maximum_minutes = 90
    grant = world.request(credential=CredentialKind.TEMPORARY_ACCESS_PASS)
    grant.run_until_active()
    begun = world.clock()
    extend(world, grant, 4 * HOUR)
    assert prolong(world, grant) is None
    renewed = grant.lease.handover.temporary_access_pass
    assert renewed is not None
    assert renewed.lapses_at == begun + 90 * MINUTE


@pytest.mark.parametrize("state", [GrantState.ENDING, GrantState.PROVISIONING])
def test_only_an_active_grant_is_prolonged(world: World, state: GrantState) -> None:
    grant = world.request()
    grant.run_until_active()
    extend(world, grant, HOUR)
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda now: now.model_copy(update={"state": state})))
    before = world.graph_writes()
    failure = prolong(world, grant)
    assert failure is not None
    assert failure["code"] == "no-open-lease"
    assert world.graph_writes() == before


def test_a_pass_that_is_made_while_the_ending_begins_is_removed_by_its_own_step(
    world: World,
) -> None:
    grant = world.request()
    grant.run_until_active()
    extend(world, grant, HOUR)
    leases = world.services.leases
    change, lease = leases.change, grant.lease

    async def ended_in_between(*arguments: Any, **options: Any) -> Any:
        leases.change = change  # type: ignore[method-assign]
        await leases.close(lease.model_copy(update={"state": GrantState.ENDED}))
        return await change(*arguments, **options)

    leases.change = ended_in_between  # type: ignore[method-assign]
    failure = prolong(world, grant)
    assert failure is not None
    assert failure["code"] == "no-open-lease"
    assert world.user().access_pass is None
    assert not world.user().account_enabled
    assert not [version for version in world.versions(grant) if version.enabled]

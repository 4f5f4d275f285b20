"""Rule 9: one live grant per account, claimed atomically in the ledger."""

import asyncio

import pytest

from curfew.errors import AlreadyExists
from tests.lifecycle.world import World


def test_rule_9_of_many_simultaneous_claims_exactly_one_wins(world: World) -> None:
    plans = [world.plan() for _ in range(30)]
    first = world.lease(plans[0])
    world.wait(world.services.leases.withdraw(first))

    async def race() -> list[BaseException | None]:
        leases = [first.model_copy(update={"plan": plan}) for plan in plans]
        opening = (world.services.leases.open(lease) for lease in leases)
        return list(await asyncio.gather(*opening, return_exceptions=True))

    results = world.wait(race())
    assert results.count(None) == 1
    assert sum(isinstance(result, AlreadyExists) for result in results) == len(plans) - 1


def test_rule_9_the_account_is_free_again_only_after_the_verified_end(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    with pytest.raises(AlreadyExists):
        world.lease(world.plan())
    world.engine.run()
    world.assert_gone(grant)
    world.lease(world.plan())


def test_rule_9_closing_twice_does_not_free_the_account_of_the_next_grant(world: World) -> None:
    first = world.ended_grant()
    second = world.request()
    world.wait(world.services.leases.close(first.lease))
    holder = world.wait(
        world.services.leases.holder(world.customer.id, second.plan.user_principal_name)
    )
    assert holder == second.plan.grant_id
    world.engine.run()
    world.assert_gone(second)

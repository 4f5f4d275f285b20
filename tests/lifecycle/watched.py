"""Accounts that the watch looks at, and what stands of them in the ledger."""

import copy
from typing import Any

from curfew.ledger import AccountRecord
from curfew.ledger.leases import HISTORY, GrantQuery
from curfew.model.grants import Lease
from curfew.model.messages import CREATION_SETTLES
from curfew.model.sweeps import WATCH_PROFILE
from simulator.directory.objects import User
from tests.lifecycle.world import World


def forget_tenants(world: World) -> None:
    """Curfew knows no tenant of any other test, and so looks into none."""

    async def forget() -> None:
        store = world.services.tenants
        for tenant in [tenant async for tenant in store.all()]:
            await store.delete(tenant)

    world.wait(forget())


def asleep(world: World) -> User:
    """Ann's account after a grant that ended a while ago."""
    world.ended_grant()
    world.clock.advance(CREATION_SETTLES)
    return world.user()


def record_of(world: World) -> AccountRecord:
    record = world.wait(
        world.services.accounts.find(world.customer.id, f"msp-ann@{world.customer.domain}")
    )
    assert isinstance(record, AccountRecord)
    return record


def swept_leases(world: World) -> list[Lease]:
    query = GrantQuery(tenant=world.customer.id)
    page = world.wait(world.services.leases.page(query, size=50, table=HISTORY))
    return [lease for lease in page.leases if lease.profile == WATCH_PROFILE]


def note(world: World, **word: Any) -> None:
    """Write something into the record of Ann's account."""
    name = record_of(world).user_principal_name
    world.wait(
        world.services.accounts.change(
            world.customer.id, name, lambda record: record.model_copy(update=word)
        )
    )


def as_it_was(user: User) -> dict[str, object]:
    seen = copy.deepcopy(vars(user))
    seen.pop("past", None)
    return seen

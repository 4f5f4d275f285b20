"""Role grants under test: a user of the customer, what he holds, and single steps."""

import copy
from datetime import timedelta
from typing import Any

from curfew.model.grants import GrantState
from curfew.model.profiles import Group, Role
from simulator.directory.objects import User
from tests.lifecycle.world import (
    HELPDESK_ADMINISTRATOR,
    SECURITY_READER,
    Grant,
    World,
    registered_functions,
)

BOTH = {SECURITY_READER, HELPDESK_ADMINISTRATOR}
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
READER = (Role(id=SECURITY_READER, name="Security Reader"),)


def an_administrator(world: World) -> User:
    """An administrator of the customer with a role of his own."""
    return world.customer.add_user("bert", "Bert Berger", roles=("Reports Reader",))


def roles_of(world: World, user: User) -> set[str]:
    """The roles that a user holds, but for his own."""
    own = world.customer.assign_role(user.id, "Reports Reader")
    del world.customer.role_assignments[own.id]
    return {each.role_id for each in world.customer.assignments_of(user.id)} - {own.role_id}


def group_of(world: World, name: str = "Exclusion", **options: Any) -> Group:
    made = world.customer.add_group(name, **options)
    return Group(id=made.id, name=name)


def members(world: World, group: Group) -> list[str]:
    return world.customer.groups[group.id].members


def as_it_was(user: User) -> dict[str, object]:
    """All of a user that an ending has no business with."""
    seen = copy.deepcopy(vars(user))
    return {k: v for k, v in seen.items() if k not in {"past", "sessions_valid_from"}}


def step(world: World, name: str, message: Any) -> Any:
    """Run one step of the product by itself, as an engine does that repeats it."""
    _, steps = registered_functions()
    return world.wait(steps[name](message=message.to_json()))


def active(world: World, user: User, **changes: Any) -> Grant:
    grant = world.request_roles(user, **changes)
    world.engine.run(until=world.clock() + MINUTE)
    assert grant.state is GrantState.ACTIVE
    return grant


def assert_closed(grant: Grant) -> None:
    assert grant.state is GrantState.ENDED
    assert grant.lease.evidence is not None
    assert grant.lease.evidence.clean

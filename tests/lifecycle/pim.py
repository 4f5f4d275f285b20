"""PIM under test: what it keeps for a user, and what others have put there."""

from datetime import datetime, timedelta

from curfew.model.messages import Activation
from simulator.directory.objects import RoleSchedule, User
from simulator.directory.roles import role_named
from tests.lifecycle.lent import step
from tests.lifecycle.world import Grant, World

GLOBAL_READER = role_named("Global Reader").id


def schedules(world: World, user: User) -> dict[str, datetime | None]:
    """The end of everything that PIM keeps for a user, by role."""
    kept = world.customer.role_schedules.values()
    return {each.role_id: each.end for each in kept if each.principal_id == user.id}


def plainly_assigned(world: World, user: User) -> set[str]:
    kept = world.customer.role_assignments.values()
    return {each.role_id for each in kept if each.principal_id == user.id}


def extend(world: World, grant: Grant, by: timedelta) -> datetime:
    """Move the expiry in the ledger, and let the step run that follows."""
    expires_at = grant.lease.expires_at
    assert expires_at is not None
    until = expires_at + by
    moved = {"expires_at": until, "deadline": until}
    change = world.services.leases.change
    world.wait(change(grant.plan.grant_id, lambda now: now.model_copy(update=moved)))
    return until


def prolong(world: World, grant: Grant) -> dict[str, str] | None:
    lease = grant.lease
    assert lease.expires_at is not None
    activation = Activation(plan=lease.plan, handover=lease.handover, expires_at=lease.expires_at)
    failure: dict[str, str] | None = step(world, "prolong_access", activation)["failure"]
    return failure


def schedule(world: World, user: User, *, until: datetime) -> RoleSchedule:
    """A role for a time that somebody else has given through PIM."""
    now = world.clock()
    made = RoleSchedule(
        id=f"schedule-{user.id}",
        principal_id=user.id,
        role_id=GLOBAL_READER,
        scope="/",
        created=now,
        start=now,
        end=until,
        request_id="",
        assignment_id=f"assignment-{user.id}",
        visible_from=now,
    )
    world.customer.role_schedules[made.id] = made
    return made

"""The home tenant in virtual time: its groups, its people, and what Curfew asks of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from simulator.calls import Call
from simulator.directory.objects import Group
from simulator.directory.tenant import Tenant
from simulator.faults import Fault
from tests.lifecycle.client import Persona
from tests.lifecycle.world import World


class Home:
    """The home tenant of a world; what a test changes there is undone after it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tenant: Tenant = world.demo.home

    def group(self, *members: Persona, within: Group | None = None) -> Group:
        """A group of these people, perhaps inside another one."""
        ids = tuple(member.id for member in members)
        group = self.tenant.add_group("Technicians", members=ids)
        if within is not None:
            within.members.append(group.id)
        return group

    def disable(self, person: Persona) -> None:
        """He has left: his account is disabled."""
        self.tenant.users[person.id].account_enabled = False

    def delete(self, person: Persona) -> None:
        """His account is deleted."""
        del self.tenant.users[person.id]

    @contextmanager
    def down(self, **trouble: Any) -> Iterator[None]:
        """The home tenant's directory fails, and no other."""
        said = {"service": "graph", "tenant": self.tenant.id, "times": None} | trouble
        fault = self.world.cloud.faults.add(Fault(**said))
        yield
        self.world.cloud.faults.remove(fault)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put people and groups back as they were."""
        users, groups = dict(self.tenant.users), dict(self.tenant.groups)
        enabled = {user.id: user.account_enabled for user in users.values()}
        yield
        self.tenant.users = users
        self.tenant.groups = groups
        for user in users.values():
            user.account_enabled = enabled[user.id]

    def calls(self) -> list[Call]:
        """Every call to the home tenant's directory so far."""
        return self.world.cloud.calls.graph(self.tenant.id)

    def checks(self) -> list[Call]:
        """Those that asked for somebody's groups."""
        return [call for call in self.calls() if "checkMemberGroups" in call.path]


def among(*groups: Group, people: tuple[Persona, ...] = ()) -> dict[str, Any]:
    """An audience of these groups and people."""
    return {
        "groups": tuple(group.id for group in groups),
        "people": tuple(person.id for person in people),
    }

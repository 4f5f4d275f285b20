"""What an account may do in one tenant: directory role assignments and group memberships."""

from contextlib import suppress

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.role_management.directory.role_assignments.role_assignments_request_builder import (  # noqa: E501
    RoleAssignmentsRequestBuilder,
)

from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.errors import AlreadyExists, Missing, Rejected

WHOLE_DIRECTORY = "/"
_GROUP = "#microsoft.graph.group"
_UNIFIED = "Unified"


class Access:
    """Roles and groups of the accounts of one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def assign_role(self, principal_id: str, role_id: str) -> str | None:
        """Give a role over the whole directory and answer the assignment's id.

        A role that is there already is done; its id is not told.

        Raises:
            Missing: the principal is not known yet where roles are kept.
        """
        assignment = UnifiedRoleAssignment(
            principal_id=principal_id,
            role_definition_id=role_id,
            directory_scope_id=WHOLE_DIRECTORY,
        )
        builder = self._graph.client.role_management.directory.role_assignments
        try:
            made = await self._graph.read(
                "assign role", builder.to_post_request_information(assignment)
            )
        except AlreadyExists:
            return None
        return made.id

    async def assigned_roles(self, principal_id: str) -> dict[str, str]:
        """The role definition id of every assignment of a principal, by assignment id."""
        found = await self._assignments(principal_id)
        return {each.id: each.needed("roleDefinitionId") for each in found}

    async def directory_roles(self, principal_id: str) -> dict[str, str]:
        """As `assigned_roles`, without those that reach over a part of the directory only."""
        found = await self._assignments(principal_id)
        whole = [each for each in found if each.text("directoryScopeId") == WHOLE_DIRECTORY]
        return {each.id: each.needed("roleDefinitionId") for each in whole}

    async def _assignments(self, principal_id: str) -> list[Answer]:
        builder = self._graph.client.role_management.directory.role_assignments
        query = RoleAssignmentsRequestBuilder.RoleAssignmentsRequestBuilderGetQueryParameters(
            filter=f"principalId eq '{principal_id}'"
        )
        return await self._graph.collect(
            "read role assignments",
            builder.to_get_request_information(RequestConfiguration(query_parameters=query)),
        )

    async def remove_assignment(self, assignment_id: str) -> None:
        """Take a role assignment away. One that is gone is done."""
        builder = self._graph.client.role_management.directory.role_assignments
        assignment = builder.by_unified_role_assignment_id(assignment_id)
        with suppress(Missing):
            await self._graph.send(
                "remove role assignment", assignment.to_delete_request_information()
            )

    async def role_groups(self, principal_id: str) -> list[str]:
        """The ids of the role-assignable groups that a user is a direct member of.

        Only such groups can carry directory roles, and none of them is dynamic: whoever is in
        one was put there (https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept).
        """
        memberships = await self.memberships(principal_id)
        return [group_id for group_id, role_assignable in memberships.items() if role_assignable]

    async def member_groups(self, principal_id: str) -> set[str]:
        """The ids of the groups that a user was put into, as in `memberships`."""
        return set(await self.memberships(principal_id))

    async def memberships(self, principal_id: str) -> dict[str, bool]:
        """The groups that a user was put into, by id, and whether they may carry roles.

        Those that a rule or an on-premises directory fills are left out: nobody can take a
        member out of them. So are distribution lists, which give no access.
        """
        groups = await self._groups(principal_id)
        return {
            group.id: bool(group.flag("isAssignableToRole"))
            for group in groups
            if _takes_members(group)
            and (group.flag("securityEnabled") or _UNIFIED in _types(group))
        }

    async def join_group(self, principal_id: str, group_id: str) -> bool:
        """Put a user into a group; True when it was added, False when it was in it already.

        It is in it already, too, when an earlier try put it there whose answer was lost: which
        groups it was in before is to be read before the first try.

        Raises:
            Missing: the group or the user is not known, or not yet, where memberships are kept.
            Rejected: the group takes no members from an app: dynamic, synchronised, mail-enabled.
        """
        members = self._graph.client.groups.by_group_id(group_id).members
        reference = ReferenceCreate(odata_id=f"{self._graph.root}/directoryObjects/{principal_id}")
        try:
            await self._graph.send("join group", members.ref.to_post_request_information(reference))
        except AlreadyExists:
            return False
        except Rejected:
            # "Already a member" has no code of its own, only a text.
            if group_id in {group.id for group in await self._groups(principal_id)}:
                return False
            raise
        return True

    async def leave_group(self, principal_id: str, group_id: str) -> None:
        """Take a user out of a group. One who is not in it is done."""
        members = self._graph.client.groups.by_group_id(group_id).members
        # `.ref` is the membership. Without it the call would delete the user.
        membership = members.by_directory_object_id(principal_id).ref
        with suppress(Missing):
            await self._graph.send("leave group", membership.to_delete_request_information())

    async def _groups(self, principal_id: str) -> list[Answer]:
        builder = self._graph.client.users.by_user_id(principal_id).member_of
        found = await self._graph.collect("read memberships", builder.to_get_request_information())
        groups = [member for member in found if member.needed("@odata.type") == _GROUP]
        for group in groups:
            if group.flag("securityEnabled") is None:
                # What this app may not read comes with every property empty: unknown, not harmless.
                raise group.unreadable()
        return groups


def _takes_members(group: Answer) -> bool:
    return "DynamicMembership" not in _types(group) and not group.flag("onPremisesSyncEnabled")


def _types(group: Answer) -> list[str]:
    return group.texts("groupTypes") or []

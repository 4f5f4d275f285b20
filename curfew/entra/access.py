"""What an account may do in one tenant: directory role assignments and group memberships."""

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.group import Group
from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
from msgraph.generated.role_management.directory.role_assignments.role_assignments_request_builder import (  # noqa: E501
    RoleAssignmentsRequestBuilder,
)

from curfew.entra.graph import Graph
from curfew.errors import AlreadyExists, Missing, Unavailable

WHOLE_DIRECTORY = "/"


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
        try:
            with self._graph.call("assign role"):
                made = await self._graph.client.role_management.directory.role_assignments.post(
                    assignment
                )
        except AlreadyExists:
            return None
        return made.id if made else None

    async def assigned_roles(self, principal_id: str) -> dict[str, str]:
        """The role definition id of every assignment of a principal, by assignment id."""
        builder = self._graph.client.role_management.directory.role_assignments
        query = RoleAssignmentsRequestBuilder.RoleAssignmentsRequestBuilderGetQueryParameters(
            filter=f"principalId eq '{principal_id}'"
        )
        assignments = await self._graph.collect(
            "read role assignments",
            lambda: builder.get(request_configuration=RequestConfiguration(query_parameters=query)),
            lambda link: builder.with_url(link).get(),
        )
        return {a.id: a.role_definition_id for a in assignments}

    async def remove_assignment(self, assignment_id: str) -> None:
        """Take a role assignment away. One that is gone is done."""
        builder = self._graph.client.role_management.directory.role_assignments
        try:
            with self._graph.call("remove role assignment"):
                await builder.by_unified_role_assignment_id(assignment_id).delete()
        except Missing:
            return

    async def role_groups(self, principal_id: str) -> list[str]:
        """The ids of the role-assignable groups that a user is a direct member of.

        Only such groups can carry directory roles, and none of them is dynamic: whoever is in
        one was put there (https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept).
        """
        builder = self._graph.client.users.by_user_id(principal_id).member_of
        found = await self._graph.collect(
            "read memberships", builder.get, lambda link: builder.with_url(link).get()
        )
        groups = [member for member in found if isinstance(member, Group)]
        if any(group.security_enabled is None for group in groups):
            # What this app may not read comes with every property empty: unknown, not harmless.
            raise Unavailable("directory", "read memberships")
        return [group.id or "" for group in groups if group.is_assignable_to_role]

    async def leave_group(self, principal_id: str, group_id: str) -> None:
        """Take a user out of a group. One who is not in it is done."""
        members = self._graph.client.groups.by_group_id(group_id).members
        try:
            with self._graph.call("leave group"):
                # `.ref` is the membership. Without it the call would delete the user.
                await members.by_directory_object_id(principal_id).ref.delete()
        except Missing:
            return

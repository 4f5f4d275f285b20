"""People and applications of one tenant: whether they are there, and in which groups they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.service_principals.item.check_member_groups.check_member_groups_post_request_body import (  # noqa: E501
    CheckMemberGroupsPostRequestBody as PrincipalsGroups,
)
from msgraph.generated.service_principals.item.service_principal_item_request_builder import (
    ServicePrincipalItemRequestBuilder,
)
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody as UsersGroups,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder

from curfew.concurrency import together
from curfew.entra.graph import Graph
from curfew.errors import Missing

_PrincipalQuery = (
    ServicePrincipalItemRequestBuilder.ServicePrincipalItemRequestBuilderGetQueryParameters
)
_SELECT = ["id", "accountEnabled"]
_MOST_GROUPS = 20
"""As many groups Graph checks in one call."""


@dataclass(frozen=True, slots=True)
class Member:
    """A user or an application of the tenant."""

    id: str
    enabled: bool
    is_application: bool


class Members:
    """Who belongs to one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def find(self, object_id: str) -> Member:
        """A user, or else an application, by object id.

        Raises:
            Missing: the tenant has neither.
        """
        try:
            return await self._user(object_id)
        except Missing:
            return await self._application(object_id)

    async def groups_of(
        self, object_id: str, groups: Iterable[str], *, is_application: bool
    ) -> frozenset[str]:
        """Those of the groups that a user or an application is in, also through other groups.

        A group whose membership is hidden from this app counts as one that he is not in: Graph
        leaves it out without saying so.

        Raises:
            Missing: the tenant has no such user or application.
        """
        parts = [list(part) for part in batched(sorted(groups), _MOST_GROUPS, strict=False)]
        found = await together(*(self._check(object_id, part, is_application) for part in parts))
        return frozenset().union(*found)

    async def _check(self, object_id: str, groups: list[str], is_application: bool) -> set[str]:
        client = self._graph.client
        if is_application:
            principal = client.service_principals.by_service_principal_id(object_id)
            request = principal.check_member_groups.to_post_request_information(
                PrincipalsGroups(group_ids=groups)
            )
        else:
            user = client.users.by_user_id(object_id)
            request = user.check_member_groups.to_post_request_information(
                UsersGroups(group_ids=groups)
            )
        answer = await self._graph.read("check groups", request)
        ids = answer.texts("value")
        if ids is None:
            # Without its array the answer is a truncated one, and not "in none of them".
            raise answer.unreadable()
        return {group.lower() for group in ids} & set(groups)

    async def _user(self, object_id: str) -> Member:
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_SELECT)
        request = self._graph.client.users.by_user_id(object_id).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        user = await self._graph.read("read person", request)
        enabled = user.flag("accountEnabled")
        if enabled is None:
            # What this app may not read comes empty; it is neither yes nor no.
            raise user.unreadable()
        return Member(user.id, enabled, is_application=False)

    async def _application(self, object_id: str) -> Member:
        query = _PrincipalQuery(select=_SELECT)
        builder = self._graph.client.service_principals.by_service_principal_id(object_id)
        principal = await self._graph.read(
            "read application",
            builder.to_get_request_information(RequestConfiguration(query_parameters=query)),
        )
        enabled = principal.flag("accountEnabled")
        if enabled is None:
            raise principal.unreadable()
        return Member(principal.id, enabled, is_application=True)

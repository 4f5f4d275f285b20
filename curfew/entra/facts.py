"""Facts about a tenant that settings and requests are checked against, and approvers are shown."""

from collections.abc import Iterable
from dataclasses import dataclass

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.groups.item.group_item_request_builder import GroupItemRequestBuilder

from curfew.concurrency import together
from curfew.entra.graph import Graph
from curfew.errors import Unavailable

# "Warning" is the time after a subscription has lapsed in which it still serves.
_IN_FORCE = frozenset({"Enabled", "Warning"})
# A plan that is for the whole tenant waits for nobody to be given it: "PendingActivation".
_PROVISIONED = frozenset({"Success", "PendingActivation", "PendingProvisioning"})
_GROUP = ["id", "displayName", "isAssignableToRole", "groupTypes", "onPremisesSyncEnabled"]


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the tenant. Passwords can be set only where it is managed, not federated."""

    name: str
    verified: bool
    managed: bool
    initial: bool = False
    """Whether it is the one that the tenant was opened with: always there, always managed."""


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group. The members of a dynamic or synchronised one are not for an app to change."""

    id: str
    name: str
    role_assignable: bool
    dynamic: bool
    synced: bool


class Facts:
    """What one tenant says of itself."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def sign_in(self) -> None:
        """Get a token of the tenant.

        Raises:
            Denied: the authority or the vault refuses; `service_code` says why.
            Unavailable: one of them did not answer.
        """
        await self._graph.sign_in()

    async def service_plans(self) -> frozenset[str]:
        """The ids of the service plans that the tenant has bought and that are in force."""
        request = self._graph.client.subscribed_skus.to_get_request_information()
        return frozenset(
            plan.needed("servicePlanId")
            for sku in await self._graph.collect("read licences", request)
            if sku.text("capabilityStatus") in _IN_FORCE
            for plan in sku.parts("servicePlans") or ()
            if plan.text("provisioningStatus") in _PROVISIONED
        )

    async def domains(self) -> dict[str, Domain]:
        """The tenant's domains by name."""
        request = self._graph.client.domains.to_get_request_information()
        return {
            domain.id: Domain(
                domain.id,
                bool(domain.flag("isVerified")),
                domain.text("authenticationType") == "Managed",
                bool(domain.flag("isInitial")),
            )
            for domain in await self._graph.collect("read domains", request)
        }

    async def role_names(self) -> dict[str, str]:
        """The display name of every enabled role definition of the directory, by its id."""
        builder = self._graph.client.role_management.directory.role_definitions
        roles = await self._graph.collect(
            "read role definitions", builder.to_get_request_information()
        )
        return {
            role.id: role.text("displayName") or ""
            for role in roles
            if role.flag("isEnabled") is not False
        }

    async def organization_name(self) -> str:
        """What the tenant calls itself."""
        request = self._graph.client.organization.to_get_request_information()
        found = await self._graph.collect("read organization", request)
        if not found:
            raise Unavailable("directory", "read organization")
        return found[0].needed("displayName")

    async def group(self, group_id: str) -> GroupFacts:
        """A group by its object id.

        Raises:
            Missing: the tenant has no such group.
        """
        query = GroupItemRequestBuilder.GroupItemRequestBuilderGetQueryParameters(select=_GROUP)
        request = self._graph.client.groups.by_group_id(group_id).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        group = await self._graph.read("read group", request)
        if (types := group.texts("groupTypes")) is None:
            # What this app may not read comes with its properties empty.
            raise group.unreadable()
        return GroupFacts(
            id=group.id,
            name=group.needed("displayName"),
            role_assignable=bool(group.flag("isAssignableToRole")),
            dynamic="DynamicMembership" in types,
            synced=bool(group.flag("onPremisesSyncEnabled")),
        )

    async def groups(self, group_ids: Iterable[str]) -> dict[str, GroupFacts]:
        """Several groups, by the ids they were asked for; `Missing` when one of them is unknown."""
        wanted = list(dict.fromkeys(group_ids))
        return dict(zip(wanted, await together(*map(self.group, wanted)), strict=True))

"""Applications in one tenant: this app's own service principal, which no grant may touch."""

from dataclasses import dataclass

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.service_principals_with_app_id.service_principals_with_app_id_request_builder import (  # noqa: E501
    ServicePrincipalsWithAppIdRequestBuilder,
)

from curfew.entra.graph import Graph


@dataclass(frozen=True, slots=True)
class OwnPrincipal:
    """This app as the tenant knows it, and who can change its credentials there."""

    id: str
    owner_ids: frozenset[str]


class Principals:
    """The applications of one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def own(self, app_id: str) -> OwnPrincipal:
        """The service principal of an application, with all its owners or not at all.

        Raises:
            Missing: the tenant has not let the application in.
        """
        query = ServicePrincipalsWithAppIdRequestBuilder.ServicePrincipalsWithAppIdRequestBuilderGetQueryParameters(  # noqa: E501
            select=["id"]
        )
        request = self._graph.client.service_principals_with_app_id(
            app_id
        ).to_get_request_information(RequestConfiguration(query_parameters=query))
        principal = await self._graph.read("read service principal", request)
        builder = self._graph.client.service_principals.by_service_principal_id(principal.id).owners
        owners = await self._graph.collect("read owners", builder.to_get_request_information())
        return OwnPrincipal(principal.id, frozenset(owner.id for owner in owners))

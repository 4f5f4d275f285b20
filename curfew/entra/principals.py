"""Applications in one tenant: this app's own service principal, which no grant may touch."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.applications_with_app_id.applications_with_app_id_request_builder import (
    ApplicationsWithAppIdRequestBuilder,
)
from msgraph.generated.service_principals_with_app_id.service_principals_with_app_id_request_builder import (  # noqa: E501
    ServicePrincipalsWithAppIdRequestBuilder,
)

from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.errors import Missing


@dataclass(frozen=True, slots=True)
class OwnPrincipal:
    """This app as the tenant knows it, and who can change its credentials there."""

    id: str
    owner_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Registered:
    """A secret or a certificate that is registered with an application."""

    name: str
    until: datetime | None


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

    async def consented(self, principal_id: str) -> frozenset[str]:
        """The ids of the application permissions that were consented to, of whichever resource."""
        item = self._graph.client.service_principals.by_service_principal_id(principal_id)
        request = item.app_role_assignments.to_get_request_information()
        found = await self._graph.collect("read consented permissions", request)
        return frozenset(each.needed("appRoleId").lower() for each in found)

    async def registered(self, app_id: str) -> tuple[Registered, ...] | None:
        """What an application can prove itself with; None where it is registered in another tenant.

        Of a secret or certificate nothing is told but its name and its end.
        """
        query = ApplicationsWithAppIdRequestBuilder.ApplicationsWithAppIdRequestBuilderGetQueryParameters(  # noqa: E501
            select=["id", "passwordCredentials", "keyCredentials"]
        )
        request = self._graph.client.applications_with_app_id(app_id).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        try:
            application = await self._graph.read("read application", request)
        except Missing:
            return None
        passwords = application.parts("passwordCredentials")
        keys = application.parts("keyCredentials")
        if passwords is None or keys is None:
            raise application.unreadable()
        return tuple(map(_registered, chain(passwords, keys)))


def _registered(credential: Answer) -> Registered:
    # Microsoft generates a name only for some of them.
    name = credential.text("displayName") or credential.text("keyId") or "without a name"
    return Registered(name, credential.moment("endDateTime"))

"""Facts about a tenant that settings are checked against: its domains and its roles."""

from dataclasses import dataclass

from curfew.entra.graph import Graph


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the tenant. Passwords can be set only where it is managed, not federated."""

    name: str
    verified: bool
    managed: bool


class Facts:
    """What one tenant says of itself."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def domains(self) -> dict[str, Domain]:
        """The tenant's domains by name."""
        builder = self._graph.client.domains
        domains = await self._graph.collect(
            "read domains", builder.get, lambda link: builder.with_url(link).get()
        )
        return {
            domain.id: Domain(
                domain.id, bool(domain.is_verified), domain.authentication_type == "Managed"
            )
            for domain in domains
        }

    async def role_names(self) -> dict[str, str]:
        """The display name of every enabled role definition of the directory, by its id."""
        builder = self._graph.client.role_management.directory.role_definitions
        roles = await self._graph.collect(
            "read role definitions", builder.get, lambda link: builder.with_url(link).get()
        )
        return {role.id: role.display_name for role in roles if role.is_enabled is not False}

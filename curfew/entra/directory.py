"""One tenant's directory, all its sides together."""

from dataclasses import dataclass
from typing import Self

from curfew.clouds import Cloud
from curfew.entra.access import Access
from curfew.entra.accounts import Accounts
from curfew.entra.facts import Facts
from curfew.entra.graph import Connections, Credential, Graph
from curfew.entra.methods import Methods


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory of one tenant."""

    accounts: Accounts
    access: Access
    methods: Methods
    facts: Facts

    @classmethod
    def of(cls, cloud: Cloud, credential: Credential, connections: Connections) -> Self:
        """The directory behind a credential."""
        graph = Graph(cloud, credential, connections)
        return cls(Accounts(graph), Access(graph), Methods(graph), Facts(graph))

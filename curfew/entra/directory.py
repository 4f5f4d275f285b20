"""One tenant's directory, all its sides together."""

from dataclasses import dataclass
from typing import Self

from curfew.clouds import Cloud
from curfew.entra.access import Access
from curfew.entra.accounts import Accounts
from curfew.entra.facts import Facts
from curfew.entra.graph import Connections, Credential, Graph
from curfew.entra.logs import Logs
from curfew.entra.members import Members
from curfew.entra.methods import Methods
from curfew.entra.pace import Pace
from curfew.entra.principals import Principals
from curfew.entra.schedules import Schedules


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory of one tenant."""

    accounts: Accounts
    access: Access
    methods: Methods
    facts: Facts
    schedules: Schedules
    principals: Principals
    members: Members
    logs: Logs
    pace: Pace

    @classmethod
    def of(cls, cloud: Cloud, credential: Credential, connections: Connections, pace: Pace) -> Self:
        """The directory behind a credential; `pace` is the tenant's, whatever the credential."""
        graph = Graph(cloud, credential, connections, pace)
        return cls(
            accounts=Accounts(graph),
            access=Access(graph),
            methods=Methods(graph),
            facts=Facts(graph),
            schedules=Schedules(graph),
            principals=Principals(graph),
            members=Members(graph),
            logs=Logs(graph),
            pace=pace,
        )

"""Microsoft's clouds as data: where each keeps its sign-in, its Graph and its vaults.

Source: https://learn.microsoft.com/graph/deployments. Tokens of one cloud are worth nothing in
another, and a federated credential cannot cross clouds: one deployment serves one cloud.
"""

from dataclasses import dataclass
from enum import StrEnum


class CloudName(StrEnum):
    """The clouds by the names that Azure's own tools use."""

    PUBLIC = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    US_GOVERNMENT_DOD = "AzureUSGovernmentDoD"
    CHINA = "AzureChinaCloud"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The addresses of one cloud. `graph` has no version; `authority` has no tenant."""

    name: CloudName
    authority: str
    graph: str
    portal: str
    federation_audience: str

    @property
    def graph_scope(self) -> str:
        """The scope of an app-only Graph token."""
        return f"{self.graph}/.default"

    @property
    def federation_scope(self) -> str:
        """The scope of the managed identity's token that stands in for a client secret."""
        return f"{self.federation_audience}/.default"


CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            CloudName.PUBLIC,
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
            "https://portal.azure.com",
            "api://AzureADTokenExchange",
        ),
        Cloud(
            CloudName.US_GOVERNMENT,
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
            "https://portal.azure.us",
            "api://AzureADTokenExchangeUSGov",
        ),
        Cloud(
            CloudName.US_GOVERNMENT_DOD,
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us",
            "https://portal.azure.us",
            "api://AzureADTokenExchangeUSGov",
        ),
        Cloud(
            CloudName.CHINA,
            "https://login.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "https://portal.azure.cn",
            "api://AzureADTokenExchangeChina",
        ),
    )
}

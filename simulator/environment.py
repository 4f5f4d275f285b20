"""The clouds Microsoft runs, as far as they differ for a caller."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """One cloud: the resources its tokens are for, and what does not exist there."""

    name: str
    graph: str
    vault: str
    federation_audience: str
    instance: str
    region_scope: str
    region_sub_scope: str | None = None
    temporary_access_pass: bool = True

    @property
    def graph_audiences(self) -> tuple[str, ...]:
        """Every audience that this cloud's Graph accepts in a token."""
        return (self.graph, GRAPH_APP_ID)


GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

AZURE_CLOUD = Environment(
    "AzureCloud",
    "https://graph.microsoft.com",
    "https://vault.azure.net",
    "api://AzureADTokenExchange",
    "microsoftonline.com",
    "EU",
)
AZURE_US_GOVERNMENT = Environment(
    "AzureUSGovernment",
    "https://graph.microsoft.us",
    "https://vault.usgovcloudapi.net",
    "api://AzureADTokenExchangeUSGov",
    "microsoftonline.us",
    "USGov",
    "DODCON",
)
AZURE_US_GOVERNMENT_DOD = Environment(
    "AzureUSGovernmentDoD",
    "https://dod-graph.microsoft.us",
    "https://vault.usgovcloudapi.net",
    "api://AzureADTokenExchangeUSGov",
    "microsoftonline.us",
    "USGov",
    "DOD",
)
AZURE_CHINA_CLOUD = Environment(
    "AzureChinaCloud",
    "https://microsoftgraph.chinacloudapi.cn",
    "https://vault.azure.cn",
    "api://AzureADTokenExchangeChina",
    "partner.microsoftonline.cn",
    "AS",
    temporary_access_pass=False,
)
ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        AZURE_CLOUD,
        AZURE_US_GOVERNMENT,
        AZURE_US_GOVERNMENT_DOD,
        AZURE_CHINA_CLOUD,
    )
}

"""Microsoft's clouds as data: where each has its sign-in, Graph and vaults, and what it has not.

Sources: https://learn.microsoft.com/graph/deployments and the pages of each service about national
clouds. Tokens of one cloud are worth nothing in another, and a federated credential cannot cross
clouds: one deployment serves one cloud.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit


class CloudName(StrEnum):
    """The clouds by the names that Azure's own tools use."""

    PUBLIC = "AzureCloud"
    US_GOVERNMENT = "AzureUSGovernment"
    US_GOVERNMENT_DOD = "AzureUSGovernmentDoD"
    CHINA = "AzureChinaCloud"


class Feature(StrEnum):
    """What does not exist in every cloud."""

    TEMPORARY_ACCESS_PASS = "temporaryAccessPass"  # noqa: S105 - a name, not a pass
    PASSKEYS = "passkeys"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The addresses of one cloud. `graph` has no version; `authority` has no tenant.

    Attributes:
        name: By which settings call it.
        authority: Where its tenants sign in.
        graph: Where its directories are.
        portal: Where people go with a credential.
        federation_audience: For whom a managed identity's token must be that stands for a secret.
        vault_suffix: How the host names of its key vaults end.
        storage_suffix: How the host names of its storage accounts end.
        instances: What its authority calls it when it is asked about a tenant.
        without: What does not exist there, with the sentence for people.
    """

    name: CloudName
    authority: str
    graph: str
    portal: str
    federation_audience: str
    vault_suffix: str
    storage_suffix: str
    instances: tuple[str, ...]
    without: Mapping[Feature, str] = field(default_factory=dict)

    def has(self, host: str) -> bool:
        """Whether a host is one of Microsoft's in this cloud."""
        own = [urlsplit(address).hostname or "" for address in (self.authority, self.graph)]
        ends = (self.vault_suffix, self.storage_suffix, *own)
        return any(host == end or host.endswith(f".{end}") for end in ends)

    @property
    def graph_scope(self) -> str:
        """The scope of an app-only Graph token."""
        return f"{self.graph}/.default"

    @property
    def federation_scope(self) -> str:
        """The scope of the managed identity's token that stands in for a client secret."""
        return f"{self.federation_audience}/.default"


_NO_PASSKEYS = "Passkeys cannot be managed by an application in this cloud."

CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            CloudName.PUBLIC,
            authority="https://login.microsoftonline.com",
            graph="https://graph.microsoft.com",
            portal="https://portal.azure.com",
            federation_audience="api://AzureADTokenExchange",
            vault_suffix="vault.azure.net",
            storage_suffix="core.windows.net",
            instances=("microsoftonline.com",),
        ),
        Cloud(
            CloudName.US_GOVERNMENT,
            authority="https://login.microsoftonline.us",
            graph="https://graph.microsoft.us",
            portal="https://portal.azure.us",
            federation_audience="api://AzureADTokenExchangeUSGov",
            vault_suffix="vault.usgovcloudapi.net",
            storage_suffix="core.usgovcloudapi.net",
            instances=("microsoftonline.us",),
            without={Feature.PASSKEYS: _NO_PASSKEYS},
        ),
        Cloud(
            CloudName.US_GOVERNMENT_DOD,
            authority="https://login.microsoftonline.us",
            graph="https://dod-graph.microsoft.us",
            portal="https://portal.azure.us",
            federation_audience="api://AzureADTokenExchangeUSGov",
            vault_suffix="vault.usgovcloudapi.net",
            storage_suffix="core.usgovcloudapi.net",
            instances=("microsoftonline.us",),
            without={Feature.PASSKEYS: _NO_PASSKEYS},
        ),
        Cloud(
            CloudName.CHINA,
            authority="https://login.chinacloudapi.cn",
            graph="https://microsoftgraph.chinacloudapi.cn",
            portal="https://portal.azure.cn",
            federation_audience="api://AzureADTokenExchangeChina",
            vault_suffix="vault.azure.cn",
            storage_suffix="core.chinacloudapi.cn",
            instances=("partner.microsoftonline.cn", "chinacloudapi.cn"),
            without={
                Feature.TEMPORARY_ACCESS_PASS: "There is no Temporary Access Pass in "
                "AzureChinaCloud; offer a password instead.",
                Feature.PASSKEYS: _NO_PASSKEYS,
            },
        ),
    )
}

_DOD = "DOD"


def cloud_of(instance: str, region_sub_scope: str) -> CloudName | None:
    """The cloud that an authority's words about a tenant mean; None for words unknown here.

    The two of the US government share their authority; the region tells them apart (`DODCON` is
    GCC High). In the public cloud it may say `GCC`, which is no cloud of its own.
    """
    found = [cloud.name for cloud in CLOUDS.values() if instance in cloud.instances]
    if CloudName.US_GOVERNMENT in found:
        is_dod = region_sub_scope == _DOD
        return CloudName.US_GOVERNMENT_DOD if is_dod else CloudName.US_GOVERNMENT
    return found[0] if found else None

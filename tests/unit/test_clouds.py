"""Microsoft's clouds: each has its own addresses, and tokens ask for the right audience."""

from urllib.parse import urlsplit

import pytest

from curfew.clouds import CLOUDS, CloudName


@pytest.mark.parametrize("name", list(CloudName))
def test_every_cloud_has_its_https_addresses(name: CloudName) -> None:
    cloud = CLOUDS[name]
    assert cloud.name is name
    for address in (cloud.authority, cloud.graph, cloud.portal):
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname
        assert not parts.path


@pytest.mark.parametrize(
    ("name", "graph", "authority"),
    [
        (CloudName.PUBLIC, "graph.microsoft.com", "login.microsoftonline.com"),
        (CloudName.US_GOVERNMENT, "graph.microsoft.us", "login.microsoftonline.us"),
        (CloudName.US_GOVERNMENT_DOD, "dod-graph.microsoft.us", "login.microsoftonline.us"),
        (CloudName.CHINA, "microsoftgraph.chinacloudapi.cn", "login.chinacloudapi.cn"),
    ],
)
def test_the_addresses_are_those_of_microsofts_list(
    name: CloudName, graph: str, authority: str
) -> None:
    assert CLOUDS[name].graph == f"https://{graph}"
    assert CLOUDS[name].authority == f"https://{authority}"
    assert CLOUDS[name].graph_scope == f"https://{graph}/.default"


def test_a_federated_credential_names_its_clouds_own_exchange() -> None:
    audiences = {name: cloud.federation_audience for name, cloud in CLOUDS.items()}
    assert audiences[CloudName.PUBLIC] == "api://AzureADTokenExchange"
    assert audiences[CloudName.US_GOVERNMENT] == "api://AzureADTokenExchangeUSGov"
    assert audiences[CloudName.CHINA] == "api://AzureADTokenExchangeChina"
    for cloud in CLOUDS.values():
        assert cloud.federation_scope == f"{cloud.federation_audience}/.default"

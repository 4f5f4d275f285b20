"""Microsoft's clouds: each has its own addresses, and tokens ask for the right audience."""

from urllib.parse import urlsplit

import pytest

from curfew.clouds import CLOUDS, CloudName, Feature, cloud_of
from tests.unit.offers import (
    decide_again,
    decided,
    fields,
    lease,
    profile,
    request,
    role_profile,
    tenant,
)


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


def test_only_china_has_no_access_pass_and_only_the_public_cloud_has_passkeys() -> None:
    without = {name: set(cloud.without) for name, cloud in CLOUDS.items()}
    assert without == {
        CloudName.PUBLIC: set(),
        CloudName.US_GOVERNMENT: {Feature.PASSKEYS},
        CloudName.US_GOVERNMENT_DOD: {Feature.PASSKEYS},
        CloudName.CHINA: {Feature.TEMPORARY_ACCESS_PASS, Feature.PASSKEYS},
    }
    for cloud in CLOUDS.values():
        assert all(reason.endswith(".") for reason in cloud.without.values())


@pytest.mark.parametrize(
    ("instance", "sub_scope", "found"),
    [
        ("microsoftonline.com", "", CloudName.PUBLIC),
        ("microsoftonline.com", "GCC", CloudName.PUBLIC),
        ("microsoftonline.us", "DODCON", CloudName.US_GOVERNMENT),
        ("microsoftonline.us", "", CloudName.US_GOVERNMENT),
        ("microsoftonline.us", "DOD", CloudName.US_GOVERNMENT_DOD),
        ("partner.microsoftonline.cn", "", CloudName.CHINA),
        ("chinacloudapi.cn", "", CloudName.CHINA),
        ("microsoftonline.de", "", None),
        ("None", "None", None),
    ],
)
def test_the_authoritys_words_tell_the_cloud(
    instance: str, sub_scope: str, found: CloudName | None
) -> None:
    assert cloud_of(instance, sub_scope) is found


@pytest.mark.parametrize(
    ("host", "homes"),
    [
        ("kv-curfew.vault.azure.net", {CloudName.PUBLIC}),
        ("kv.vault.usgovcloudapi.net", {CloudName.US_GOVERNMENT, CloudName.US_GOVERNMENT_DOD}),
        ("kv.vault.azure.cn", {CloudName.CHINA}),
        ("st.table.core.windows.net", {CloudName.PUBLIC}),
        ("st.table.core.chinacloudapi.cn", {CloudName.CHINA}),
        ("dod-graph.microsoft.us", {CloudName.US_GOVERNMENT_DOD}),
        ("kv-vault.azure.net", set()),
        ("notvault.azure.net", set()),
        ("127.0.0.1", set()),
    ],
)
def test_a_host_of_microsofts_is_known_by_its_cloud(host: str, homes: set[CloudName]) -> None:
    assert {name for name, cloud in CLOUDS.items() if cloud.has(host)} == homes


@pytest.mark.parametrize("credential", ["temporaryAccessPass", "both"])
@pytest.mark.parametrize("name", list(CloudName))
def test_a_pass_is_offered_only_where_there_are_passes(name: CloudName, credential: str) -> None:
    customer, offer = tenant(cloud=name), profile(credential=credential)
    refused = ["profile"] if name is CloudName.CHINA else []
    assert fields(decided(to=customer, offer=offer)) == refused
    waiting = lease(request(), offer, tenant(), approval=None)
    assert [each.field for each in decide_again(waiting, customer, offer)] == refused


@pytest.mark.parametrize("name", list(CloudName))
def test_a_password_and_a_role_are_offered_in_every_cloud(name: CloudName) -> None:
    customer = tenant(cloud=name)
    assert decided(to=customer, offer=profile(credential="password")).allowed
    lent = role_profile(credential="temporaryAccessPass")
    clerk = request(subject=lent.subjects[0])
    assert decided(clerk, to=customer, offer=lent).allowed, "it gives no credential at all"

"""App settings: each that is missing or broken is named, and then the app does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curfew.clouds import CloudName
from curfew.errors import SettingsError
from curfew.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HOME = "00000000-0000-4000-a000-000000000001"
GOOD = {
    "CURFEW_HOME_TENANT": HOME,
    "CURFEW_APP_ID": "cccccccc-0000-4000-a000-000000000001",
    "CURFEW_MANAGED_IDENTITY_ID": "dddddddd-0000-4000-a000-000000000001",
    "CURFEW_VAULT_URL": "https://kv-curfew.vault.azure.net/",
    "CURFEW_TABLES_URL": "https://stcurfew.table.core.windows.net",
}
GUIDS = ("CURFEW_HOME_TENANT", "CURFEW_APP_ID", "CURFEW_MANAGED_IDENTITY_ID")
ADDRESSES = (
    "CURFEW_VAULT_URL",
    "CURFEW_TABLES_URL",
    "CURFEW_AUTHORITY_URL",
    "CURFEW_GRAPH_URL",
)
NO_ADDRESSES = (
    "http://plain.example",
    "vault.azure.net",
    "https://",
    "https://host?query=1",
    "https://host/#fragment",
    "https://[not-an-address",
    "ftp://host",
)
CONNECTION_STRING = (
    "DefaultEndpointsProtocol=http;AccountName=curfew;AccountKey=a2V5;"
    "TableEndpoint=http://127.0.0.1:10002/curfew;"
)


def test_good_settings_are_read() -> None:
    settings = Settings.read(GOOD)
    assert settings.cloud.name is CloudName.PUBLIC
    assert settings.home_tenant == HOME
    assert settings.vault_url == "https://kv-curfew.vault.azure.net"
    assert settings.tables_url == GOOD["CURFEW_TABLES_URL"]
    assert not settings.sign_in_enforced


@pytest.mark.parametrize("name", [*GUIDS, "CURFEW_VAULT_URL", "CURFEW_TABLES_URL"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_setting_is_named(name: str, value: str | None) -> None:
    environment = {**GOOD, name: value} if value is not None else GOOD | {}
    if value is None:
        del environment[name]
    with pytest.raises(SettingsError, match=name):
        Settings.read(environment)


@pytest.mark.parametrize("name", GUIDS)
@pytest.mark.parametrize("value", ["contoso.onmicrosoft.com", f"{HOME}1", "x" * 5000])
def test_a_setting_that_is_no_guid_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be a GUID"):
        Settings.read({**GOOD, name: value})


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("value", NO_ADDRESSES)
def test_a_setting_that_is_no_https_address_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.read({**GOOD, name: value})


def test_an_unknown_cloud_is_named_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"CURFEW_CLOUD.*AzureCloud.*AzureChinaCloud"):
        Settings.read({**GOOD, "CURFEW_CLOUD": "AzureGermanCloud"})


def test_the_tables_come_by_address_or_by_key_and_never_by_both_or_neither() -> None:
    by_key = {**GOOD, "CURFEW_TABLES_CONNECTION_STRING": CONNECTION_STRING}
    with pytest.raises(SettingsError, match="CURFEW_TABLES_CONNECTION_STRING"):
        Settings.read(by_key)
    del by_key["CURFEW_TABLES_URL"]
    assert Settings.read(by_key).tables_connection_string == CONNECTION_STRING
    del by_key["CURFEW_TABLES_CONNECTION_STRING"]
    with pytest.raises(SettingsError, match="CURFEW_TABLES_URL"):
        Settings.read(by_key)


@pytest.mark.parametrize("value", ["garbage", "AccountName=curfew", "TableEndpoint=;AccountKey=a"])
def test_a_connection_string_that_is_none_is_named_and_not_repeated(value: str) -> None:
    environment = {**GOOD, "CURFEW_TABLES_CONNECTION_STRING": value}
    del environment["CURFEW_TABLES_URL"]
    with pytest.raises(SettingsError, match="CURFEW_TABLES_CONNECTION_STRING") as refused:
        Settings.read(environment)
    assert value not in str(refused.value)


def test_the_key_of_the_tables_is_not_printed() -> None:
    environment = {**GOOD, "CURFEW_TABLES_CONNECTION_STRING": CONNECTION_STRING}
    del environment["CURFEW_TABLES_URL"]
    assert "a2V5" not in repr(Settings.read(environment))


@pytest.mark.parametrize(
    ("value", "enforced"), [("True", True), ("true", True), ("False", False), ("1", False)]
)
def test_sign_in_is_enforced_only_where_the_platform_says_so(value: str, enforced: bool) -> None:
    assert Settings.read({**GOOD, "WEBSITE_AUTH_ENABLED": value}).sign_in_enforced is enforced


@pytest.mark.parametrize(
    ("name", "value"), [("CURFEW_VAULT_URL", None), ("CURFEW_HOME_TENANT", "northwind")]
)
def test_the_app_refuses_to_start_naming_the_setting(name: str, value: str | None) -> None:
    settings = {key: text for key, text in {**GOOD, name: value}.items() if text is not None}
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    started = subprocess.run(
        [sys.executable, "-c", "import function_app"],
        cwd=ROOT,
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 1
    last_line = started.stderr.rstrip().splitlines()[-1]
    assert last_line.startswith(f"curfew.errors.SettingsError: {name} ")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({}, ""),
        ({"WEBSITE_HOSTNAME": "app.azurewebsites.net"}, "https://app.azurewebsites.net"),
        (
            {"WEBSITE_HOSTNAME": "app.azurewebsites.net", "CURFEW_ADDRESS": "https://c.example/"},
            "https://c.example",
        ),
        ({"CURFEW_ADDRESS": "http://localhost:7071"}, "http://localhost:7071"),
        ({"CURFEW_ADDRESS": "http://127.0.0.1:7071/"}, "http://127.0.0.1:7071"),
    ],
)
def test_the_apps_own_address(said: dict[str, str], address: str) -> None:
    assert Settings.read(GOOD | said).address == address


@pytest.mark.parametrize(
    "said",
    ["http://curfew.example", "http://localhost.example", "http://localhost:7071@x.example"],
)
def test_only_what_stays_on_the_machine_needs_no_tls(said: str) -> None:
    with pytest.raises(SettingsError, match="CURFEW_ADDRESS"):
        Settings.read(GOOD | {"CURFEW_ADDRESS": said})


BY_KEY = "AccountName=curfew;AccountKey=a2V5"
ELSEWHERE = [
    ("AzureChinaCloud", "CURFEW_VAULT_URL", "https://kv.vault.azure.net"),
    ("AzureUSGovernment", "CURFEW_VAULT_URL", "https://kv.vault.azure.cn"),
    ("AzureCloud", "CURFEW_VAULT_URL", "https://kv.vault.usgovcloudapi.net"),
    ("AzureCloud", "CURFEW_TABLES_URL", "https://st.table.core.chinacloudapi.cn"),
    ("AzureUSGovernmentDoD", "CURFEW_GRAPH_URL", "https://graph.microsoft.us"),
    ("AzureUSGovernment", "CURFEW_AUTHORITY_URL", "https://login.microsoftonline.com"),
    ("AzureChinaCloud", "CURFEW_TABLES_CONNECTION_STRING", BY_KEY),
    (
        "AzureCloud",
        "CURFEW_TABLES_CONNECTION_STRING",
        f"{BY_KEY};EndpointSuffix=core.usgovcloudapi.net",
    ),
    (
        "AzureUSGovernment",
        "CURFEW_TABLES_CONNECTION_STRING",
        f"{BY_KEY};TableEndpoint=https://st.table.core.windows.net/",
    ),
]
AT_HOME: dict[str, tuple[str, str]] = {
    "AzureCloud": ("vault.azure.net", "core.windows.net"),
    "AzureUSGovernment": ("vault.usgovcloudapi.net", "core.usgovcloudapi.net"),
    "AzureUSGovernmentDoD": ("vault.usgovcloudapi.net", "core.usgovcloudapi.net"),
    "AzureChinaCloud": ("vault.azure.cn", "core.chinacloudapi.cn"),
}


def _in_cloud(cloud: str, **changes: str) -> dict[str, str]:
    vault, storage = AT_HOME[cloud]
    own = {
        "CURFEW_CLOUD": cloud,
        "CURFEW_VAULT_URL": f"https://kv.{vault}",
        "CURFEW_TABLES_URL": f"https://st.table.{storage}",
    }
    if "CURFEW_TABLES_CONNECTION_STRING" in changes:
        del own["CURFEW_TABLES_URL"]
    rest = {name: value for name, value in GOOD.items() if name != "CURFEW_TABLES_URL"}
    return rest | own | changes


@pytest.mark.parametrize("cloud", AT_HOME)
def test_every_cloud_takes_its_own_addresses_and_those_of_nobody(cloud: str) -> None:
    assert Settings.read(_in_cloud(cloud)).cloud.name is CloudName(cloud)
    pretend = {
        "CURFEW_AUTHORITY_URL": "https://127.0.0.1:8443",
        "CURFEW_GRAPH_URL": "https://127.0.0.1:8443",
        "CURFEW_VAULT_URL": "https://127.0.0.1:8443",
        "CURFEW_TABLES_CONNECTION_STRING": CONNECTION_STRING,
    }
    assert Settings.read(_in_cloud(cloud, **pretend)).cloud.name == cloud


@pytest.mark.parametrize(("cloud", "name", "value"), ELSEWHERE)
def test_an_address_of_another_cloud_is_refused_by_the_settings_name(
    cloud: str, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is an address of Azure") as refused:
        Settings.read(_in_cloud(cloud, **{name: value}))
    assert cloud in str(refused.value)
    assert "a2V5" not in str(refused.value)

"""The app settings of a deployment, read once and refused early, by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit
from uuid import UUID

from curfew.clouds import CLOUDS, Cloud, CloudName
from curfew.errors import SettingsError

_LIVE_GRANTS = 20
_PER_HOUR = 60
_HIGHEST_COUNT = 1_000_000
_LOCALHOST = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment of Curfew knows about itself.

    Attributes:
        cloud: Where this deployment lives; it serves tenants of this cloud only.
        home_tenant: The owner's own tenant, where technicians sign in.
        app_id: The multi-tenant application that customers consent to.
        managed_identity_id: The client id of the user-assigned identity that opens the vault and
            the tables and stands in for a secret towards customers.
        vault_url: The Key Vault, `https://….vault.azure.net`.
        tables_url: The tables, by the managed identity.
        tables_connection_string: The tables by a key instead: for Azurite on one machine.
        sign_in_enforced: Whether the platform states that it checks every sign-in (Easy Auth).
            Without this nobody is believed.
        address: Where people reach this app, `https://…` without a path; empty where the platform
            does not say. On one machine it may be `http://localhost:…`.
        max_live_grants: How many grants one technician may have at once, in all tenants together.
        requests_per_hour: How many grants one caller may ask for, dry runs included.
        reveals_per_hour: How many credentials one caller may have revealed.
    """

    cloud: Cloud
    home_tenant: str
    app_id: str
    managed_identity_id: str
    vault_url: str
    tables_url: str = ""
    tables_connection_string: str = field(default="", repr=False)
    sign_in_enforced: bool = False
    address: str = ""
    max_live_grants: int = _LIVE_GRANTS
    requests_per_hour: int = _PER_HOUR
    reveals_per_hour: int = _PER_HOUR

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings from environment variables.

        Raises:
            SettingsError: a setting is missing or unusable; the text names it.
        """
        tables_url = environment.get("CURFEW_TABLES_URL", "")
        connection_string = environment.get("CURFEW_TABLES_CONNECTION_STRING", "")
        if bool(tables_url) == bool(connection_string):
            message = "Set either CURFEW_TABLES_URL or CURFEW_TABLES_CONNECTION_STRING, not both."
            raise SettingsError(message)
        cloud = _cloud(environment)
        return cls(
            cloud=cloud,
            home_tenant=_guid(environment, "CURFEW_HOME_TENANT"),
            app_id=_guid(environment, "CURFEW_APP_ID"),
            managed_identity_id=_guid(environment, "CURFEW_MANAGED_IDENTITY_ID"),
            vault_url=_own(environment, "CURFEW_VAULT_URL", cloud),
            tables_url=_own(environment, "CURFEW_TABLES_URL", cloud) if tables_url else "",
            tables_connection_string=(
                _connection_string(environment, "CURFEW_TABLES_CONNECTION_STRING", cloud)
                if connection_string
                else ""
            ),
            # Set by App Service itself, which also strips the principal header of callers.
            sign_in_enforced=environment.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
            address=_address(environment),
            max_live_grants=_count(environment, "CURFEW_MAX_LIVE_GRANTS", _LIVE_GRANTS),
            requests_per_hour=_count(environment, "CURFEW_REQUESTS_PER_HOUR", _PER_HOUR),
            reveals_per_hour=_count(environment, "CURFEW_REVEALS_PER_HOUR", _PER_HOUR),
        )


def _address(environment: Mapping[str, str]) -> str:
    if said := environment.get("CURFEW_ADDRESS", "").strip().rstrip("/"):
        # As Entra does with redirect addresses: what never leaves the machine needs no TLS.
        return said if _LOCALHOST.fullmatch(said) else _https(environment, "CURFEW_ADDRESS")
    # Set by App Service: the app's own host name, without a scheme.
    host = environment.get("WEBSITE_HOSTNAME", "")
    return f"https://{host}" if host else ""


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name, "").strip() or str(default)
    if not value.isdecimal() or not 0 < int(value) <= _HIGHEST_COUNT:
        message = f"{name} must be a whole number from 1 to {_HIGHEST_COUNT}."
        raise SettingsError(message)
    return int(value)


def _cloud(environment: Mapping[str, str]) -> Cloud:
    name = environment.get("CURFEW_CLOUD", CloudName.PUBLIC)
    try:
        cloud = CLOUDS[CloudName(name)]
    except ValueError:
        known = ", ".join(CloudName)
        message = f"CURFEW_CLOUD is {name!r}; it must be one of {known}."
        raise SettingsError(message) from None
    if environment.get("CURFEW_AUTHORITY_URL"):
        cloud = replace(cloud, authority=_own(environment, "CURFEW_AUTHORITY_URL", cloud))
    if environment.get("CURFEW_GRAPH_URL"):
        cloud = replace(cloud, graph=_own(environment, "CURFEW_GRAPH_URL", cloud))
    return cloud


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        message = f"{name} is not set."
        raise SettingsError(message)
    return value


def _guid(environment: Mapping[str, str], name: str) -> str:
    value = _required(environment, name)
    try:
        return str(UUID(value))
    except ValueError:
        message = f"{name} must be a GUID."
        raise SettingsError(message) from None


def _https(environment: Mapping[str, str], name: str) -> str:
    value = _required(environment, name).rstrip("/")
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        message = f"{name} must be an https address without a query."
        raise SettingsError(message)
    return value


def _own(environment: Mapping[str, str], name: str, cloud: Cloud) -> str:
    """An https address that is of none of Microsoft's other clouds."""
    value = _https(environment, name)
    _require_own(name, urlsplit(value).hostname or "", cloud)
    return value


def _require_own(name: str, host: str, cloud: Cloud) -> None:
    homes = [each.name for each in CLOUDS.values() if each.has(host)]
    if homes and cloud.name not in homes:
        message = f"{name} is an address of {homes[0]}, and CURFEW_CLOUD is {cloud.name}."
        raise SettingsError(message)


def _connection_string(environment: Mapping[str, str], name: str, cloud: Cloud) -> str:
    value = _required(environment, name)
    parts = dict(part.partition("=")[::2] for part in value.split(";") if part)
    by_key = parts.get("AccountName") and parts.get("AccountKey")
    if not by_key and parts.get("UseDevelopmentStorage", "").lower() != "true":
        # The value is a secret: it is not repeated.
        message = f"{name} must name an account and its key."
        raise SettingsError(message)
    if by_key:
        # Without an endpoint the client takes the public cloud's.
        suffix = parts.get("EndpointSuffix") or CLOUDS[CloudName.PUBLIC].storage_suffix
        try:
            host = urlsplit(parts.get("TableEndpoint", "")).hostname or suffix
        except ValueError:
            host = suffix
        _require_own(name, host, cloud)
    return value

"""The deployment's Key Vault: where credentials wait for their technician, and die with the grant.

An expired secret can still be read, so expiry is no access control; a disabled version cannot
(https://learn.microsoft.com/azure/key-vault/secrets/about-secrets).
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.core.credentials_async import AsyncTokenCredential
from azure.keyvault.secrets.aio import SecretClient
from pydantic import SecretStr

from curfew.azure_errors import classified
from curfew.errors import Missing
from curfew.model.handovers import SecretVersion

_KEY_BYTES = 32
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a secret can be read, and when the vault says that it lapses."""

    enabled: bool
    until: datetime | None


class Vault:
    """One Key Vault, its secrets only."""

    def __init__(self, url: str, credential: AsyncTokenCredential) -> None:
        # Retries belong to the workflow: an activity that sleeps holds a worker.
        self._client = SecretClient(
            url, credential, retry_total=0, connection_timeout=5, read_timeout=20
        )

    async def keep(self, name: str, value: SecretStr, expires_on: datetime) -> SecretVersion:
        """Store a new version of a secret and answer where it lies."""
        with classified("vault", "keep"):
            kept = await self._client.set_secret(
                name,
                value.get_secret_value(),
                content_type="text/plain",
                expires_on=expires_on,
            )
        return SecretVersion(name=name, version=kept.properties.version or "")

    async def read(self, name: str, version: str | None = None) -> SecretStr:
        """The value of a secret, the newest version when none is named.

        Raises:
            Missing: no such secret or version.
            Denied: the version is disabled, or this deployment may not read.
        """
        with classified("vault", "read"):
            secret = await self._client.get_secret(name, version)
        return SecretStr(secret.value or "")

    async def standing(self, name: str) -> Standing:
        """How the newest version of a secret stands, without its value.

        Raises:
            Missing: there is no such secret.
        """
        with classified("vault", "versions"):
            versions = [
                each async for each in self._client.list_properties_of_secret_versions(name)
            ]
        if not versions:
            raise Missing("vault", "versions", status=404)
        newest = max(versions, key=lambda each: each.created_on or _LONG_AGO)
        return Standing(bool(newest.enabled), newest.expires_on)

    async def retire(self, name: str, *, spare: str = "") -> None:
        """Disable every version of a secret that is enabled. A secret that is not there is done.

        All versions, because a step that ran twice has left two; but for the one to spare.
        """
        for version in await self._enabled_versions(name):
            if version == spare:
                continue
            with classified("vault", "retire"):
                await self._client.update_secret_properties(name, version, enabled=False)

    async def is_retired(self, name: str) -> bool:
        """Whether no version of the secret can be read any more."""
        return not await self._enabled_versions(name)

    async def keys(self, name: str, *, make: bool) -> dict[str, SecretStr]:
        """Every enabled version of a key that this deployment keeps for itself, the newest last.

        With `make` one that is not there is made, of 256 random bits. Two who do so at once leave
        two versions, and both are among the keys: what names its version can always be checked.
        """
        found = {
            version: await self.read(name, version)
            for version in await self._enabled_versions(name)
        }
        if found or not make:
            return found
        value = secrets.token_urlsafe(_KEY_BYTES)
        with classified("vault", "make key"):
            made = await self._client.set_secret(name, value, content_type="text/plain")
        return {made.properties.version or "": SecretStr(value)}

    async def _enabled_versions(self, name: str) -> list[str]:
        try:
            with classified("vault", "versions"):
                found = [
                    version
                    async for version in self._client.list_properties_of_secret_versions(name)
                    if version.enabled
                ]
        except Missing:
            return []
        found.sort(key=lambda version: version.created_on or datetime.min.replace(tzinfo=UTC))
        return [version.version or "" for version in found]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

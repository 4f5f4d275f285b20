"""The deployment's Key Vault: where credentials wait for their technician, and die with the grant.

An expired secret can still be read, so expiry is no access control; a disabled version cannot
(https://learn.microsoft.com/azure/key-vault/secrets/about-secrets).
"""

from datetime import datetime

from azure.core.credentials_async import AsyncTokenCredential
from azure.keyvault.secrets.aio import SecretClient
from pydantic import SecretStr

from curfew.azure_errors import classified
from curfew.errors import Missing
from curfew.model.grants import SecretVersion


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

    async def retire(self, name: str) -> None:
        """Disable every version of a secret that is enabled. A secret that is not there is done.

        All versions, because a step that ran twice has left two.
        """
        for version in await self._enabled_versions(name):
            with classified("vault", "retire"):
                await self._client.update_secret_properties(name, version, enabled=False)

    async def is_retired(self, name: str) -> bool:
        """Whether no version of the secret can be read any more."""
        return not await self._enabled_versions(name)

    async def _enabled_versions(self, name: str) -> list[str]:
        try:
            with classified("vault", "versions"):
                return [
                    version.version or ""
                    async for version in self._client.list_properties_of_secret_versions(name)
                    if version.enabled
                ]
        except Missing:
            return []

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

"""What one Key Vault holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

RETENTION = timedelta(days=90)


@dataclass(eq=False)
class SecretVersion:
    """One version of a secret. Its dates inform; only `enabled` stops a read."""

    version: str
    value: str
    created: datetime
    updated: datetime
    enabled: bool = True
    expires: int | None = None
    not_before: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None


@dataclass(eq=False)
class Secret:
    """A secret with its versions, oldest first."""

    name: str
    versions: dict[str, SecretVersion] = field(default_factory=dict)
    deleted: datetime | None = None

    @property
    def latest(self) -> SecretVersion:
        """The newest version."""
        return next(reversed(self.versions.values()))


@dataclass(eq=False)
class Vault:
    """What is stored, and who may use it: principal ids with the two built-in data roles."""

    tenant: str | None = None
    officers: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    secrets: dict[str, Secret] = field(default_factory=dict)
    deleted: dict[str, Secret] = field(default_factory=dict)

    def audience(self, url: str) -> str:
        """The resource named in the vault's challenge.

        The SDK demands that the vault's host is below the challenge's resource, port included,
        and compares the two as text. The vault is addressed as `127.0.0.1:PORT`, for which
        `0.0.1:PORT` passes as the parent domain.
        """
        port = urlsplit(url).port
        return f"https://0.0.1:{port}" if port else "https://0.0.1"

    def expire_deleted(self, now: datetime) -> None:
        """Drop secrets whose ninety days in the bin are over."""
        for name, secret in list(self.deleted.items()):
            if secret.deleted is not None and now - secret.deleted >= RETENTION:
                del self.deleted[name]

"""Secrets as the vault shows them."""

from typing import TYPE_CHECKING, Any

from simulator.vault import RETENTION, Secret, SecretVersion

if TYPE_CHECKING:
    from simulator.cloud import Cloud


def secret_view(
    cloud: "Cloud",
    secret: Secret,
    version: SecretVersion,
    *,
    with_value: bool = False,
    latest: bool = False,
) -> dict[str, Any]:
    """One version of a secret; without its value unless that is asked for."""
    attributes = {
        "enabled": version.enabled,
        "nbf": version.not_before,
        "exp": version.expires,
        "created": int(version.created.timestamp()),
        "updated": int(version.updated.timestamp()),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RETENTION.days,
    }
    suffix = "" if latest else f"/{version.version}"
    bundle: dict[str, Any] = {
        "id": f"{cloud.url}/secrets/{secret.name}{suffix}",
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "tags": version.tags,
    }
    if version.content_type is not None:
        bundle["contentType"] = version.content_type
    return {"value": version.value} | bundle if with_value else bundle


def deleted_view(cloud: "Cloud", secret: Secret) -> dict[str, Any]:
    """A deleted secret, with the date on which it is gone for good."""
    deleted = secret.deleted or cloud.now()
    return secret_view(cloud, secret, secret.latest) | {
        "recoveryId": f"{cloud.url}/deletedsecrets/{secret.name}",
        "deletedDate": int(deleted.timestamp()),
        "scheduledPurgeDate": int((deleted + RETENTION).timestamp()),
    }

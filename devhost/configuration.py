"""What a host is told before it starts."""

import json
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devhost.errors import BadConfiguration


@dataclass(frozen=True)
class Person:
    """Somebody of the home tenant who can be chosen on the sign-in page."""

    object_id: str
    name: str
    user_name: str
    roles: Sequence[str] = ()
    groups: Sequence[str] = ()


@dataclass(frozen=True)
class EasyAuth:
    """App Service authentication in small.

    `authority` is the issuer's address, below which its OpenID configuration is found, such as
    `https://127.0.0.1:9000/<tenant>/v2.0`. `people` is either a function that lists the people of
    the home tenant, or an address that answers with the claims they would have:
    `{"people": [{"oid", "name", "preferred_username", "roles": [], "groups": [], "enabled"}]}`.
    """

    authority: str
    audience: str | Sequence[str]
    home_tenant: str
    people: Callable[[], Sequence[Person]] | str = tuple
    ca_file: Path | None = None


def _key() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Configuration:
    """One function app, and how it is to be run.

    Without `easy_auth` the platform does what App Service does when authentication is off:
    principal headers pass through untouched and WEBSITE_AUTH_ENABLED is not set.
    """

    app_directory: Path
    port: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    easy_auth: EasyAuth | None = None
    log_file: Path | None = None
    spans_file: Path | None = None
    python: str = sys.executable
    ca_file: Path | None = None
    function_key: str = field(default_factory=_key, repr=False)
    master_key: str = field(default_factory=_key, repr=False)
    log_level: str | None = None
    console: bool = False
    address: str = "127.0.0.1"
    #: True plays a worker process that dies while its instance lives on: the Durable extension
    #: then fails the activity. False plays the loss of the instance: the item is delivered again.
    worker_exit_fails_activities: bool = False


def read_settings(path: Path) -> dict[str, str]:
    """Read the `Values` of a local.settings.json."""
    document = read_json(path)
    values = document.get("Values", {})
    if not isinstance(values, dict):
        raise BadConfiguration(f"{path}: `Values` must be an object of strings")
    for name, value in values.items():
        if not isinstance(value, str):
            raise BadConfiguration(f"{path}: the setting {name} must be a string")
    return dict(values)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or say what is wrong with the file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfiguration(f"{path} is missing") from None
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadConfiguration(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadConfiguration(f"{path} must hold a JSON object")
    return document

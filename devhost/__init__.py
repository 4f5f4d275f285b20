"""A local Azure Functions host: runs an unmodified function app on an in-memory task hub.

Never deployed. `DevHost` is the host in process, `python -m devhost` the same as a program.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devhost.configuration import Configuration, EasyAuth, Person
    from devhost.errors import HostError
    from devhost.host import DevHost

__all__ = ["Configuration", "DevHost", "EasyAuth", "HostError", "Person"]

_HOMES = {
    "Configuration": "devhost.configuration",
    "DevHost": "devhost.host",
    "EasyAuth": "devhost.configuration",
    "HostError": "devhost.errors",
    "Person": "devhost.configuration",
}


def _import_on_first_use(name: str) -> Any:
    """Spare the worker process, which lives in this package, the import of the host."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(_HOMES[name]), name)


__getattr__ = _import_on_first_use

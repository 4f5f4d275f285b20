"""What the worker has indexed: the functions that are served, and their routes."""

from collections.abc import Mapping
from typing import Any

from devhost.errors import BadConfiguration
from devhost.functions import App, Function
from devhost.logbook import Logbook
from devhost.routes import RouteTable

_SERVED = frozenset(
    {"httpTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger", "entityTrigger"}
)


class Catalog:
    """Follows the worker: a new one may have indexed other functions than the one before."""

    def __init__(self, environment: Mapping[str, str], route_prefix: str, log: Logbook) -> None:
        self._environment = environment
        self._route_prefix = route_prefix
        self._log = log
        self.app = App([])
        self.routes = RouteTable(self.app, route_prefix)

    def take(self, functions: list[dict[str, Any]]) -> None:
        """Take over what a worker has indexed; BadConfiguration names what cannot be served."""
        read = [Function.read(data) for data in functions]
        enabled = [function for function in read if not self._disabled(function.name)]
        if not enabled:
            raise BadConfiguration("The app has no functions.")
        for function in enabled:
            kind = function.trigger["type"]
            if kind not in _SERVED:
                self._log.host("WARNING", f"{function.name}: {kind} is not served here.")
        for function in (data["name"] for data in functions if data["retries"]):
            self._log.host("WARNING", f"{function}: its retry policy is not played here.")
        app = App(enabled)
        self.routes = RouteTable(app, self._route_prefix)
        self.app = app

    def _disabled(self, name: str) -> bool:
        names = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs__{name}__Disabled")
        return any(self._environment.get(n, "").lower() in {"true", "1"} for n in names)

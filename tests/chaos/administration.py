"""What administrators do while grants are under way."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from tests.chaos.offers import offers
from tests.chaos.stage import CONNECTION, Stage
from tests.chaos.steps import call


@dataclass(frozen=True)
class Tighten:
    """An administrator lowers what a profile allows."""

    tenant: int = 0
    profile: str = "both"

    def apply(self, stage: Stage) -> None:
        """Change the profile."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = offers(customer)[self.profile].to_json()
        lower = {"defaultDuration": "PT5M", "minDuration": "PT1M", "maxDuration": "PT6M"}
        _change(stage, self.tenant, f"/profiles/{self.profile}", {**settings, **lower})


@dataclass(frozen=True)
class Limit:
    """An administrator lowers a tenant's hard limit."""

    tenant: int = 0

    def apply(self, stage: Stage) -> None:
        """Change the tenant."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = {
            "displayName": customer.name,
            "accountDomain": customer.domain,
            "hardLimit": "PT30M",
        }
        _change(stage, self.tenant, "", settings)


@dataclass(frozen=True)
class Reconnect:
    """An administrator has the tenant reached with a client secret instead."""

    tenant: int = 0

    def apply(self, stage: Stage) -> None:
        """Change the tenant."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = {
            "displayName": customer.name,
            "accountDomain": customer.domain,
            "connection": {"kind": "secret", "secretName": CONNECTION},
        }
        _change(stage, self.tenant, "", settings)


@dataclass(frozen=True)
class Withdraw:
    """An administrator deletes a profile."""

    tenant: int = 0
    profile: str = "both"

    def apply(self, stage: Stage) -> None:
        """Delete it."""
        address = _address(stage, self.tenant, f"/profiles/{self.profile}")
        found = call(stage, "ada", "GET", address)
        if found.status == HTTPStatus.OK:
            call(stage, "ada", "DELETE", address, If_Match=found.headers["ETag"])


@dataclass(frozen=True)
class Offboard:
    """An administrator sends a tenant away, whose grants end first."""

    tenant: int = 0

    def apply(self, stage: Stage) -> None:
        """Delete it."""
        address = _address(stage, self.tenant, "")
        found = call(stage, "ada", "GET", address)
        if found.status == HTTPStatus.OK:
            call(stage, "ada", "DELETE", address, If_Match=found.headers["ETag"])


@dataclass(frozen=True)
class SweepNow:
    """An administrator has everything swept and watched now."""

    def apply(self, stage: Stage) -> None:
        """Ask for it."""
        call(stage, "ada", "POST", "/api/sweep")
        stage.watch.look()


def _address(stage: Stage, tenant: int, below: str) -> str:
    return f"/api/tenants/{stage.customers[tenant % len(stage.customers)].id}{below}"


def _change(stage: Stage, tenant: int, below: str, settings: dict[str, Any]) -> None:
    address = _address(stage, tenant, below)
    found = call(stage, "ada", "GET", address)
    if found.status == HTTPStatus.OK:
        call(stage, "ada", "PUT", address, settings, If_Match=found.headers["ETag"])

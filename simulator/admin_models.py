"""What the knobs take, as models that refuse anything else."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.faults import Effect


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClockChange(_Model):
    """Move the clock on by seconds, or set it; without either it follows the wall again."""

    advance: float | None = None
    set: datetime | None = None


class FaultRequest(_Model):
    """A fault, with the fields of `simulator.Fault`."""

    service: str | None = None
    method: str | None = None
    path: str | None = None
    body: str | None = None
    tenant: str | None = None
    effect: Effect = "status"
    applied: bool = False
    status: int = Field(default=503, ge=100, le=599)
    code: str | None = None
    message: str | None = None
    retry_after: int | None = None
    delay: float = Field(default=0, ge=0)
    skip: int = 0
    every: int = 1
    times: int | None = 1
    name: str = ""


class NewCustomer(_Model):
    """A customer tenant, made as the demo's are; `consent_to` is the application let in."""

    name: str
    domain: str
    licences: set[str] = {"P1"}
    consent_to: str | None = None
    permissions: set[str] | None = None
    role: str | None = None


class TenantChange(_Model):
    """Settings of a tenant; each group of settings takes some of its fields."""

    licences: set[str] | None = None
    knobs: dict[str, Any] = {}
    access_pass_policy: dict[str, Any] = {}
    role_policy: dict[str, Any] = {}


class NewUser(_Model):
    """An account made by hand."""

    name: str
    display_name: str | None = None
    password: str | None = None
    enabled: bool = True
    synced: bool = False
    roles: tuple[str, ...] = ()


class UserChange(_Model):
    """What somebody else did to an account."""

    enabled: bool | None = None
    password: str | None = None
    synced: bool | None = None


class NewMethod(_Model):
    """A way of signing in that the person at the keyboard registers."""

    kind: Literal[
        "phone",
        "fido2",
        "microsoftAuthenticator",
        "softwareOath",
        "email",
        "windowsHelloForBusiness",
    ]
    details: dict[str, Any] = {}


class RoleGift(_Model):
    """A role given by hand, by name or id."""

    principal: str
    role: str


class Consent(_Model):
    """Permissions and roles of an application in a tenant."""

    permissions: set[str] = set()
    roles: tuple[str, ...] = ()


class TokenRequest(_Model):
    """A token with any claims, good or forged: see `Cloud.mint`."""

    tenant: str
    audience: str
    claims: dict[str, Any] = {}
    key: Literal["signing", "unpublished"] = "signing"
    algorithm: Literal["RS256", "HS256", "none"] = "RS256"
    seconds: int = 3600

"""Customer tenants and their access profiles: what an administrator writes down once."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from curfew.clouds import CloudName
from curfew.model.base import Duration, Guid, Label, Model, ProfileName

AccountPrefix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,15}$")]
"""What every account of Curfew begins with in a tenant, for example `msp-`."""

DomainName = Annotated[
    str,
    StringConstraints(max_length=253, pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$"),
]
SecretName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,127}$")]


GRANTS_SECRETS = "grant-"
"""How the vault's names of live credentials begin; no connection may use one as its own."""


class ConnectionKind(StrEnum):
    """How Curfew proves to a customer tenant that it is Curfew."""

    FEDERATED = "federated"
    CERTIFICATE = "certificate"
    SECRET = "secret"  # noqa: S105 - the name of a kind, not a secret


class Connection(Model):
    """The credential towards a customer tenant; secrets and keys only by their name in the vault.

    `federated` needs neither `clientId` (the deployment's own multi-tenant app serves) nor a
    secret. `certificate` and `secret` name a Key Vault secret; `clientId` is that of the app
    registration it belongs to, the deployment's own app when absent.
    """

    kind: ConnectionKind = ConnectionKind.FEDERATED
    client_id: Guid | None = None
    secret_name: SecretName | None = None

    @model_validator(mode="after")
    def _names_its_secret(self) -> Self:
        if (self.secret_name or "").startswith(GRANTS_SECRETS):
            message = f"a secret whose name begins with {GRANTS_SECRETS} is a grant's, never yours"
            raise ValueError(message)
        if (self.kind is ConnectionKind.FEDERATED) != (self.secret_name is None):
            message = "secretName belongs to the kinds certificate and secret, and only to them"
            raise ValueError(message)
        return self


class CredentialKind(StrEnum):
    """What the technician signs in with."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a password
    TEMPORARY_ACCESS_PASS = "temporaryAccessPass"  # noqa: S105
    BOTH = "both"

    @property
    def has_password(self) -> bool:
        """Whether the technician gets a password."""
        return self is not CredentialKind.TEMPORARY_ACCESS_PASS

    @property
    def has_pass(self) -> bool:
        """Whether the technician gets a Temporary Access Pass."""
        return self is not CredentialKind.PASSWORD


class TenantSettings(Model):
    """What an administrator says of a customer tenant."""

    display_name: Label
    cloud: CloudName = CloudName.PUBLIC
    connection: Connection = Connection()
    account_domain: DomainName = Field(
        description="A verified, managed domain of the tenant; the accounts are made in it."
    )
    account_prefix: AccountPrefix = "msp-"
    hard_limit: Duration = Field(
        default=timedelta(hours=24),
        description="No grant, extensions included, is ever longer.",
    )


class ProfileSettings(Model):
    """What an administrator offers in a tenant under one name."""

    display_name: Label
    roles: Annotated[
        tuple[Guid, ...],
        Field(min_length=1, max_length=20, description="Role definition ids of the directory."),
    ]
    credential: CredentialKind = CredentialKind.TEMPORARY_ACCESS_PASS
    default_duration: Duration = timedelta(hours=1)
    min_duration: Duration = timedelta(minutes=5)
    max_duration: Duration = timedelta(hours=8)
    require_justification: bool = False
    require_ticket: bool = False

    @model_validator(mode="after")
    def _durations_in_order(self) -> Self:
        if not self.min_duration <= self.default_duration <= self.max_duration:
            message = "minDuration, defaultDuration and maxDuration must be in this order"
            raise ValueError(message)
        if len(set(self.roles)) != len(self.roles):
            message = "roles must not name a role twice"
            raise ValueError(message)
        return self


class Role(Model):
    """A directory role by its definition's id and the name the directory gives it."""

    id: Guid
    name: str


class Tenant(TenantSettings):
    """A customer tenant as it is kept: the settings, and what the directory answered."""

    id: Guid
    etag: str = Field(default="", exclude=True)


class Profile(ProfileSettings):
    """An access profile as it is kept, its roles with their names in the directory."""

    tenant: Guid
    name: ProfileName
    role_names: dict[Guid, str] = Field(default_factory=dict)
    etag: str = Field(default="", exclude=True)

    @property
    def named_roles(self) -> tuple[Role, ...]:
        """The roles with the names that the directory gave when the profile was saved."""
        return tuple(Role(id=role, name=self.role_names.get(role, role)) for role in self.roles)


class ProfileView(Model):
    """A profile as the API shows it."""

    tenant: Guid
    name: ProfileName
    display_name: str
    roles: tuple[Role, ...]
    credential: CredentialKind
    default_duration: Duration
    min_duration: Duration
    max_duration: Duration
    require_justification: bool
    require_ticket: bool

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The view of a stored profile."""
        shown = profile.model_dump(include=set(cls.model_fields) - {"roles"})
        return cls(roles=profile.named_roles, **shown)


class TenantView(Model):
    """A tenant as the API shows it; how Curfew connects to it is for administrators only."""

    id: Guid
    display_name: str
    account_domain: str
    account_prefix: str
    hard_limit: Duration
    cloud: CloudName
    connection: Connection | None = None
    profiles: tuple[ProfileView, ...] = ()


class TenantPage(Model):
    """Every customer tenant, without its profiles."""

    value: tuple[TenantView, ...]

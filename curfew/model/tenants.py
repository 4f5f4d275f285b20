"""Customer tenants and their access profiles: what an administrator writes down once."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from curfew.clouds import CloudName
from curfew.model.base import Duration, Guid, Label, Model, Moment, Period, ProfileName

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


class GrantKind(StrEnum):
    """What a grant gives: a technician's own account in the tenant, or roles to a user of it."""

    ACCOUNT = "account"
    ROLE = "role"


class CredentialKind(StrEnum):
    """What the technician signs in with; `none` where it is a role grant to an existing user."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a password
    TEMPORARY_ACCESS_PASS = "temporaryAccessPass"  # noqa: S105
    BOTH = "both"
    NONE = "none"

    @property
    def has_password(self) -> bool:
        """Whether the technician gets a password."""
        return self in {CredentialKind.PASSWORD, CredentialKind.BOTH}

    @property
    def has_pass(self) -> bool:
        """Whether the technician gets a Temporary Access Pass."""
        return self in {CredentialKind.TEMPORARY_ACCESS_PASS, CredentialKind.BOTH}


class RoleMode(StrEnum):
    """How roles are given: plainly, or by PIM with an expiry that Microsoft keeps as well.

    `auto` is PIM where the tenant is licensed for it, and direct where it is not.
    """

    DIRECT = "direct"
    PIM = "pim"
    AUTO = "auto"


class EndingMode(StrEnum):
    """What becomes of a technician's account after its verified ending."""

    DISABLE = "disable"
    DELETE = "delete"


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
    break_glass: Annotated[tuple[Guid, ...], Field(max_length=50)] = Field(
        default=(), description="Object ids of emergency accounts: Curfew never touches them."
    )
    allow_synced: bool = Field(
        default=False,
        description="Whether role grants may go to users synchronised from an on-premises AD.",
    )
    delete_idle_after: Period | None = Field(
        default=None, description="Technicians' accounts unused for so long are deleted."
    )


class ProfileSettings(Model):
    """What an administrator offers in a tenant under one name."""

    display_name: Label
    kind: GrantKind = GrantKind.ACCOUNT
    roles: Annotated[
        tuple[Guid, ...],
        Field(max_length=20, description="Role definition ids of the directory."),
    ] = ()
    groups: Annotated[
        tuple[Guid, ...],
        Field(max_length=20, description="Object ids of groups to be a member of for the time."),
    ] = ()
    subjects: Annotated[
        tuple[Guid, ...],
        Field(
            max_length=200,
            description="Of a role profile: the users who may be given the access. In the home "
            "tenant everybody may also ask for himself.",
        ),
    ] = ()
    role_mode: RoleMode = RoleMode.DIRECT
    ending: EndingMode = EndingMode.DISABLE
    credential: CredentialKind = CredentialKind.TEMPORARY_ACCESS_PASS
    default_duration: Duration = timedelta(hours=1)
    min_duration: Duration = timedelta(minutes=5)
    max_duration: Duration = timedelta(hours=8)
    require_justification: bool = False
    require_ticket: bool = False
    approvals: Annotated[int, Field(ge=0, le=2)] = Field(
        default=0, description="How many approvers must consent."
    )
    approval_deadline: Duration = Field(
        default=timedelta(hours=24), description="How long they have for it."
    )
    approve_extensions: bool = Field(
        default=False, description="Whether an extension needs the same consent again."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.min_duration <= self.default_duration <= self.max_duration:
            message = "minDuration, defaultDuration and maxDuration must be in this order"
            raise ValueError(message)
        for name, ids in (("roles", self.roles), ("groups", self.groups)):
            if len(set(ids)) != len(ids):
                message = f"{name} must not name the same one twice"
                raise ValueError(message)
        if not self.roles and not self.groups:
            message = "a profile gives at least one role or group"
            raise ValueError(message)
        return self._fits_its_kind()

    def _fits_its_kind(self) -> Self:
        if self.kind is GrantKind.ACCOUNT and self.credential is CredentialKind.NONE:
            message = "credential none is for role profiles only"
            raise ValueError(message)
        if self.kind is GrantKind.ACCOUNT and self.subjects:
            message = "subjects belong to role profiles only"
            raise ValueError(message)
        if self.kind is GrantKind.ROLE and self.ending is EndingMode.DELETE:
            message = "the account of an existing user is never deleted"
            raise ValueError(message)
        if self.approve_extensions and not self.approvals:
            message = "approveExtensions needs approvals"
            raise ValueError(message)
        return self


class Role(Model):
    """A directory role by its definition's id and the name the directory gives it."""

    id: Guid
    name: str


class Group(Model):
    """A group by its object id and the name the directory gives it."""

    id: Guid
    name: str


class Tenant(TenantSettings):
    """A customer tenant as it is kept: the settings, and what the directory answered."""

    id: Guid
    is_home: bool = Field(
        default=False, description="Whether it is the home tenant, of which technicians are users."
    )
    leaving_since: Moment | None = Field(
        default=None, description="Set while it is being off-boarded: nothing is granted any more."
    )
    etag: str = Field(default="", exclude=True)


class Profile(ProfileSettings):
    """An access profile as it is kept, its roles with their names in the directory."""

    tenant: Guid
    name: ProfileName
    role_names: dict[Guid, str] = Field(default_factory=dict)
    group_names: dict[Guid, str] = Field(default_factory=dict)
    etag: str = Field(default="", exclude=True)

    @property
    def named_roles(self) -> tuple[Role, ...]:
        """The roles with the names that the directory gave when the profile was saved."""
        return tuple(Role(id=role, name=self.role_names.get(role, role)) for role in self.roles)

    @property
    def named_groups(self) -> tuple[Group, ...]:
        """The groups with the names that the directory gave when the profile was saved."""
        return tuple(
            Group(id=group, name=self.group_names.get(group, group)) for group in self.groups
        )


class ProfileView(Model):
    """A profile as the API shows it."""

    tenant: Guid
    name: ProfileName
    display_name: str
    kind: GrantKind
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    subjects: tuple[Guid, ...]
    role_mode: RoleMode
    ending: EndingMode
    credential: CredentialKind
    default_duration: Duration
    min_duration: Duration
    max_duration: Duration
    require_justification: bool
    require_ticket: bool
    approvals: int
    approval_deadline: Duration
    approve_extensions: bool

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The view of a stored profile."""
        shown = profile.model_dump(include=set(cls.model_fields) - {"roles", "groups"})
        return cls(roles=profile.named_roles, groups=profile.named_groups, **shown)


class TenantView(Model):
    """A tenant as the API shows it; how Curfew connects to it is for administrators only."""

    id: Guid
    display_name: str
    account_domain: str
    account_prefix: str
    hard_limit: Duration
    cloud: CloudName
    allow_synced: bool = False
    delete_idle_after: Period | None = None
    leaving_since: Moment | None = None
    break_glass: tuple[Guid, ...] | None = None
    connection: Connection | None = None
    profiles: tuple[ProfileView, ...] = ()


class TenantPage(Model):
    """Every customer tenant, without its profiles."""

    value: tuple[TenantView, ...]

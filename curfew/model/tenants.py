"""Customer tenants: what an administrator writes down once."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from curfew.clouds import CloudName
from curfew.model.base import Duration, Guid, Label, Model, Moment, Period
from curfew.model.profiles import ProfileView
from curfew.patterns import is_usable

AccountPrefix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,15}$")]
"""What every account of Curfew begins with in a tenant, for example `msp-`."""

DomainName = Annotated[
    str,
    StringConstraints(max_length=253, pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$"),
]
SecretName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,127}$")]


GRANTS_SECRETS = "grant-"
"""How the vault's names of live credentials begin; no connection may use one as its own."""
STATE_KEY = "onboarding-state-key"
"""The vault's name of the key that signs consent addresses: no connection's either."""


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
        if (self.secret_name or "").lower().startswith(GRANTS_SECRETS):
            message = f"a secret whose name begins with {GRANTS_SECRETS} is a grant's, never yours"
            raise ValueError(message)
        if (self.secret_name or "").lower() == STATE_KEY:
            message = f"the secret {STATE_KEY} is Curfew's own"
            raise ValueError(message)
        if (self.kind is ConnectionKind.FEDERATED) != (self.secret_name is None):
            message = "secretName belongs to the kinds certificate and secret, and only to them"
            raise ValueError(message)
        return self


GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"

TicketSystem = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")]
TicketPattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A regular expression that a whole ticket number matches; without look-around and references."""


def _usable(pattern: str) -> str:
    if not is_usable(pattern):
        message = "is no regular expression that can be used: no look-around, no references"
        raise ValueError(message)
    return pattern


UsablePattern = Annotated[TicketPattern, AfterValidator(_usable)]


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
    ticket_systems: Annotated[dict[TicketSystem, UsablePattern], Field(max_length=20)] = Field(
        default_factory=dict,
        description="What a ticket number looks like, by ticket system: a regular expression. "
        "Where any is named, tickets of other systems are refused.",
    )
    two_approver_roles: Annotated[tuple[Guid, ...], Field(max_length=50)] = Field(
        default=(
            GLOBAL_ADMINISTRATOR,
            PRIVILEGED_ROLE_ADMINISTRATOR,
            PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
        ),
        description="Role definition ids: whatever gives one of them needs two approvers.",
    )


class Tenant(TenantSettings):
    """A customer tenant as it is kept: the settings, and what the directory answered."""

    id: Guid
    # As it is stored: a pattern that does not work any more refuses tickets, not the whole row.
    ticket_systems: dict[TicketSystem, TicketPattern] = Field(default_factory=dict)
    is_home: bool = Field(
        default=False, description="Whether it is the home tenant, of which technicians are users."
    )
    leaving_since: Moment | None = Field(
        default=None, description="Set while it is being off-boarded: nothing is granted any more."
    )
    delete_accounts: bool = Field(
        default=False, description="Whether Curfew's accounts are deleted when it leaves."
    )
    etag: str = Field(default="", exclude=True)


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
    ticket_systems: dict[TicketSystem, TicketPattern] = Field(default_factory=dict)
    two_approver_roles: tuple[Guid, ...] = ()
    break_glass: tuple[Guid, ...] | None = None
    connection: Connection | None = None
    profiles: tuple[ProfileView, ...] = ()


class TenantPage(Model):
    """Every customer tenant, without its profiles."""

    value: tuple[TenantView, ...]

"""How a customer comes aboard: what is asked for, what becomes of it, and what is left to do."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from curfew.clouds import CloudName
from curfew.model.approvals import Person
from curfew.model.base import Guid, Label, Model, Moment
from curfew.model.tenants import Connection, DomainName


class InvitationState(StrEnum):
    """What became of the question whether a customer lets Curfew in."""

    WAITING = "waiting"
    CONSENTED = "consented"
    REFUSED = "refused"
    EXPIRED = "expired"
    OWN_APP = "own-app"
    """The customer's own app registration: he consents in his own portal, and nobody answers."""


class RefusalCode(StrEnum):
    """Why an administrator was sent back without consent, as far as anything follows from it."""

    DECLINED = "declined"
    CONSENT_REQUIRED = "consent-required"
    NOT_ALLOWED = "not-allowed"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


MEANINGS = {
    RefusalCode.DECLINED: "The administrator pressed Cancel.",
    RefusalCode.CONSENT_REQUIRED: (
        "Microsoft did not record the consent. Who consents must be a Global Administrator or a "
        "Privileged Role Administrator of the tenant."
    ),
    RefusalCode.NOT_ALLOWED: (
        "Whoever answered may not consent for the tenant. Ask a Global Administrator or a "
        "Privileged Role Administrator."
    ),
    RefusalCode.UNAVAILABLE: "Microsoft's sign-in could not finish at that moment.",
    RefusalCode.OTHER: "Microsoft's sign-in did not give consent.",
}

_CODES = {
    "access_denied": RefusalCode.DECLINED,
    "permission_denied": RefusalCode.DECLINED,
    "consent_required": RefusalCode.CONSENT_REQUIRED,
    "interaction_required": RefusalCode.CONSENT_REQUIRED,
    "unauthorized_client": RefusalCode.NOT_ALLOWED,
    "invalid_client": RefusalCode.NOT_ALLOWED,
    "server_error": RefusalCode.UNAVAILABLE,
    "temporarily_unavailable": RefusalCode.UNAVAILABLE,
}


def refusal_of(error: str) -> RefusalCode:
    """What an OAuth error code means here; one that is not on the list is not repeated."""
    return _CODES.get(error, RefusalCode.OTHER)


class OnboardingRequest(Model):
    """A customer who is to come aboard."""

    tenant: Guid
    display_name: Label
    cloud: CloudName | None = Field(
        default=None, description="The cloud of the tenant; the deployment's own when absent."
    )
    account_domain: DomainName | None = Field(
        default=None, description="For the accounts; the tenant's initial domain when absent."
    )
    connection: Connection = Connection()


class Invitation(Model):
    """A question to a customer's administrators, as it is kept. It is answered once at most."""

    id: str
    tenant: Guid
    display_name: Label
    account_domain: DomainName | None = None
    connection: Connection = Connection()
    own_app: bool = False
    asked_by: Person
    asked_at: Moment
    expires_at: Moment
    answered_at: Moment | None = None
    refusal: RefusalCode | None = None
    etag: str = Field(default="", exclude=True)

    def state(self, now: datetime) -> InvitationState:
        """What has become of it by now."""
        if self.own_app:
            return InvitationState.OWN_APP
        if self.answered_at is not None:
            return InvitationState.REFUSED if self.refusal else InvitationState.CONSENTED
        return InvitationState.EXPIRED if self.expires_at <= now else InvitationState.WAITING


class RoleCommand(Model):
    """The one command with which a customer gives Curfew its directory role, and why.

    Each shell has a line that signs in to the right tenant, and the one that gives the role.
    """

    role: str
    role_id: Guid
    reason: str
    who: str = Field(description="Who in the customer tenant can run it.")
    az_sign_in: str
    az: str = Field(description="For bash, as in Azure Cloud Shell.")
    power_shell_sign_in: str
    power_shell: str = Field(description="For PowerShell with the module Microsoft.Graph.")


class OnboardingView(Model):
    """How far a customer's onboarding is: the answer, and what the directory says right now."""

    id: str
    tenant: Guid
    display_name: str
    connection: Connection
    state: InvitationState
    expires_at: Moment
    consent_address: str | None = Field(
        default=None, description="For the customer's administrator. Told once, when it is made."
    )
    instructions: tuple[str, ...] = Field(
        default=(), description="What the customer does where there is no address for it."
    )
    refusal: RefusalCode | None = None
    meaning: str | None = Field(default=None, description="What the refusal means.")
    let_in: bool = Field(
        default=False, description="Whether Curfew gets a token for the tenant and finds itself."
    )
    obstacle: str | None = Field(default=None, description="What keeps Curfew out.")
    account_domain: str | None = None
    principal_id: Guid | None = Field(
        default=None, description="The object id of Curfew's service principal in the tenant."
    )
    role_held: bool | None = Field(
        default=None, description="Whether it holds its directory role; null where unreadable."
    )
    role_command: RoleCommand | None = None

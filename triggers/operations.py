"""The table of the API: every operation, its address, who may call it, what goes in and out.

It is the only one. Requests are authorised and validated by it, the OpenAPI document is made
from it, and a function that is not in it serves nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from curfew.callers import AppRole, Caller
from curfew.model.approvals import DecisionRequest, ExtensionRequest
from curfew.model.audit import AuditPage
from curfew.model.base import Model
from curfew.model.checks import CheckReport
from curfew.model.grants import CredentialView, EndRequest, GrantPage, GrantRequest, GrantView
from curfew.model.onboarding import OnboardingRequest, OnboardingView
from curfew.model.profiles import ProfileSettings, ProfileView
from curfew.model.sweeps import AccountPage, AccountView, AdoptionRequest, SafetyReport
from curfew.model.tenants import TenantPage, TenantSettings, TenantView
from triggers.queries import (
    AuditListQuery,
    ConsentAnswer,
    GrantListQuery,
    LeavingQuery,
    NoQuery,
)
from triggers.views import Document, Health


class Reach(StrEnum):
    """On what a caller may carry out an operation."""

    ALL = "all"
    OWN = "own"
    """Grants that he asked for."""
    OFFERED = "offered"
    """Tenants and profiles that he may ask for."""
    DECIDES = "decides"
    """Grants of profiles that he may decide on; never his own access."""


type Rights = Mapping[AppRole, Reach]
"""Which app role reaches what; a role that is not there reaches nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        name: The function's name, and the operation id of the OpenAPI document.
        path: Below the route prefix, with `{parameters}`.
        rights: What the app roles of a caller let him reach.
        public: Whether it is served without a caller.
        body: What the request must be; None where it has no body.
        answers: The model of each successful answer; None where there is no body.
        problems: The refusals that this operation can give besides those of every operation.
        durable: Whether it talks to the workflow engine.
        pages: The statuses that are answered with an HTML page, for a person.
        unchecked: Whether the platform's sign-in passes this path by: what a request says of its
            caller there may come from anybody, and nobody is believed.
    """

    name: str
    method: str
    path: str
    summary: str
    rights: Rights
    answers: dict[int, type[Model] | None]
    public: bool = False
    body: type[Model] | None = None
    query: type[Model] = NoQuery
    problems: tuple[int, ...] = ()
    durable: bool = False
    headers: tuple[str, ...] = field(default=())
    pages: tuple[int, ...] = ()
    unchecked: bool = False

    def reach(self, caller: Caller) -> frozenset[Reach]:
        """All that a caller may reach by this operation; nothing where he may not call it."""
        return frozenset(self.rights[role] for role in caller.roles if role in self.rights)


_ASKING: Rights = {AppRole.TECHNICIAN: Reach.OFFERED, AppRole.INTEGRATION: Reach.OFFERED}
_REQUESTER: Rights = {AppRole.TECHNICIAN: Reach.OWN, AppRole.INTEGRATION: Reach.OWN}
_APPROVER: Rights = {AppRole.APPROVER: Reach.DECIDES}
_ADMINISTRATOR: Rights = {AppRole.ADMINISTRATOR: Reach.ALL}
_SETTINGS_READERS: Rights = {**_ASKING, **_ADMINISTRATOR}
_TRAIL_READERS: Rights = {AppRole.AUDITOR: Reach.ALL, **_ADMINISTRATOR}
_GRANT_ENDERS: Rights = {
    AppRole.TECHNICIAN: Reach.OWN,
    AppRole.APPROVER: Reach.ALL,
    AppRole.INTEGRATION: Reach.ALL,
    **_ADMINISTRATOR,
}
_GRANT_READERS: Rights = {AppRole.AUDITOR: Reach.ALL, **_GRANT_ENDERS}
_NOBODY: Rights = {}


_TABLE = (
    Operation(
        "request_grant",
        "POST",
        "grants",
        "Ask for access",
        _ASKING,
        {202: GrantView},
        body=GrantRequest,
        problems=(404, 409, 422),
        durable=True,
        headers=("Idempotency-Key",),
    ),
    Operation(
        "list_grants",
        "GET",
        "grants",
        "List grants: one's own, or all",
        _GRANT_READERS,
        {200: GrantPage},
        query=GrantListQuery,
    ),
    Operation(
        "read_grant",
        "GET",
        "grants/{grantId}",
        "Read a grant",
        _GRANT_READERS,
        {200: GrantView},
        problems=(404,),
    ),
    Operation(
        "approve_grant",
        "POST",
        "grants/{grantId}/approve",
        "Consent to a request or to an extension",
        _APPROVER,
        {200: GrantView, 202: GrantView},
        body=DecisionRequest,
        problems=(404, 409, 422),
        durable=True,
    ),
    Operation(
        "deny_grant",
        "POST",
        "grants/{grantId}/deny",
        "Refuse consent",
        _APPROVER,
        {200: GrantView, 202: GrantView},
        body=DecisionRequest,
        problems=(404, 409),
        durable=True,
    ),
    Operation(
        "extend_grant",
        "POST",
        "grants/{grantId}/extend",
        "Move the expiry of an active grant",
        {**_REQUESTER, **_APPROVER},
        {200: GrantView, 202: GrantView},
        body=ExtensionRequest,
        problems=(404, 409, 422),
        durable=True,
    ),
    Operation(
        "end_grant",
        "POST",
        "grants/{grantId}/end",
        "End a grant now",
        _GRANT_ENDERS,
        {200: GrantView, 202: GrantView},
        body=EndRequest,
        problems=(404,),
        durable=True,
    ),
    Operation(
        "reveal_credential",
        "POST",
        "grants/{grantId}/credential",
        "Reveal the credential to its requester",
        _REQUESTER,
        {200: CredentialView},
        problems=(404, 409),
    ),
    Operation(
        "begin_onboarding",
        "POST",
        "onboarding",
        "Ask a customer to let Curfew in: the consent address, or what else he does",
        _ADMINISTRATOR,
        {201: OnboardingView},
        body=OnboardingRequest,
        problems=(409, 422),
    ),
    # Public, and the one GET that changes something: Microsoft's sign-in sends the customer's
    # administrator here, who is nobody in the home tenant. The signed state is the proof.
    Operation(
        "answer_onboarding",
        "GET",
        "onboarding/answer",
        "Where Microsoft sends the customer's administrator after consent",
        _NOBODY,
        {},
        query=ConsentAnswer,
        public=True,
        pages=(200, 400, 409, 410, 503),
        unchecked=True,
    ),
    Operation(
        "read_onboarding",
        "GET",
        "onboarding/{onboardingId}",
        "How far an onboarding is, and the command that gives Curfew its directory role",
        _ADMINISTRATOR,
        {200: OnboardingView},
        problems=(404,),
    ),
    Operation(
        "list_tenants",
        "GET",
        "tenants",
        "List customer tenants",
        _SETTINGS_READERS,
        {200: TenantPage},
    ),
    Operation(
        "read_tenant",
        "GET",
        "tenants/{tenantId}",
        "Read a customer tenant and its profiles",
        _SETTINGS_READERS,
        {200: TenantView},
        problems=(404,),
    ),
    Operation(
        "write_tenant",
        "PUT",
        "tenants/{tenantId}",
        "Create or change a customer tenant",
        _ADMINISTRATOR,
        {200: TenantView, 201: TenantView},
        body=TenantSettings,
        problems=(404, 409, 412, 422, 428),
        headers=("If-Match",),
    ),
    Operation(
        "delete_tenant",
        "DELETE",
        "tenants/{tenantId}",
        "Forget a customer tenant, once its live grants are ended",
        _ADMINISTRATOR,
        {202: TenantView, 204: None},
        query=LeavingQuery,
        problems=(404, 409, 412),
        durable=True,
        headers=("If-Match",),
    ),
    Operation(
        "read_profile",
        "GET",
        "tenants/{tenantId}/profiles/{profileName}",
        "Read an access profile",
        _SETTINGS_READERS,
        {200: ProfileView},
        problems=(404,),
    ),
    Operation(
        "write_profile",
        "PUT",
        "tenants/{tenantId}/profiles/{profileName}",
        "Create or change an access profile",
        _ADMINISTRATOR,
        {200: ProfileView, 201: ProfileView},
        body=ProfileSettings,
        problems=(404, 409, 412, 422, 428),
        headers=("If-Match",),
    ),
    Operation(
        "delete_profile",
        "DELETE",
        "tenants/{tenantId}/profiles/{profileName}",
        "Forget an access profile",
        _ADMINISTRATOR,
        {204: None},
        problems=(404, 412),
        headers=("If-Match",),
    ),
    Operation(
        "run_check",
        "POST",
        "tenants/{tenantId}/check",
        "Look at what a customer tenant still lacks, now",
        _ADMINISTRATOR,
        {200: CheckReport},
        problems=(404,),
    ),
    Operation(
        "read_check",
        "GET",
        "tenants/{tenantId}/check",
        "Read what the last look at a customer tenant found",
        _TRAIL_READERS,
        {200: CheckReport},
        problems=(404,),
    ),
    Operation(
        "list_audit",
        "GET",
        "audit",
        "Read the audit trail: by tenant, in each the oldest event first",
        _TRAIL_READERS,
        {200: AuditPage},
        query=AuditListQuery,
    ),
    Operation(
        "list_accounts",
        "GET",
        "tenants/{tenantId}/accounts",
        "List the accounts on record in a customer tenant",
        _ADMINISTRATOR,
        {200: AccountPage},
        problems=(404,),
    ),
    Operation(
        "adopt_account",
        "POST",
        "tenants/{tenantId}/accounts/{accountId}/adopt",
        "Put an account out of Curfew's hands",
        _ADMINISTRATOR,
        {200: AccountView},
        body=AdoptionRequest,
        problems=(404, 409),
    ),
    Operation(
        "release_account",
        "POST",
        "tenants/{tenantId}/accounts/{accountId}/release",
        "Put an account back into Curfew's hands",
        _ADMINISTRATOR,
        {200: AccountView},
        body=AdoptionRequest,
        problems=(404,),
    ),
    Operation(
        "run_sweep",
        "POST",
        "sweep",
        "Run the sweep and the watch now",
        _ADMINISTRATOR,
        {200: SafetyReport},
        durable=True,
    ),
    Operation(
        "read_health",
        "GET",
        "health",
        "Whether the app is alive; for administrators also what it depends on",
        _NOBODY,
        {200: Health},
        public=True,
    ),
    Operation(
        "read_openapi",
        "GET",
        "openapi.json",
        "This document",
        _NOBODY,
        {200: Document},
        public=True,
    ),
)

OPERATIONS = {operation.name: operation for operation in _TABLE}
"""Every operation by its name."""

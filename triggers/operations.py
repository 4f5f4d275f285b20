"""The table of the API: every operation, its address, who may call it, what goes in and out.

It is the only one. Requests are authorised and validated by it, the OpenAPI document is made
from it, and a function that is not in it serves nobody.
"""

from curfew.callers import AppRole
from curfew.model.approvals import DecisionRequest, ExtensionRequest
from curfew.model.audit import AuditPage
from curfew.model.checks import CheckReport
from curfew.model.decisions import DecisionView
from curfew.model.grants import EndRequest, GrantPage, GrantRequest, GrantView
from curfew.model.handovers import CredentialView
from curfew.model.onboarding import OnboardingRequest, OnboardingView
from curfew.model.profiles import ProfileSettings, ProfileView
from curfew.model.sweeps import AccountPage, AccountView, AdoptionRequest, SafetyReport
from curfew.model.tenants import TenantPage, TenantSettings, TenantView
from triggers.operation import Limit, Operation, Reach, Rights
from triggers.queries import (
    AuditListQuery,
    ConsentAnswer,
    GrantListQuery,
    LeavingQuery,
    RequestQuery,
)
from triggers.views import Document, Health

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
        "Ask for access; with dryRun, what that would lead to",
        _ASKING,
        {200: DecisionView, 202: GrantView},
        body=GrantRequest,
        query=RequestQuery,
        problems=(404, 409, 422),
        durable=True,
        headers=("Idempotency-Key",),
        limit=Limit.REQUESTS,
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
        limit=Limit.REVEALS,
    ),
    Operation(
        "renew_credential",
        "POST",
        "grants/{grantId}/credential/renew",
        "Ask for a new credential in the place of the one that was given",
        _REQUESTER,
        {200: GrantView, 202: GrantView},
        problems=(404, 409),
        durable=True,
        limit=Limit.REVEALS,
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

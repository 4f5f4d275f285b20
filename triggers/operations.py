"""The table of the API: every operation, its address, who may call it, what goes in and out.

It is the only one. Requests are authorised and validated by it, the OpenAPI document is made
from it, and a function that is not in it serves nobody.
"""

from dataclasses import dataclass, field

from curfew.callers import AppRole
from curfew.model.approvals import DecisionRequest, ExtensionRequest
from curfew.model.audit import AuditPage
from curfew.model.base import Model
from curfew.model.grants import CredentialView, EndRequest, GrantPage, GrantRequest, GrantView
from curfew.model.sweeps import AccountPage, AccountView, AdoptionRequest, SafetyReport
from curfew.model.tenants import (
    ProfileSettings,
    ProfileView,
    TenantPage,
    TenantSettings,
    TenantView,
)
from triggers.queries import AuditListQuery, GrantListQuery, NoQuery
from triggers.views import Document, Health

ANYONE: frozenset[AppRole] = frozenset()

_EVERYBODY = frozenset(AppRole)
_ADMINISTRATOR = frozenset({AppRole.ADMINISTRATOR})
_APPROVER = frozenset({AppRole.APPROVER})
_ASKING = frozenset({AppRole.TECHNICIAN, AppRole.INTEGRATION})
_SETTINGS_READERS = _ASKING | _ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    Attributes:
        name: The function's name, and the operation id of the OpenAPI document.
        path: Below the route prefix, with `{parameters}`.
        roles: The app roles of which a caller needs one; `ANYONE` needs no caller at all.
        body: What the request must be; None where it has no body.
        answers: The model of each successful answer; None where there is no body.
        problems: The refusals that this operation can give besides those of every operation.
        durable: Whether it talks to the workflow engine.
    """

    name: str
    method: str
    path: str
    summary: str
    roles: frozenset[AppRole]
    answers: dict[int, type[Model] | None]
    body: type[Model] | None = None
    query: type[Model] = NoQuery
    problems: tuple[int, ...] = ()
    durable: bool = False
    headers: tuple[str, ...] = field(default=())

    @property
    def public(self) -> bool:
        """Whether it is served without a caller."""
        return self.roles == ANYONE


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
        _EVERYBODY,
        {200: GrantPage},
        query=GrantListQuery,
    ),
    Operation(
        "read_grant",
        "GET",
        "grants/{grantId}",
        "Read a grant",
        _EVERYBODY,
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
        _ASKING | _APPROVER,
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
        _EVERYBODY - {AppRole.AUDITOR},
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
        _ASKING,
        {200: CredentialView},
        problems=(404, 409),
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
        problems=(404, 412),
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
        "list_audit",
        "GET",
        "audit",
        "Read the audit trail: by tenant, in each the oldest event first",
        frozenset({AppRole.AUDITOR, AppRole.ADMINISTRATOR}),
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
        ANYONE,
        {200: Health},
    ),
    Operation(
        "read_openapi",
        "GET",
        "openapi.json",
        "This document",
        ANYONE,
        {200: Document},
    ),
)

OPERATIONS = {operation.name: operation for operation in _TABLE}

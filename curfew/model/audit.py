"""What the audit trail holds: who did what to whom, when, why, and what was before and after."""

from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from curfew.model.approvals import Person
from curfew.model.base import Guid, Model, Moment
from curfew.model.grants import GrantId, Lease, Ticket


class Action(StrEnum):
    """Everything that is written down. The names stand in the trail for ever: never rename one."""

    GRANT_REQUESTED = "grant.requested"
    GRANT_REFUSED = "grant.refused"
    GRANT_APPROVED = "grant.approved"
    GRANT_DENIED = "grant.denied"
    GRANT_APPROVAL_EXPIRED = "grant.approval-expired"
    GRANT_WITHDRAWN = "grant.withdrawn"
    GRANT_PROVISIONING = "grant.provisioning"
    GRANT_ACTIVE = "grant.active"
    GRANT_EXTENSION_REQUESTED = "grant.extension-requested"
    GRANT_EXTENDED = "grant.extended"
    GRANT_EXTENSION_REFUSED = "grant.extension-refused"
    GRANT_END_REQUESTED = "grant.end-requested"
    GRANT_ENDING = "grant.ending"
    GRANT_STUCK = "grant.stuck"
    GRANT_ENDED = "grant.ended"
    GRANT_CLOSED = "grant.closed"
    CREDENTIAL_REVEALED = "credential.revealed"
    CREDENTIAL_RENEWAL_REQUESTED = "credential.renewal-requested"
    CREDENTIAL_RENEWED = "credential.renewed"
    CREDENTIAL_RENEWAL_FAILED = "credential.renewal-failed"
    TENANT_INVITED = "tenant.invited"
    TENANT_CONSENTED = "tenant.consented"
    TENANT_CONSENT_REFUSED = "tenant.consent-refused"
    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"
    TENANT_LEAVING = "tenant.leaving"
    TENANT_DELETED = "tenant.deleted"
    TENANT_ACCOUNTS_LEFT = "tenant.accounts-left"
    TENANT_ACCESS_REMOVED = "tenant.access-removed"
    TENANT_ACCESS_LEFT = "tenant.access-left"
    PROFILE_CREATED = "profile.created"
    PROFILE_CHANGED = "profile.changed"
    PROFILE_DELETED = "profile.deleted"
    ACCOUNT_ADOPTED = "account.adopted"
    ACCOUNT_RELEASED = "account.released"
    ACCOUNT_DELETED = "account.deleted"
    SWEEP_ENDED = "sweep.ended"
    SWEEP_WARNED = "sweep.warned"
    REPORT_ATTACHED = "report.attached"


class AuditEntry(Model):
    """What is to be written down.

    `before` and `after` hold settings and facts as the API shows them, never a secret: a
    connection knows the names of its secrets only (rule 7).
    """

    key: str = Field(description="Deterministic: the same key appended again is the same event.")
    tenant: Guid
    action: Action
    target: str = Field(description="What it was done to: an account, a profile, a tenant.")
    actor: Person | None = Field(default=None, description="None: Curfew itself.")
    grant: GrantId | None = None
    reason: str | None = None
    ticket: Ticket | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @classmethod
    def of_grant(
        cls,
        lease: Lease,
        action: Action,
        *,
        mark: str = "",
        actor: Person | None = None,
        reason: str | None = None,
        after: dict[str, Any] | None = None,
    ) -> Self:
        """Something that happened to a grant; `mark` tells apart what happens to it repeatedly."""
        plan = lease.plan
        return cls(
            key=":".join(filter(None, (plan.grant_id, action, mark))),
            tenant=plan.tenant_id,
            action=action,
            target=plan.user_principal_name,
            actor=actor,
            grant=plan.grant_id,
            reason=reason,
            ticket=lease.ticket,
            after=after,
        )


class AuditEvent(AuditEntry):
    """What was written down: the entry, its place in the tenant's chain, and the chain's links."""

    sequence: int = Field(ge=1, description="From 1 in each tenant, without gaps.")
    at: Moment
    previous: str = Field(description="The hash of the event before it; zeros before the first.")
    hash: str = Field(description="SHA-256 over everything else in the event.")


class AuditPage(Model):
    """A page of the audit trail: by tenant, in each the oldest event first."""

    value: tuple[AuditEvent, ...]
    unreadable: int = Field(
        default=0,
        description="Rows of this page that this release cannot read; the checker says why.",
    )
    next_link: str | None = None

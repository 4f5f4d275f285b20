"""The answer to a dry run: what a request would lead to, or every reason why it would not."""

from typing import Self

from pydantic import Field

from curfew.model.base import Duration, Guid, Model, Moment, ProfileName
from curfew.model.grants import GrantId, GrantState, Lease
from curfew.model.profiles import Audience, CredentialKind, GrantKind, Group, Role


class Reason(Model):
    """One thing that stands against a request."""

    field: str = Field(description="Of the request; empty where it is about all of it.")
    detail: str


class ConsentView(Model):
    """Whose consent would be needed."""

    needed: int
    approvers: Audience | None = Field(
        default=None,
        description="Who may give it, besides the requester and the subject; every approver when "
        "absent.",
    )
    deadline: Moment


class DecisionView(Model):
    """What the same request would lead to at this moment. Nothing was written."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()
    blocked_by: str | None = Field(
        default=None, description="The address of the grant that stands in the way."
    )
    repeats: GrantId | None = Field(
        default=None,
        description="The grant that this Idempotency-Key has made: there would be no other.",
    )
    tenant: Guid
    tenant_name: str
    profile: ProfileName
    kind: GrantKind
    approval: ConsentView | None
    duration: Duration
    starts_at: Moment = Field(description="When it would begin, without a wait for consent.")
    expires_at: Moment | None = Field(
        description="When it would be over, had it begun then; the duration counts from activation."
    )
    account: str = Field(description="The account's sign-in name; empty for a role grant.")
    subject: Guid | None = Field(description="Of a role grant: the object id of the user.")
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    credential: CredentialKind

    @classmethod
    def repeating(cls, lease: Lease) -> Self:
        """The view of a request that has made its grant already."""
        plan = lease.plan
        starts_at = lease.activated_at or plan.start_at or lease.requested_at
        asked = lease.approval if lease.state is GrantState.AWAITING_APPROVAL else None
        is_role_grant = plan.kind is GrantKind.ROLE
        return cls(
            allowed=True,
            repeats=plan.grant_id,
            tenant=plan.tenant_id,
            tenant_name=lease.tenant_name,
            profile=lease.profile,
            kind=plan.kind,
            approval=ConsentView(needed=asked.needed, deadline=asked.deadline) if asked else None,
            duration=plan.duration,
            starts_at=starts_at,
            expires_at=lease.expires_at or starts_at + plan.duration,
            account="" if is_role_grant else plan.user_principal_name,
            subject=plan.account_id if is_role_grant else None,
            roles=plan.roles,
            groups=plan.groups,
            credential=plan.credential,
        )

"""Grants and leases: one access from request to verified end, and what takes it back."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from curfew.clouds import CloudName
from curfew.model.approvals import Approval, DecisionOrder, Extension, ExtensionState, Person
from curfew.model.base import Duration, Guid, Label, Model, Moment, ProfileName, Remark
from curfew.model.evidence import Evidence, Readings
from curfew.model.handovers import Handover, Renewal
from curfew.model.profiles import CredentialKind, EndingMode, GrantKind, Group, Role, RoleMode
from curfew.model.reports import ActivityReport
from curfew.model.tenants import GRANTS_SECRETS, Connection

PROVISIONING_LIMIT = timedelta(minutes=15)
"""How long giving may take, replication included, before it is taken back as failed."""

GrantId = Annotated[
    str,
    StringConstraints(
        pattern=r"^g-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-7][0-9A-HJKMNP-TV-Z]{25}$"
    ),
]


class GrantState(StrEnum):
    """Where a grant is in its life. In the first two and the last nothing was ever given."""

    AWAITING_APPROVAL = "awaiting-approval"
    SCHEDULED = "scheduled"
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    ENDING = "ending"
    ENDED = "ended"
    CLOSED = "closed"

    @property
    def over(self) -> bool:
        """Whether this is the last state of a grant."""
        return self in {GrantState.ENDED, GrantState.CLOSED}

    @property
    def unopened(self) -> bool:
        """Whether nothing was given yet, not even a password."""
        return self in {GrantState.AWAITING_APPROVAL, GrantState.SCHEDULED}


class EndReason(StrEnum):
    """Why a grant ended."""

    EXPIRED = "expired"
    RETURNED = "returned"
    REVOKED = "revoked"
    TICKET_CLOSED = "ticket-closed"
    FAILED = "failed"
    SWEPT = "swept"
    IDLE = "idle"
    DENIED = "denied"
    APPROVAL_EXPIRED = "approval-expired"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class Ticket(Model):
    """The ticket in whose name access is asked for."""

    system: Label
    number: Label


class GrantRequest(Model):
    """What a technician asks for."""

    tenant: Guid
    profile: ProfileName
    kind: GrantKind | None = Field(
        default=None, description="The profile's kind; another one is refused."
    )
    subject: Guid | None = Field(
        default=None,
        description="Of a role grant: the object id of the user, oneself when absent.",
    )
    duration: Duration | None = Field(
        default=None, description="How long; the profile's default when absent."
    )
    start_at: Moment | None = Field(
        default=None, description="When it shall begin; nothing exists before."
    )
    justification: Remark | None = None
    ticket: Ticket | None = None


class EndRequest(Model):
    """What is said when a grant is ended early."""

    reason: Remark | None = None


class Plan(Model):
    """All that giving and taking back needs, fixed when the lease is written.

    It travels through the orchestration and stands in the lease, so that ending depends on no
    setting that somebody may since have changed or deleted (rule 3). It holds no secret: the
    vault's secrets go by their names.
    """

    version: int = 1
    grant_id: GrantId
    tenant_id: Guid
    cloud: CloudName = CloudName.PUBLIC
    connection: Connection
    technician_id: Guid
    user_principal_name: str
    display_name: str
    mark: str = Field(description="Random; on the account from its creation, so that we know it.")
    account_id: Guid | None = Field(
        default=None, description="The account's object id; none until it is known to exist."
    )
    opened: bool = Field(
        default=False,
        description="Whether the account was found to be ours, or made by this grant.",
    )
    assignments: tuple[str, ...] = Field(
        default=(), description="The ids of the role assignments that were made."
    )
    methods_before: tuple[str, ...] = Field(
        default=(), description="Sign-in methods the account had: ids that an ending spares."
    )
    role_groups_before: tuple[str, ...] = Field(
        default=(), description="Role-assignable groups it was in: ids that an ending spares."
    )
    groups_before: tuple[str, ...] | None = Field(
        default=None,
        description="Every group it was in: ids that an ending spares. None: nobody looked, and "
        "an ending leaves role-assignable groups and the plan's own only.",
    )
    roles: tuple[Role, ...]
    credential: CredentialKind
    duration: Duration
    provision_by: Moment
    kind: GrantKind = GrantKind.ACCOUNT
    groups: tuple[Group, ...] = ()
    role_mode: RoleMode = RoleMode.DIRECT
    ending_mode: EndingMode = EndingMode.DISABLE
    justification: str | None = None
    ticket: Ticket | None = None
    approval: Approval | None = Field(
        default=None, description="What must be consented to before anything is given."
    )
    start_at: Moment | None = None
    spared: tuple[str, ...] = Field(
        default=(),
        description="Of a role grant: roles and groups the user holds anyway; an ending spares.",
    )
    given: tuple[str, ...] = Field(
        default=(),
        description="Of a role grant: roles and groups that are Curfew's to take back.",
    )
    assigned: dict[Guid, str] = Field(
        default_factory=dict,
        description="Of a role grant: the id of the assignment that was made for a role.",
    )
    until: Moment | None = Field(
        default=None, description="The expiry, where it is fixed before the access is given."
    )
    max_reveals: int = Field(
        default=10, description="How often one credential is shown; then a new one is asked for."
    )

    def to_take_back(self) -> Self:
        """The plan as an ending may act on it: without an account that was never opened.

        An account that was refused, because it is not ours any more, is not touched at all.
        """
        return self if self.opened else self.model_copy(update={"account_id": None})

    @property
    def password_secret(self) -> str:
        """The name of the password in the vault; it tells nothing about the customer."""
        return f"{GRANTS_SECRETS}{self.grant_id[-26:]}-password"

    @property
    def pass_secret(self) -> str:
        """The name of the Temporary Access Pass in the vault."""
        return f"{GRANTS_SECRETS}{self.grant_id[-26:]}-pass"


class Lease(Model):
    """The ledger's row of a grant that is not over, and, with `endedAt`, of one that is."""

    plan: Plan
    state: GrantState = GrantState.PROVISIONING
    stuck: bool = False
    tenant_name: str
    profile: ProfileName
    kind: GrantKind = GrantKind.ACCOUNT
    technician: Person
    subject_name: str = Field(
        default="", description="Of a role grant: the user, as the directory names him."
    )
    justification: str | None = None
    ticket: Ticket | None = None
    claimed: bool = Field(
        default=True, description="Whether it holds the claim on the account it is for."
    )
    approval: Approval | None = None
    words: tuple[DecisionOrder, ...] = Field(
        default=(), description="What approvers have said over the API, counted or not."
    )
    extensions: tuple[Extension, ...] = ()
    request_digest: str = ""
    requested_at: Moment
    deadline: Moment = Field(
        description="When this access must be over, whatever happened: the sweep's only clock."
    )
    activated_at: Moment | None = None
    expires_at: Moment | None = None
    handover: Handover = Handover()
    reveals: int = Field(
        default=0, description="How often the credential was shown since it was made."
    )
    renewals: tuple[Renewal, ...] = ()
    renewing: str = Field(
        default="",
        description="The run of a step that is making a new credential; while there is one, the "
        "handover is empty, because nobody knows which password holds.",
    )
    end_reason: EndReason | None = None
    end_remark: str | None = None
    ended_by: Person | None = None
    failure: str | None = None
    rounds: int = 0
    evidence: Evidence | None = None
    ended_at: Moment | None = None
    readings: Readings = Readings()
    report: ActivityReport | None = None
    etag: str = Field(default="", exclude=True)

    def as_ending(self, now: datetime) -> Self:
        """The lease of a grant that is ending: overdue from now on, so that the sweep sees it."""
        deadline = min(self.deadline, now)
        return self.model_copy(update={"state": GrantState.ENDING, "deadline": deadline})

    @property
    def pending_extension(self) -> Extension | None:
        """The extension that approvers have not decided yet."""
        waiting = ExtensionState.AWAITING_APPROVAL
        return next((wish for wish in self.extensions if wish.state is waiting), None)

    def extension_waits(self, now: datetime) -> bool:
        """Whether approvers may still decide about an extension."""
        wish = self.pending_extension
        return wish is not None and (wish.approval is None or now < wish.approval.deadline)

    @property
    def reveals_left(self) -> int | None:
        """How often the credential may still be shown; None where there is none."""
        if self.plan.credential is CredentialKind.NONE:
            return None
        return max(0, self.plan.max_reveals - self.reveals)

    def is_usable(self, now: datetime) -> bool:
        """Whether the access has begun and its time is not up."""
        expires_at = self.expires_at
        return self.state is GrantState.ACTIVE and expires_at is not None and now < expires_at

    def renewal(self, renewal_id: str) -> Renewal | None:
        """A wish for a new credential."""
        return next((wish for wish in self.renewals if wish.id == renewal_id), None)

    def with_renewal(self, wish: Renewal) -> Self:
        """The lease with a wish for a new credential as it stands by now, or one more."""
        wishes = {each.id: each for each in self.renewals} | {wish.id: wish}
        return self.model_copy(update={"renewals": tuple(wishes.values())})

    def handing_over(self, handover: Handover) -> Self:
        """The lease with other credentials. Of such as are new throughout, none was ever shown."""
        reveals = self.reveals if handover.shares(self.handover) else 0
        return self.model_copy(update={"handover": handover, "reveals": reveals})

    @property
    def beneficiaries(self) -> frozenset[str]:
        """Whose own access it is, by object id: who asked, and whom it is for."""
        subject = self.plan.account_id if self.plan.kind is GrantKind.ROLE else None
        return frozenset(person for person in (self.technician.id, subject) if person)

    @property
    def concerned(self) -> frozenset[str]:
        """Who has no say in it: whose own access it is, and who wants it longer."""
        wish = self.pending_extension
        return self.beneficiaries | ({wish.by.id} if wish else set())

    @property
    def question(self) -> Approval | None:
        """What approvers are asked right now: the request, or an extension of it."""
        if self.state is GrantState.AWAITING_APPROVAL:
            return self.approval
        wish = self.pending_extension if self.state is GrantState.ACTIVE else None
        return wish.approval if wish else None


class GrantView(Model):
    """A grant as the API shows it."""

    id: GrantId
    kind: GrantKind
    state: GrantState
    stuck: bool
    tenant: Guid
    tenant_name: str
    profile: ProfileName
    technician: Person
    user_principal_name: str
    subject_name: str
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    role_mode: RoleMode
    credential: CredentialKind
    duration: Duration
    justification: str | None
    ticket: Ticket | None
    requested_at: Moment
    start_at: Moment | None
    approval: Approval | None
    extensions: tuple[Extension, ...]
    activated_at: Moment | None
    expires_at: Moment | None
    reveals_left: int | None = Field(
        description="How often the credential may still be revealed; absent where there is none."
    )
    renewals: tuple[Renewal, ...]
    end_reason: EndReason | None
    end_remark: str | None
    ended_by: Person | None
    failure: str | None
    evidence: Evidence | None
    ended_at: Moment | None
    report: ActivityReport | None = Field(
        default=None, description="What was done with it; absent from lists."
    )

    @classmethod
    def of(cls, lease: Lease) -> Self:
        """The view of a lease, live or over."""
        plan = lease.plan
        same = set(cls.model_fields) & set(Lease.model_fields)
        return cls(
            id=plan.grant_id,
            tenant=plan.tenant_id,
            user_principal_name=plan.user_principal_name,
            roles=plan.roles,
            groups=plan.groups,
            role_mode=plan.role_mode,
            start_at=plan.start_at,
            credential=plan.credential,
            duration=plan.duration,
            reveals_left=lease.reveals_left,
            **{name: getattr(lease, name) for name in same},
        )


class GrantPage(Model):
    """A page of grants; `nextLink` is the address of the next one, absent on the last."""

    value: tuple[GrantView, ...]
    next_link: str | None = None

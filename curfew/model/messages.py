"""What the workflow and its steps say to each other.

All of it stands in durable histories, so none of it holds a secret (rule 7), and every change is
an addition with a default (rule 11).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from curfew.errors import CurfewError, NameTaken, NotYet, ServiceError, Unavailable
from curfew.model.approvals import Approval, ConsentId, DecisionOrder, Extension, Person
from curfew.model.base import Duration, Model, Moment, Remark
from curfew.model.evidence import Evidence
from curfew.model.grants import EndReason, Lease, Plan
from curfew.model.handovers import Handover, SecretVersion
from curfew.model.profiles import GrantKind

END_EVENT = "end"
APPROVE_EVENT = "approve"
DENY_EVENT = "deny"
EXTEND_EVENT = "extend"
RENEW_EVENT = "renew"
CREATION_SETTLES = timedelta(minutes=10)
"""How long an account may stay invisible after a creation that nobody saw succeed or fail."""


class Failure(Model):
    """Why a step did not do its work, in codes."""

    code: str
    detail: str
    retryable: bool
    unsure: bool = Field(
        default=False, description="Whether a write may have been applied all the same."
    )
    retry_after: float | None = None

    @classmethod
    def of(cls, error: CurfewError) -> Self:
        """The failure that an error stands for."""
        retryable = isinstance(error, NotYet) or getattr(error, "retryable", False)
        retry_after = error.retry_after if isinstance(error, ServiceError) else None
        return cls(
            code=error.code,
            detail=error.detail,
            retryable=retryable,
            unsure=isinstance(error, Unavailable | NameTaken),
            retry_after=retry_after,
        )

    @classmethod
    def lost(cls, what: str) -> Self:
        """The failure of a step that never answered: a crash, a time-out, a defect."""
        return cls(code="lost", detail=what, retryable=True, unsure=True)


class Outcome(Model):
    """What a step came to: a value, or a failure."""

    value: dict[str, Any] | None = None
    failure: Failure | None = None


class Deletion(Model):
    """Whether an account was put into the bin, or was there."""

    deleted: bool = True


class Ending(Model):
    """Why a grant ends and who said so."""

    reason: EndReason
    by: Person | None = None
    remark: Remark | None = None
    failure: str | None = None

    @classmethod
    def told_by(cls, lease: Lease) -> Self | None:
        """Why a grant ends as its lease says; None when it does not say."""
        if lease.end_reason is None:
            return None
        return cls(
            reason=lease.end_reason,
            by=lease.ended_by,
            remark=lease.end_remark,
            failure=lease.failure,
        )

    @property
    def as_told(self) -> dict[str, Any]:
        """The fields of a lease that tell it."""
        return {
            "end_reason": self.reason,
            "ended_by": self.by,
            "end_remark": self.remark,
            "failure": self.failure,
        }


class Recording(Model):
    """Write an approver's word into the lease, if it counts."""

    plan: Plan
    order: DecisionOrder


class Tally(Model):
    """Where a question stands after a word was recorded; none where there is no such question."""

    approval: Approval | None = None


class Lapse(Model):
    """The approval deadline of an extension has passed, or its grant ended."""

    plan: Plan
    extension: ConsentId


class ExtendOrder(Model):
    """The payload of the event `extend`."""

    id: ConsentId
    by: Person
    duration: Duration
    comment: Remark | None = None


class Prolonging(Model):
    """Move the expiry of an active grant, or ask the approvers first."""

    plan: Plan
    order: ExtendOrder
    expires_at: Moment


class Settling(Model):
    """Move the expiry of an active grant, now that its approvers have consented."""

    plan: Plan
    extension: ConsentId
    expires_at: Moment


class Prolonged(Model):
    """What became of the wish; the expiry that holds from now on."""

    extension: Extension
    expires_at: Moment


class RenewOrder(Model):
    """The payload of the event `renew`: the wish as it stands in the lease, by its id."""

    id: ConsentId


class Renewing(Model):
    """Make a new credential, if the lease knows of the wish."""

    plan: Plan
    renewal: ConsentId


class Admission(Model):
    """The settings were looked at again: the plan to give, or every reason against it."""

    plan: Plan
    refusals: tuple[str, ...] = ()


class Announced(Model):
    """The ending is on record; `over` if the grant was in the history already."""

    over: bool = False


class Opened(Model):
    """The account is there, disabled, and ours; the plan now knows it."""

    plan: Plan
    password: SecretVersion | None = Field(
        default=None, description="The password it was created with; none when one must be set."
    )
    pass_minutes: int | None = Field(
        default=None, description="How long the pass may live; none when none is asked for."
    )


class Assigned(Model):
    """The role assignments that were made: taken back by their ids, whatever a list shows."""

    assignments: tuple[str, ...]
    plan: Plan | None = Field(
        default=None, description="The plan with what this run learnt, where it learnt something."
    )
    expires_at: Moment | None = Field(
        default=None, description="The expiry, where Microsoft keeps it as well and knows it."
    )


class PassOrder(Model):
    """A Temporary Access Pass of so many minutes for a plan's account."""

    plan: Plan
    minutes: int


class Activation(Model):
    """The last step of giving: arm the expiry, then enable."""

    plan: Plan
    handover: Handover
    expires_at: Moment


class EndStep(StrEnum):
    """The steps of taking back. Disabling goes first, alone; the rest in any order.

    A role grant knows two of them: the account is somebody's own.
    """

    DISABLE = "disable_account"
    REVOKE = "revoke_sessions"
    REMOVE_ACCESS = "remove_access"
    REMOVE_METHODS = "remove_methods"
    ROTATE = "rotate_password"
    RETIRE = "retire_credential"

    @classmethod
    def of(cls, kind: GrantKind) -> tuple["EndStep", ...]:
        """The steps that the ending of a grant of this kind takes."""
        return (cls.REMOVE_ACCESS, cls.REVOKE) if kind is GrantKind.ROLE else tuple(cls)


# Each fact of the evidence, and the step to take again where it does not hold.
_MENDED_BY: tuple[tuple[Callable[[Evidence], bool], EndStep], ...] = (
    (lambda evidence: evidence.account_disabled is not False, EndStep.DISABLE),
    (lambda evidence: not (evidence.roles_left or evidence.groups_left), EndStep.REMOVE_ACCESS),
    (lambda evidence: not evidence.methods_left, EndStep.REMOVE_METHODS),
    (lambda evidence: evidence.password_rotated is not False, EndStep.ROTATE),
    (lambda evidence: evidence.sessions_revoked, EndStep.REVOKE),
    (lambda evidence: evidence.credential_disabled is not False, EndStep.RETIRE),
)


def steps_to_mend(evidence: Evidence) -> tuple[EndStep, ...]:
    """The steps whose effect does not show, in their order."""
    return tuple(step for holds, step in _MENDED_BY if not holds(evidence))


class Search(Model):
    """Look for an account whose creation nobody saw succeed or fail."""

    plan: Plan
    unsure_since: Moment | None = None


class Located(Model):
    """The plan with its account; with none there, absent for certain or to be looked for again."""

    plan: Plan
    look_again_at: Moment | None = None


class Rotation(Model):
    """The password was changed; the directory's clock must now be past this."""

    rotated_after: Moment | None = None


class Revocation(Model):
    """The sessions were revoked; the directory must now count none from before this."""

    revoked_after: Moment | None = None


class Verification(Model):
    """What must be read back, and what the directory's times are measured against."""

    plan: Plan
    rotated_after: Moment | None = None
    revoked_after: Moment | None = None


class EndingNotice(Model):
    """The ending begins."""

    plan: Plan
    ending: Ending


class StuckNotice(Model):
    """A round of taking back was used up without success."""

    plan: Plan
    round: int
    failures: tuple[str, ...]


class Closing(Model):
    """The ending is verified."""

    plan: Plan
    ending: Ending
    evidence: Evidence


class TakingBack(Model):
    """Where an ending stands; carried from one round to the next."""

    ending: Ending
    round: int = 1
    announced: bool = False
    located: bool = False
    unsure_since: Moment | None = None
    pending: tuple[EndStep, ...] = tuple(EndStep)
    rotated_after: Moment | None = None
    revoked_after: Moment | None = None
    absent_since: Moment | None = None
    evidence: Evidence | None = Field(
        default=None, description="Of an ending that is verified and has yet to be written down."
    )

    @classmethod
    def begin(cls, plan: Plan, ending: Ending, **known: Any) -> Self:  # noqa: ANN401 - fields
        """The ending of a grant, with every step of its kind still to take."""
        return cls(ending=ending, pending=EndStep.of(plan.kind), **known)


class GrantInput(Model):
    """What the grant orchestration is started, and after each round restarted, with."""

    version: int = 1
    plan: Plan
    taking_back: TakingBack | None = None


class EndOrder(Model):
    """The payload of the `end` event."""

    reason: EndReason
    by: Person
    remark: Remark | None = None

    def ending(self) -> Ending:
        """The ending that this order asks for."""
        return Ending(reason=self.reason, by=self.by, remark=self.remark)


def settles_at(unsure_since: datetime) -> datetime:
    """When an account that is still invisible was never created."""
    return unsure_since + CREATION_SETTLES

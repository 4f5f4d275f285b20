"""What the workflow and its steps say to each other.

All of it stands in durable histories, so none of it holds a secret (rule 7), and every change is
an addition with a default (rule 11).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from curfew.errors import CurfewError, NameTaken, NotYet, ServiceError, Unavailable
from curfew.model.base import Model, Moment, Remark
from curfew.model.grants import EndReason, Evidence, Handover, Person, Plan, SecretVersion

END_EVENT = "end"
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


class Ending(Model):
    """Why a grant ends and who said so."""

    reason: EndReason
    by: Person | None = None
    remark: Remark | None = None
    failure: str | None = None


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
    """The steps of taking back. Disabling goes first, alone; the rest in any order."""

    DISABLE = "disable_account"
    REVOKE = "revoke_sessions"
    REMOVE_ACCESS = "remove_access"
    REMOVE_METHODS = "remove_methods"
    ROTATE = "rotate_password"
    RETIRE = "retire_credential"


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

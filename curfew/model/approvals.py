"""Consent: what approvers decide, and the extensions that may need it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from curfew.model.base import Duration, Guid, Model, Moment, Remark

ConsentId = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
"""A ULID: of one thing that consent is asked for, or of one decision, request or extension."""


class Person(Model):
    """Who did something, by object id; the name is for reading only."""

    id: Guid
    name: str


class Decision(Model):
    """One approver's word."""

    id: ConsentId
    by: Person
    at: Moment
    approves: bool
    comment: Remark | None = None


class DecisionOrder(Model):
    """An approver's word as it was said over the API: the payload of `approve` and `deny`.

    It stands in the lease before the workflow hears of it. A word that reaches the workflow by
    any other way is not in the lease, and does not count.
    """

    id: ConsentId
    about: ConsentId
    by: Person
    approves: bool
    comment: Remark | None = None


class Approval(Model):
    """Consent that is asked for, and what was said to it so far.

    Its id tells one question from the next: a late answer to an earlier question decides nothing.
    """

    id: ConsentId
    needed: int
    deadline: Moment
    decisions: tuple[Decision, ...] = ()

    @property
    def denied(self) -> bool:
        """Whether somebody said no; one is enough."""
        return any(not decision.approves for decision in self.decisions)

    @property
    def given(self) -> bool:
        """Whether enough different approvers said yes, and none no."""
        approvers = {decision.by.id for decision in self.decisions if decision.approves}
        return not self.denied and len(approvers) >= self.needed


class ExtensionState(StrEnum):
    """What became of a wish to extend."""

    AWAITING_APPROVAL = "awaiting-approval"
    GRANTED = "granted"
    DENIED = "denied"
    APPROVAL_EXPIRED = "approval-expired"
    REFUSED = "refused"


class Extension(Model):
    """A wish to extend a grant, and what became of it."""

    id: ConsentId
    duration: Duration
    by: Person
    requested_at: Moment
    comment: Remark | None = None
    state: ExtensionState
    approval: Approval | None = None
    expires_at: Moment | None = Field(default=None, description="The new expiry, once granted.")
    refusal: str | None = None


class DecisionRequest(Model):
    """What an approver says."""

    comment: Remark | None = None
    approval: ConsentId | None = Field(
        default=None,
        description="The id of the approval that was looked at; another one is not decided.",
    )


class ExtensionRequest(Model):
    """How much longer a grant shall be, counted from its expiry."""

    duration: Duration
    comment: Remark | None = None

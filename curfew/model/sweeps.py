"""What a sweep and a watch found and did, and the accounts on record as administrators see them."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from curfew.model.approvals import Person
from curfew.model.base import Guid, Model, Moment, Remark
from curfew.model.grants import EndReason, GrantId

CURFEW = Person(id="00000000-0000-0000-0000-000000000000", name="Curfew")
"""Who ends what nobody else did."""

WATCH_PROFILE = "curfew-watch"
"""The profile of endings that no request began; none of this name is ever offered."""

FRESH = timedelta(minutes=5)
"""How long after its deadline a grant that is still being given is left to its workflow."""

WARNED = timedelta(minutes=30)
"""How old a warning must be before the account that it is about is taken back."""


class Swept(StrEnum):
    """What became of a grant in a sweep."""

    ENDED = "ended"
    CLOSED = "closed"
    WAITING = "waiting"
    FAILED = "failed"
    UNREACHED = "unreached"

    @property
    def over(self) -> bool:
        """Whether the grant is over."""
        return self in {Swept.ENDED, Swept.CLOSED}


class SweptGrant(Model):
    """One overdue grant, and what became of it; what is not over comes with the next sweep."""

    grant: GrantId
    tenant: Guid
    result: Swept
    reason: EndReason | None = None
    detail: str | None = None


class TenantFailure(Model):
    """A tenant in which the work did not come to its end, and why."""

    tenant: Guid
    reason: str


class SweepReport(Model):
    """One sweep. It is partial when something was not reached; then the next one goes on."""

    at: Moment
    seconds: float
    tenants: int
    overdue: int
    ended: int
    failed: int
    partial: bool
    grants: tuple[SweptGrant, ...]
    failures: tuple[TenantFailure, ...]
    left: tuple[Guid, ...] = Field(description="Tenants that were off-boarded and are now gone.")


class Noticed(StrEnum):
    """What the watch did about an account."""

    WARNED = "warned"
    SUSPECTED = "suspected"
    ENDED = "ended"
    ENDING = "ending"
    DELETED = "deleted"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


class WatchedAccount(Model):
    """One account that is not as it should be, and what the watch did about it."""

    tenant: Guid
    id: Guid | None
    user_principal_name: str
    result: Noticed
    facts: tuple[str, ...] = ()


class WatchReport(Model):
    """One look into the directories."""

    at: Moment
    seconds: float
    tenants: int
    accounts: int
    partial: bool
    noticed: tuple[WatchedAccount, ...]
    failures: tuple[TenantFailure, ...]


class SafetyReport(Model):
    """What an administrator gets who runs both now."""

    sweep: SweepReport
    watch: WatchReport


class AccountView(Model):
    """An account on record as the API shows it."""

    id: Guid | None
    user_principal_name: str
    technician: Guid
    last_ended_at: Moment | None
    suspected_since: Moment | None
    suspicions: tuple[str, ...]
    adopted_by: Person | None
    adopted_at: Moment | None
    adoption_reason: str | None


class AccountPage(Model):
    """Every account on record in a tenant."""

    value: tuple[AccountView, ...]


class AdoptionRequest(Model):
    """Why an account is put out of Curfew's hands, or back into them."""

    reason: Remark

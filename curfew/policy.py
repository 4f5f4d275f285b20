"""The decision on a request: pure, and with every reason at once."""

from dataclasses import dataclass
from datetime import timedelta

from curfew.callers import Caller
from curfew.errors import FieldProblem
from curfew.model.grants import GrantRequest
from curfew.model.tenants import Profile, Tenant
from curfew.naming import user_principal_name


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be given, and every reason why it is not."""

    duration: timedelta
    user_principal_name: str
    refusals: tuple[FieldProblem, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether there is no reason against it."""
        return not self.refusals


def decide(request: GrantRequest, caller: Caller, tenant: Tenant, profile: Profile) -> Decision:
    """Whether this caller gets this grant, from settings and the caller alone."""
    duration = request.duration or min(profile.default_duration, tenant.hard_limit)
    name = user_principal_name(tenant.account_prefix, caller.sign_in_name, tenant.account_domain)
    longest = min(profile.max_duration, tenant.hard_limit)
    checks = (
        (
            duration <= longest,
            "duration",
            f"The longest duration is {_spoken(longest)}.",
        ),
        (
            duration >= profile.min_duration,
            "duration",
            f"The shortest duration is {_spoken(profile.min_duration)}.",
        ),
        (
            request.justification is not None or not profile.require_justification,
            "justification",
            "This profile needs a justification.",
        ),
        (
            request.ticket is not None or not profile.require_ticket,
            "ticket",
            "This profile needs a ticket.",
        ),
        (
            name is not None,
            "",
            "No account name can be made from your sign-in name.",
        ),
    )
    refusals = tuple(FieldProblem(field, reason) for ok, field, reason in checks if not ok)
    return Decision(duration, name or "", refusals)


def _spoken(duration: timedelta) -> str:
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)

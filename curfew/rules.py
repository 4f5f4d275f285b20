"""The rules of the policy, one by one: each holds, or gives the field and the reason why not."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from curfew.clouds import CLOUDS, Feature
from curfew.entitlements import is_among
from curfew.errors import FieldProblem
from curfew.model.approvals import Approval
from curfew.model.grants import Lease, Plan, Ticket
from curfew.model.profiles import (
    CredentialKind,
    GrantKind,
    Profile,
    ProfileSettings,
    Weekday,
    WorkingHours,
)
from curfew.model.tenants import Tenant
from curfew.patterns import matches

FURTHEST_START = timedelta(days=30)
_TWO = 2
_WEEK = tuple(Weekday)

type Check = tuple[bool, str, str]
"""Whether it holds, the field of the request that it is about, and the reason when it does not."""


def refusals(checks: Iterable[Check]) -> tuple[FieldProblem, ...]:
    """The reasons of those that do not hold."""
    return tuple(FieldProblem(field, reason) for ok, field, reason in checks if not ok)


def approvals_needed(roles: Iterable[str], tenant: Tenant, profile: ProfileSettings) -> int:
    """How many approvers must consent before these roles are given.

    Some roles need two whatever the profile says. What a role-assignable group holds cannot be
    seen from here: a profile that gives such a group has to ask for its approvers itself.
    """
    return max(profile.approvals, _TWO if needs_two(roles, tenant) else 0)


def needs_two(roles: Iterable[str], tenant: Tenant) -> bool:
    """Whether one of the roles is given by consent of two only."""
    return not set(tenant.two_approver_roles).isdisjoint(roles)


def of_requester(person_id: str, groups: frozenset[str], profile: Profile) -> Check:
    """Whoever asks is in the audience."""
    reason = "This profile is not offered to who asks for it."
    return (is_among(profile.requesters, person_id, groups), "profile", reason)


def of_duration(duration: timedelta, tenant: Tenant, profile: Profile) -> tuple[Check, ...]:
    """It is as long as the profile and the tenant's hard limit allow."""
    longest = min(profile.max_duration, tenant.hard_limit)
    return (
        (duration <= longest, "duration", f"The longest duration is {spoken(longest)}."),
        (
            duration >= profile.min_duration,
            "duration",
            f"The shortest duration is {spoken(profile.min_duration)}.",
        ),
    )


def of_start(start: datetime | None, now: datetime) -> Check:
    """A start that is asked for lies ahead, and not too far."""
    return (
        start is None or now < start <= now + FURTHEST_START,
        "startAt",
        f"The start must lie ahead, at most {FURTHEST_START.days} days.",
    )


def of_hours(begins: datetime, profile: Profile) -> Check:
    """It begins when people work, by the clock on their wall; hours that are not known refuse."""
    hours = profile.working_hours
    if hours is None:
        return (True, "startAt", "")
    days = ", ".join(day.value.capitalize() for day in _WEEK if day in hours.days)
    span = f"{_on_the_clock(hours.start)} to {_on_the_clock(hours.end)} ({hours.time_zone})"
    return (_at_work(begins, hours), "startAt", f"Access begins on {days} from {span} only.")


def _at_work(moment: datetime, hours: WorkingHours) -> bool:
    try:
        local = moment.astimezone(ZoneInfo(hours.time_zone))
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return False
    return _WEEK[local.weekday()] in hours.days and hours.start <= local.time() < hours.end


def _on_the_clock(moment: time) -> str:
    return moment.isoformat(timespec="auto" if moment.second or moment.microsecond else "minutes")


def of_subject(
    subject: str | None, technician_id: str, tenant: Tenant, profile: Profile
) -> tuple[Check, ...]:
    """The tenant stays, and the user is one whom the profile names, or in the home tenant oneself.

    Never an emergency account; of a user who is not offered nobody is told whether he is one.
    """
    is_own = subject == technician_id and tenant.is_home
    is_offered = subject is None or is_own or subject in profile.subjects
    return (
        (tenant.leaving_since is None, "tenant", "This tenant is being off-boarded."),
        (
            is_offered,
            "subject",
            "This profile is not offered to this user.",
        ),
        (
            not is_offered or subject not in tenant.break_glass,
            "subject",
            "This is an emergency account; Curfew never touches it.",
        ),
    )


def of_cloud(tenant: Tenant, profile: ProfileSettings, *, field: str = "profile") -> Check:
    """What the technician is to sign in with exists in the tenant's cloud."""
    has_pass = profile.kind is GrantKind.ACCOUNT and profile.credential.has_pass
    missing = CLOUDS[tenant.cloud].without.get(Feature.TEMPORARY_ACCESS_PASS) if has_pass else None
    return (missing is None, field, missing or "")


def of_reasons(
    justification: str | None, ticket: Ticket | None, tenant: Tenant, profile: Profile
) -> tuple[Check, ...]:
    """What must be said is said, and a ticket looks like one of its system."""
    return (
        (
            justification is not None or not profile.require_justification,
            "justification",
            "This profile needs a justification.",
        ),
        (
            ticket is not None or not profile.require_ticket,
            "ticket",
            "This profile needs a ticket.",
        ),
        *(_of_ticket(ticket, tenant.ticket_systems) if ticket else ()),
    )


def _of_ticket(ticket: Ticket, systems: dict[str, str]) -> tuple[Check, ...]:
    if not systems:
        return ()
    pattern = systems.get(ticket.system)
    known = ", ".join(sorted(systems))
    return (
        (pattern is not None, "ticket.system", f"Tickets of this tenant are in {known}."),
        (
            pattern is None or matches(pattern, ticket.number),
            "ticket.number",
            "This is not what a ticket number of this system looks like.",
        ),
    )


def of_offer(lease: Lease, tenant: Tenant, profile: Profile) -> tuple[Check, ...]:
    """All that a grant was to give is still on offer, and given and ended in the same way."""
    plan = lease.plan
    subject = plan.account_id if plan.kind is GrantKind.ROLE else None
    offered = {*profile.roles, *profile.groups}
    asked = {*(role.id for role in plan.roles), *(group.id for group in plan.groups)}
    return (
        *of_subject(subject, plan.technician_id, tenant, profile),
        (plan.kind is profile.kind, "kind", "The profile offers another kind of grant by now."),
        (asked <= offered, "roles", "The profile offers less than was asked for by now."),
        (
            plan.kind is not profile.kind or _manner_of(plan) == _manner_offered(profile),
            "profile",
            "The profile gives or ends access in another way by now.",
        ),
    )


def _manner_of(plan: Plan) -> tuple[object, ...]:
    """How access is given and ended; a role grant has no credential."""
    return plan.role_mode, plan.ending_mode, *_credential(plan.kind, plan.credential)


def _manner_offered(profile: Profile) -> tuple[object, ...]:
    return profile.role_mode, profile.ending, *_credential(profile.kind, profile.credential)


def _credential(kind: GrantKind, credential: CredentialKind) -> tuple[CredentialKind, ...]:
    return () if kind is GrantKind.ROLE else (credential,)


def of_consent(approval: Approval | None, needed: int) -> Check:
    """As many were asked as are needed by now."""
    asked = approval.needed if approval else 0
    reason = "More consent is needed by now than was asked for."
    return (asked >= needed, "", reason)


def spoken(duration: timedelta) -> str:
    """A duration for people."""
    minutes, seconds = divmod(duration.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count:g} {unit}" for count, unit in parts if count)

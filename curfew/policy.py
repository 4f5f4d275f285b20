"""The decision on a request: pure, and with every reason at once.

Settings are looked at when a grant is asked for, again when it is consented to, and again right
before anything is given; each time by the rules here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from curfew.callers import Caller
from curfew.entitlements import is_among
from curfew.errors import FieldProblem
from curfew.model.approvals import Approval
from curfew.model.grants import GrantRequest, Lease, Plan, Ticket
from curfew.model.profiles import CredentialKind, GrantKind, Profile
from curfew.model.tenants import Tenant
from curfew.naming import user_principal_name

FURTHEST_START = timedelta(days=30)
SHORTEST_EXTENSION = timedelta(minutes=1)
MOST_EXTENSIONS = 20

type Check = tuple[bool, str, str]
"""Whether it holds, the field of the request that it is about, and the reason when it does not."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be given, and every reason why it is not."""

    duration: timedelta
    user_principal_name: str
    subject: str | None = None
    refusals: tuple[FieldProblem, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether there is no reason against it."""
        return not self.refusals


def decide(
    request: GrantRequest,
    caller: Caller,
    tenant: Tenant,
    profile: Profile,
    *,
    groups: frozenset[str],
    now: datetime,
) -> Decision:
    """Whether this caller gets this grant, from settings, the clock and the caller alone.

    `groups` are those of the profile's audience that he is a member of.
    """
    duration = request.duration or min(profile.default_duration, tenant.hard_limit)
    role_grant = profile.kind is GrantKind.ROLE
    name = user_principal_name(tenant.account_prefix, caller.sign_in_name, tenant.account_domain)
    subject = (request.subject or caller.id) if role_grant else None
    start = request.start_at
    checks = (
        _of_requester(caller.id, groups, profile),
        *_of_duration(duration, tenant, profile),
        *_of_subject(subject, caller.id, tenant, profile),
        (
            request.kind in {None, profile.kind},
            "kind",
            f"This profile offers {profile.kind} grants.",
        ),
        (
            request.subject is None or role_grant,
            "subject",
            "Only a role grant has a subject.",
        ),
        (
            start is None or now < start <= now + FURTHEST_START,
            "startAt",
            f"The start must lie ahead, at most {FURTHEST_START.days} days.",
        ),
        *_of_reasons(request.justification, request.ticket, profile),
        (
            role_grant or name is not None,
            "",
            "No account name can be made from your sign-in name.",
        ),
    )
    return Decision(duration, "" if role_grant else name or "", subject, _refusals(checks))


def decide_again(
    lease: Lease, tenant: Tenant, profile: Profile, *, groups: frozenset[str]
) -> tuple[FieldProblem, ...]:
    """Every reason why a grant that has waited is not given now, as settings are by now.

    What was asked for is held against what is offered today: a profile that has shrunk, shorter
    limits, more consent than was given. Nothing is quietly given instead. `groups` are those of
    the profile's audience that the requester is a member of by now.
    """
    plan = lease.plan
    checks = (
        _of_requester(plan.technician_id, groups, profile),
        *_of_duration(plan.duration, tenant, profile),
        *_of_offer(lease, tenant, profile),
        *_of_reasons(plan.justification, plan.ticket, profile),
        _enough_consent(lease.approval, profile),
    )
    return _refusals(checks)


def _manner_of(plan: Plan) -> tuple[object, ...]:
    """How access is given and ended; a role grant has no credential."""
    return plan.role_mode, plan.ending_mode, *_credential(plan.kind, plan.credential)


def _manner_offered(profile: Profile) -> tuple[object, ...]:
    return profile.role_mode, profile.ending, *_credential(profile.kind, profile.credential)


def _credential(kind: GrantKind, credential: CredentialKind) -> tuple[CredentialKind, ...]:
    return () if kind is GrantKind.ROLE else (credential,)


def decide_extension(
    lease: Lease,
    duration: timedelta,
    tenant: Tenant,
    profile: Profile,
    *,
    groups: frozenset[str],
    consent: Approval | None = None,
) -> tuple[FieldProblem, ...]:
    """Every reason why an active grant is not extended, as settings are by now.

    Its whole life must stay in the limits, and what it gave must still be on offer. `consent` is
    what approvers are asked or have said, none before they are asked.
    """
    begun, expires = lease.activated_at, lease.expires_at
    longest = min(profile.max_duration, tenant.hard_limit)
    whole = expires + duration - begun if begun and expires else longest + duration
    checks = (
        _of_requester(lease.plan.technician_id, groups, profile),
        (
            whole <= longest,
            "duration",
            f"With its extensions a grant lasts {_spoken(longest)} at most.",
        ),
        (
            duration >= SHORTEST_EXTENSION,
            "duration",
            f"The shortest extension is {_spoken(SHORTEST_EXTENSION)}.",
        ),
        (
            consent is not None or len(lease.extensions) < MOST_EXTENSIONS,
            "",
            f"A grant is extended {MOST_EXTENSIONS} times at most.",
        ),
        *_of_offer(lease, tenant, profile),
    )
    if consent is not None and profile.approve_extensions:
        checks = (*checks, _enough_consent(consent, profile))
    return _refusals(checks)


def _of_requester(person_id: str, groups: frozenset[str], profile: Profile) -> Check:
    reason = "This profile is not offered to who asks for it."
    return (is_among(profile.requesters, person_id, groups), "profile", reason)


def _of_duration(duration: timedelta, tenant: Tenant, profile: Profile) -> tuple[Check, ...]:
    longest = min(profile.max_duration, tenant.hard_limit)
    return (
        (duration <= longest, "duration", f"The longest duration is {_spoken(longest)}."),
        (
            duration >= profile.min_duration,
            "duration",
            f"The shortest duration is {_spoken(profile.min_duration)}.",
        ),
    )


def _of_offer(lease: Lease, tenant: Tenant, profile: Profile) -> tuple[Check, ...]:
    plan = lease.plan
    subject = plan.account_id if plan.kind is GrantKind.ROLE else None
    offered = {*profile.roles, *profile.groups}
    asked = {*(role.id for role in plan.roles), *(group.id for group in plan.groups)}
    return (
        *_of_subject(subject, plan.technician_id, tenant, profile),
        (plan.kind is profile.kind, "kind", "The profile offers another kind of grant by now."),
        (asked <= offered, "roles", "The profile offers less than was asked for by now."),
        (
            plan.kind is not profile.kind or _manner_of(plan) == _manner_offered(profile),
            "profile",
            "The profile gives or ends access in another way by now.",
        ),
    )


def _of_subject(
    subject: str | None, technician_id: str, tenant: Tenant, profile: Profile
) -> tuple[Check, ...]:
    is_own = subject == technician_id and tenant.is_home
    return (
        (tenant.leaving_since is None, "tenant", "This tenant is being off-boarded."),
        (
            subject is None or is_own or subject in profile.subjects,
            "subject",
            "This profile is not offered to this user.",
        ),
        (
            subject not in tenant.break_glass,
            "subject",
            "This is an emergency account; Curfew never touches it.",
        ),
    )


def _of_reasons(
    justification: str | None, ticket: Ticket | None, profile: Profile
) -> tuple[Check, ...]:
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
    )


def _enough_consent(approval: Approval | None, profile: Profile) -> Check:
    needed = approval.needed if approval else 0
    reason = "The profile needs more consent by now than was asked for."
    return (needed >= profile.approvals, "", reason)


def _refusals(checks: tuple[Check, ...]) -> tuple[FieldProblem, ...]:
    return tuple(FieldProblem(field, reason) for ok, field, reason in checks if not ok)


def _spoken(duration: timedelta) -> str:
    minutes, seconds = divmod(duration.total_seconds(), 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count:g} {unit}" for count, unit in parts if count)

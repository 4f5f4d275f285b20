"""The decision on a request: pure, one value, and with every reason at once.

Settings are looked at when a grant is asked for, again when it is consented to, and again right
before anything is given; each time by the same rules (`curfew/rules.py`). A dry run answers the
very decision that the request would get.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from curfew.callers import Caller
from curfew.errors import FieldProblem
from curfew.model.approvals import Approval
from curfew.model.grants import GrantRequest, Lease
from curfew.model.profiles import (
    Audience,
    CredentialKind,
    GrantKind,
    Group,
    Profile,
    Role,
)
from curfew.model.tenants import Tenant
from curfew.naming import user_principal_name
from curfew.rules import (
    approvals_needed,
    needs_two,
    of_cloud,
    of_consent,
    of_duration,
    of_hours,
    of_offer,
    of_reasons,
    of_requester,
    of_start,
    of_subject,
    refusals,
    spoken,
)

SHORTEST_EXTENSION = timedelta(minutes=1)
MOST_EXTENSIONS = 20
HELD = "You have a live grant for this account already."
USED = "This Idempotency-Key was used for another request."


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read for a decision, beside the settings.

    Attributes:
        most_live: How many grants one technician may have at once, in all tenants together.
        live: How many the caller has.
        owner: Whose account it is that the grant would be for; None where there is none yet.
        holder: The grant that has this account.
        key_used: Whether the Idempotency-Key has made another grant.
        shown: Whether the directory shows what approvers would be asked about.
    """

    most_live: int
    live: int = 0
    owner: str | None = None
    holder: str | None = None
    key_used: bool = False
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Consent:
    """How many must consent, of whom (every approver where it is None), and until when."""

    needed: int
    approvers: Audience | None
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What would be given, and every reason why it is not.

    Attributes:
        decided_at: The moment of the decision.
        starts_at: When it would begin, without a wait for consent.
        user_principal_name: The account of an account grant; empty for a role grant.
        subject: The user of a role grant, by object id.
        refusals: Reasons in the request, the settings or the clock.
        conflicts: Reasons in what others, or the caller himself, have done before.
        holder: The grant that stands in the way, where one does.
    """

    decided_at: datetime
    starts_at: datetime
    duration: timedelta
    user_principal_name: str
    subject: str | None
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    credential: CredentialKind
    consent: Consent | None
    refusals: tuple[FieldProblem, ...] = ()
    conflicts: tuple[FieldProblem, ...] = ()
    holder: str | None = None

    @property
    def reasons(self) -> tuple[FieldProblem, ...]:
        """Everything that stands against it."""
        return self.refusals + self.conflicts

    @property
    def allowed(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons

    @property
    def expires_at(self) -> datetime | None:
        """When it would be over if it began as asked; None beyond the end of the calendar."""
        try:
            return self.starts_at + self.duration
        except OverflowError:
            return None


def account_name(caller: Caller, tenant: Tenant, profile: Profile) -> str | None:
    """The account that a grant would be for; None for a role grant, or where none can be named."""
    if profile.kind is GrantKind.ROLE:
        return None
    return user_principal_name(tenant.account_prefix, caller.sign_in_name, tenant.account_domain)


def decide(
    request: GrantRequest,
    caller: Caller,
    tenant: Tenant,
    profile: Profile,
    *,
    groups: frozenset[str],
    facts: Facts,
    now: datetime,
) -> Decision:
    """Whether this caller gets this grant, from settings, facts, the clock and the caller alone.

    `groups` are those of the profile's audience that he is a member of.
    """
    duration = request.duration or min(profile.default_duration, tenant.hard_limit)
    role_grant = profile.kind is GrantKind.ROLE
    name = account_name(caller, tenant, profile)
    subject = (request.subject or caller.id) if role_grant else None
    starts_at = request.start_at or now
    checks = (
        of_requester(caller.id, groups, profile),
        *of_duration(duration, tenant, profile),
        *of_subject(subject, caller.id, tenant, profile),
        of_cloud(tenant, profile),
        (
            request.kind in {None, profile.kind},
            "kind",
            f"This profile offers {profile.kind} grants.",
        ),
        (request.subject is None or role_grant, "subject", "Only a role grant has a subject."),
        of_start(request.start_at, now),
        of_hours(starts_at, profile),
        *of_reasons(request.justification, request.ticket, tenant, profile),
        (
            role_grant or name is not None,
            "",
            "No account name can be made from your sign-in name.",
        ),
        (facts.live < facts.most_live, "", too_many(facts.most_live)),
        (
            not facts.key_used,
            "Idempotency-Key",
            USED,
        ),
        (facts.shown, "", "The directory does not show all that is asked for."),
    )
    is_own = facts.owner in {None, caller.id}
    # A grant of tomorrow claims its account tomorrow.
    holder = facts.holder if is_own and request.start_at is None else None
    conflicts = (
        (is_own, "", f"The account {name} belongs to another technician."),
        (holder is None, "", HELD),
    )
    return Decision(
        decided_at=now,
        starts_at=starts_at,
        duration=duration,
        user_principal_name=name or "",
        subject=subject,
        roles=profile.named_roles,
        groups=profile.named_groups,
        credential=CredentialKind.NONE if role_grant else profile.credential,
        consent=_consent(approvals_needed(profile.roles, tenant, profile), profile, now),
        refusals=refusals(checks),
        conflicts=refusals(conflicts),
        holder=holder,
    )


def _consent(needed: int, profile: Profile, now: datetime) -> Consent | None:
    if not needed:
        return None
    return Consent(needed, profile.approvers, now + profile.approval_deadline)


def too_many(most: int) -> str:
    """The reason for no further grant."""
    return f"You have as many live grants as one may have, {most} in all tenants."


def decide_again(
    lease: Lease,
    tenant: Tenant,
    profile: Profile,
    *,
    groups: frozenset[str],
    begins: datetime,
) -> tuple[FieldProblem, ...]:
    """Every reason why a grant that has waited is not given now, as settings are by now.

    What was asked for is held against what is offered today: a profile that has shrunk, shorter
    limits, more consent than was given. Nothing is quietly given instead. `groups` are those of
    the profile's audience that the requester is a member of by now, `begins` is when it would
    begin. How many grants he has was settled when he asked: this one is among them.
    """
    plan = lease.plan
    roles = [role.id for role in plan.roles]
    return refusals(
        (
            of_requester(plan.technician_id, groups, profile),
            *of_duration(plan.duration, tenant, profile),
            *of_offer(lease, tenant, profile),
            of_cloud(tenant, profile),
            of_hours(begins, profile),
            *of_reasons(plan.justification, plan.ticket, tenant, profile),
            of_consent(lease.approval, approvals_needed(roles, tenant, profile)),
        )
    )


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
    what approvers are asked or have said, none before they are asked. Working hours are for the
    beginning: what has begun may be extended at any time.
    """
    begun, expires = lease.activated_at, lease.expires_at
    longest = min(profile.max_duration, tenant.hard_limit)
    whole = expires + duration - begun if begun and expires else longest + duration
    checks = (
        of_requester(lease.plan.technician_id, groups, profile),
        (
            whole <= longest,
            "duration",
            f"With its extensions a grant lasts {spoken(longest)} at most.",
        ),
        (
            duration >= SHORTEST_EXTENSION,
            "duration",
            f"The shortest extension is {spoken(SHORTEST_EXTENSION)}.",
        ),
        (
            consent is not None or len(lease.extensions) < MOST_EXTENSIONS,
            "",
            f"A grant is extended {MOST_EXTENSIONS} times at most.",
        ),
        *of_offer(lease, tenant, profile),
        *of_reasons(lease.plan.justification, lease.plan.ticket, tenant, profile),
    )
    if consent is not None:
        needed = extension_approvals_needed(lease, tenant, profile)
        checks = (*checks, of_consent(consent, needed))
    return refusals(checks)


def extension_approvals_needed(lease: Lease, tenant: Tenant, profile: Profile) -> int:
    """How many must consent to an extension: nobody, or as many as to the request.

    Where a role needs two approvers, an extension of it does, whatever the profile says.
    """
    roles = [role.id for role in lease.plan.roles]
    asks = profile.approve_extensions or needs_two(roles, tenant)
    return approvals_needed(roles, tenant, profile) if asks else 0

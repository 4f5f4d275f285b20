"""What an administrator offers, before it is saved: whether anybody could ever be given it."""

from collections.abc import Iterable

from curfew.errors import FieldProblem
from curfew.model.profiles import Audience, GrantKind, ProfileSettings
from curfew.model.tenants import Tenant
from curfew.rules import approvals_needed, of_cloud, refusals


def never_allowed(profile: ProfileSettings, tenant: Tenant) -> tuple[FieldProblem, ...]:
    """Why nobody could ever be given what a profile offers: what an administrator is told."""
    needed = approvals_needed(profile.roles, tenant, profile)
    subjects = set(profile.subjects) - set(tenant.break_glass)
    checks = (
        (
            profile.max_duration <= tenant.hard_limit,
            "maxDuration",
            "It is longer than the tenant's hard limit.",
        ),
        (
            profile.requesters is None or not _is_nobody(profile.requesters),
            "requesters",
            "Nobody could ask: it names no group and nobody.",
        ),
        (
            not needed or _enough_left(profile.approvers, profile.requesters, needed),
            "approvers",
            f"Consent of {needed} is needed, and who asks has no say: too few are named.",
        ),
        (
            profile.kind is not GrantKind.ROLE or tenant.is_home or bool(subjects),
            "subjects",
            "There is nobody to whom the access could be given.",
        ),
        of_cloud(tenant, profile, field="credential"),
    )
    return refusals(checks)


def _is_nobody(audience: Audience) -> bool:
    return not (audience.groups or audience.people)


def _enough_left(approvers: Audience | None, requesters: Audience | None, needed: int) -> bool:
    """Whether for somebody who may ask there are enough others who may decide."""
    if approvers is None or approvers.groups:
        return True
    named = set(approvers.people)
    if requesters is None or requesters.groups:
        return len(named) >= needed
    return _most_left(named, requesters.people) >= needed


def _most_left(named: set[str], askers: Iterable[str]) -> int:
    return max((len(named - {asker}) for asker in askers), default=0)

"""What the customers of a stage offer: a profile for each way a grant can go."""

from datetime import timedelta
from typing import Any

from curfew.model.profiles import CredentialKind, EndingMode, GrantKind, ProfileSettings, RoleMode
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, SECURITY_READER

REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
_EXCLUSION = "Conditional Access exclusion"
_ROLES = (SECURITY_READER, HELPDESK_ADMINISTRATOR)
_SHORT = timedelta(minutes=5)
_LONG = timedelta(hours=4)

ROLE_PROFILES = ("roles", "more-roles", "pim-roles")
PROFILES = ("both", "pass", "one", "two", "pim", "delete", *ROLE_PROFILES)


def subject_of(customer: Tenant) -> User:
    """The user who may be given roles for a time. One role and one group are his own."""
    return customer.user(f"clerk@{customer.domain}")


def offers(customer: Tenant) -> dict[str, ProfileSettings]:
    """Every profile of a customer."""
    subject = subject_of(customer)
    exclusion = next(g.id for g in customer.groups.values() if g.display_name == _EXCLUSION)
    lent: dict[str, Any] = {
        "kind": GrantKind.ROLE,
        "credential": CredentialKind.NONE,
        "subjects": (subject.id,),
        "groups": (exclusion,),
    }
    return {
        "both": _profile(CredentialKind.BOTH, groups=(exclusion,)),
        "pass": _profile(CredentialKind.TEMPORARY_ACCESS_PASS),
        "one": _profile(approvals=1),
        "two": _profile(approvals=2, approve_extensions=True),
        "pim": _profile(role_mode=RoleMode.AUTO),
        "delete": _profile(ending=EndingMode.DELETE),
        "roles": _profile(**lent),
        "more-roles": _profile(**{**lent, "roles": (SECURITY_READER, REPORTS_READER)}),
        "pim-roles": _profile(**lent, role_mode=RoleMode.AUTO),
    }


def _profile(credential: CredentialKind = CredentialKind.PASSWORD, **more: Any) -> ProfileSettings:
    settings = {
        "display_name": "Chaos",
        "roles": _ROLES,
        "credential": credential,
        "default_duration": timedelta(hours=1),
        "min_duration": _SHORT,
        "max_duration": _LONG,
        "approval_deadline": timedelta(hours=1),
        **more,
    }
    return ProfileSettings.model_validate(settings)

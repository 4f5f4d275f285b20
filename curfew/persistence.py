"""Which changes in a directory let somebody keep access after his own was taken away.

By Microsoft's names of activities
(https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities), written
here in lower case, with plain hyphens and without what stands in brackets at their ends: the log
varies in all three. A membership in a group that carries a role is not in the table, because the
log does not tell such a group from any other.
"""

from collections.abc import Iterable

from curfew.model.reports import Change, Persistence, PersistenceFinding

ACTIVITIES: dict[Persistence, frozenset[str]] = {
    Persistence.APPLICATION: frozenset(
        {
            "add application",
            "add owner to application",
            "add owner to service principal",
            "add service principal",
            "restore application",
            "restore service principal",
        }
    ),
    Persistence.APP_CREDENTIAL: frozenset(
        {
            "add service principal credentials",
            "update application - certificates and secrets management",
            "update external secrets",
        }
    ),
    Persistence.CONSENT: frozenset(
        {
            "add app role assignment grant to user",
            "add app role assignment to group",
            "add app role assignment to service principal",
            "add delegated permission grant",
            "add oauth2permissiongrant",
            "add permission grant policy",
            "consent to application",
            "grant contextual consent to application",
            "restore consent",
            "update permission grant policy",
        }
    ),
    Persistence.ROLE: frozenset(
        {
            "add eligible member",
            "add eligible member to role",
            "add eligible member to role in pim completed",
            "add eligible member to role in pim requested",
            "add eligibleroleassignment to roledefinition",
            "add member to role",
            "add member to role in pim completed",
            "add member to role in pim requested",
            "add member to role outside of pim",
            "add member to role scoped over restricted management administrative unit",
            "add role assignment to role definition",
            "add role definition",
            "add scoped member to role",
            "restore eligible member from role in pim completed",
            "restore member from role",
            "restore member from role in pim completed",
            "restore permanent direct role assignment",
            "restore permanent eligible role assignment",
            "role definition created",
            "update eligible member in pim requested",
            "update member in pim approved by admin",
            "update member in pim requested",
            "update role definition",
            "update role setting in pim",
        }
    ),
    Persistence.USER: frozenset(
        {
            "add user",
            "bulk create users - finished",
            "bulk invite users - finished",
            "bulk restore deleted users - finished",
            "enable account",
            "invite external user",
            "invite external user with reset invitation status",
            "invite internal user to b2b collaboration",
            "restore user",
        }
    ),
    Persistence.PASSWORD: frozenset(
        {"change user password", "reset password", "reset user password"}
    ),
    Persistence.SIGN_IN_METHOD: frozenset(
        {
            "add fido2 security key",
            "add passwordless phone sign-in credential",
            "add platform credential",
            "add users strong authentication phone app detail",
            "add windows hello for business credential",
            "admin registered security info",
            "admin updated security info",
            "assign hardware oath token",
            "create application password for user",
            "disable strong authentication",
            "security info saved for self-service password reset",
            "user registered all required security info",
            "user registered security info",
            "user updated security info",
        }
    ),
    Persistence.CONDITIONAL_ACCESS: frozenset(
        {
            "add authenticationcontextclassreference",
            "add conditional access policy",
            "add named location",
            "delete authenticationcontextclassreference",
            "delete conditional access policy",
            "delete named location",
            "update authenticationcontextclassreference",
            "update conditional access policy",
            "update continuous access evaluation",
            "update named location",
            "update security defaults",
        }
    ),
    Persistence.AUTHENTICATION_POLICY: frozenset(
        {
            "add bypass user",
            "add certificationbasedauthconfiguration",
            "add policy",
            "authentication methods policy reset",
            "authentication methods policy update",
            "authentication strength combination configuration create",
            "authentication strength combination configuration delete",
            "authentication strength combination configuration update",
            "authentication strength policy create",
            "authentication strength policy delete",
            "authentication strength policy update",
            "delete certificationbasedauthconfiguration",
            "delete policy",
            "post tenant.createbypasseduser",
            "set password policy",
            "update authorization policy",
            "update identityprotectionpolicy",
            "update policy",
            "update sign-in risk policy",
            "update user risk and mfa registration policy",
        }
    ),
    Persistence.FEDERATION: frozenset(
        {
            "add unverified domain",
            "add verified domain",
            "promote sub domain to root domain",
            "set dirsyncenabled flag",
            "set domain authentication",
            "set federation settings on domain",
            "update domain",
            "verify domain",
        }
    ),
    Persistence.PARTNER: frozenset(
        {
            "add a partner to cross-tenant access setting",
            "add partner to company",
            "create a partner cross-tenant identity sync setting",
            "set partnership",
            "update a partner cross-tenant access setting",
            "update a partner cross-tenant identity sync setting",
            "update the company default cross-tenant access setting",
        }
    ),
}

# What is nobody's way back when an account did it to itself: its end rotates and removes it.
_TO_OTHERS = frozenset({Persistence.PASSWORD, Persistence.SIGN_IN_METHOD})
# A federated credential has no activity of its own
# (https://learn.microsoft.com/graph/api/resources/federatedidentitycredentials-overview).
_CREDENTIAL_PROPERTIES = frozenset({"federatedidentitycredentials", "keydescription"})
_ON_APPLICATIONS = frozenset({"update application", "update service principal"})
_DASHES = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-"})

_LONGEST = 300
_KINDS = {activity: kind for kind, activities in ACTIVITIES.items() for activity in activities}


def persistence_in(changes: Iterable[Change], account_id: str) -> tuple[PersistenceFinding, ...]:
    """What an account changed that may outlive its access. A change that failed is none."""
    return tuple(
        PersistenceFinding(kind=kind, what=_told(change), at=change.at)
        for change in changes
        if change.result != "failure" and (kind := _kind_of(change, account_id))
    )


def _kind_of(change: Change, account_id: str) -> Persistence | None:
    activity = _plain(change.activity)
    kind = _KINDS.get(activity)
    if kind is None and activity in _ON_APPLICATIONS:
        touched = {name.strip().lower() for name in change.properties}
        return Persistence.APP_CREDENTIAL if touched & _CREDENTIAL_PROPERTIES else None
    if kind in _TO_OTHERS and {target.id for target in change.targets} == {account_id}:
        return None
    return kind


def _plain(activity: str) -> str:
    text = " ".join(activity.translate(_DASHES).lower().split())
    return text.partition(" (")[0] if text.endswith(")") else text.removesuffix(".")


def _told(change: Change) -> str:
    names = ", ".join(target.name or target.id for target in change.targets if target.id)
    text = f"{change.activity.strip()}: {names}" if names else change.activity.strip()
    return text[:_LONGEST]

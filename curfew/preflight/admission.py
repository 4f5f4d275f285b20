"""Whether Curfew gets in, and what it may do there: token, consent, directory role."""

from collections.abc import Iterator

from curfew.model.checks import Finding
from curfew.model.tenants import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR
from curfew.preflight import roles
from curfew.preflight.facts import DirectoryFacts, TenantFacts, Unread
from curfew.preflight.permissions import Feature, Need, features_of, missing
from curfew.preflight.refusals import refusal_of
from curfew.preflight.saying import error, fine, listed, unreadable, warning

_WITHOUT = {
    Feature.CORE: "No grant can be made safely: what was given could not all be taken back.",
    Feature.ACCOUNTS: "No technician's account can be made or ended: every request for one fails.",
    Feature.PASSES: "The technician gets no Temporary Access Pass: his request fails, and with a "
    "password alone Microsoft's portals let nobody in.",
    Feature.PIM: "Roles cannot be given through PIM.",
    Feature.GROUPS: "Profiles with groups fail, and their members cannot be taken out again.",
    Feature.DELETION: "Accounts are disabled and stripped at the end, but stay in the directory.",
    Feature.EVIDENCE: "Grants work, but nobody is told what was done with one.",
    Feature.MEMBERSHIP: "Technicians in very many groups are refused what their groups allow them.",
}
_BEARABLE = frozenset({Feature.DELETION, Feature.EVIDENCE, Feature.MEMBERSHIP})
_NAME = roles.NAMES[PRIVILEGED_AUTHENTICATION_ADMINISTRATOR]


def token(refused: Unread | None) -> Iterator[Finding]:
    """Whether the tenant let Curfew in at all."""
    if refused is None:
        yield fine(
            "token.obtained",
            "Curfew gets into the tenant.",
            "Consent stands, and the connection's credential is accepted.",
        )
        return
    refusal = refusal_of(refused.error)
    yield error(
        refusal.code,
        refusal.title,
        "Nothing works in this tenant: no grant can begin, and none that is live can be ended "
        f"before this is mended. What was said: {refused.reason}",
        refusal.fix,
    )
    yield warning(
        "directory.not-looked-at",
        "The directory was not looked at.",
        "Permissions, roles, domain, licences and policies are unknown while nobody gets in.",
        "Mend the sign-in first, then check again.",
    )


def permissions(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """What was consented to, against what the profiles need: one finding for each feature."""
    tenant = facts.tenant
    features = features_of(
        facts.profiles,
        is_home=tenant.is_home,
        deletes_idle=tenant.delete_idle_after is not None,
    )
    consented = directory.consented
    if isinstance(consented, Unread):
        yield unreadable(
            "permissions", "What the tenant consented to", consented, "Application.Read.All"
        )
        return
    lacking = missing(consented, features)
    for feature in Feature:
        needs = [need for need in lacking if need.feature is feature]
        if needs:
            yield _lacking(feature, needs)
    if not lacking:
        yield fine(
            "permissions.consented",
            "Every permission that the profiles need is consented to.",
            f"Needed for: {', '.join(sorted(features))}.",
        )


def _lacking(feature: Feature, needs: list[Need]) -> Finding:
    say = warning if feature in _BEARABLE else error
    names = ", ".join(need.permission for need in needs)
    reasons = "; ".join(f"{need.permission} ({need.reason})" for need in needs)
    noun = "Permission is" if len(needs) == 1 else "Permissions are"
    return say(
        f"permissions.{feature}",
        f"{noun} missing: {names}.",
        _WITHOUT[feature],
        f"Add to the application, under API permissions, Microsoft Graph, application "
        f"permissions, and let the tenant's administrator consent anew: {reasons}.",
    )


def directory_role(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """The role of our own service principal, and which profiles' accounts it can act upon."""
    own, principal = directory.own_roles, directory.principal
    if isinstance(own, Unread) or isinstance(principal, Unread):
        unread = own if isinstance(own, Unread) else principal
        assert isinstance(unread, Unread)  # noqa: S101 - one of the two is, by the line above
        yield unreadable(
            "role", "Curfew's own directory role", unread, "RoleManagement.ReadWrite.Directory"
        )
        return
    fix = (
        "Entra admin center, Roles & admins, "
        f"{_NAME}, Add assignments: the enterprise application with the object id {principal.id}, "
        "active, permanent."
    )
    if not own & roles.PASSWORD_SETTERS:
        yield error(
            "role.missing",
            "Curfew's enterprise application has no directory role that lets it manage accounts.",
            "Consent is not enough: without the role Entra refuses to set a password and to "
            "disable an account that holds any. An access could be given and not taken back. (A "
            "role that it has through a group is not seen here.)",
            fix,
        )
        return
    beyond = _beyond(facts, directory, own)
    held = listed(roles.NAMES.get(role, role) for role in own)
    for profile, names in beyond.items():
        yield error(
            "role.too-low",
            f"Curfew cannot manage whoever has the access of the profile {profile}.",
            f"Its role ({held}) does not reach: {listed(names)}. Entra would refuse to disable the "
            "account while it has this access.",
            fix,
        )
    # Of a group that cannot be read nobody can tell; it is told of by itself.
    if not beyond and (own & roles.HIGHEST or not _has_unread(directory)):
        yield fine(
            "role.sufficient",
            "Curfew's directory role reaches every profile's accounts.",
            f"It has: {held}.",
        )


def _has_unread(directory: DirectoryFacts) -> bool:
    return any(isinstance(group, Unread) for group in directory.groups.values())


def _beyond(
    facts: TenantFacts, directory: DirectoryFacts, own: frozenset[str]
) -> dict[str, list[str]]:
    """By profile, what of its access puts an account out of reach: names of roles and groups."""
    found: dict[str, list[str]] = {}
    for profile in facts.profiles:
        out = [profile.role_names.get(role, role) for role in roles.beyond(own, profile.roles)]
        for group_id in profile.groups:
            group = directory.groups.get(group_id)
            is_privileged = (
                group is not None and not isinstance(group, Unread) and group.role_assignable
            )
            if is_privileged and not own & roles.HIGHEST:
                out.append(f"role-assignable group {profile.group_names.get(group_id, group_id)}")
        if out:
            found[profile.name] = out
    return found


def protected(directory: DirectoryFacts) -> Iterator[Finding]:
    """Who rules Curfew's own service principal, and is therefore out of every grant's reach."""
    principal = directory.principal
    if isinstance(principal, Unread):
        yield unreadable(
            "protected", "Curfew's own enterprise app", principal, "Application.Read.All"
        )
        return
    owners = principal.owner_ids
    yield fine(
        "protected.own",
        "No grant touches Curfew's own enterprise application and its owners.",
        f"Its owners in this tenant: {listed(owners) if owners else 'none'}.",
    )

"""What the profiles offer, against what is in the directory: roles, groups, people, licences."""

from collections.abc import Iterator

from curfew.model.checks import Finding
from curfew.model.profiles import GrantKind, Profile, RoleMode
from curfew.preflight.facts import DirectoryFacts, Fact, TenantFacts, Unread
from curfew.preflight.saying import error, fine, listed, unreadable, warning

P1 = "41781fb2-bc02-4b7c-bd55-b576c07bb09d"
P2 = "eec0eb4f-6444-4f95-aba0-50c24d67f998"
GOVERNANCE = "e866a266-3cff-43a3-acca-0c90a7e00c8b"
"""Service plans: AAD_PREMIUM, AAD_PREMIUM_P2, Entra_Identity_Governance
(https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference)."""

_PIM_PLANS = frozenset({P2, GOVERNANCE})
_LOG_PLANS = frozenset({P1, P2})


def offered_roles(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """Whether the roles of the profiles are in the directory, and enabled."""
    names = directory.role_names
    if isinstance(names, Unread):
        yield unreadable(
            "roles", "The directory's roles", names, "RoleManagement.ReadWrite.Directory"
        )
        return
    unknown = False
    for profile in facts.profiles:
        gone = [profile.role_names.get(role, role) for role in profile.roles if role not in names]
        if gone:
            unknown = True
            yield error(
                "roles.unknown",
                f"The profile {profile.name} offers a role that is not there: {listed(gone)}.",
                "Every grant of the profile fails when it comes to this role.",
                "Take it out of the profile, or enable the role again in the tenant.",
            )
    if not unknown:
        yield fine(
            "roles.known",
            "The roles of all profiles are in the directory.",
            "They are there, and enabled.",
        )


def offered_groups(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """Whether the groups of the profiles take members from an app."""
    wrong = False
    offered = [(profile, group) for profile in facts.profiles for group in profile.groups]
    for profile, group_id in offered:
        name = profile.group_names.get(group_id, group_id)
        finding = _group(profile, name, directory, group_id)
        if finding is not None:
            wrong = True
            yield finding
    if offered and not wrong:
        yield fine(
            "groups.usable",
            "The groups of all profiles take members.",
            "None of them is dynamic or synchronised.",
        )


def _group(profile: Profile, name: str, directory: DirectoryFacts, group_id: str) -> Finding | None:
    group = directory.groups.get(group_id)
    fails = f"Every grant of the profile {profile.name} fails when it comes to this group."
    choose = "Choose an assigned security group of the cloud in the profile."
    if isinstance(group, Unread):
        return unreadable("groups", f"The group {name}", group, "GroupMember.ReadWrite.All")
    if group is None:
        title = f"The profile {profile.name} offers a group that is not there: {name}."
        return error("groups.missing", title, fails, "Take it out of the profile, or replace it.")
    if group.dynamic:
        title = f"The group {name} is dynamic: a rule fills it, and nobody else."
        return error("groups.dynamic", title, fails, choose)
    if group.synced:
        title = f"The group {name} is synchronised: only the on-premises directory fills it."
        return error("groups.synced", title, fails, choose)
    return None


def licences(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """P2 against how roles are given, P1 for the reports of what was done."""
    plans = directory.plans
    if isinstance(plans, Unread):
        yield unreadable("licence", "What the tenant has licensed", plans, "Organization.Read.All")
        return
    yield from _pim(facts.profiles, has_pim=bool(plans & _PIM_PLANS))
    if not plans & _LOG_PLANS:
        yield warning(
            "licence.no-sign-ins",
            "Without Entra ID P1 the tenant keeps no sign-in log for apps to read.",
            "Reports on a grant say what was changed, and not from where the technician signed in.",
            "Nothing needs to be done. With an Entra ID P1 licence in the tenant the reports have "
            "both.",
        )


def _pim(profiles: tuple[Profile, ...], *, has_pim: bool) -> Iterator[Finding]:
    by_pim = [each.name for each in profiles if each.role_mode is RoleMode.PIM]
    if_there = [each.name for each in profiles if each.role_mode is RoleMode.AUTO]
    if has_pim:
        yield fine(
            "licence.pim",
            "The tenant is licensed for Privileged Identity Management.",
            "Roles given through PIM also end by themselves, should Curfew be down.",
        )
        return
    if by_pim:
        yield error(
            "licence.no-pim",
            f"Profiles insist on PIM, and the tenant has no Entra ID P2: {listed(by_pim)}.",
            "Every request for them fails: Entra refuses PIM without the licence.",
            "License the tenant for Entra ID P2 or Entra ID Governance, or set the roleMode of "
            f"these profiles to auto or direct: {listed(by_pim)}.",
        )
    if if_there:
        yield warning(
            "licence.plain-roles",
            f"Without Entra ID P2 these profiles give their roles plainly: {listed(if_there)}.",
            "They work. That a role ends by itself, should Curfew be down, is the sweep's work "
            "alone then, not Microsoft's as well.",
            "Nothing needs to be done. With Entra ID P2 in the tenant the roles have Microsoft's "
            "own end as well.",
        )


def subjects(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """The users of role profiles: there, enabled, and none whom no grant may touch."""
    lent = [each for each in facts.profiles if each.kind is GrantKind.ROLE and each.subjects]
    if not lent:
        return
    if isinstance(directory.accounts, Unread):
        yield unreadable("subjects", "Users of profiles", directory.accounts, "User.Read.All")
        return
    wrong = False
    for profile in lent:
        for finding in _subjects(facts, directory, profile):
            wrong = True
            yield finding
    if not wrong:
        yield fine(
            "subjects.usable",
            "Every user of a role profile may be given its access.",
            "They are there, enabled, and none of them is protected.",
        )


def _subjects(facts: TenantFacts, directory: DirectoryFacts, profile: Profile) -> Iterator[Finding]:
    known = _known(directory.accounts)
    tenant = facts.tenant
    gone = [each for each in profile.subjects if each not in known]
    held = [known[each] for each in profile.subjects if each in known]
    synced = [each.user_principal_name for each in held if each.synced and not tenant.allow_synced]
    disabled = [each.user_principal_name for each in held if not each.enabled]
    emergency = [each.user_principal_name for each in held if each.id in tenant.break_glass]
    owners = () if isinstance(directory.principal, Unread) else directory.principal.owner_ids
    rulers = [each.user_principal_name for each in held if each.id in owners]
    takes = f"Take them out of the subjects of {profile.name}."
    refused = "A request for one of them is refused."
    for code, names, what in (
        ("missing", gone, "users who are not in the tenant"),
        ("break-glass", emergency, "emergency accounts, which Curfew never touches"),
        ("owner", rulers, "owners of Curfew's own enterprise app"),
    ):
        if names:
            title = f"The profile {profile.name} names {what}: {listed(names)}."
            yield error(f"subjects.{code}", title, refused, takes)
    if synced:
        yield error(
            "subjects.synced",
            f"The profile {profile.name} names synchronised users: {listed(synced)}.",
            f"{refused} An on-premises directory could undo what an ending does to them.",
            f"{takes} Or set allowSynced in the tenant's settings.",
        )
    if disabled:
        yield warning(
            "subjects.disabled",
            f"The profile {profile.name} names disabled users: {listed(disabled)}.",
            "They can be given the access, and cannot sign in to use it.",
            f"Enable them in the tenant. Or: {takes}",
        )


def _known[T](accounts: Fact[dict[str, T]]) -> dict[str, T]:
    return {} if isinstance(accounts, Unread) else accounts

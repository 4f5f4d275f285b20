"""The tenant's policy for Temporary Access Passes, against the durations of the profiles.

A pass lives as long as its grant, brought into the range that the tenant allows, and Entra refuses
to make one that could be used again where the policy says once.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from curfew.model.checks import Finding
from curfew.model.profiles import Profile
from curfew.preflight.facts import DirectoryFacts, TenantFacts, Unread
from curfew.preflight.saying import error, fine, listed, unreadable, warning

if TYPE_CHECKING:
    from curfew.entra.methods import PassPolicy

_WHERE = "Entra admin center, Authentication methods, Policies, Temporary Access Pass"
_EVERYBODY = "all_users"


def passes(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """Whether every profile that offers a pass can give one that works."""
    offering = [each for each in facts.profiles if each.credential.has_pass]
    if not offering:
        return
    names = listed(each.name for each in offering)
    policy = directory.pass_policy
    if not facts.has_passes:
        yield error(
            "pass.not-in-cloud",
            "There are no Temporary Access Passes in this cloud.",
            f"Every request for these profiles fails: {names}.",
            "Set their credential to password.",
        )
    elif policy is None or isinstance(policy, Unread):
        if policy is not None:
            what = "The policy for Temporary Access Passes"
            yield unreadable("pass", what, policy, "Policy.Read.AuthenticationMethod")
    elif not policy.enabled:
        yield error(
            "pass.disabled",
            "Temporary Access Passes are switched off in the tenant.",
            f"Every request for these profiles fails: {names}.",
            f"{_WHERE}: Enable, for all users or for a group that the profiles add. Or set the "
            "credential of the profiles to password.",
        )
    else:
        found = list(_judged(facts, directory, offering, policy))
        yield from found
        if not found:
            yield fine(
                "pass.usable",
                "Temporary Access Passes work for every profile that offers one.",
                f"The tenant allows {policy.shortest} to {policy.longest} minutes.",
            )


def _judged(
    facts: TenantFacts, directory: DirectoryFacts, offering: list[Profile], policy: "PassPolicy"
) -> Iterator[Finding]:
    if policy.usable_once:
        yield error(
            "pass.once",
            "The tenant allows passes that can be used once only.",
            "Entra refuses to make the pass that Curfew asks for, with which a technician signs in "
            "to one portal after the other. Every request for a pass fails.",
            f"{_WHERE}, Configure: set Require one-time use to No.",
        )
    shortest, longest = timedelta(minutes=policy.shortest), timedelta(minutes=policy.longest)
    too_short = [each.name for each in offering if each.min_duration < shortest]
    too_long = [
        each.name for each in offering if min(each.max_duration, facts.tenant.hard_limit) > longest
    ]
    if too_short:
        defaults = [each.name for each in offering if each.default_duration < shortest]
        often = f" So it is by default for: {listed(defaults)}." if defaults else ""
        yield warning(
            "pass.minimum",
            f"The tenant's shortest pass, {policy.shortest} minutes, outlives the shortest grants "
            f"of: {listed(too_short)}.",
            "Grants work, and Curfew deletes the pass at their end. But "
            f"should Curfew be down, no end of Microsoft's own would stop the pass.{often}",
            f"{_WHERE}, Configure: lower the minimum lifetime to 10 minutes, or raise the "
            "minDuration of the profiles.",
        )
    if too_long:
        yield warning(
            "pass.maximum",
            f"The tenant's longest pass, {policy.longest} minutes, lapses before the longest "
            f"grants of: {listed(too_long)}.",
            "In a long grant the technician is signed out when the pass lapses, in the middle of "
            "his work, and needs a new pass.",
            f"{_WHERE}, Configure: raise the maximum lifetime, or lower the maxDuration of the "
            "profiles.",
        )
    yield from _targets(directory, offering, policy)


def _targets(
    directory: DirectoryFacts, offering: list[Profile], policy: "PassPolicy"
) -> Iterator[Finding]:
    """Whether the accounts can be among those whom the policy is for."""
    excluded = [each.name for each in offering if policy.excluded.intersection(each.groups)]
    is_for_all = _EVERYBODY in policy.targets
    outside = [
        each.name
        for each in offering
        if not (is_for_all or policy.targets.intersection(each.groups))
    ]
    fix = f"{_WHERE}, Enable and target: All users, or a group to which each profile adds."
    if excluded:
        yield error(
            "pass.excluded",
            f"The tenant's policy excludes a group of: {listed(excluded)}.",
            "A pass is made, and Entra lets nobody sign in with it: every request fails.",
            f"{_WHERE}, Enable and target, Exclude: take the group out.",
        )
    if not outside:
        return
    title = f"The tenant's policy for passes is not for the accounts of: {listed(outside)}."
    if any(_fills_itself(directory, target) for target in policy.targets):
        yield warning(
            "pass.perhaps-not-targeted",
            title,
            "It is for a group that a rule fills, or that cannot be read. Unless that takes in a "
            "new account within minutes, every request for a pass fails.",
            fix,
        )
    else:
        yield error(
            "pass.not-targeted",
            title,
            "A pass is made, and Entra lets nobody sign in with it: every request fails.",
            fix,
        )


def _fills_itself(directory: DirectoryFacts, group_id: str) -> bool:
    group = directory.groups.get(group_id)
    return isinstance(group, Unread) or (group is not None and group.dynamic)

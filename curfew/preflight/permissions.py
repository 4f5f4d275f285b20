"""The permissions on Microsoft Graph that Curfew needs in a tenant: which, for what, and why.

All are application permissions, consented to by the tenant's administrator. The ids are those of
the app roles of Microsoft Graph, the same in every tenant
(https://learn.microsoft.com/graph/permissions-reference). Which wider permission includes a
narrower one is what the reference of each call says under "higher privileged permissions".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from curfew.model.profiles import EndingMode, GrantKind, Profile, RoleMode

IDS = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "Domain.ReadWrite.All": "7e05723c-0bb0-42da-be95-ae9f08a6e53c",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Organization.ReadWrite.All": "292d869f-3427-49a8-9dab-8c70152b74e9",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.Read.AuthenticationMethod": "8e3bc81b-d2f3-4b7b-838c-32c88218d2f0",
    "Policy.ReadWrite.AuthenticationMethod": "29c18626-4985-4dcd-85c0-193eef327366",
    "RoleAssignmentSchedule.ReadWrite.Directory": "dd199f4a-f148-40a4-a2ec-f0069cc799ec",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "User-PasswordProfile.ReadWrite.All": "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7",
    "User.DeleteRestore.All": "eccc023d-eccf-4e7b-9683-8813ab36cecc",
    "User.EnableDisableAccount.All": "3011c876-62b7-4ada-afa2-506cbbecc68c",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
    "User.RevokeSessions.All": "77f3a031-c388-4f99-b373-dc68676a979e",
    "UserAuthMethod-TAP.ReadWrite.All": "627169a8-8c15-451c-861a-5b80e383de5c",
    "UserAuthenticationMethod.ReadWrite.All": "50483e42-d915-4231-9639-7fdb7fd190e5",
}
"""The app role of each permission that is spoken of here."""


class Feature(StrEnum):
    """What permissions are needed for. The names stand in the codes of findings."""

    CORE = "core"
    ACCOUNTS = "accounts"
    PASSES = "passes"
    PIM = "pim"
    GROUPS = "groups"
    DELETION = "deletion"
    EVIDENCE = "evidence"
    MEMBERSHIP = "membership"


@dataclass(frozen=True, slots=True)
class Need:
    """A permission, what it is for, and the wider ones that include it."""

    feature: Feature
    permission: str
    reason: str
    included_in: tuple[str, ...] = ()

    def met_by(self, consented: frozenset[str]) -> bool:
        """Whether these app roles hold it, or one that includes it."""
        return any(IDS[name] in consented for name in (self.permission, *self.included_in))


_READS_ALL = ("Directory.Read.All", "Directory.ReadWrite.All")
_WRITES_ALL = ("Directory.ReadWrite.All",)
_WRITES_USERS = ("User.ReadWrite.All", *_WRITES_ALL)

NEEDS = (
    Need(
        Feature.CORE,
        "User.Read.All",
        "to see whether an account is enabled, whose it is, and that it was disabled",
        ("User.ReadWrite.All", *_READS_ALL),
    ),
    Need(
        Feature.CORE,
        "User.RevokeSessions.All",
        "to end the sessions of an account when its time is up",
        _WRITES_USERS,
    ),
    Need(
        Feature.CORE,
        "RoleManagement.ReadWrite.Directory",
        "to give the roles of a profile, take them back, and see that none is left",
    ),
    Need(
        Feature.CORE,
        "Application.Read.All",
        "to know Curfew's own enterprise app and its owners, whom no grant may touch",
        ("Application.ReadWrite.All", *_READS_ALL),
    ),
    Need(
        Feature.CORE,
        "Domain.Read.All",
        "to make accounts only in a domain that is verified and managed",
        ("Domain.ReadWrite.All", *_READS_ALL),
    ),
    Need(
        Feature.CORE,
        "Organization.Read.All",
        "to know the tenant's name and what it has licensed",
        ("Organization.ReadWrite.All", *_READS_ALL),
    ),
    Need(
        Feature.ACCOUNTS,
        "User.ReadWrite.All",
        "to make a technician's account",
        _WRITES_ALL,
    ),
    Need(
        Feature.ACCOUNTS,
        "User.EnableDisableAccount.All",
        "to enable the account for the time of a grant, and disable it first of all at its end",
        _WRITES_USERS,
    ),
    Need(
        Feature.ACCOUNTS,
        "User-PasswordProfile.ReadWrite.All",
        "to give the account a new password at the end, which nobody knows",
    ),
    Need(
        Feature.ACCOUNTS,
        "UserAuthenticationMethod.ReadWrite.All",
        "to find and remove sign-in methods that were registered during a grant",
    ),
    Need(
        Feature.PASSES,
        "UserAuthMethod-TAP.ReadWrite.All",
        "to make a Temporary Access Pass, with which the technician signs in",
        ("UserAuthenticationMethod.ReadWrite.All",),
    ),
    Need(
        Feature.PASSES,
        "Policy.Read.AuthenticationMethod",
        "to know how long a pass may live in the tenant, and who may have one",
        ("Policy.ReadWrite.AuthenticationMethod", "Policy.Read.All"),
    ),
    Need(
        Feature.PIM,
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "to give roles through Privileged Identity Management, with an end that Microsoft keeps",
        ("RoleManagement.ReadWrite.Directory",),
    ),
    Need(
        Feature.GROUPS,
        "GroupMember.ReadWrite.All",
        "to put an account into the groups of a profile, and take it out again",
        ("Group.ReadWrite.All", *_WRITES_ALL),
    ),
    Need(
        Feature.DELETION,
        "User.DeleteRestore.All",
        "to delete the account after its verified end",
        _WRITES_USERS,
    ),
    Need(
        Feature.EVIDENCE,
        "AuditLog.Read.All",
        "to report what was done with an access, and whether anything was left behind by it",
    ),
    Need(
        Feature.MEMBERSHIP,
        "GroupMember.Read.All",
        "to know a technician's groups where his token does not hold them all",
        ("GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", *_READS_ALL),
    ),
)
"""Every permission that Curfew can need in a tenant."""


def features_of(
    profiles: Iterable[Profile], *, is_home: bool, deletes_idle: bool
) -> frozenset[Feature]:
    """What a tenant's profiles use; without any, what the first one is likely to."""
    offered = tuple(profiles)
    accounts = [each for each in offered if each.kind is GrantKind.ACCOUNT]
    used = {Feature.CORE, Feature.EVIDENCE}
    if accounts or not offered:
        used.add(Feature.ACCOUNTS)
    if any(each.credential.has_pass for each in accounts):
        used.add(Feature.PASSES)
    if any(each.role_mode is not RoleMode.DIRECT for each in offered):
        used.add(Feature.PIM)
    if any(each.groups for each in offered):
        used.add(Feature.GROUPS)
    if deletes_idle or any(each.ending is EndingMode.DELETE for each in accounts):
        used.add(Feature.DELETION)
    if is_home:
        used.add(Feature.MEMBERSHIP)
    return frozenset(used)


def missing(consented: frozenset[str], features: frozenset[Feature]) -> tuple[Need, ...]:
    """What of the needs of these features was not consented to."""
    return tuple(need for need in NEEDS if need.feature in features and not need.met_by(consented))

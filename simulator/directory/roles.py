"""The built-in directory roles and who may do sensitive things to their holders."""

from dataclasses import dataclass

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
AUTHENTICATION_ADMINISTRATOR = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"

# For holders of nearly every role only these two may do sensitive things, and they may for all.
_HIGHEST = frozenset({PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR})
_AUTHENTICATION = _HIGHEST | {AUTHENTICATION_ADMINISTRATOR}
_USER = _HIGHEST | {USER_ADMINISTRATOR}
_BOTH = _AUTHENTICATION | _USER


@dataclass(frozen=True)
class Role:
    """A built-in role definition; its id is its template id, the same in every tenant."""

    id: str
    name: str
    covered_by: frozenset[str] = _HIGHEST


_BUILT_IN = (
    Role(GLOBAL_ADMINISTRATOR, "Global Administrator"),
    Role(PRIVILEGED_ROLE_ADMINISTRATOR, "Privileged Role Administrator"),
    Role(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, "Privileged Authentication Administrator"),
    Role(AUTHENTICATION_ADMINISTRATOR, "Authentication Administrator", _AUTHENTICATION),
    Role(USER_ADMINISTRATOR, "User Administrator", _USER),
    Role(HELPDESK_ADMINISTRATOR, "Helpdesk Administrator", _USER),
    Role(DIRECTORY_READERS, "Directory Readers", _BOTH),
    Role("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator", _USER),
    Role("95e79109-95c0-4d8e-aee3-d01accf2d47b", "Guest Inviter", _BOTH),
    Role("790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b", "Message Center Reader", _BOTH),
    Role("966707d0-3269-4727-9be2-8c3a10f19b9d", "Password Administrator", _BOTH),
    Role("4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader", _BOTH),
    Role("75934031-6c7e-415a-99d7-48dbd49e875e", "Usage Summary Reports Reader", _BOTH),
    Role(EXCHANGE_ADMINISTRATOR, "Exchange Administrator"),
    Role(SECURITY_READER, "Security Reader"),
    Role(GLOBAL_READER, "Global Reader"),
    Role("f28a1f50-f6e7-4571-818b-6a12f2af6b6c", "SharePoint Administrator"),
    Role("69091246-20e8-4a56-aa4d-066075b2a7a8", "Teams Administrator"),
    Role("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator"),
    Role("5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", "Security Operator"),
    Role("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers"),
    Role("0526716b-113d-4c15-b2c8-68e3c22b9f80", "Authentication Policy Administrator"),
    Role("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator"),
    Role("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator"),
    Role("cf1c38e5-3621-4004-a7cb-879624dced7c", "Application Developer"),
    Role("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator"),
    Role("3a2c62db-5318-420d-8d74-23affee5d9d5", "Intune Administrator"),
    Role("4d6ac14f-3453-41d0-bef9-a3e0c569773a", "License Administrator"),
    Role("f023fd81-a637-4b56-95fd-791ac0226033", "Service Support Administrator"),
    Role("b0f54661-2d74-4c50-afa3-1ec803f12efe", "Billing Administrator"),
    Role("17315797-102d-40b4-93e0-432062caca18", "Compliance Administrator"),
    Role("8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", "Hybrid Identity Administrator"),
    Role("7698a772-787b-4ac8-901f-60d6b08affd2", "Cloud Device Administrator"),
    Role("45d8d3c5-c802-45c6-b32a-1d70b5e1e86e", "Identity Governance Administrator"),
    Role("11648597-926c-4cf3-9c36-bcebb0ba8dcc", "Power Platform Administrator"),
    Role("58a13ea3-c632-46ae-9ee0-9c0d43cd7f3d", "Attribute Assignment Administrator"),
)
ROLES: dict[str, Role] = {role.id: role for role in _BUILT_IN}
_BY_NAME = {role.name: role for role in _BUILT_IN}

# The roles that carry the right to set another person's password at all.
PASSWORD_SETTERS = _USER


def role_named(name_or_id: str) -> Role:
    """The built-in role with this display name or id; `KeyError` when there is none."""
    return ROLES.get(name_or_id) or _BY_NAME[name_or_id]


def covers(actor_roles: set[str], target_roles: set[str], *, protected_group: bool) -> bool:
    """Whether holders of `actor_roles` may do sensitive things to a privileged user.

    Every role of the target must be covered by some role of the actor; a role this cloud does
    not know (a custom one) and membership in a role-assignable group (`protected_group`) are
    covered by the two highest roles only.
    """
    demands = [ROLES[role].covered_by if role in ROLES else _HIGHEST for role in target_roles]
    if protected_group:
        demands.append(_HIGHEST)
    return all(actor_roles & demand for demand in demands)

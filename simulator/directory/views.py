"""What readers are shown of the directory's objects, in Graph's words."""

from datetime import datetime
from typing import Any

from simulator.directory.objects import (
    PASSWORD_METHOD,
    Group,
    Method,
    ServicePrincipal,
    TemporaryAccessPass,
    User,
)
from simulator.directory.roles import Role
from simulator.directory.tenant import Tenant

USER_DEFAULTS = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)
# Readable and writable without any behaviour here; None until set.
USER_PLAIN = (
    "givenName",
    "surname",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "department",
    "companyName",
    "employeeId",
    "employeeType",
    "usageLocation",
    "country",
    "city",
    "passwordPolicies",
)
_EXTENSIONS = tuple(f"extensionAttribute{number}" for number in range(1, 16))


def stamp(moment: datetime | None) -> str | None:
    """A time as Graph writes it: UTC, whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else None


def user_view(user: User) -> dict[str, Any]:
    """Every readable property of an account as it is now."""
    extensions = dict.fromkeys(_EXTENSIONS) | user.profile.get("onPremisesExtensionAttributes", {})
    return {
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        **{name: user.profile.get(name) for name in USER_PLAIN},
        "businessPhones": user.profile.get("businessPhones", []),
        "otherMails": user.profile.get("otherMails", []),
        "mailNickname": user.mail_nickname,
        "accountEnabled": user.account_enabled,
        "userType": user.user_type,
        "createdDateTime": stamp(user.created),
        "deletedDateTime": stamp(user.deleted),
        "lastPasswordChangeDateTime": stamp(user.last_password_change),
        "signInSessionsValidFromDateTime": stamp(user.sessions_valid_from),
        "onPremisesSyncEnabled": True if user.synced else None,
        "onPremisesImmutableId": user.profile.get("onPremisesImmutableId"),
        "onPremisesExtensionAttributes": extensions,
        "assignedLicenses": [],
        "passwordProfile": None,
    }


def group_view(group: Group) -> dict[str, Any]:
    """A group."""
    return {
        "id": group.id,
        "deletedDateTime": None,
        "createdDateTime": stamp(group.created),
        "description": group.description,
        "displayName": group.display_name,
        "groupTypes": ["DynamicMembership"] if group.dynamic else [],
        "isAssignableToRole": True if group.role_assignable else None,
        "mail": None,
        "mailEnabled": False,
        "mailNickname": group.id[:8],
        "onPremisesSyncEnabled": True if group.synced else None,
        "securityEnabled": True,
        "visibility": None,
    }


def principal_view(principal: ServicePrincipal) -> dict[str, Any]:
    """A service principal."""
    return {
        "id": principal.id,
        "deletedDateTime": None,
        "accountEnabled": principal.enabled,
        "appId": principal.app_id,
        "appDisplayName": principal.display_name,
        "displayName": principal.display_name,
        "servicePrincipalType": "Application",
        "servicePrincipalNames": [principal.app_id],
        "tags": [],
    }


def role_view(role: Role) -> dict[str, Any]:
    """A built-in role definition."""
    return {
        "id": role.id,
        "description": f"Built-in role {role.name}.",
        "displayName": role.name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": role.id,
        "version": "1",
        "rolePermissions": [
            {"allowedResourceActions": ["microsoft.directory/users/standard/read"]}
        ],
    }


def access_pass_state(tenant: Tenant, user: User) -> str:
    """Why a user's pass works or does not, in the words of `methodUsabilityReason`."""
    policy, held, now = tenant.access_pass_policy, user.access_pass, tenant.now()
    targets = set(policy.targets)
    groups = {group.id for group in tenant.all_groups_of(user.id)}
    in_target = "all_users" in targets or bool(groups & targets)
    if not policy.enabled or not in_target or groups & set(policy.excluded):
        return "DisabledByPolicy"
    if held is None or now >= held.end:
        return "Expired"
    if now < held.start:
        return "NotYetValid"
    return "OneTimeUsed" if held.usable_once and held.used else "EnabledByPolicy"


def access_pass_view(
    tenant: Tenant, user: User, held: TemporaryAccessPass, *, reveal: bool = False
) -> dict[str, Any]:
    """A pass; its value is shown only in the answer that creates it."""
    state = access_pass_state(tenant, user)
    return {
        "id": held.id,
        "temporaryAccessPass": held.value if reveal else None,
        "createdDateTime": stamp(held.created),
        "startDateTime": stamp(held.start),
        "lifetimeInMinutes": held.minutes,
        "isUsableOnce": held.usable_once,
        "isUsable": state == "EnabledByPolicy",
        "methodUsabilityReason": state,
    }


def method_view(method: Method) -> dict[str, Any]:
    """A registered way of signing in, without its type."""
    defaults: dict[str, dict[str, Any]] = {
        "phone": {
            "phoneNumber": "+49 1511234567",
            "phoneType": "mobile",
            "smsSignInState": "notAllowedByPolicy",
        },
        "fido2": {
            "displayName": "Security key",
            "aaGuid": "2fc0579f-8113-47ea-b116-bb5a8db9202a",
            "model": "Security key",
            "attestationCertificates": [],
            "attestationLevel": "attested",
        },
        "microsoftAuthenticator": {
            "displayName": "Phone",
            "deviceTag": "SoftwareTokenActivated",
            "phoneAppVersion": "6.2409.6094",
        },
        "softwareOath": {"secretKey": None},
        "email": {"emailAddress": "someone@example.org"},
        "windowsHelloForBusiness": {"displayName": "Laptop", "keyStrength": "normal"},
    }
    return {
        "id": method.id,
        "createdDateTime": stamp(method.created),
        **defaults.get(method.kind, {}),
        **method.details,
    }


def password_method_view(user: User) -> dict[str, Any]:
    """The password as an authentication method; it cannot be deleted."""
    return {
        "id": PASSWORD_METHOD,
        "password": None,
        "createdDateTime": stamp(user.last_password_change),
    }

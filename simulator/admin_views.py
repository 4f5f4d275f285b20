"""The state of the cloud as the knobs and the front page show it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from simulator.directory.objects import User
from simulator.directory.roles import ROLES
from simulator.directory.tenant import Tenant
from simulator.directory.views import access_pass_state, stamp

if TYPE_CHECKING:
    from simulator.cloud import Cloud


def role_names(tenant: Tenant, principal_id: str) -> list[str]:
    """The names of the roles a principal holds."""
    return sorted(ROLES[role].name for role in tenant.roles_of(principal_id))


def app_role_names(tenant: Tenant, principal_id: str) -> list[str]:
    """The app roles a principal was assigned, on whichever API of the tenant."""
    return sorted(
        role
        for (holder, _), roles in tenant.app_roles.items()
        if holder == principal_id
        for role in roles
    )


def user_state(tenant: Tenant, user: User) -> dict[str, Any]:
    """An account with everything but its secrets."""
    return {
        "id": user.id,
        "userPrincipalName": user.user_principal_name,
        "displayName": user.display_name,
        "enabled": user.account_enabled,
        "synced": user.synced,
        "deleted": stamp(user.deleted),
        "created": stamp(user.created),
        "lastPasswordChange": stamp(user.last_password_change),
        "sessionsValidFrom": stamp(user.sessions_valid_from),
        "roles": role_names(tenant, user.id),
        "groups": sorted(group.display_name for group in tenant.groups_of(user.id)),
        "methods": sorted(method.kind for method in user.methods.values()),
        "accessPass": access_pass_state(tenant, user) if user.access_pass else None,
    }


def tenant_state(tenant: Tenant) -> dict[str, Any]:
    """A tenant with its people, groups, applications and settings."""
    return {
        "id": tenant.id,
        "name": tenant.name,
        "domain": tenant.domain,
        "isHome": tenant.is_home,
        "licences": sorted(tenant.licences),
        "knobs": asdict(tenant.knobs),
        "accessPassPolicy": asdict(tenant.access_pass_policy),
        "users": [user_state(tenant, user) for user in tenant.users.values()],
        "deletedUsers": [user_state(tenant, user) for user in tenant.deleted_users.values()],
        "groups": [
            {
                "id": group.id,
                "displayName": group.display_name,
                "roleAssignable": group.role_assignable,
                "members": group.members,
            }
            for group in tenant.groups.values()
        ],
        "applications": [
            {
                "id": principal.id,
                "appId": principal.app_id,
                "displayName": principal.display_name,
                "permissions": sorted(principal.permissions),
                "roles": role_names(tenant, principal.id),
            }
            for principal in tenant.service_principals.values()
        ],
    }


def people(cloud: "Cloud") -> list[dict[str, Any]]:
    """The people of the home tenant, with the claims a token for the API would carry.

    For sign-in pages of development hosts. Roles are those assigned on any API of the tenant.
    """
    home = cloud.home
    return [
        {
            "oid": user.id,
            "tid": home.id,
            "name": user.display_name,
            "preferred_username": user.user_principal_name,
            "roles": app_role_names(home, user.id),
            "groups": sorted(group.id for group in home.all_groups_of(user.id)),
            "enabled": user.account_enabled,
        }
        for user in home.users.values()
    ]

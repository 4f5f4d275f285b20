"""The command with which a customer gives Curfew's service principal its directory role."""

import json

from curfew.clouds import Cloud, CloudName
from curfew.model.onboarding import RoleCommand
from curfew.model.tenants import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR

USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"

_NAMES = {
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: "Privileged Authentication Administrator",
    USER_ADMINISTRATOR: "User Administrator",
}
ASKED_FOR = frozenset(_NAMES)
"""The roles that customers are asked to give."""

_REASONS = {
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: (
        "Consent alone does not let an application disable an account that holds administrator "
        "roles, or change its password. Curfew must do both when a technician's time is up. "
        "Privileged Authentication Administrator is the only role short of Global Administrator "
        "with which it can, whatever roles the account holds."
    ),
    USER_ADMINISTRATOR: (
        "Consent alone does not let an application disable an account that holds administrator "
        "roles, or change its password. Curfew must do both when a technician's time is up. For "
        "the roles that are offered here, User Administrator is enough."
    ),
}
_WHO = "a Global Administrator or a Privileged Role Administrator of the tenant"
_AZ_CLOUDS = {
    CloudName.US_GOVERNMENT: CloudName.US_GOVERNMENT,
    CloudName.US_GOVERNMENT_DOD: CloudName.US_GOVERNMENT,
    CloudName.CHINA: CloudName.CHINA,
}
_GRAPH_ENVIRONMENTS = {
    CloudName.PUBLIC: "Global",
    CloudName.US_GOVERNMENT: "USGov",
    CloudName.US_GOVERNMENT_DOD: "USGovDoD",
    CloudName.CHINA: "China",
}


def role_command(
    cloud: Cloud,
    tenant: str,
    principal_id: str,
    role_id: str = PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
) -> RoleCommand:
    """The command for a service principal, by its object id in the customer's tenant.

    Nothing in it comes from the customer: ids and addresses only, so that it is safe to paste.
    """
    body = {
        "principalId": principal_id,
        "roleDefinitionId": role_id,
        "directoryScopeId": "/",
    }
    address = f"{cloud.graph}/v1.0/roleManagement/directory/roleAssignments"
    az_cloud = _AZ_CLOUDS.get(cloud.name)
    choose = f"az cloud set --name {az_cloud} && " if az_cloud else ""
    return RoleCommand(
        role=_NAMES[role_id],
        role_id=role_id,
        reason=_REASONS[role_id],
        who=_WHO,
        az_sign_in=f"{choose}az login --tenant {tenant} --allow-no-subscriptions",
        az=(
            f"az rest --method post --url {address} --resource {cloud.graph} "
            f"--headers Content-Type=application/json --body '{json.dumps(body)}'"
        ),
        power_shell_sign_in=(
            f"Connect-MgGraph -Environment {_GRAPH_ENVIRONMENTS[cloud.name]} -TenantId {tenant} "
            "-Scopes RoleManagement.ReadWrite.Directory"
        ),
        power_shell=(
            f"New-MgRoleManagementDirectoryRoleAssignment -PrincipalId {principal_id} "
            f"-RoleDefinitionId {role_id} -DirectoryScopeId '/'"
        ),
    )

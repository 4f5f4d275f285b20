"""Who may do what: permissions per call and per property, and privileged targets."""

from typing import Any

import pytest

from simulator.directory.roles import ROLES, covers, role_named
from tests.simulator.world import GOOD_PASSWORD, PAA, World, code_of

ENABLE = {"accountEnabled": False}
PASSWORD = {"passwordProfile": {"password": "Another-Horse-43"}}
USER_ADMINISTRATOR = "User Administrator"


@pytest.mark.parametrize(
    ("permissions", "patch", "status"),
    [
        (("User.EnableDisableAccount.All", "User.Read.All"), ENABLE, 204),
        (("User.EnableDisableAccount.All",), ENABLE, 403),
        (("User.Read.All",), ENABLE, 403),
        (("User.ReadWrite.All",), ENABLE, 204),
        (("User-PasswordProfile.ReadWrite.All",), PASSWORD, 204),
        (("User.ReadWrite.All",), PASSWORD, 403),
        (("User.ReadWrite.All",), {"mobilePhone": "+49 1"}, 204),
        (("User-Phone.ReadWrite.All",), {"mobilePhone": "+49 1"}, 204),
        (("User-Mail.ReadWrite.All",), {"otherMails": ["a@example.org"]}, 204),
        (("User-Phone.ReadWrite.All",), {"otherMails": ["a@example.org"]}, 403),
        (("User.Read.All",), {"displayName": "New"}, 403),
    ],
)
def test_each_property_has_its_own_permission(
    world: World, permissions: tuple[str, ...], patch: dict[str, Any], status: int
) -> None:
    tenant = world.customer(*permissions)
    user = tenant.add_user("target", password=GOOD_PASSWORD)
    answer = world.graph("PATCH", f"users/{user.id}", patch, tenant=tenant)
    assert answer.status_code == status
    if status == 403:
        assert code_of(answer) == "Authorization_RequestDenied"


def test_one_forbidden_property_fails_the_whole_change(world: World) -> None:
    tenant = world.customer("User.ReadWrite.All")
    user = tenant.add_user("leaver", password=GOOD_PASSWORD)
    answer = world.graph("PATCH", f"users/{user.id}", ENABLE | PASSWORD, tenant=tenant)
    assert answer.status_code == 403
    assert user.account_enabled
    assert user.password == GOOD_PASSWORD


def test_one_impossible_value_fails_the_whole_change(world: World) -> None:
    user = world.create_user()
    patch = {"accountEnabled": True, "passwordProfile": {"password": "weak"}}
    assert world.graph("PATCH", f"users/{user.id}", patch).status_code == 400
    assert not user.account_enabled


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (None, 403),
        ("Global Reader", 403),
        ("Authentication Administrator", 403),
        (USER_ADMINISTRATOR, 204),
        (PAA, 204),
        ("Global Administrator", 204),
    ],
)
def test_setting_a_password_takes_a_directory_role(
    world: World, role: str | None, status: int
) -> None:
    tenant = world.customer(role=role)
    user = tenant.add_user("target", password=GOOD_PASSWORD)
    answer = world.graph("PATCH", f"users/{user.id}", PASSWORD, tenant=tenant)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("actor", "target", "status"),
    [
        (USER_ADMINISTRATOR, "Helpdesk Administrator", 204),
        (USER_ADMINISTRATOR, "Directory Readers", 204),
        (USER_ADMINISTRATOR, "Authentication Administrator", 403),
        (USER_ADMINISTRATOR, "Security Reader", 403),
        (USER_ADMINISTRATOR, "Global Administrator", 403),
        (PAA, "Exchange Administrator", 204),
        (PAA, "Global Administrator", 204),
        (None, "Directory Readers", 403),
    ],
)
@pytest.mark.parametrize("patch", [ENABLE, PASSWORD, {"userPrincipalName": "new"}])
def test_a_privileged_target_takes_a_covering_role(
    world: World, actor: str | None, target: str, status: int, patch: dict[str, Any]
) -> None:
    tenant = world.customer(role=actor)
    user = tenant.add_user("target", password=GOOD_PASSWORD, roles=(target,))
    if "userPrincipalName" in patch:
        patch = {"userPrincipalName": f"new@{tenant.domain}"}
    answer = world.graph("PATCH", f"users/{user.id}", patch, tenant=tenant)
    assert answer.status_code == status


@pytest.mark.parametrize("action", ["delete", "revoke", "restore"])
def test_deleting_restoring_and_revoking_take_a_covering_role_too(
    world: World, action: str
) -> None:
    tenant = world.customer(role=USER_ADMINISTRATOR)
    user = tenant.add_user("target", roles=("Security Reader",))
    if action == "restore":
        tenant.deleted_users[user.id] = tenant.users.pop(user.id)
        user.deleted = tenant.now()
    call = {
        "delete": ("DELETE", f"users/{user.id}"),
        "revoke": ("POST", f"users/{user.id}/revokeSignInSessions"),
        "restore": ("POST", f"directory/deletedItems/{user.id}/restore"),
    }[action]
    assert world.graph(*call, tenant=tenant).status_code == 403
    principal = tenant.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    tenant.assign_role(principal.id, PAA)
    assert world.graph(*call, tenant=tenant).status_code in {200, 204}


def test_membership_in_a_role_assignable_group_is_privilege_enough(world: World) -> None:
    tenant = world.customer(role=USER_ADMINISTRATOR)
    user = tenant.add_user("target")
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 204
    group = tenant.add_group("Tier 0", role_assignable=True, members=(user.id,))
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 403
    group.members.clear()
    group.owners.append(user.id)
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 403


def test_a_role_through_a_group_counts(world: World) -> None:
    tenant = world.customer(role=USER_ADMINISTRATOR)
    user = tenant.add_user("target")
    group = tenant.add_group("Admins", role_assignable=True, members=(user.id,))
    tenant.assign_role(group.id, "Exchange Administrator")
    assert tenant.roles_of(user.id) == {role_named("Exchange Administrator").id}
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 403


def test_the_trap_of_user_administrator(world: World) -> None:
    """The application gave the role itself, and now cannot disable who holds it."""
    tenant = world.customer(role=USER_ADMINISTRATOR)
    user = world.create_user(tenant=tenant)
    given = world.give_role(user, role_named("Security Reader").id, tenant=tenant)
    assert given.status_code == 201
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 403
    one = f"roleManagement/directory/roleAssignments/{given.json()['id']}"
    assert world.graph("DELETE", one, tenant=tenant).status_code == 204
    assert world.graph("PATCH", f"users/{user.id}", ENABLE, tenant=tenant).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "needed", "code"),
    [
        ("GET", "users", "User.Read.All", "Authorization_RequestDenied"),
        ("GET", "domains", "Domain.Read.All", "Authorization_RequestDenied"),
        ("GET", "organization", "Organization.Read.All", "Authorization_RequestDenied"),
        ("GET", "subscribedSkus", "LicenseAssignment.Read.All", "Authorization_RequestDenied"),
        ("GET", "groups", "GroupMember.Read.All", "Authorization_RequestDenied"),
        ("GET", "servicePrincipals", "Application.Read.All", "Authorization_RequestDenied"),
        (
            "GET",
            "roleManagement/directory/roleAssignments",
            "RoleManagement.Read.Directory",
            "Authorization_RequestDenied",
        ),
        (
            "GET",
            "auditLogs/directoryAudits",
            "AuditLog.Read.All",
            "Authentication_MSGraphPermissionMissing",
        ),
        (
            "GET",
            "users/{clerk}/authentication/methods",
            "UserAuthenticationMethod.Read.All",
            "accessDenied",
        ),
        (
            "GET",
            "users/{clerk}/authentication/temporaryAccessPassMethods",
            "UserAuthMethod-TAP.Read.All",
            "accessDenied",
        ),
        (
            "GET",
            (
                "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/"
                "temporaryAccessPass"
            ),
            "Policy.Read.AuthenticationMethod",
            "accessDenied",
        ),
        (
            "GET",
            "directory/deletedItems/microsoft.graph.user",
            "User.Read.All",
            "Authorization_RequestDenied",
        ),
    ],
)
def test_each_call_has_its_own_permission(
    world: World, method: str, path: str, needed: str, code: str
) -> None:
    without = world.customer("User.RevokeSessions.All")
    clerk = without.user(f"clerk@{without.domain}").id
    answer = world.graph(method, path.format(clerk=clerk), tenant=without)
    assert (answer.status_code, code_of(answer)) == (403, code)
    having = world.customer(needed)
    clerk = having.user(f"clerk@{having.domain}").id
    assert world.graph(method, path.format(clerk=clerk), tenant=having).status_code == 200


def test_basic_reading_stays_basic(world: World) -> None:
    tenant = world.customer("User.ReadBasic.All")
    path = f"users/clerk@{tenant.domain}"
    assert world.graph("GET", path, tenant=tenant).json()["displayName"] == "Carla Clerk"
    answer = world.graph("GET", path, tenant=tenant, select="id,accountEnabled")
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["users", "users/x", "me"])
@pytest.mark.parametrize("kind", ["none", "key", "algorithm", "expired", "audience", "issuer"])
def test_a_bad_token_is_401(world: World, path: str, kind: str) -> None:
    graph = "https://graph.microsoft.com"
    tenant, mint = world.contoso, world.cloud.mint
    claims = {"idtyp": "app", "roles": ["User.Read.All"]}
    token = {
        "none": mint(tenant, claims, audience=graph, algorithm="none"),
        "key": mint(tenant, claims, audience=graph, key="unpublished"),
        "algorithm": mint(tenant, claims, audience=graph, algorithm="HS256"),
        "expired": mint(tenant, claims, audience=graph, seconds=-1),
        "audience": mint(tenant, claims, audience="https://vault.azure.net"),
        "issuer": mint(tenant, claims | {"iss": "https://elsewhere.example"}, audience=graph),
    }[kind]
    answer = world.graph("GET", path, token=token)
    assert (answer.status_code, code_of(answer)) == (401, "InvalidAuthenticationToken")


def test_no_token_is_401(world: World) -> None:
    assert world.http.get("/v1.0/users").status_code == 401


def test_the_two_highest_roles_cover_everybody_and_an_unknown_role_takes_them() -> None:
    highest = {role_named(PAA).id}, {role_named("Global Administrator").id}
    for role in ROLES:
        assert all(covers(actor, {role}, protected_group=True) for actor in highest)
    assert all(covers(actor, {"custom"}, protected_group=False) for actor in highest)
    user_administrator = {role_named(USER_ADMINISTRATOR).id}
    assert not covers(user_administrator, {"custom"}, protected_group=False)
    assert not covers(user_administrator, set(), protected_group=True)
    assert len(ROLES) >= 25

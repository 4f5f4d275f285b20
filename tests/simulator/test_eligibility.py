"""Eligible roles: what somebody may activate whenever they like.

The names and shapes are those of Microsoft's reference for `unifiedRoleEligibilitySchedule*`,
which the schema document of the other answers does not hold.
"""

from typing import Any

import httpx
import pytest

from simulator import Tenant
from simulator.directory.objects import User
from simulator.directory.roles import role_named
from tests.simulator.world import World, code_of, held

READER = role_named("Security Reader").id
BASE = "roleManagement/directory"
REQUESTS = f"{BASE}/roleEligibilityScheduleRequests"
INSTANCES = f"{BASE}/roleEligibilityScheduleInstances"


@pytest.fixture
def fabrikam(world: World) -> Tenant:
    return world.demo.fabrikam


@pytest.fixture
def user(world: World, fabrikam: Tenant) -> User:
    return world.create_user(tenant=fabrikam)


def ask(world: World, user: User, tenant: Tenant, **changes: Any) -> httpx.Response:
    body = {
        "action": "adminAssign",
        "justification": "REQ-123",
        "principalId": user.id,
        "roleDefinitionId": READER,
        "directoryScopeId": "/",
        "scheduleInfo": {"expiration": {"type": "noExpiration"}},
    }
    return world.graph("POST", REQUESTS, body | changes, tenant=tenant)


def eligible(world: World, user: User, tenant: Tenant) -> list[dict[str, Any]]:
    filtered = f"principalId eq '{user.id}'"
    found: list[dict[str, Any]] = world.graph(
        "GET", INSTANCES, tenant=tenant, filter=filtered
    ).json()["value"]
    return found


def test_an_eligibility_is_no_role_and_stays_until_it_is_taken(
    world: World, user: User, fabrikam: Tenant
) -> None:
    answer = ask(world, user, fabrikam)
    assert (answer.status_code, answer.json()["status"]) == (201, "Provisioned")
    world.advance(days=300)
    (instance,) = eligible(world, user, fabrikam)
    assert set(instance) == {
        "id",
        "principalId",
        "roleDefinitionId",
        "directoryScopeId",
        "appScopeId",
        "startDateTime",
        "endDateTime",
        "memberType",
        "roleEligibilityScheduleId",
    }
    assert instance["roleEligibilityScheduleId"] == answer.json()["targetScheduleId"]
    assert instance["endDateTime"] is None
    assert held(world, user, fabrikam) == []
    assert ask(world, user, fabrikam, action="adminRemove").json()["status"] == "Revoked"
    assert eligible(world, user, fabrikam) == []
    assert code_of(ask(world, user, fabrikam, action="adminRemove")) == "RoleAssignmentDoesNotExist"
    requests = world.graph("GET", REQUESTS, tenant=fabrikam).json()["value"]
    assert [request["action"] for request in requests] == ["adminAssign", "adminRemove"]


def test_an_eligibility_can_have_an_end_and_the_end_can_be_moved(
    world: World, user: User, fabrikam: Tenant
) -> None:
    hour = {"expiration": {"type": "afterDuration", "duration": "PT1H"}}
    ask(world, user, fabrikam, scheduleInfo=hour)
    assert code_of(ask(world, user, fabrikam)) == "RoleAssignmentExists"
    world.advance(minutes=30)
    assert ask(world, user, fabrikam, action="adminUpdate", scheduleInfo=hour).status_code == 201
    world.advance(minutes=59)
    assert eligible(world, user, fabrikam)
    world.advance(minutes=1)
    assert eligible(world, user, fabrikam) == []
    assert code_of(ask(world, user, fabrikam, action="adminUpdate")) == "RoleAssignmentDoesNotExist"


def test_a_validation_changes_nothing(world: World, user: User, fabrikam: Tenant) -> None:
    assert ask(world, user, fabrikam, isValidationOnly=True).json()["status"] == "Granted"
    assert eligible(world, user, fabrikam) == []
    ask(world, user, fabrikam)
    ask(world, user, fabrikam, action="adminRemove", isValidationOnly=True)
    assert len(eligible(world, user, fabrikam)) == 1


def test_the_licence_the_subject_and_the_permission_are_looked_at(
    world: World, user: User, fabrikam: Tenant
) -> None:
    stranger = world.create_user()
    assert code_of(ask(world, stranger, world.contoso)) == "AadPremiumLicenseRequired"
    assert code_of(world.graph("GET", INSTANCES)) == "AadPremiumLicenseRequired"
    fabrikam.knobs.replication_seconds = 60
    newcomer = world.create_user("new", tenant=fabrikam)
    assert code_of(ask(world, newcomer, fabrikam)) == "SubjectNotFound"
    remover = world.customer("RoleEligibilitySchedule.Remove.Directory", licences={"P2"})
    target = remover.add_user("target")
    remover.make_eligible(target.id, READER)
    denied = ask(world, target, remover)
    assert (denied.status_code, code_of(denied)) == (403, "PermissionScopeNotGranted")
    assert ask(world, target, remover, action="adminRemove").status_code == 201


def test_a_deleted_account_is_eligible_for_nothing(
    world: World, user: User, fabrikam: Tenant
) -> None:
    ask(world, user, fabrikam)
    world.graph("DELETE", f"users/{user.id}", tenant=fabrikam)
    assert eligible(world, user, fabrikam) == []


def test_it_is_in_the_audit_log(world: World, user: User, fabrikam: Tenant) -> None:
    ask(world, user, fabrikam)
    ask(world, user, fabrikam, action="adminRemove")
    names = [entry["activityDisplayName"] for entry in fabrikam.directory_audits]
    assert "Add eligible member to role in PIM completed (permanent)" in names
    assert "Remove eligible member from role in PIM completed (permanent)" in names

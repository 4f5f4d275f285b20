"""Privileged Identity Management: roles for a time."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator import Tenant
from simulator.directory.objects import User
from simulator.directory.roles import role_named
from tests.simulator.world import World, code_of, held

READER = role_named("Security Reader").id
EXCHANGE = role_named("Exchange Administrator").id
ASSIGNMENTS = "roleManagement/directory/roleAssignments"
REQUESTS = "roleManagement/directory/roleAssignmentScheduleRequests"
INSTANCES = "roleManagement/directory/roleAssignmentScheduleInstances"


@pytest.fixture
def fabrikam(world: World) -> Tenant:
    return world.demo.fabrikam


@pytest.fixture
def user(world: World, fabrikam: Tenant) -> User:
    return world.create_user(tenant=fabrikam)


def ask(world: World, user: User, tenant: Tenant, **changes: Any) -> httpx.Response:
    duration = changes.pop("duration", "PT2H")
    body = {
        "action": "adminAssign",
        "justification": "REQ-123",
        "principalId": user.id,
        "roleDefinitionId": READER,
        "directoryScopeId": "/",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": duration}},
    }
    return world.graph("POST", REQUESTS, body | changes, tenant=tenant)


def test_a_scheduled_role_comes_and_goes_by_the_clock(
    world: World, user: User, fabrikam: Tenant
) -> None:
    answer = ask(world, user, fabrikam).json()
    assert answer["status"] == "Provisioned"
    filtered = f"principalId eq '{user.id}'"
    instance = world.graph("GET", INSTANCES, tenant=fabrikam, filter=filtered).json()["value"][0]
    assert instance["endDateTime"] == "2026-11-21T12:00:00Z"
    assert instance["roleAssignmentScheduleId"] == answer["targetScheduleId"]
    assert held(world, user, fabrikam) == [READER]
    world.advance(hours=2)
    assert held(world, user, fabrikam) == []
    left = world.graph("GET", INSTANCES, tenant=fabrikam, filter=filtered).json()["value"]
    assert left == []


def test_a_role_can_be_scheduled_for_later(world: World, user: User, fabrikam: Tenant) -> None:
    schedule = {
        "startDateTime": "2026-11-21T11:00:00Z",
        "expiration": {"type": "afterDateTime", "endDateTime": "2026-11-21T12:00:00Z"},
    }
    answer = ask(world, user, fabrikam, scheduleInfo=schedule).json()
    assert answer["status"] == "PendingScheduleCreation"
    assert held(world, user, fabrikam) == []
    world.advance(hours=1)
    assert held(world, user, fabrikam) == [READER]
    cancel = world.graph("POST", f"{REQUESTS}/{answer['id']}/cancel", tenant=fabrikam)
    assert cancel.status_code == 400


def test_without_the_licence_there_is_no_scheduling(world: World) -> None:
    user = world.create_user()
    answer = ask(world, user, world.contoso)
    assert (answer.status_code, code_of(answer)) == (400, "AadPremiumLicenseRequired")
    assert code_of(world.graph("GET", INSTANCES)) == "AadPremiumLicenseRequired"


def test_an_active_role_cannot_be_removed_for_five_minutes(
    world: World, user: User, fabrikam: Tenant
) -> None:
    ask(world, user, fabrikam)
    world.advance(minutes=4, seconds=59)
    early = ask(world, user, fabrikam, action="adminRemove", scheduleInfo=None)
    assert (early.status_code, code_of(early)) == (400, "ActiveDurationTooShort")
    assert held(world, user, fabrikam) == [READER]
    world.advance(seconds=1)
    assert ask(world, user, fabrikam, action="adminRemove").json()["status"] == "Revoked"
    assert held(world, user, fabrikam) == []
    gone = ask(world, user, fabrikam, action="adminRemove")
    assert (gone.status_code, code_of(gone)) == (400, "RoleAssignmentDoesNotExist")


def test_the_same_role_twice_is_a_conflict(world: World, user: User, fabrikam: Tenant) -> None:
    ask(world, user, fabrikam)
    assert code_of(ask(world, user, fabrikam)) == "RoleAssignmentExists"
    conflict = world.give_role(user, READER, tenant=fabrikam)
    assert conflict.status_code == 400
    world.give_role(user, EXCHANGE, tenant=fabrikam)
    assert code_of(ask(world, user, fabrikam, roleDefinitionId=EXCHANGE)) == "RoleAssignmentExists"


def test_a_new_subject_is_not_found_for_a_while(world: World, fabrikam: Tenant) -> None:
    fabrikam.knobs.replication_seconds = 60
    user = world.create_user(tenant=fabrikam)
    answer = ask(world, user, fabrikam)
    assert (answer.status_code, code_of(answer)) == (400, "SubjectNotFound")
    world.advance(seconds=60)
    assert ask(world, user, fabrikam).status_code == 201


def test_a_validation_changes_nothing(world: World, user: User, fabrikam: Tenant) -> None:
    answer = ask(world, user, fabrikam, isValidationOnly=True)
    assert (answer.status_code, answer.json()["status"]) == (201, "Granted")
    assert held(world, user, fabrikam) == []
    assert world.graph("GET", REQUESTS, tenant=fabrikam).json()["value"] == []


def test_an_end_can_be_moved(world: World, user: User, fabrikam: Tenant) -> None:
    ask(world, user, fabrikam)
    world.advance(hours=1)
    moved = ask(world, user, fabrikam, action="adminUpdate", duration="PT3H")
    assert moved.status_code == 201
    world.advance(hours=2)
    assert held(world, user, fabrikam) == [READER]
    world.advance(hours=1)
    assert held(world, user, fabrikam) == []
    late = ask(world, user, fabrikam, action="adminUpdate")
    assert code_of(late) == "RoleAssignmentDoesNotExist"


@pytest.mark.parametrize(
    ("policy", "request_changes", "rule"),
    [
        ({"maximum": timedelta(hours=1)}, {}, "ExpirationRule"),
        (
            {"permanent_allowed": False},
            {"scheduleInfo": {"expiration": {"type": "noExpiration"}}},
            "ExpirationRule",
        ),
        ({"justification_required": True}, {"justification": None}, "JustificationRule"),
        ({"ticket_required": True}, {}, "TicketingRule"),
    ],
)
def test_the_tenants_policy_is_kept(
    world: World,
    user: User,
    fabrikam: Tenant,
    policy: dict[str, Any],
    request_changes: dict[str, Any],
    rule: str,
) -> None:
    for name, value in policy.items():
        setattr(fabrikam.role_policy, name, value)
    answer = ask(world, user, fabrikam, **request_changes)
    assert code_of(answer) == "RoleAssignmentRequestPolicyValidationFailed"
    assert rule in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "selfActivate"},
        {"action": None},
        {"principalId": None},
        {"directoryScopeId": "/x"},
        {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "two hours"}}},
        {"scheduleInfo": {"expiration": {"type": "afterDateTime"}}},
        {"scheduleInfo": {"expiration": {"type": "whenever"}}},
        {"scheduleInfo": {"startDateTime": "2026-11-21T11:00:00"}},
        {"roleDefinitionId": "00000000-0000-0000-0000-00000000dead"},
    ],
)
def test_a_senseless_request_is_400(
    world: World, user: User, fabrikam: Tenant, changes: dict[str, Any]
) -> None:
    assert ask(world, user, fabrikam, **changes).status_code == 400
    assert held(world, user, fabrikam) == []


def test_provisioning_can_take_its_time(world: World, user: User, fabrikam: Tenant) -> None:
    fabrikam.knobs.schedule_seconds = 40
    assert ask(world, user, fabrikam).json()["status"] == "PendingProvisioning"
    assert held(world, user, fabrikam) == []
    world.advance(seconds=40)
    assert held(world, user, fabrikam) == [READER]


def test_a_scheduled_role_counts_as_privilege(world: World, fabrikam: Tenant) -> None:
    tenant = world.customer(role="User Administrator", licences={"P2"})
    user = world.create_user(tenant=tenant)
    ask(world, user, tenant)
    patch = {"accountEnabled": True}
    assert world.graph("PATCH", f"users/{user.id}", patch, tenant=tenant).status_code == 403
    world.advance(hours=2)
    assert world.graph("PATCH", f"users/{user.id}", patch, tenant=tenant).status_code == 204


def test_removing_alone_has_a_permission_of_its_own(world: World) -> None:
    remove = "RoleAssignmentSchedule.Remove.Directory"
    tenant = world.customer(remove, licences={"P2"})
    user = tenant.add_user("target")
    tenant.assign_role(user.id, READER)
    world.advance(minutes=6)
    denied = ask(world, user, tenant, roleDefinitionId=EXCHANGE)
    assert (denied.status_code, code_of(denied)) == (403, "PermissionScopeNotGranted")
    assert ask(world, user, tenant, action="adminRemove").status_code == 201


def test_deleting_the_assignment_ends_the_schedule(
    world: World, user: User, fabrikam: Tenant
) -> None:
    ask(world, user, fabrikam)
    one = world.graph("GET", ASSIGNMENTS, tenant=fabrikam, filter=f"principalId eq '{user.id}'")
    assignment = one.json()["value"][0]["id"]
    assert world.graph("DELETE", f"{ASSIGNMENTS}/{assignment}", tenant=fabrikam).status_code == 204
    assert held(world, user, fabrikam) == []
    assert ask(world, user, fabrikam).status_code == 201

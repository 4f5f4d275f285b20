"""Directory roles: definitions and direct assignments."""

from typing import Any

from simulator.directory.objects import Arrival, RoleAssignment
from simulator.directory.roles import ROLES
from simulator.directory.tenant import new_assignment_id
from simulator.directory.views import group_view, principal_view, role_view, user_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, not_found, refuse
from simulator.graph.journal import record, role_target, target
from simulator.graph.odata import COLLECTION, SELECT, Options, collection, entity
from simulator.wire import Response

_READ = (
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_WRITE = ("RoleManagement.ReadWrite.Directory",)
_EXPAND = ("principal", "roleDefinition")
_ASSIGNMENTS = Options(
    COLLECTION | {"$expand"},
    {
        "principalId": "eq in",
        "roleDefinitionId": "eq in",
        "directoryScopeId": "eq",
        "id": "eq",
    },
    expandable=_EXPAND,
)
_DEFINITIONS = Options(
    COLLECTION,
    {
        "id": "eq in",
        "templateId": "eq in",
        "displayName": "eq in startswith",
        "isBuiltIn": "eq",
        "isEnabled": "eq",
    },
)
_CONFLICT = (
    "A conflicting object with one or more of the specified property values is present in the "
    "directory."
)


def list_definitions(call: GraphCall) -> Response:
    """Every role definition."""
    documents = [role_view(role) for role in ROLES.values()]
    kept = [document for document in documents if call.query.predicate(document)]
    name = "roleManagement/directory/roleDefinitions"
    return collection(call.cloud.url, call.request, call.query, name, kept)


def get_definition(call: GraphCall) -> Response:
    """One role definition."""
    role = ROLES.get(call.parameters["role"].lower())
    if role is None:
        raise not_found(call.parameters["role"])
    name = "roleManagement/directory/roleDefinitions"
    return entity(call.cloud.url, call.query, name, role_view(role))


def assignment_view(call: GraphCall, assignment: RoleAssignment) -> dict[str, Any]:
    """A role assignment, with what `$expand` may add."""
    document: dict[str, Any] = {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "directoryScopeId": assignment.scope,
        "roleDefinitionId": assignment.role_id,
    }
    if "principal" in call.query.expand:
        document["principal"] = principal_document(call, assignment.principal_id)
    if "roleDefinition" in call.query.expand and assignment.role_id in ROLES:
        document["roleDefinition"] = role_view(ROLES[assignment.role_id])
    return document


def principal_document(call: GraphCall, principal_id: str) -> dict[str, Any]:
    """A user, group or service principal as a directory object with its type."""
    tenant = call.tenant
    if principal_id in tenant.users:
        view = user_view(tenant.users[principal_id])
        return {"@odata.type": "#microsoft.graph.user"} | view
    if principal_id in tenant.groups:
        view = group_view(tenant.groups[principal_id])
        return {"@odata.type": "#microsoft.graph.group"} | view
    view = principal_view(tenant.service_principals[principal_id])
    return {"@odata.type": "#microsoft.graph.servicePrincipal"} | view


def list_assignments(call: GraphCall) -> Response:
    """The assignments in effect, those that PIM made included; lists may lag behind."""
    now, lag = call.tenant.now(), call.tenant.knobs.assignment_seconds
    listed = [
        assignment
        for assignment in call.tenant.current_assignments()
        if assignment.arrival is None or assignment.arrival.visible(now, reading=False)
    ]
    listed += [
        assignment
        for assignment in call.tenant.removed_assignments
        if assignment.removed is not None
        and assignment.removed > call.moment_before(lag)
        and call.tenant.holder_exists(assignment.principal_id)
    ]
    documents = [assignment_view(call, assignment) for assignment in listed]
    kept = [document for document in documents if call.query.predicate(document)]
    name = "roleManagement/directory/roleAssignments"
    return collection(call.cloud.url, call.request, call.query, name, kept)


def get_assignment(call: GraphCall) -> Response:
    """One assignment."""
    name = "roleManagement/directory/roleAssignments"
    return entity(call.cloud.url, call.query, name, assignment_view(call, _assignment(call)))


def create_assignment(call: GraphCall) -> Response:
    """Give a role; the principal must have reached this replica."""
    body = call.body()
    principal_id, role_id = body.get("principalId"), body.get("roleDefinitionId")
    scope = body.get("directoryScopeId", "/")
    for name, value in (("principalId", principal_id), ("roleDefinitionId", role_id)):
        if not isinstance(value, str) or not value:
            raise bad_request(f"A value is required for property '{name}'.", "Request_BadRequest")
    principal_id, role_id = str(principal_id).lower(), str(role_id).lower()
    if role_id not in ROLES:
        raise not_found(role_id)
    if not principal_seen(call, principal_id):
        raise not_found(principal_id)
    if scope != "/":
        raise bad_request("Only the directory scope '/' exists here.", "Request_BadRequest")
    group = call.tenant.groups.get(principal_id)
    if group is not None and not group.role_assignable:
        raise bad_request(
            "The group is not role-assignable (isAssignableToRole).", "Request_BadRequest"
        )
    if any(item.role_id == role_id for item in call.tenant.assignments_of(principal_id)):
        status = call.tenant.knobs.conflict_status
        code = "ConflictingObjects" if status == 409 else "Request_MultipleObjectsWithSameKeyValue"
        raise refuse(status, code, _CONFLICT)
    assignment = RoleAssignment(
        new_assignment_id(),
        principal_id,
        role_id,
        scope,
        call.tenant.now(),
        arrival=Arrival(call.moment_before(-call.tenant.knobs.assignment_seconds)),
    )
    call.tenant.role_assignments[assignment.id] = assignment
    note(call, "Add member to role", "Assign", assignment)
    name = "roleManagement/directory/roleAssignments"
    return entity(call.cloud.url, call.query, name, assignment_view(call, assignment), 201)


def delete_assignment(call: GraphCall) -> Response:
    """Take a role away; 404 when the assignment is gone already."""
    assignment = _assignment(call)
    call.tenant.role_assignments.pop(assignment.id, None)
    if assignment.schedule_id is not None:
        call.tenant.role_schedules.pop(assignment.schedule_id, None)
    if call.tenant.knobs.assignment_seconds:
        assignment.removed = call.tenant.now()
        call.tenant.removed_assignments.append(assignment)
    note(call, "Remove member from role", "Unassign", assignment)
    return Response(204)


def principal_seen(call: GraphCall, principal_id: str) -> bool:
    """Whether the answering replica knows the principal."""
    user = call.tenant.users.get(principal_id)
    if user is not None:
        return call.sees(user, reading=True)
    return call.tenant.holder_exists(principal_id)


def note(call: GraphCall, activity: str, operation: str, assignment: RoleAssignment) -> None:
    """Write a change of roles into the audit log."""
    tenant, principal_id = call.tenant, assignment.principal_id
    holder = (
        tenant.users.get(principal_id)
        or tenant.groups.get(principal_id)
        or tenant.service_principals.get(principal_id)
    )
    name = ROLES[assignment.role_id].name
    targets = [target(holder, principal_id), role_target(assignment.role_id, name)]
    record(call, activity, "RoleManagement", operation, targets, {"Role.DisplayName": name})


def _assignment(call: GraphCall) -> RoleAssignment:
    wanted = call.parameters["assignment"]
    for assignment in call.tenant.current_assignments():
        if assignment.id == wanted:
            return assignment
    raise not_found(wanted)


_BASE = "roleManagement/directory"
ROUTES = (
    Route("GET", f"{_BASE}/roleDefinitions", list_definitions, _READ, _DEFINITIONS),
    Route("GET", f"{_BASE}/roleDefinitions/{{role}}", get_definition, _READ, SELECT),
    Route("GET", f"{_BASE}/roleAssignments", list_assignments, _READ, _ASSIGNMENTS),
    Route("POST", f"{_BASE}/roleAssignments", create_assignment, _WRITE),
    Route(
        "GET",
        f"{_BASE}/roleAssignments/{{assignment}}",
        get_assignment,
        _READ,
        Options(SELECT.names | {"$expand"}, expandable=_EXPAND),
    ),
    Route("DELETE", f"{_BASE}/roleAssignments/{{assignment}}", delete_assignment, _WRITE),
)

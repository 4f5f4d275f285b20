"""Privileged Identity Management: roles for a time, asked for with schedule requests."""

from typing import Any

from simulator.directory.objects import RoleAssignment, RoleSchedule, new_id
from simulator.directory.roles import ROLES
from simulator.directory.tenant import new_assignment_id
from simulator.directory.views import role_view, stamp
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import not_found, refuse
from simulator.graph.odata import COLLECTION, SELECT, Options, collection, entity
from simulator.graph.pim_rules import (
    Terms,
    check_removal,
    check_terms,
    read_terms,
)
from simulator.graph.roles import note as note_change
from simulator.graph.roles import principal_document, principal_seen
from simulator.wire import Response

_WRITE = ("RoleAssignmentSchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
_READ = (
    "RoleAssignmentSchedule.Read.Directory",
    *_WRITE,
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
)
_REMOVE = "RoleAssignmentSchedule.Remove.Directory"
_EXPAND = ("principal", "roleDefinition")
_FILTERABLE = {
    "principalId": "eq in",
    "roleDefinitionId": "eq in",
    "directoryScopeId": "eq",
    "id": "eq",
}
INSTANCES = Options(COLLECTION | {"$expand"}, _FILTERABLE, expandable=_EXPAND)
REQUESTS = Options(
    COLLECTION | {"$expand"},
    _FILTERABLE | {"status": "eq", "action": "eq", "targetScheduleId": "eq"},
    expandable=_EXPAND,
)
_ONE = Options(SELECT.names | {"$expand"}, expandable=_EXPAND)
_NAME = "roleManagement/directory/roleAssignmentScheduleRequests"
_INSTANCE_NAME = "roleManagement/directory/roleAssignmentScheduleInstances"
_SCHEDULE_NAME = "roleManagement/directory/roleAssignmentSchedules"


def create_request(call: GraphCall) -> Response:
    """Handle one request: give, change or take a role, or only say whether it would be done."""
    terms = read_terms(call.body(), call.tenant.now())
    removing = terms.action == "adminRemove"
    require_permission(call, (*_WRITE, _REMOVE) if removing else _WRITE)
    require_licence(call)
    require_known(call, terms)
    existing = _existing(call, terms)
    if removing:
        status, schedule_id = _remove(call, terms, existing), None
    elif terms.action == "adminAssign":
        status, schedule_id = _assign(call, terms, existing)
    else:
        status, schedule_id = _update(call, terms, existing)
    document = request_document(call, terms, status, schedule_id)
    if not terms.validation_only:
        call.tenant.role_requests[document["id"]] = document
    return entity(call.cloud.url, call.query, _NAME, document, 201)


def list_requests(call: GraphCall) -> Response:
    """Every request that was made."""
    documents = [expanded(call, item) for item in call.tenant.role_requests.values()]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _NAME, kept)


def get_request(call: GraphCall) -> Response:
    """One request."""
    document = expanded(call, _request(call))
    return entity(call.cloud.url, call.query, _NAME, document)


def cancel_request(call: GraphCall) -> Response:
    """Withdraw a request whose start is still to come."""
    document = _request(call)
    schedule = call.tenant.role_schedules.get(str(document["targetScheduleId"]))
    if schedule is None or schedule.start <= call.tenant.now():
        raise refuse(400, "RequestCannotBeCancelled", "The request cannot be canceled.")
    del call.tenant.role_schedules[schedule.id]
    document["status"] = "Canceled"
    return Response(204)


def list_instances(call: GraphCall) -> Response:
    """The assignments in effect now, with their ends."""
    kept = [document for document in _instances(call) if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _INSTANCE_NAME, kept)


def get_instance(call: GraphCall) -> Response:
    """One assignment in effect."""
    for document in _instances(call):
        if document["id"] == call.parameters["instance"]:
            return entity(call.cloud.url, call.query, _INSTANCE_NAME, document)
    raise not_found(call.parameters["instance"])


def list_schedules(call: GraphCall) -> Response:
    """The assignments in effect and those still to come; direct ones are among them."""
    require_licence(call)
    now, tenant = call.tenant.now(), call.tenant
    documents = [schedule_document(each) for each in tenant.role_schedules.values()]
    kept = [
        document
        for document, schedule in zip(documents, tenant.role_schedules.values(), strict=True)
        if not schedule.over(now)
    ]
    for each in tenant.role_assignments.values():
        direct = RoleSchedule(
            id=each.id,
            principal_id=each.principal_id,
            role_id=each.role_id,
            scope=each.scope,
            created=each.created,
            start=each.created,
            end=None,
            request_id="",
            assignment_id=each.id,
            visible_from=each.created,
        )
        kept.append(schedule_document(direct))
    shown = [expanded(call, item) for item in kept if tenant.holder_exists(item["principalId"])]
    found = [document for document in shown if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _SCHEDULE_NAME, found)


def schedule_document(schedule: RoleSchedule) -> dict[str, Any]:
    """What PIM keeps of an assignment or an eligibility, from when until when."""
    kind = "noExpiration" if schedule.end is None else "afterDateTime"
    return {
        "id": schedule.id,
        "principalId": schedule.principal_id,
        "roleDefinitionId": schedule.role_id,
        "directoryScopeId": schedule.scope,
        "appScopeId": None,
        "createdUsing": schedule.request_id or None,
        "createdDateTime": stamp(schedule.created),
        "modifiedDateTime": None,
        "status": "Provisioned",
        "memberType": "Direct",
        "scheduleInfo": {
            "startDateTime": stamp(schedule.start),
            "recurrence": None,
            "expiration": {"type": kind, "duration": None, "endDateTime": stamp(schedule.end)},
        },
    }


def require_permission(call: GraphCall, alternatives: tuple[str, ...]) -> None:
    """Refuse a caller without any of these permissions, naming the first."""
    if not call.has(alternatives):
        raise refuse(
            403,
            "PermissionScopeNotGranted",
            f"Authorization failed due to missing permission scope {alternatives[0]}.",
        )


def require_licence(call: GraphCall) -> None:
    """Refuse where Privileged Identity Management was not bought."""
    if not call.tenant.privileged_identity_management:
        raise refuse(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance "
            "license.",
        )


def require_known(call: GraphCall, terms: Terms) -> None:
    """Refuse a principal that this replica has not seen yet, and a role that does not exist."""
    if not principal_seen(call, terms.principal_id):
        raise refuse(400, "SubjectNotFound", "The subject is not found.")
    if terms.role_id not in ROLES:
        raise refuse(400, "RoleNotFound", "The role is not found.")


Existing = RoleSchedule | RoleAssignment | None


def _existing(call: GraphCall, terms: Terms) -> Existing:
    """The schedule or direct assignment of this role to this principal, running or to come."""
    now = call.tenant.now()
    for schedule in call.tenant.role_schedules.values():
        same = (schedule.principal_id, schedule.role_id) == (terms.principal_id, terms.role_id)
        if same and not schedule.over(now):
            return schedule
    for assignment in call.tenant.role_assignments.values():
        if (assignment.principal_id, assignment.role_id) == (terms.principal_id, terms.role_id):
            return assignment
    return None


def _assign(call: GraphCall, terms: Terms, existing: Existing) -> tuple[str, str | None]:
    if existing is not None:
        raise refuse(400, "RoleAssignmentExists", "The Role assignment already exists.")
    check_terms(call.tenant.role_policy, terms)
    if terms.validation_only:
        return "Granted", None
    now = call.tenant.now()
    delay = call.tenant.knobs.schedule_seconds
    schedule = RoleSchedule(
        id=new_id(),
        principal_id=terms.principal_id,
        role_id=terms.role_id,
        scope=terms.scope,
        created=now,
        start=terms.start,
        end=terms.end,
        request_id="",
        assignment_id=new_assignment_id(),
        visible_from=call.moment_before(-delay),
    )
    call.tenant.role_schedules[schedule.id] = schedule
    note(call, "Add member to role completed (PIM activation)", "Assign", terms)
    if terms.start > now:
        return "PendingScheduleCreation", schedule.id
    return ("PendingProvisioning" if delay else "Provisioned"), schedule.id


def _update(call: GraphCall, terms: Terms, existing: Existing) -> tuple[str, str | None]:
    if not isinstance(existing, RoleSchedule):
        raise refuse(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
    check_terms(call.tenant.role_policy, terms)
    if terms.validation_only:
        return "Granted", existing.id
    existing.end = terms.end
    note(call, "Update role assignment (PIM)", "Update", terms)
    return "Provisioned", existing.id


def _remove(call: GraphCall, terms: Terms, existing: Existing) -> str:
    if existing is None:
        raise refuse(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
    check_removal(
        existing.start if isinstance(existing, RoleSchedule) else existing.created,
        call.tenant.now(),
    )
    if not terms.validation_only:
        call.tenant.role_schedules.pop(existing.id, None)
        call.tenant.role_assignments.pop(existing.id, None)
        note(call, "Remove member from role (PIM)", "Unassign", terms)
    return "Revoked"


def note(call: GraphCall, activity: str, operation: str, terms: Terms) -> None:
    """Write what was done about a role into the audit log."""
    now = call.tenant.now()
    note_change(
        call,
        activity,
        operation,
        RoleAssignment("", terms.principal_id, terms.role_id, terms.scope, now),
    )


def request_document(
    call: GraphCall, terms: Terms, status: str, schedule_id: str | None
) -> dict[str, Any]:
    """What a request is answered with, and shown as later."""
    now = stamp(call.tenant.now())
    principal = call.principal
    return {
        "id": new_id(),
        "status": status,
        "createdDateTime": now,
        "completedDateTime": now,
        "approvalId": None,
        "customData": None,
        "action": terms.action,
        "principalId": terms.principal_id,
        "roleDefinitionId": terms.role_id,
        "directoryScopeId": terms.scope,
        "appScopeId": None,
        "isValidationOnly": terms.validation_only,
        "targetScheduleId": schedule_id,
        "justification": terms.justification,
        "createdBy": {
            "application": None,
            "device": None,
            "user": {"displayName": None, "id": principal.id if principal else None},
        },
        "scheduleInfo": terms.schedule_document(),
        "ticketInfo": terms.ticket,
    }


def _request(call: GraphCall) -> dict[str, Any]:
    document = call.tenant.role_requests.get(call.parameters["request"])
    if document is None:
        raise not_found(call.parameters["request"])
    return document


def _instances(call: GraphCall) -> list[dict[str, Any]]:
    """Schedules in effect, and direct assignments, which never end."""
    require_licence(call)
    documents = []
    for assignment in call.tenant.current_assignments():
        schedule = call.tenant.role_schedules.get(assignment.schedule_id or "")
        documents += shown(
            call,
            {
                "id": assignment.id,
                "principalId": assignment.principal_id,
                "roleDefinitionId": assignment.role_id,
                "directoryScopeId": assignment.scope,
                "appScopeId": None,
                "startDateTime": stamp(schedule.start) if schedule else None,
                "endDateTime": stamp(schedule.end) if schedule else None,
                "assignmentType": "Assigned",
                "memberType": "Direct",
                "roleAssignmentOriginId": assignment.id,
                "roleAssignmentScheduleId": schedule.id if schedule else assignment.id,
            },
        )
    return documents


def shown(call: GraphCall, instance: dict[str, Any]) -> list[dict[str, Any]]:
    """An instance and, where a group holds it, one more for each member, as the member's own."""
    group = call.tenant.groups.get(instance["principalId"])
    members = group.members if group else []
    rows = [instance | {"principalId": one, "memberType": "Group"} for one in members]
    return [expanded(call, row) for row in (instance, *rows)]


def expanded(call: GraphCall, document: dict[str, Any]) -> dict[str, Any]:
    """A document with what `$expand` asks for."""
    extra: dict[str, Any] = {}
    if "principal" in call.query.expand and call.tenant.holder_exists(document["principalId"]):
        extra["principal"] = principal_document(call, document["principalId"])
    if "roleDefinition" in call.query.expand:
        extra["roleDefinition"] = role_view(ROLES[document["roleDefinitionId"]])
    return document | extra


ROUTES = (
    # Which permission a request needs depends on its action.
    Route("POST", _NAME, create_request, (), area="pim"),
    Route("GET", _NAME, list_requests, _READ, REQUESTS, area="pim"),
    Route("GET", _NAME + "/{request}", get_request, _READ, _ONE, area="pim"),
    Route("POST", _NAME + "/{request}/cancel", cancel_request, _WRITE, area="pim"),
    Route("GET", _SCHEDULE_NAME, list_schedules, _READ, INSTANCES, area="pim"),
    Route("GET", _INSTANCE_NAME, list_instances, _READ, INSTANCES, area="pim"),
    Route("GET", _INSTANCE_NAME + "/{instance}", get_instance, _READ, _ONE, area="pim"),
)

"""Roles that somebody may activate whenever they like: the other half of PIM."""

from typing import Any

from simulator.directory.objects import RoleSchedule
from simulator.directory.views import stamp
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import refuse
from simulator.graph.odata import collection, entity
from simulator.graph.pim import (
    INSTANCES,
    REQUESTS,
    expanded,
    note,
    request_document,
    require_known,
    require_licence,
    require_permission,
    schedule_document,
    shown,
)
from simulator.graph.pim_rules import Terms, read_terms
from simulator.wire import RefusalError, Response

_WRITE = ("RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
_READ = (
    "RoleEligibilitySchedule.Read.Directory",
    *_WRITE,
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
)
_REMOVE = "RoleEligibilitySchedule.Remove.Directory"
_NAME = "roleManagement/directory/roleEligibilityScheduleRequests"
_INSTANCE_NAME = "roleManagement/directory/roleEligibilityScheduleInstances"
_SCHEDULE_NAME = "roleManagement/directory/roleEligibilitySchedules"


def create_request(call: GraphCall) -> Response:
    """Handle one request: make eligible, change until when, or take the eligibility away."""
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
        call.tenant.role_eligibility_requests[document["id"]] = document
    return entity(call.cloud.url, call.query, _NAME, document, 201)


def list_requests(call: GraphCall) -> Response:
    """Every request that was made."""
    requests = call.tenant.role_eligibility_requests.values()
    documents = [expanded(call, item) for item in requests]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _NAME, kept)


def list_instances(call: GraphCall) -> Response:
    """The eligibilities in effect now, with their ends."""
    require_licence(call)
    now = call.tenant.now()
    documents = [
        row
        for schedule in call.tenant.role_eligibilities.values()
        if schedule.active(now) and call.tenant.holder_exists(schedule.principal_id)
        for row in shown(call, _instance(schedule))
    ]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _INSTANCE_NAME, kept)


def list_schedules(call: GraphCall) -> Response:
    """The eligibilities in effect and those still to come."""
    require_licence(call)
    documents = [
        expanded(call, schedule_document(schedule))
        for schedule in call.tenant.role_eligibilities.values()
        if not schedule.over(call.tenant.now()) and call.tenant.holder_exists(schedule.principal_id)
    ]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, _SCHEDULE_NAME, kept)


def _existing(call: GraphCall, terms: Terms) -> RoleSchedule | None:
    now = call.tenant.now()
    for schedule in call.tenant.role_eligibilities.values():
        same = (schedule.principal_id, schedule.role_id) == (terms.principal_id, terms.role_id)
        if same and not schedule.over(now):
            return schedule
    return None


def _assign(call: GraphCall, terms: Terms, existing: RoleSchedule | None) -> tuple[str, str | None]:
    if existing is not None:
        raise refuse(400, "RoleAssignmentExists", "The Role assignment already exists.")
    if terms.validation_only:
        return "Granted", None
    schedule = call.tenant.make_eligible(
        terms.principal_id, terms.role_id, start=terms.start, end=terms.end
    )
    life = "permanent" if terms.end is None else "timebound"
    note(call, f"Add eligible member to role in PIM completed ({life})", "Assign", terms)
    return "Provisioned", schedule.id


def _update(call: GraphCall, terms: Terms, existing: RoleSchedule | None) -> tuple[str, str | None]:
    if existing is None:
        raise _missing()
    if not terms.validation_only:
        existing.end = terms.end
        note(call, "Update eligible member in role (PIM)", "Update", terms)
    return "Provisioned", existing.id


def _remove(call: GraphCall, terms: Terms, existing: RoleSchedule | None) -> str:
    if existing is None:
        raise _missing()
    if not terms.validation_only:
        del call.tenant.role_eligibilities[existing.id]
        activity = "Remove eligible member from role in PIM completed (permanent)"
        note(call, activity, "Unassign", terms)
    return "Revoked"


def _missing() -> RefusalError:
    return refuse(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")


def _instance(schedule: RoleSchedule) -> dict[str, Any]:
    return {
        "id": schedule.assignment_id,
        "principalId": schedule.principal_id,
        "roleDefinitionId": schedule.role_id,
        "directoryScopeId": schedule.scope,
        "appScopeId": None,
        "startDateTime": stamp(schedule.start),
        "endDateTime": stamp(schedule.end),
        "memberType": "Direct",
        "roleEligibilityScheduleId": schedule.id,
    }


ROUTES = (
    # Which permission a request needs depends on its action.
    Route("POST", _NAME, create_request, (), area="pim"),
    Route("GET", _NAME, list_requests, _READ, REQUESTS, area="pim"),
    Route("GET", _SCHEDULE_NAME, list_schedules, _READ, INSTANCES, area="pim"),
    Route("GET", _INSTANCE_NAME, list_instances, _READ, INSTANCES, area="pim"),
)

"""The logs of the directory: what was changed, and who signed in."""

from datetime import datetime, timedelta
from typing import Any

from simulator.directory.tenant import Tenant
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, not_found, refuse
from simulator.graph.odata import Options, collection, entity
from simulator.wire import Response

_READ = ("AuditLog.Read.All",)
_KEPT = timedelta(days=30)
_NAMES = frozenset({"$filter", "$top", "$orderby", "$skiptoken"})
_AUDITS = Options(
    _NAMES,
    {
        "activityDateTime": "eq ge le gt lt",
        "activityDisplayName": "eq startswith",
        "category": "eq",
        "correlationId": "eq",
        "loggedByService": "eq",
        "id": "eq",
        "result": "eq",
        "initiatedBy/user/id": "eq",
        "initiatedBy/user/userPrincipalName": "eq startswith",
        "initiatedBy/user/displayName": "eq",
        "initiatedBy/app/appId": "eq",
        "initiatedBy/app/servicePrincipalId": "eq",
        "initiatedBy/app/displayName": "eq",
        "targetResources/id": "eq",
        "targetResources/displayName": "eq startswith",
        "targetResources/userPrincipalName": "eq startswith",
    },
    sortable=("activityDateTime",),
)
_SIGN_INS = Options(
    _NAMES,
    {
        "createdDateTime": "eq ge le gt lt",
        "userId": "eq",
        "userPrincipalName": "eq startswith",
        "userDisplayName": "eq startswith",
        "appId": "eq",
        "appDisplayName": "eq startswith",
        "id": "eq",
        "ipAddress": "eq startswith",
        "status/errorCode": "eq",
        "correlationId": "eq",
    },
    sortable=("createdDateTime",),
)


def list_audits(call: GraphCall) -> Response:
    """Changes, newest first."""
    found = _visible(call, call.tenant.directory_audits, "activityDateTime")
    return collection(call.cloud.url, call.request, call.query, "auditLogs/directoryAudits", found)


def get_audit(call: GraphCall) -> Response:
    """One change."""
    for document in _visible(call, call.tenant.directory_audits, "activityDateTime"):
        if document["id"] == call.parameters["entry"]:
            return entity(call.cloud.url, call.query, "auditLogs/directoryAudits", document)
    raise not_found(call.parameters["entry"])


def list_sign_ins(call: GraphCall) -> Response:
    """Sign-ins, newest first; only for tenants with a premium licence."""
    _require_premium(call.tenant)
    found = _visible(call, call.tenant.sign_ins, "createdDateTime")
    return collection(call.cloud.url, call.request, call.query, "auditLogs/signIns", found)


def _require_premium(tenant: Tenant) -> None:
    if not tenant.premium:
        raise refuse(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )


def _visible(call: GraphCall, entries: list[dict[str, Any]], when: str) -> list[dict[str, Any]]:
    """The entries that have arrived in the log, fit the filter, and are not too old."""
    now = call.tenant.now()
    arrived = call.moment_before(call.tenant.knobs.audit_seconds)
    if not call.tenant.premium:
        _refuse_old(call, now)
    found = []
    for entry in entries:
        moment = datetime.fromisoformat(entry[when])
        if now - _KEPT <= moment <= arrived and call.query.predicate(entry):
            found.append(entry)
    if call.query.order is None:
        found.sort(key=lambda entry: str(entry[when]), reverse=True)
    return found


def _refuse_old(call: GraphCall, now: datetime) -> None:
    """Without a premium licence a start before the kept window is refused."""
    parsed = call.query.filter
    for moment in parsed.starts if parsed else ():
        if moment < now - _KEPT - timedelta(minutes=1):
            raise bad_request("The start date is too old for the licence of this tenant.")


ROUTES = (
    Route("GET", "auditLogs/directoryAudits", list_audits, _READ, _AUDITS, area="audit"),
    Route("GET", "auditLogs/directoryAudits/{entry}", get_audit, _READ, area="audit"),
    Route("GET", "auditLogs/signIns", list_sign_ins, _READ, _SIGN_INS, area="audit"),
)

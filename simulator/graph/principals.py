"""Service principals: the applications in a tenant, their owners, what was consented.

Beside them the registration of an application, in its home tenant.
"""

import uuid
from typing import Any

from simulator.applications import Application
from simulator.directory.objects import ServicePrincipal
from simulator.directory.views import principal_view, stamp
from simulator.environment import GRAPH_APP_ID
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import not_found
from simulator.graph.odata import SELECT, Options, collection, entity
from simulator.graph.permissions import PERMISSION_IDS
from simulator.graph.roles import principal_document
from simulator.wire import Response

_READ = (
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_LIST = Options(
    frozenset({"$select", "$filter", "$top", "$skiptoken"}),
    {"appId": "eq in", "id": "eq in", "displayName": "eq startswith"},
)


def list_principals(call: GraphCall) -> Response:
    """The applications in the tenant."""
    found = [principal_view(item) for item in call.tenant.service_principals.values()]
    kept = [document for document in found if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, "servicePrincipals", kept)


def get_principal(call: GraphCall) -> Response:
    """One application, by object id or as `servicePrincipals(appId='...')`."""
    document = principal_view(principal_named(call))
    return entity(call.cloud.url, call.query, "servicePrincipals", document)


def list_owners(call: GraphCall) -> Response:
    """The owners of an application in this tenant."""
    found = [
        principal_document(call, owner)
        for owner in principal_named(call).owners
        if call.tenant.holder_exists(owner)
    ]
    return collection(call.cloud.url, call.request, call.query, "directoryObjects", found)


def list_consents(call: GraphCall) -> Response:
    """The application permissions on Graph that were consented."""
    principal = principal_named(call)
    resource = str(uuid.uuid5(uuid.UUID(call.tenant.id), GRAPH_APP_ID))
    documents: list[dict[str, Any]] = [
        {
            "id": str(uuid.uuid5(uuid.UUID(principal.id), name)),
            "deletedDateTime": None,
            "appRoleId": permission_id(name),
            "createdDateTime": stamp(call.tenant.now()),
            "principalDisplayName": principal.display_name,
            "principalId": principal.id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": resource,
        }
        for name in sorted(principal.permissions)
    ]
    return collection(call.cloud.url, call.request, call.query, "appRoleAssignments", documents)


def get_application(call: GraphCall) -> Response:
    """An application that is registered in this tenant, never the value of its secrets."""
    wanted = call.parameters["application"]
    application = call.cloud.applications.get(wanted)
    if application is None or application.home_tenant != call.tenant.id:
        raise not_found(wanted)
    return entity(call.cloud.url, call.query, "applications", _application(application))


def _application(application: Application) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.UUID(application.app_id), "application")),
        "deletedDateTime": None,
        "appId": application.app_id,
        "displayName": application.display_name,
        "signInAudience": "AzureADMultipleOrgs" if application.multi_tenant else "AzureADMyOrg",
        "passwordCredentials": [
            {
                "keyId": str(uuid.uuid5(uuid.UUID(application.app_id), f"secret {number}")),
                "displayName": f"secret {number}",
                "customKeyIdentifier": None,
                "endDateTime": stamp(secret.expires) if secret.expires else None,
                "hint": secret.value[:3],
                "secretText": None,
                "startDateTime": None,
            }
            for number, secret in enumerate(application.secrets, 1)
        ],
        "keyCredentials": [
            {
                "keyId": str(uuid.uuid5(uuid.UUID(application.app_id), each.thumbprint)),
                "displayName": each.certificate.subject.rfc4514_string(),
                "customKeyIdentifier": None,
                "endDateTime": stamp(each.certificate.not_valid_after_utc),
                "key": None,
                "startDateTime": stamp(each.certificate.not_valid_before_utc),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            }
            for each in application.certificates
        ],
    }


def permission_id(name: str) -> str:
    """The id of an application permission; one that is not in the table gets a made-up id."""
    return PERMISSION_IDS.get(name) or str(uuid.uuid5(uuid.UUID(GRAPH_APP_ID), name))


def principal_named(call: GraphCall) -> ServicePrincipal:
    """The application that the path names, by object id or by its app id."""
    wanted = call.parameters.get("application") or call.parameters["principal"]
    for principal in call.tenant.service_principals.values():
        if wanted in (principal.app_id, principal.id):
            return principal
    raise not_found(wanted)


_BY_APP = "servicePrincipals(appId='{application}')"
_BY_ID = "servicePrincipals/{principal}"
_PAGED = Options(frozenset({"$select", "$top", "$skiptoken"}))
ROUTES = (
    Route("GET", "applications(appId='{application}')", get_application, _READ, SELECT),
    Route("GET", "servicePrincipals", list_principals, _READ, _LIST),
    *(
        route
        for base in (_BY_APP, _BY_ID)
        for route in (
            Route("GET", base, get_principal, _READ, SELECT),
            Route("GET", f"{base}/owners", list_owners, _READ, _PAGED),
            Route("GET", f"{base}/appRoleAssignments", list_consents, _READ, _PAGED),
        )
    ),
)

"""Writing the directory's audit log, as a by-product of every change."""

from typing import Any

from simulator.directory.objects import Group, ServicePrincipal, User, new_id
from simulator.directory.views import stamp
from simulator.graph.call import GraphCall


def record(
    call: GraphCall,
    activity: str,
    category: str,
    operation: str,
    targets: list[dict[str, Any]],
    changes: dict[str, Any] | None = None,
) -> None:
    """Append one entry. Values of secrets are never part of `changes`."""
    modified = [
        {"displayName": name, "oldValue": None, "newValue": f'["{value}"]'}
        for name, value in (changes or {}).items()
    ]
    for target in targets[:1]:
        target["modifiedProperties"] = modified
    call.tenant.directory_audits.append(
        {
            "id": f"Directory_{new_id()}",
            "category": category,
            "correlationId": new_id(),
            "result": "success",
            "resultReason": "",
            "activityDisplayName": activity,
            "activityDateTime": stamp(call.tenant.now()),
            "loggedByService": "Core Directory",
            "operationType": operation,
            "initiatedBy": _initiator(call),
            "targetResources": targets,
            "additionalDetails": [],
        }
    )


def target(item: User | Group | ServicePrincipal | None, fallback: str = "") -> dict[str, Any]:
    """An object as the target of an entry."""
    kinds = {User: "User", Group: "Group", ServicePrincipal: "ServicePrincipal"}
    return {
        "id": item.id if item else fallback,
        "displayName": item.display_name if item else None,
        "type": kinds[type(item)] if item else "Other",
        "userPrincipalName": item.user_principal_name if isinstance(item, User) else None,
        "groupType": "azureAD" if isinstance(item, Group) else None,
        "modifiedProperties": [],
    }


def role_target(role_id: str, name: str) -> dict[str, Any]:
    """A role as the target of an entry."""
    return target(None, role_id) | {"displayName": name, "type": "Role"}


def _initiator(call: GraphCall) -> dict[str, Any]:
    person = call.person
    if person is not None:
        return {
            "app": None,
            "user": {
                "id": person.id,
                "displayName": person.display_name,
                "userPrincipalName": person.user_principal_name,
                "ipAddress": "127.0.0.1",
            },
        }
    principal = call.principal
    return {
        "user": None,
        "app": {
            "appId": call.app_id,
            "displayName": principal.display_name if principal else None,
            "servicePrincipalId": principal.id if principal else None,
            "servicePrincipalName": None,
        },
    }

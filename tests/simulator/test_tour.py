"""Every documented operation, once, against its documented schema."""

from tests.simulator.openapi import documented_operations
from tests.simulator.world import GOOD_PASSWORD, World, code_of

READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
ROLES = "roleManagement/directory"
# Not played: the list of deleted objects of every type; the typed list is.
NOT_PLAYED = {("GET", "/directory/deletedItems")}


def test_every_documented_operation_answers_as_documented(world: World) -> None:
    fabrikam = world.demo.fabrikam
    _tour_accounts(world)
    _tour_methods(world)
    _tour_roles(world)
    _tour_groups_and_tenant(world)
    missing = documented_operations() - world.operations - NOT_PLAYED
    assert missing == set()
    assert fabrikam.users


def _tour_accounts(world: World) -> None:
    user = world.create_user()
    path = f"users/{user.id}"
    for patch in (
        {"accountEnabled": True},
        {"displayName": "Jit"},
        {"employeeType": "JIT"},
        {"passwordProfile": {"password": "Another-Horse-43"}},
        {"onPremisesExtensionAttributes": {"extensionAttribute1": "curfew"}},
    ):
        assert world.graph("PATCH", path, patch).status_code == 204
    select = "id,accountEnabled,employeeType,lastPasswordChangeDateTime,onPremisesSyncEnabled"
    assert world.graph("GET", path, select=select).json()["accountEnabled"] is True
    assert world.graph("GET", "users", top="2").json()["@odata.nextLink"]
    assert world.graph("POST", f"{path}/revokeSignInSessions").json()["value"] is True
    assert world.graph("GET", f"{path}/memberOf").status_code == 200
    assert world.graph("GET", f"{path}/transitiveMemberOf").status_code == 200
    _tour_memberships(world)
    assert world.graph("DELETE", path).status_code == 204
    for name in ("microsoft.graph.user", "graph.user"):
        assert len(world.graph("GET", f"directory/deletedItems/{name}").json()["value"]) == 1
    assert world.graph("GET", f"directory/deletedItems/{user.id}").status_code == 200
    assert world.graph("POST", f"directory/deletedItems/{user.id}/restore").status_code == 200
    assert world.graph("DELETE", path).status_code == 204
    assert world.graph("DELETE", f"directory/deletedItems/{user.id}").status_code == 204
    assert code_of(world.graph("GET", path)) == "Request_ResourceNotFound"


def _tour_memberships(world: World) -> None:
    home, ann = world.demo.home, world.demo.people["ann"]
    halo = home.principal_of(world.demo.halo.app_id)
    assert halo is not None
    group = home.add_group("Technicians", members=(ann.id, halo.id))
    for path in (f"users/{ann.id}", f"servicePrincipals/{halo.id}"):
        body = {"groupIds": [group.id]}
        answer = world.graph("POST", f"{path}/checkMemberGroups", body, tenant=home)
        assert answer.json()["value"] == [group.id]


def _tour_methods(world: World) -> None:
    user = world.contoso.user("clerk@contoso.onmicrosoft.com")
    path = f"users/{user.id}/authentication"
    made = world.graph("POST", f"{path}/temporaryAccessPassMethods", {"lifetimeInMinutes": 60})
    assert made.status_code == 201
    one = f"{path}/temporaryAccessPassMethods/{made.json()['id']}"
    kinds = ("phone", "fido2", "microsoftAuthenticator", "softwareOath")
    for kind in kinds:
        world.contoso.register_method(user.id, kind)
    assert len(world.graph("GET", f"{path}/methods").json()["value"]) == 6
    for method in list(user.methods.values()):
        assert world.graph("GET", f"{path}/methods/{method.id}").status_code == 200
        kind_path = f"{path}/{method.kind}Methods"
        assert world.graph("GET", kind_path).json()["value"][0]["id"] == method.id
        assert world.graph("GET", f"{kind_path}/{method.id}").status_code == 200
        assert world.graph("DELETE", f"{kind_path}/{method.id}").status_code == 204
    assert world.graph("GET", f"{path}/temporaryAccessPassMethods").status_code == 200
    assert world.graph("GET", one).status_code == 200
    assert world.graph("DELETE", one).status_code == 204


def _tour_roles(world: World) -> None:
    tenant = world.demo.fabrikam
    user = world.create_user("jit", tenant=tenant)
    made = world.give_role(user, READER, tenant=tenant)
    assert made.status_code == 201
    one = f"{ROLES}/roleAssignments/{made.json()['id']}"
    expand = "principal,roleDefinition"
    listed = world.graph("GET", f"{ROLES}/roleAssignments", tenant=tenant, expand=expand)
    assert len(listed.json()["value"]) == 4
    assert world.graph("GET", one, tenant=tenant).status_code == 200
    assert world.graph("DELETE", one, tenant=tenant).status_code == 204
    assert world.graph("GET", f"{ROLES}/roleDefinitions", tenant=tenant).status_code == 200
    assert world.graph("GET", f"{ROLES}/roleDefinitions/{READER}", tenant=tenant).status_code == 200
    request = {
        "action": "adminAssign",
        "principalId": user.id,
        "roleDefinitionId": READER,
        "directoryScopeId": "/",
        "justification": "REQ-123",
        "ticketInfo": {"ticketNumber": "123", "ticketSystem": "halo"},
        "scheduleInfo": {
            "startDateTime": "2026-11-21T12:00:00Z",
            "expiration": {"type": "afterDuration", "duration": "PT2H"},
        },
    }
    requests, instances = (
        f"{ROLES}/roleAssignmentScheduleRequests",
        (f"{ROLES}/roleAssignmentScheduleInstances"),
    )
    asked = world.graph("POST", requests, request, tenant=tenant)
    assert asked.status_code == 201
    assert world.graph("GET", requests, tenant=tenant).status_code == 200
    one = f"{requests}/{asked.json()['id']}"
    assert world.graph("GET", one, tenant=tenant).status_code == 200
    assert world.graph("POST", f"{one}/cancel", tenant=tenant).status_code == 204
    listed = world.graph("GET", instances, tenant=tenant, expand=expand)
    first = listed.json()["value"][0]["id"]
    assert world.graph("GET", f"{instances}/{first}", tenant=tenant).status_code == 200


def _tour_groups_and_tenant(world: World) -> None:
    tenant = world.contoso
    group = tenant.add_group("Exclusions")
    user = tenant.user(f"clerk@{tenant.domain}")
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user.id}"}
    path = f"groups/{group.id}/members"
    assert world.graph("POST", f"{path}/$ref", reference).status_code == 204
    assert len(world.graph("GET", path).json()["value"]) == 1
    assert world.graph("DELETE", f"{path}/{user.id}/$ref").status_code == 204
    for name in ("organization", f"organization/{tenant.id}", "domains"):
        assert world.graph("GET", name).status_code == 200
    assert world.graph("GET", f"domains/{tenant.domain}").json()["isVerified"] is True
    batch = {"requests": [{"id": "1", "method": "GET", "url": "/organization"}]}
    assert world.graph("POST", "$batch", batch).json()["responses"][0]["status"] == 200


def test_what_the_document_does_not_list_answers_too(world: World) -> None:
    principal = world.contoso.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    by_app = f"servicePrincipals(appId='{world.demo.curfew.app_id}')"
    assert world.graph("GET", by_app).json()["id"] == principal.id
    principal.owners.append(world.contoso.user(f"admin@{world.contoso.domain}").id)
    owners = world.graph("GET", f"servicePrincipals/{principal.id}/owners").json()["value"]
    assert [owner["displayName"] for owner in owners] == ["Contoso Administrator"]
    consented = world.graph("GET", f"{by_app}/appRoleAssignments").json()["value"]
    assert "741f803b-c850-494e-b5df-cde7c675a1ca" in {item["appRoleId"] for item in consented}
    skus = world.graph("GET", "subscribedSkus").json()["value"]
    assert [sku["skuPartNumber"] for sku in skus] == ["AAD_PREMIUM"]
    assert len(world.graph("GET", "groups", filter="displayName eq 'All staff'").json()["value"])
    assert GOOD_PASSWORD


def test_every_error_has_the_documented_body_and_ids(world: World) -> None:
    headers = {"client-request-id": "11111111-2222-3333-4444-555555555555"}
    response = world.graph("GET", "users/nobody@contoso.onmicrosoft.com", headers=headers)
    error = response.json()["error"]
    assert response.status_code == 404
    assert error["code"] == "Request_ResourceNotFound"
    assert error["innerError"]["request-id"] == response.headers["request-id"]
    assert error["innerError"]["client-request-id"] == headers["client-request-id"]

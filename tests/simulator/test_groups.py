"""Groups: members, the guard of role-assignable ones, and a dangerous address."""

import pytest

from simulator.directory.objects import Group
from tests.simulator.world import World, code_of


def reference(object_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}


@pytest.fixture
def group(world: World) -> Group:
    return world.contoso.add_group("Exclusions")


def test_a_member_is_added_once_and_removed_once(world: World, group: Group) -> None:
    user = world.create_user()
    path = f"groups/{group.id}/members"
    assert world.graph("POST", f"{path}/$ref", reference(user.id)).status_code == 204
    again = world.graph("POST", f"{path}/$ref", reference(user.id))
    assert again.status_code == 400
    assert "already exist" in again.json()["error"]["message"]
    assert world.graph("DELETE", f"{path}/{user.id}/$ref").status_code == 204
    gone = world.graph("DELETE", f"{path}/{user.id}/$ref")
    assert (gone.status_code, code_of(gone)) == (404, "Request_ResourceNotFound")
    assert user.id in world.contoso.users


def test_without_ref_the_member_itself_is_deleted(world: World, group: Group) -> None:
    user = world.create_user()
    group.members.append(user.id)
    assert world.graph("DELETE", f"groups/{group.id}/members/{user.id}").status_code == 204
    assert user.id in world.contoso.deleted_users


def test_an_unknown_object_cannot_be_added(world: World, group: Group) -> None:
    path = f"groups/{group.id}/members/$ref"
    unknown = reference("00000000-0000-0000-0000-00000000dead")
    assert world.graph("POST", path, unknown).status_code == 404
    for body in ({}, {"@odata.id": "nonsense"}, {"@odata.id": 5}):
        assert world.graph("POST", path, body).status_code == 400
    assert world.graph("POST", "groups/none/members/$ref", unknown).status_code == 404


def test_a_new_account_cannot_be_added_before_it_has_replicated(world: World, group: Group) -> None:
    world.contoso.knobs.replication_reads = 1
    user = world.create_user()
    path = f"groups/{group.id}/members/$ref"
    assert world.graph("POST", path, reference(user.id)).status_code == 404
    assert world.graph("POST", path, reference(user.id)).status_code == 204


def test_a_role_assignable_group_takes_a_second_permission(world: World) -> None:
    tenant = world.customer("GroupMember.ReadWrite.All")
    user = tenant.add_user("target")
    group = tenant.add_group("Tier 0", role_assignable=True)
    path = f"groups/{group.id}/members/$ref"
    denied = world.graph("POST", path, reference(user.id), tenant=tenant)
    assert denied.status_code == 403
    tenant.consent(world.demo.curfew.app_id, "Curfew", {"RoleManagement.ReadWrite.Directory"})
    world.app_token(tenant, fresh=True)
    assert world.graph("POST", path, reference(user.id), tenant=tenant).status_code == 204


def test_dynamic_and_synced_groups_refuse_changes(world: World) -> None:
    user = world.create_user()
    for group in (
        world.contoso.add_group("Dynamic", dynamic=True),
        world.contoso.add_group("Synced", synced=True),
    ):
        path = f"groups/{group.id}/members/$ref"
        assert world.graph("POST", path, reference(user.id)).status_code == 400


def test_a_role_assignable_group_contains_no_groups(world: World, group: Group) -> None:
    outer = world.contoso.add_group("Tier 0", role_assignable=True)
    path = f"groups/{outer.id}/members/$ref"
    assert world.graph("POST", path, reference(group.id)).status_code == 400


def test_memberships_name_groups_and_roles(world: World, group: Group) -> None:
    user = world.create_user()
    group.members.append(user.id)
    outer = world.contoso.add_group("Outer", members=(group.id,))
    world.contoso.assign_role(user.id, "Security Reader")
    direct = world.graph("GET", f"users/{user.id}/memberOf").json()["value"]
    assert {(item["@odata.type"], item["displayName"]) for item in direct} == {
        ("#microsoft.graph.group", "Exclusions"),
        ("#microsoft.graph.directoryRole", "Security Reader"),
    }
    deep = world.graph("GET", f"users/{user.id}/transitiveMemberOf").json()["value"]
    assert outer.id in {item["id"] for item in deep}
    body = {"securityEnabledOnly": True}
    ids = world.graph("POST", f"users/{user.id}/getMemberObjects", body).json()["value"]
    assert set(ids) == {group.id, outer.id}
    assert world.graph("POST", f"users/{user.id}/getMemberObjects", {}).status_code == 400


def test_membership_of_named_groups_is_transitive_and_names_no_others(world: World) -> None:
    home, ann = world.demo.home, world.demo.people["ann"]
    inner = home.add_group("Level one", members=(ann.id,))
    outer = home.add_group("Technicians", members=(inner.id,))
    other = home.add_group("Others")
    path = f"users/{ann.id}/checkMemberGroups"
    body = {"groupIds": [outer.id.upper(), other.id]}
    assert world.graph("POST", path, body, tenant=home).json()["value"] == [outer.id]


def test_at_most_twenty_groups_are_checked_at_once(world: World) -> None:
    home, ann = world.demo.home, world.demo.people["ann"]
    path = f"users/{ann.id}/checkMemberGroups"
    for count, status in ((20, 200), (21, 400)):
        body = {"groupIds": [ann.id] * count}
        assert world.graph("POST", path, body, tenant=home).status_code == status
    assert world.graph("POST", path, {}, tenant=home).status_code == 400


def test_membership_is_told_to_who_may_read_people_and_groups(world: World) -> None:
    body: dict[str, list[str]] = {"groupIds": []}
    for permissions, status in (
        (("User.Read.All",), 403),
        (("GroupMember.Read.All",), 403),
        (("User.ReadBasic.All", "GroupMember.Read.All"), 200),
        (("Directory.Read.All",), 200),
    ):
        tenant = world.customer(*permissions)
        clerk = next(user for user in tenant.users.values() if "clerk" in user.user_principal_name)
        answer = world.graph("POST", f"users/{clerk.id}/checkMemberGroups", body, tenant=tenant)
        assert answer.status_code == status

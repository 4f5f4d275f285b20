"""Groups and who is in them."""

import re
from typing import Any

from simulator.directory.objects import Group
from simulator.directory.roles import ROLES
from simulator.directory.views import USER_DEFAULTS, group_view, user_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, denied, not_found, refuse
from simulator.graph.journal import record, target
from simulator.graph.odata import ADVANCED, SELECT, Options, collection, entity
from simulator.graph.principals import principal_named
from simulator.graph.roles import principal_seen
from simulator.graph.users import remove_user
from simulator.wire import Response

_READ = (
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_WRITE = ("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All")
_MEMBER_OF = (
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
# https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups
_CHECK_USER = (
    "User.ReadBasic.All+GroupMember.Read.All",
    "User.Read.All+GroupMember.Read.All",
    "User.Read.All+Group.Read.All",
    "Directory.Read.All",
)
_CHECK_PRINCIPAL = (
    "Application.Read.All",
    "Directory.Read.All",
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
)
_MOST_CHECKED = 20
_LIST = Options(
    ADVANCED,
    {
        "id": "eq in | ne",
        "displayName": "eq in startswith | ne endswith",
        "mailNickname": "eq in startswith | ne",
        "securityEnabled": "eq",
        "isAssignableToRole": "eq | ne",
        "createdDateTime": "ge le eq | ne",
    },
    sortable=("displayName", "createdDateTime"),
)
_OBJECTS = Options(
    frozenset({"$select", "$top", "$count", "$skiptoken", "$filter"}),
    {"id": "eq in | ne", "displayName": "eq startswith | ne"},
)
_REFERENCE = re.compile(r"/(?:directoryObjects|users|groups|servicePrincipals)/([^/]+)$")
_BAD_REFERENCE = "Invalid URL format specified in @odata.id for the reference update."


def list_groups(call: GraphCall) -> Response:
    """Groups that fit the filter."""
    documents = [group_view(group) for group in call.tenant.groups.values()]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, "groups", kept)


def get_group(call: GraphCall) -> Response:
    """One group."""
    return entity(call.cloud.url, call.query, "groups", group_view(_group(call)))


def list_members(call: GraphCall) -> Response:
    """The direct members; deleted accounts are not shown."""
    return _objects(call, [_object(call, member) for member in _group(call).members])


def list_owners(call: GraphCall) -> Response:
    """The owners."""
    return _objects(call, [_object(call, owner) for owner in _group(call).owners])


def add_member(call: GraphCall) -> Response:
    """Add a member: 204; 400 when it is one already; 404 when a replica does not know it."""
    group = _group(call)
    _require_writable(call, group)
    reference = call.body().get("@odata.id")
    found = _REFERENCE.search(reference) if isinstance(reference, str) else None
    if found is None:
        raise bad_request(_BAD_REFERENCE, "Request_BadRequest")
    member = found[1].lower()
    if not principal_seen(call, member):
        raise not_found(member)
    if group.role_assignable and member in call.tenant.groups:
        raise bad_request("A role-assignable group cannot contain groups.", "Request_BadRequest")
    if member in group.members:
        raise bad_request(
            "One or more added object references already exist for the following modified "
            "properties: 'members'.",
            "Request_BadRequest",
        )
    group.members.append(member)
    _note(call, "Add member to group", "Assign", group, member)
    return Response(204)


def remove_member(call: GraphCall) -> Response:
    """Take a member out: 204, or 404 when it is not in the group."""
    group, member = _group(call), call.parameters["member"].lower()
    _require_writable(call, group)
    if member not in group.members:
        raise refuse(
            404,
            "Request_ResourceNotFound",
            f"Resource '{member}' does not exist or one of its queried reference-property "
            "objects are not present. One or more removed object references do not exist.",
        )
    group.members.remove(member)
    _note(call, "Remove member from group", "Unassign", group, member)
    return Response(204)


def delete_member_object(call: GraphCall) -> Response:
    """DELETE without `/$ref` means the object, not the membership: the member is deleted."""
    member = call.tenant.users.get(call.parameters["member"].lower())
    if member is None or member.id not in _group(call).members:
        raise not_found(call.parameters["member"])
    deleting = ("User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
    if not call.has(deleting):
        raise denied()
    remove_user(call, member)
    return Response(204)


def list_member_of(call: GraphCall) -> Response:
    """The groups and directory roles that name the user itself."""
    user = call.user()
    groups = [_typed_group(group) for group in call.tenant.groups_of(user.id)]
    return _objects(call, [*groups, *_role_objects(call, {user.id})])


def list_transitive_member_of(call: GraphCall) -> Response:
    """The groups and directory roles of the user, also through other groups."""
    user = call.user()
    groups = call.tenant.all_groups_of(user.id)
    holders = {user.id, *(group.id for group in groups)}
    documents = [_typed_group(group) for group in groups]
    return _objects(call, [*documents, *_role_objects(call, holders)])


def get_member_objects(call: GraphCall) -> Response:
    """The ids of every group and role of a user; where a token's groups overflow to."""
    user, body = call.user(), call.body()
    if not isinstance(body.get("securityEnabledOnly"), bool):
        raise bad_request("A value is required for parameter 'securityEnabledOnly'.")
    ids = [group.id for group in call.tenant.all_groups_of(user.id)]
    if not body["securityEnabledOnly"]:
        holders = {user.id, *ids}
        ids += [item["id"] for item in _role_objects(call, holders)]
    context = f"{call.cloud.url}/v1.0/$metadata#Collection(Edm.String)"
    return Response(200, {"@odata.context": context, "value": ids})


def check_users_groups(call: GraphCall) -> Response:
    """Which of up to twenty groups a user is in, also through other groups."""
    return _checked(call, call.user().id)


def check_principals_groups(call: GraphCall) -> Response:
    """Which of up to twenty groups an application is in, also through other groups."""
    return _checked(call, principal_named(call).id)


def _checked(call: GraphCall, member_id: str) -> Response:
    asked = call.body().get("groupIds")
    if not isinstance(asked, list) or not all(isinstance(group, str) for group in asked):
        raise bad_request("A value is required for parameter 'groupIds'.")
    if len(asked) > _MOST_CHECKED:
        raise bad_request(
            f"The number of groupIds exceeds the maximum of {_MOST_CHECKED}.", "Request_BadRequest"
        )
    wanted = {group.lower() for group in asked}
    ids = [group.id for group in call.tenant.all_groups_of(member_id) if group.id in wanted]
    context = f"{call.cloud.url}/v1.0/$metadata#Collection(Edm.String)"
    return Response(200, {"@odata.context": context, "value": ids})


def _role_objects(call: GraphCall, holders: set[str]) -> list[dict[str, Any]]:
    """Active roles appear among memberships too, as `directoryRole` objects of this tenant."""
    held = {
        item.role_id for item in call.tenant.current_assignments() if item.principal_id in holders
    }
    return [
        {
            "@odata.type": "#microsoft.graph.directoryRole",
            "id": call.tenant.role_object_id(role_id),
            "deletedDateTime": None,
            "description": f"Built-in role {ROLES[role_id].name}.",
            "displayName": ROLES[role_id].name,
            "roleTemplateId": role_id,
        }
        for role_id in sorted(held)
    ]


def _objects(call: GraphCall, found: list[dict[str, Any] | None]) -> Response:
    documents = [item for item in found if item is not None and call.query.predicate(item)]
    name = "directoryObjects"
    return collection(call.cloud.url, call.request, call.query, name, documents)


def _object(call: GraphCall, object_id: str) -> dict[str, Any] | None:
    tenant = call.tenant
    if object_id in tenant.users:
        view = user_view(tenant.users[object_id])
        default = view if call.query.select else {name: view[name] for name in USER_DEFAULTS}
        return {"@odata.type": "#microsoft.graph.user"} | default
    if object_id in tenant.groups:
        return _typed_group(tenant.groups[object_id])
    principal = tenant.service_principals.get(object_id)
    if principal is None:
        return None
    return {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": principal.id,
        "appId": principal.app_id,
        "displayName": principal.display_name,
    }


def _typed_group(group: Group) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.group"} | group_view(group)


def _group(call: GraphCall) -> Group:
    group = call.tenant.groups.get(call.parameters["group"].lower())
    if group is None:
        raise not_found(call.parameters["group"])
    return group


def _require_writable(call: GraphCall, group: Group) -> None:
    """A role-assignable group is as guarded as the roles it may carry."""
    if group.role_assignable and not call.has(("RoleManagement.ReadWrite.Directory",)):
        raise denied()
    if group.dynamic or group.synced:
        raise bad_request(
            "Insufficient privileges to update the membership of a dynamic or on-premises "
            "mastered group.",
            "Request_BadRequest",
        )


def _note(call: GraphCall, activity: str, operation: str, group: Group, member: str) -> None:
    tenant = call.tenant
    item = tenant.users.get(member) or tenant.groups.get(member)
    targets = [target(item, member), target(group)]
    record(call, activity, "GroupManagement", operation, targets, {"Group.ObjectID": group.id})


ROUTES = (
    Route("GET", "groups", list_groups, _READ, _LIST),
    Route("GET", "groups/{group}", get_group, _READ, SELECT),
    Route("GET", "groups/{group}/members", list_members, _READ, _OBJECTS),
    Route("GET", "groups/{group}/owners", list_owners, _READ, _OBJECTS),
    Route("POST", "groups/{group}/members/$ref", add_member, _WRITE),
    Route("DELETE", "groups/{group}/members/{member}/$ref", remove_member, _WRITE),
    Route("DELETE", "groups/{group}/members/{member}", delete_member_object, _WRITE),
    Route("GET", "users/{user}/memberOf", list_member_of, _MEMBER_OF, _OBJECTS),
    Route(
        "GET", "users/{user}/transitiveMemberOf", list_transitive_member_of, _MEMBER_OF, _OBJECTS
    ),
    Route("POST", "users/{user}/getMemberObjects", get_member_objects, _MEMBER_OF),
    Route("POST", "users/{user}/checkMemberGroups", check_users_groups, _CHECK_USER),
    Route(
        "POST",
        "servicePrincipals/{principal}/checkMemberGroups",
        check_principals_groups,
        _CHECK_PRINCIPAL,
    ),
)

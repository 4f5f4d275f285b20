"""The bin: accounts deleted in the last thirty days."""

from simulator.directory.objects import User
from simulator.directory.views import USER_DEFAULTS, user_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import invalid_property, not_found
from simulator.graph.journal import record, target
from simulator.graph.odata import COLLECTION, SELECT, Options, collection, entity
from simulator.wire import Response

_READ = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
_WRITE = ("User.DeleteRestore.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
_FILTERABLE = {"id": "eq in", "userPrincipalName": "eq endswith", "displayName": "eq startswith"}
_LIST = Options(COLLECTION, _FILTERABLE, (*USER_DEFAULTS, "deletedDateTime"))
_ONE = Options(SELECT.names, defaults=(*USER_DEFAULTS, "deletedDateTime"))


def _view(user: User) -> dict[str, object]:
    """A deleted account; its name is prefixed with its id so that it blocks nobody."""
    name = user.id.replace("-", "") + user.user_principal_name
    return user_view(user) | {"userPrincipalName": name}


def _deleted(call: GraphCall) -> User:
    call.tenant.expire_deleted()
    user = call.tenant.deleted_users.get(call.parameters["item"])
    if user is None:
        raise not_found(call.parameters["item"])
    return user


def list_deleted(call: GraphCall) -> Response:
    """The deleted accounts."""
    call.tenant.expire_deleted()
    documents = [_view(user) for user in call.tenant.deleted_users.values()]
    kept = [document for document in documents if call.query.predicate(document)]
    return collection(call.cloud.url, call.request, call.query, "users", kept)


def get_deleted(call: GraphCall) -> Response:
    """One deleted account."""
    document = {"@odata.type": "#microsoft.graph.user"} | _view(_deleted(call))
    return entity(call.cloud.url, call.query, "directoryObjects", document)


def restore(call: GraphCall) -> Response:
    """Bring an account back with its roles and groups, unless its name is taken by now."""
    user = _deleted(call)
    call.require_cover(user)
    if call.tenant.find_user(user.user_principal_name) is not None:
        raise invalid_property(
            "Another object with the same value for property userPrincipalName already exists.",
            "ObjectConflict",
            "userPrincipalName",
        )
    user.deleted = None
    call.tenant.users[user.id] = call.tenant.deleted_users.pop(user.id)
    record(call, "Restore user", "UserManagement", "Update", [target(user)])
    document = {"@odata.type": "#microsoft.graph.user"} | user_view(user)
    return entity(call.cloud.url, call.query, "directoryObjects", document)


def purge(call: GraphCall) -> Response:
    """Delete for good, with everything that pointed at the account."""
    user = _deleted(call)
    call.require_cover(user)
    tenant = call.tenant
    del tenant.deleted_users[user.id]
    for group in tenant.groups.values():
        group.members = [member for member in group.members if member != user.id]
    for assignment in list(tenant.role_assignments.values()):
        if assignment.principal_id == user.id:
            del tenant.role_assignments[assignment.id]
    for schedule in list(tenant.role_schedules.values()):
        if schedule.principal_id == user.id:
            del tenant.role_schedules[schedule.id]
    record(call, "Hard Delete user", "UserManagement", "Delete", [target(user)])
    return Response(204)


ROUTES = (
    Route("GET", "directory/deletedItems/microsoft.graph.user", list_deleted, _READ, _LIST),
    Route("GET", "directory/deletedItems/graph.user", list_deleted, _READ, _LIST),
    Route("GET", "directory/deletedItems/{item}", get_deleted, _READ, _ONE),
    Route("POST", "directory/deletedItems/{item}/restore", restore, _WRITE),
    Route("DELETE", "directory/deletedItems/{item}", purge, _WRITE),
)

"""Accounts: making, reading, changing, disabling, deleting and bringing back."""

from typing import Any

from simulator.directory.objects import User, new_id
from simulator.directory.views import USER_DEFAULTS, USER_PLAIN, user_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, denied, invalid_property, not_found, unauthorized
from simulator.graph.journal import record, target
from simulator.graph.odata import ADVANCED, SELECT, Options, collection, entity
from simulator.graph.user_changes import (
    change_user,
    check_principal_name,
    new_password,
)
from simulator.wire import Response

_READ_ALL = (
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_WRITE_ALL = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_DELETE = ("User.DeleteRestore.All", *_WRITE_ALL)
# All that User.ReadBasic.All reads.
_BASIC = ("displayName", "givenName", "id", "mail", "surname", "userPrincipalName")

_NAMES = "eq in startswith ge le | ne endswith"
_FILTERABLE = {
    "id": "eq in | ne",
    "userPrincipalName": _NAMES,
    "displayName": _NAMES,
    "givenName": _NAMES,
    "surname": _NAMES,
    "mail": _NAMES,
    "mailNickname": _NAMES,
    "jobTitle": "eq in startswith | ne",
    "department": "eq in startswith | ne",
    "employeeId": "eq in startswith | ne",
    "accountEnabled": "eq in | ne",
    "userType": "eq in | ne",
    "createdDateTime": "eq in ge le | ne",
    "onPremisesSyncEnabled": "eq in | ne",
    "onPremisesImmutableId": "eq in | ne",
    "employeeType": "| eq in ne startswith",
    "companyName": "| eq in ne startswith",
    **{
        f"onPremisesExtensionAttributes/extensionAttribute{number}": "eq | ne"
        for number in range(1, 16)
    },
}
_LIST = Options(
    ADVANCED,
    _FILTERABLE,
    USER_DEFAULTS,
    sortable=("displayName", "userPrincipalName", "createdDateTime"),
)
_ONE = Options(SELECT.names, defaults=USER_DEFAULTS)


def _basic_only(call: GraphCall) -> None:
    """With User.ReadBasic.All nothing but the basic properties can be asked for."""
    if call.has(_READ_ALL):
        return
    asked = set(call.query.select or _BASIC)
    if not asked <= set(_BASIC):
        raise denied()
    call.query.select = tuple(name for name in _BASIC if name in asked)


def list_users(call: GraphCall) -> Response:
    """Accounts that fit the filter, through the lagging index if the caller says `eventual`."""
    _basic_only(call)
    query = call.query
    if query.eventual:
        documents = _indexed(call)
    else:
        documents = [
            document
            for user in call.tenant.users.values()
            if query.predicate(document := present(call, user)) and call.sees(user, reading=True)
        ]
    return collection(call.cloud.url, call.request, query, "users", documents)


def present(call: GraphCall, user: User) -> dict[str, Any]:
    """An account as the answering replica has it, which may be older than the truth."""
    return _lagging(call, user, call.tenant.knobs.stale_seconds)


def count_users(call: GraphCall) -> Response:
    """The number of accounts, as text."""
    if not call.query.eventual:
        raise bad_request("$count is not currently supported.", "Request_UnsupportedQuery")
    return Response(200, text=str(len(_indexed(call))), media_type="text/plain")


def get_user(call: GraphCall) -> Response:
    """One account by id or user principal name."""
    _basic_only(call)
    user = call.user()
    return entity(call.cloud.url, call.query, "users", present(call, user))


def create_user(call: GraphCall) -> Response:
    """Make an account.

    The name counts as taken at once; readers see the account when the tenant's replication
    knobs let them.
    """
    body = call.body()
    for name in ("accountEnabled", "displayName", "mailNickname", "userPrincipalName"):
        if body.get(name) is None:
            raise invalid_property(
                f"A value is required for property '{name}' of resource 'User'.",
                "MissingValue",
                name,
            )
    known = {*USER_PLAIN, "accountEnabled", "displayName", "mailNickname", "userPrincipalName"}
    known |= {"passwordProfile", "userType", "businessPhones", "otherMails"}
    known |= {"onPremisesExtensionAttributes"}
    unknown = {name for name in body if name not in known and not name.startswith("@odata.")}
    if unknown:
        raise bad_request(f"Property '{min(unknown)}' does not exist on User or is read-only.")
    if not isinstance(body["accountEnabled"], bool):
        raise bad_request("Invalid value specified for property 'accountEnabled'.")
    principal_name = check_principal_name(call, body["userPrincipalName"])
    password, force_change = new_password(call, body.get("passwordProfile"), None)
    now = call.tenant.now().replace(microsecond=0)
    user = User(
        id=new_id(),
        user_principal_name=principal_name,
        display_name=str(body["displayName"]),
        created=now,
        last_password_change=now,
        sessions_valid_from=now,
        password=password,
        account_enabled=body["accountEnabled"],
        force_change=force_change,
        mail_nickname=str(body["mailNickname"]),
        user_type=str(body.get("userType") or "Member"),
        profile={
            name: value
            for name, value in body.items()
            if name in USER_PLAIN
            or name in {"businessPhones", "otherMails", "onPremisesExtensionAttributes"}
        },
        arrival=call.tenant.arrival(),
    )
    call.tenant.users[user.id] = user
    record(call, "Add user", "UserManagement", "Add", [target(user)])
    return entity(call.cloud.url, call.query, "users", user_view(user), 201)


def update_user(call: GraphCall) -> Response:
    """Change properties of an account, all or none."""
    user, body = call.user(), call.body()
    change_user(call, user, body)
    shown = {name: value for name, value in body.items() if name != "passwordProfile"}
    activity = "Reset user password" if "passwordProfile" in body else "Update user"
    if "accountEnabled" in body:
        activity = "Enable account" if body["accountEnabled"] else "Disable account"
    record(call, activity, "UserManagement", "Update", [target(user)], shown)
    return Response(204)


def delete_user(call: GraphCall) -> Response:
    """Put an account into the bin for thirty days; its name is free at once."""
    user = call.user()
    remove_user(call, user)
    return Response(204)


def remove_user(call: GraphCall, user: User) -> None:
    """Soft delete, with the checks that belong to it."""
    if user.synced:
        raise bad_request(
            "Unable to delete an on-premises mastered Directory Sync object.", "Request_BadRequest"
        )
    call.require_cover(user)
    user.deleted = call.tenant.now()
    call.tenant.deleted_users[user.id] = call.tenant.users.pop(user.id)
    call.cloud.sessions.revoke(call.tenant.id, user.id)
    record(call, "Delete user", "UserManagement", "Delete", [target(user)])


def revoke_sessions(call: GraphCall) -> Response:
    """End every session; access tokens already issued live on until they expire."""
    user = call.user()
    call.require_cover(user)
    user.remember(call.tenant.now(), user_view(user))
    user.sessions_valid_from = call.tenant.now()
    call.cloud.sessions.revoke(call.tenant.id, user.id)
    record(call, "Update StsRefreshTokenValidFrom", "UserManagement", "Update", [target(user)])
    context = f"{call.cloud.url}/v1.0/$metadata#Edm.Boolean"
    return Response(200, {"@odata.context": context, "value": True})


def get_me(call: GraphCall) -> Response:
    """The signed-in person, also after the account was disabled: the token decides."""
    if call.claims.get("idtyp") == "app":
        raise bad_request("/me request is only valid with delegated authentication flow.")
    if call.person is None:
        raise not_found(str(call.claims.get("oid")))
    if "User.Read" not in str(call.claims.get("scp", "")).split():
        raise unauthorized("The token lacks the scope User.Read.")
    return entity(call.cloud.url, call.query, "users", user_view(call.person))


def _lagging(call: GraphCall, user: User, seconds: float) -> dict[str, Any]:
    view = user_view(user)
    if not seconds:
        return view
    return user.seen_at(call.moment_before(seconds), view)


def _indexed(call: GraphCall) -> list[dict[str, Any]]:
    """What the search index has: accounts as they were a while ago, deleted ones included."""
    lag = call.tenant.knobs.index_seconds
    moment = call.moment_before(lag)
    known = [user for user in call.tenant.users.values() if user.created <= moment]
    known += [
        user
        for user in call.tenant.deleted_users.values()
        if user.deleted is not None and user.deleted > moment
    ]
    documents = [_lagging(call, user, lag) for user in known]
    return [document for document in documents if call.query.predicate(document)]


ROUTES = (
    Route("GET", "users", list_users, (*_READ_ALL, "User.ReadBasic.All"), _LIST),
    Route(
        "GET", "users/$count", count_users, _READ_ALL, Options(frozenset({"$filter"}), _FILTERABLE)
    ),
    Route("POST", "users", create_user, _WRITE_ALL, Options(defaults=USER_DEFAULTS)),
    Route("GET", "users/{user}", get_user, (*_READ_ALL, "User.ReadBasic.All"), _ONE),
    # Which permission a change needs depends on the property: see user_changes.
    Route("PATCH", "users/{user}", update_user, ()),
    Route("DELETE", "users/{user}", delete_user, _DELETE),
    Route(
        "POST",
        "users/{user}/revokeSignInSessions",
        revoke_sessions,
        ("User.RevokeSessions.All", *_WRITE_ALL),
    ),
    Route("GET", "me", get_me, (), _ONE, area="delegated"),
)

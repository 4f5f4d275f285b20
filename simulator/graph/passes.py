"""Temporary access passes."""

from datetime import datetime
from typing import Any

from simulator.directory.objects import TemporaryAccessPass, User, new_pass
from simulator.directory.views import access_pass_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, refuse
from simulator.graph.journal import record, target
from simulator.graph.odata import collection, entity
from simulator.wire import RefusalError, Response

_READ = (
    "UserAuthMethod-TAP.Read.All",
    "UserAuthMethod-TAP.ReadWrite.All",
    "UserAuthenticationMethod.Read.All",
    "UserAuthenticationMethod.ReadWrite.All",
)
_WRITE = ("UserAuthMethod-TAP.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
_NAME = "users('{0}')/authentication/temporaryAccessPassMethods"


def list_passes(call: GraphCall) -> Response:
    """The pass of a user, without its value; an expired one is listed until it is deleted."""
    user = _user(call)
    documents = [access_pass_view(call.tenant, user, user.access_pass)] if user.access_pass else []
    name = _NAME.format(user.id)
    return collection(call.cloud.url, call.request, call.query, name, documents)


def get_pass(call: GraphCall) -> Response:
    """One pass, without its value."""
    user = _user(call)
    held = _held(call, user)
    document = access_pass_view(call.tenant, user, held)
    return entity(call.cloud.url, call.query, _NAME.format(user.id), document)


def create_pass(call: GraphCall) -> Response:
    """Make a pass, in place of the one there was; the only answer that shows its value.

    It is made for any user. Whether it can be used, the policy decides: see `isUsable`.
    """
    user, body = _user(call), call.body() if call.request.body else {}
    policy, now = call.tenant.access_pass_policy, call.tenant.now()
    minutes = body.get("lifetimeInMinutes", policy.default_minutes)
    if type(minutes) is not int or not policy.minimum_minutes <= minutes <= policy.maximum_minutes:
        raise bad_request(
            "Invalid LifetimeInMinutes specified. The valid range between "
            f"{policy.minimum_minutes} and {policy.maximum_minutes}.",
            "badRequest",
        )
    usable_once = body.get("isUsableOnce", policy.usable_once)
    if not isinstance(usable_once, bool) or (policy.usable_once and not usable_once):
        raise bad_request(
            "The tenant's policy allows one-time Temporary Access Passes only.", "badRequest"
        )
    held = TemporaryAccessPass(
        created=now.replace(microsecond=0),
        start=_start(body.get("startDateTime"), now),
        minutes=minutes,
        usable_once=usable_once,
        value=new_pass(policy.length),
    )
    user.access_pass = held
    record(
        call,
        "Admin registered security info",
        "UserManagement",
        "Add",
        [target(user)],
        {"StrongAuthenticationMethod": "Temporary Access Pass"},
    )
    document = access_pass_view(call.tenant, user, held, reveal=True)
    return entity(call.cloud.url, call.query, _NAME.format(user.id), document, 201)


def delete_pass(call: GraphCall) -> Response:
    """Delete a pass; sessions opened with it are not ended by that."""
    user = _user(call)
    _held(call, user)
    user.access_pass = None
    record(call, "Admin deleted security info", "UserManagement", "Delete", [target(user)])
    return Response(204)


def missing_method() -> RefusalError:
    """404 in the words of the authentication methods API."""
    return refuse(404, "resourceNotFound", "The requested method could not be found.")


def _start(text: Any, now: datetime) -> datetime:
    if text is None:
        return now.replace(microsecond=0)
    try:
        start = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise bad_request("Invalid startDateTime specified.", "badRequest") from error
    if start.tzinfo is None or start < now.replace(microsecond=0):
        raise bad_request("startDateTime must be in the future.", "badRequest")
    return start


def _user(call: GraphCall) -> User:
    """The user of the path; in a cloud without passes the whole path does not exist."""
    if not call.cloud.environment.temporary_access_pass:
        raise bad_request("Resource not found for the segment 'temporaryAccessPassMethods'.")
    return call.user()


def _held(call: GraphCall, user: User) -> TemporaryAccessPass:
    held = user.access_pass
    if held is None or held.id != call.parameters["method"]:
        raise missing_method()
    return held


_PATH = "users/{user}/authentication/temporaryAccessPassMethods"
ROUTES = (
    Route("GET", _PATH, list_passes, _READ, area="authentication"),
    Route("POST", _PATH, create_pass, _WRITE, area="authentication"),
    Route("GET", _PATH + "/{method}", get_pass, _READ, area="authentication"),
    Route("DELETE", _PATH + "/{method}", delete_pass, _WRITE, area="authentication"),
)

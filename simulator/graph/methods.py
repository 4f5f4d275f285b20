"""The ways in which a user can sign in, listed together and by kind."""

from functools import partial
from typing import Any

from simulator.directory.objects import METHOD_KINDS, PASSWORD_METHOD, Method, User
from simulator.directory.views import access_pass_view, method_view, password_method_view
from simulator.graph.call import GraphCall, Route
from simulator.graph.journal import record, target
from simulator.graph.odata import Options, collection, entity
from simulator.graph.passes import missing_method
from simulator.wire import Response

_READ = ("UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All")
_GRANULAR = {
    "phone": "UserAuthMethod-Phone",
    "fido2": "UserAuthMethod-Passkey",
    "microsoftAuthenticator": "UserAuthMethod-MicrosoftAuthApp",
    "softwareOath": "UserAuthMethod-SoftwareOATH",
    "email": "UserAuthMethod-Email",
    "windowsHelloForBusiness": "UserAuthMethod-WindowsHello",
}
_LIST = Options(frozenset({"$select", "$top", "$skiptoken"}))


def _type(kind: str) -> str:
    return f"#microsoft.graph.{kind}AuthenticationMethod"


def _all(call: GraphCall, user: User) -> list[dict[str, Any]]:
    documents = [{"@odata.type": _type("password")} | password_method_view(user)]
    if user.access_pass is not None:
        view = access_pass_view(call.tenant, user, user.access_pass)
        documents.append({"@odata.type": _type("temporaryAccessPass")} | view)
    documents += [
        {"@odata.type": _type(method.kind)} | method_view(method)
        for method in user.methods.values()
    ]
    return documents


def list_methods(call: GraphCall) -> Response:
    """Every method of a user, the password always among them."""
    user = call.user()
    name = f"users('{user.id}')/authentication/methods"
    return collection(call.cloud.url, call.request, call.query, name, _all(call, user))


def get_method(call: GraphCall) -> Response:
    """One method of any kind."""
    user = call.user()
    for document in _all(call, user):
        if document["id"] == call.parameters["method"]:
            name = f"users('{user.id}')/authentication/methods"
            return entity(call.cloud.url, call.query, name, document)
    raise missing_method()


def list_passwords(call: GraphCall) -> Response:
    """The password, without its value."""
    user = call.user()
    name = f"users('{user.id}')/authentication/passwordMethods"
    documents = [password_method_view(user)]
    return collection(call.cloud.url, call.request, call.query, name, documents)


def list_kind(kind: str, call: GraphCall) -> Response:
    """The methods of one kind."""
    user = call.user()
    name = f"users('{user.id}')/authentication/{METHOD_KINDS[kind]}"
    documents = [method_view(item) for item in user.methods.values() if item.kind == kind]
    return collection(call.cloud.url, call.request, call.query, name, documents)


def get_kind(kind: str, call: GraphCall) -> Response:
    """One method of one kind."""
    user = call.user()
    name = f"users('{user.id}')/authentication/{METHOD_KINDS[kind]}"
    return entity(call.cloud.url, call.query, name, method_view(_method(call, user, kind)))


def delete_kind(kind: str, call: GraphCall) -> Response:
    """Delete a method; under the path of another kind it is not found."""
    user = call.user()
    method = _method(call, user, kind)
    del user.methods[method.id]
    record(
        call,
        "Admin deleted security info",
        "UserManagement",
        "Delete",
        [target(user)],
        {"StrongAuthenticationMethod": kind},
    )
    return Response(204)


def _method(call: GraphCall, user: User, kind: str) -> Method:
    method = user.methods.get(call.parameters["method"])
    if method is None or method.kind != kind or method.id == PASSWORD_METHOD:
        raise missing_method()
    return method


def _routes_of(kind: str) -> tuple[Route, ...]:
    path = f"users/{{user}}/authentication/{METHOD_KINDS[kind]}"
    granular = _GRANULAR[kind]
    read = (f"{granular}.Read.All", f"{granular}.ReadWrite.All", *_READ)
    write = (f"{granular}.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All")
    one = f"{path}/{{method}}"
    return (
        Route("GET", path, partial(list_kind, kind), read, _LIST, area="authentication"),
        Route("GET", one, partial(get_kind, kind), read, area="authentication"),
        Route("DELETE", one, partial(delete_kind, kind), write, area="authentication"),
    )


_PATH = "users/{user}/authentication"
ROUTES = (
    Route("GET", f"{_PATH}/methods", list_methods, _READ, _LIST, area="authentication"),
    Route("GET", f"{_PATH}/methods/{{method}}", get_method, _READ, area="authentication"),
    Route("GET", f"{_PATH}/passwordMethods", list_passwords, _READ, _LIST, area="authentication"),
    *(route for kind in METHOD_KINDS for route in _routes_of(kind)),
)

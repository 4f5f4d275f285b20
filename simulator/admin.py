"""The knobs over HTTP: everything a test can do in the process, as JSON under `/admin`."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, TypeAdapter, ValidationError

from simulator import admin_models as models
from simulator.admin_views import people, tenant_state, user_state
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from simulator.faults import Fault
from simulator.scenario import CONSENT, add_customer
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class _Call:
    """One call to a knob."""

    cloud: "Cloud"
    request: Request
    parameters: dict[str, str]

    def read(self, model: type[_Model]) -> _Model:
        """The body as a model; 400 that names the fields which are wrong."""
        try:
            return model.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            raise _refuse(400, str(error)) from error

    def tenant(self) -> Tenant:
        """The tenant in the path, by id or domain."""
        tenant = self.cloud.find_tenant(self.parameters["tenant"])
        if tenant is None:
            raise _refuse(404, "no such tenant")
        return tenant

    def user(self) -> User:
        """The account in the path, by id or name, visible to Graph or not."""
        user = self.tenant().find_user(self.parameters["user"])
        if user is None:
            raise _refuse(404, "no such user")
        return user


def handle_admin(cloud: "Cloud", request: Request) -> Response:
    """Answer one call to a knob."""
    path = request.path.removeprefix("/admin").strip("/")
    for method, pattern, handler in _ROUTES:
        found = pattern.match(path)
        if found is not None and method == request.method:
            parameters = {name: unquote(value) for name, value in found.groupdict().items()}
            try:
                return handler(_Call(cloud, request, parameters))
            except (KeyError, TypeError, ValueError, re.error) as error:
                raise _refuse(400, str(error)) from error
    raise _refuse(404, "no such knob; GET /admin lists them")


def _refuse(status: int, message: str) -> RefusalError:
    return RefusalError(Response(status, {"error": message}))


def _index(_: _Call) -> Response:
    """Every knob."""
    return Response(200, {"knobs": [f"{method} {path}" for method, path, _ in _KNOBS]})


def _get_clock(call: _Call) -> Response:
    return Response(200, {"now": call.cloud.now().isoformat()})


def _set_clock(call: _Call) -> Response:
    change = call.read(models.ClockChange)
    if change.set is not None:
        if change.set.tzinfo is None:
            raise ValueError("the time needs a time zone")
        call.cloud.advance(change.set - call.cloud.now())
    elif change.advance is not None:
        call.cloud.advance(timedelta(seconds=change.advance))
    else:
        call.cloud.follow_wall()
    return _get_clock(call)


def _get_faults(call: _Call) -> Response:
    faults = [asdict(fault) for fault in call.cloud.faults]
    return Response(200, {"faults": faults, "latency": call.cloud.faults.latency})


def _add_fault(call: _Call) -> Response:
    fault = call.cloud.faults.add(Fault(**call.read(models.FaultRequest).model_dump()))
    return Response(201, asdict(fault))


def _clear_faults(call: _Call) -> Response:
    call.cloud.faults.clear()
    return Response(204)


def _set_latency(call: _Call) -> Response:
    wanted = TypeAdapter(dict[str, float]).validate_json(call.request.body)
    for service, seconds in wanted.items():
        call.cloud.faults.set_latency(service, seconds)
    return _get_faults(call)


def _get_calls(call: _Call) -> Response:
    query = call.request.query
    found = call.cloud.calls.where(
        service=query.get("service"),
        tenant=query.get("tenant"),
        method=query.get("method"),
        path=query.get("path"),
        status=int(query["status"]) if "status" in query else None,
        after=int(query.get("after", 0)),
    )
    newest = found[-int(query.get("limit", 100)) :]
    return Response(200, {"calls": [asdict(item) for item in newest]})


def _clear_calls(call: _Call) -> Response:
    call.cloud.calls.clear()
    return Response(204)


def _get_people(call: _Call) -> Response:
    return Response(200, {"people": people(call.cloud)})


def _get_tenants(call: _Call) -> Response:
    return Response(
        200, {"tenants": [tenant_state(tenant) for tenant in call.cloud.tenants.values()]}
    )


def _get_tenant(call: _Call) -> Response:
    return Response(200, tenant_state(call.tenant()))


def _add_tenant(call: _Call) -> Response:
    wanted = call.read(models.NewCustomer)
    application = call.cloud.applications[wanted.consent_to] if wanted.consent_to else None
    tenant = add_customer(
        call.cloud,
        wanted.name,
        wanted.domain,
        application,
        licences=wanted.licences,
        permissions=CONSENT if wanted.permissions is None else frozenset(wanted.permissions),
        role=wanted.role,
    )
    return Response(201, tenant_state(tenant))


def _change_tenant(call: _Call) -> Response:
    tenant, change = call.tenant(), call.read(models.TenantChange)
    knobs = replace(tenant.knobs, **change.knobs)
    access_passes = replace(tenant.access_pass_policy, **change.access_pass_policy)
    roles = replace(tenant.role_policy, **change.role_policy)
    tenant.knobs, tenant.access_pass_policy, tenant.role_policy = knobs, access_passes, roles
    if change.licences is not None:
        tenant.licences = change.licences
    return Response(200, tenant_state(tenant))


def _get_user(call: _Call) -> Response:
    return Response(200, user_state(call.tenant(), call.user()))


def _add_user(call: _Call) -> Response:
    tenant = call.tenant()
    user = tenant.add_user(**call.read(models.NewUser).model_dump())
    return Response(201, user_state(tenant, user))


def _change_user(call: _Call) -> Response:
    tenant, user, change = call.tenant(), call.user(), call.read(models.UserChange)
    if change.enabled is not None:
        user.account_enabled = change.enabled
    if change.synced is not None:
        user.synced = change.synced
    if change.password is not None:
        user.password, user.last_password_change = change.password, tenant.now()
        call.cloud.sessions.revoke(tenant.id, user.id)
    return Response(200, user_state(tenant, user))


def _add_method(call: _Call) -> Response:
    tenant, user, wanted = call.tenant(), call.user(), call.read(models.NewMethod)
    method = tenant.register_method(user.id, wanted.kind, **wanted.details)
    return Response(201, {"id": method.id, "kind": method.kind})


def _give_role(call: _Call) -> Response:
    tenant, gift = call.tenant(), call.read(models.RoleGift)
    user = tenant.find_user(gift.principal)
    principal = user.id if user else gift.principal
    if not tenant.holder_exists(principal):
        raise _refuse(404, "no such principal")
    return Response(201, {"id": tenant.assign_role(principal, gift.role).id})


def _take_role(call: _Call) -> Response:
    if call.tenant().role_assignments.pop(call.parameters["assignment"], None) is None:
        raise _refuse(404, "no such role assignment")
    return Response(204)


def _consent(call: _Call) -> Response:
    """Set exactly these permissions; roles are added."""
    tenant, wanted = call.tenant(), call.read(models.Consent)
    application = call.cloud.applications[call.parameters["application"]]
    principal = tenant.consent(
        application.app_id, application.display_name, set(), roles=wanted.roles
    )
    principal.permissions = set(wanted.permissions)
    return Response(200, tenant_state(tenant))


def _withdraw(call: _Call) -> Response:
    call.tenant().withdraw_consent(call.parameters["application"])
    return Response(204)


def _mint(call: _Call) -> Response:
    wanted = call.read(models.TokenRequest)
    tenant = call.cloud.tenant(wanted.tenant)
    token = call.cloud.mint(
        tenant,
        wanted.claims,
        audience=wanted.audience,
        key=wanted.key,
        algorithm=wanted.algorithm,
        seconds=wanted.seconds,
    )
    return Response(201, {"token": token})


_KNOBS: tuple[tuple[str, str, Callable[[_Call], Response]], ...] = (
    ("GET", "", _index),
    ("GET", "clock", _get_clock),
    ("POST", "clock", _set_clock),
    ("GET", "faults", _get_faults),
    ("POST", "faults", _add_fault),
    ("DELETE", "faults", _clear_faults),
    ("PUT", "latency", _set_latency),
    ("GET", "calls", _get_calls),
    ("DELETE", "calls", _clear_calls),
    ("GET", "people", _get_people),
    ("POST", "tokens", _mint),
    ("GET", "tenants", _get_tenants),
    ("POST", "tenants", _add_tenant),
    ("GET", "tenants/{tenant}", _get_tenant),
    ("PATCH", "tenants/{tenant}", _change_tenant),
    ("POST", "tenants/{tenant}/users", _add_user),
    ("GET", "tenants/{tenant}/users/{user}", _get_user),
    ("PATCH", "tenants/{tenant}/users/{user}", _change_user),
    ("POST", "tenants/{tenant}/users/{user}/methods", _add_method),
    ("POST", "tenants/{tenant}/roles", _give_role),
    ("DELETE", "tenants/{tenant}/roles/{assignment}", _take_role),
    ("PUT", "tenants/{tenant}/consents/{application}", _consent),
    ("DELETE", "tenants/{tenant}/consents/{application}", _withdraw),
)
_ROUTES = tuple(
    (method, re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path) + "$"), handler)
    for method, path, handler in _KNOBS
)

"""The HTTP API in virtual time: real requests to the real handlers, the engine a virtual hub.

Microsoft's own durable client is used as it is. Only the channel under it is ours: its calls end
in `Engine` instead of in a gRPC server, with the answers and errors of Microsoft's backend.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
from durabletask.client import AsyncTaskHubGrpcClient
from google.protobuf import timestamp_pb2, wrappers_pb2

from curfew.callers import issuers_of
from curfew.services import current
from devhost.principal import headers_of
from tests.lifecycle.engine import Engine, Instance

_log = logging.getLogger(__name__)

type Trouble = Callable[[str, bool], bool]
"""Asked before (False) and after (True) a call was carried out whether it fails then."""


def no_trouble(call: str, applied: bool) -> bool:
    """Every call is answered."""
    return False


class Hub:
    """The task hub as the durable client's gRPC calls see it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.trouble: Trouble = no_trouble
        self._calls: dict[str, Callable[[Any], Any]] = {
            "StartInstance": self._start,
            "GetInstance": self._get,
            "RaiseEvent": self._raise,
            "PurgeInstances": self._purge,
        }

    def client(self) -> AsyncTaskHubGrpcClient:
        """Microsoft's client, connected to this hub."""
        return AsyncTaskHubGrpcClient(
            channel=cast("grpc.aio.Channel", _Channel(self)), logger=_log, emit_trace_spans=False
        )

    async def call(self, name: str, request: Any) -> Any:
        """Carry out one call, unless trouble keeps it or its answer away."""
        if self.trouble(name, False):
            raise _error(grpc.StatusCode.UNAVAILABLE, "the hub did not answer")
        answer = self._calls[name](request)
        if self.trouble(name, True):
            raise _error(grpc.StatusCode.UNAVAILABLE, "the hub's answer was lost")
        return answer

    def _start(self, request: pb.CreateInstanceRequest) -> pb.CreateInstanceResponse:
        known = self._engine.instances.get(request.instanceId)
        if known is not None:
            policy = request.orchestrationIdReusePolicy
            if known.status not in policy.replaceableStatus:
                raise _error(grpc.StatusCode.ALREADY_EXISTS, "the instance exists")
        work = request.input.value if request.HasField("input") else None
        started = self._engine.start_serialized(request.instanceId, request.name, work)
        if request.HasField("version"):
            started.version = request.version.value
        return pb.CreateInstanceResponse(instanceId=request.instanceId)

    def _get(self, request: pb.GetInstanceRequest) -> pb.GetInstanceResponse:
        known = self._engine.instances.get(request.instanceId)
        if known is None:
            return pb.GetInstanceResponse(exists=False)
        return pb.GetInstanceResponse(exists=True, orchestrationState=self._state(known, request))

    def _state(self, instance: Instance, request: pb.GetInstanceRequest) -> pb.OrchestrationState:
        now = timestamp_pb2.Timestamp()
        now.FromDatetime(self._engine.clock())
        state = pb.OrchestrationState(
            instanceId=instance.id,
            name=instance.name,
            orchestrationStatus=cast("Any", instance.status),
            createdTimestamp=now,
            lastUpdatedTimestamp=now,
        )
        if request.getInputsAndOutputs and instance.output is not None:
            state.output.CopyFrom(wrappers_pb2.StringValue(value=instance.output))
        return state

    def _raise(self, request: pb.RaiseEventRequest) -> pb.RaiseEventResponse:
        if request.instanceId not in self._engine.instances:
            raise _error(grpc.StatusCode.NOT_FOUND, "there is no such instance")
        data = request.input.value if request.HasField("input") else None
        self._engine.raise_serialized(request.instanceId, request.name, data)
        return pb.RaiseEventResponse()

    def _purge(self, request: pb.PurgeInstancesRequest) -> pb.PurgeInstancesResponse:
        purged = self._engine.purge(request.instanceId)
        return pb.PurgeInstancesResponse(deletedInstanceCount=int(purged))


class _Channel:
    """As much of a gRPC channel as the client's stub asks for."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return self._unary if kind == "unary_unary" else lambda *_, **__: None

    def _unary(self, method: str, **_: object) -> Callable[[Any], Awaitable[Any]]:
        name = method.rpartition("/")[2]
        return lambda request: self._hub.call(name, request)


def _error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@dataclass(frozen=True)
class Persona:
    """Somebody of the home tenant, with the app roles that he holds."""

    id: str
    alias: str
    name: str
    roles: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """What his token lists; with none it lists nothing, as one does with too many."""
    is_application: bool = False

    def headers(self, home_tenant: str) -> dict[str, str]:
        """What App Service tells the app about him, in the cloud that the app is in."""
        claims: dict[str, Any] = {
            "iss": min(issuers_of(current().settings.cloud, home_tenant)),
            "oid": self.id,
            "tid": home_tenant,
            "name": self.name,
            "preferred_username": f"{self.alias}@northwindmsp.onmicrosoft.com",
            "roles": list(self.roles),
            "scp": "access",
        }
        if self.groups:
            claims["groups"] = list(self.groups)
        if self.is_application:
            claims = {name: claims[name] for name in ("iss", "oid", "tid", "roles")}
            claims |= {"idtyp": "app", "sub": self.id}
        return headers_of(claims)


def _person(number: int, alias: str, name: str, *roles: str) -> Persona:
    return Persona(f"aaaaaaaa-0000-4000-8000-{number:012x}", alias, name, roles)


ANN = _person(0xA, "ann", "Ann Technician", "Technician")
BEN = _person(0xC, "ben", "Ben Technician", "Technician")
PETRA = _person(0xB, "petra", "Petra Approver", "Approver")
PAUL = _person(0xD, "paul", "Paul Approver", "Approver")
ADA = _person(0xE, "ada", "Ada Administrator", "Administrator")
OTTO = _person(0xF, "otto", "Otto Auditor", "Auditor")
PERSONAS = (ANN, BEN, PETRA, PAUL, ADA, OTTO)
"""Whom the home tenant knows."""


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    headers: Mapping[str, str]
    body: Any = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@cache
def functions() -> dict[str, Callable[..., Awaitable[Any]]]:
    """The functions of the app by name, as it registers them. It can be asked only once."""
    from function_app import app

    found = {}
    for function in app.get_functions():
        user = function.get_user_function()
        name = str(function.get_function_name())
        if not name.startswith("BuiltIn__"):
            # The host's part of a durable client binding is played here.
            found[name] = getattr(user, "client_function", user)
    return found


@dataclass
class Api:
    """The functions of the app, called as the host would call them."""

    hub: Hub
    wait: Callable[[Any], Any]
    home_tenant: str

    def __call__(
        self,
        caller: Persona | None,
        method: str,
        address: str,
        body: Any = None,
        **headers: str,
    ) -> Answer:
        """Make a request and wait for its answer; nothing of the engine runs meanwhile."""
        answer: Answer = self.wait(self.send(caller, method, address, body, **headers))
        return answer

    async def send(
        self,
        caller: Persona | None,
        method: str,
        address: str,
        body: Any = None,
        **headers: str,
    ) -> Answer:
        """Make a request, beside others."""
        name, durable, parameters = _route(method, address)
        parts = urlsplit(address)
        request = func.HttpRequest(
            method=method,
            url=f"https://curfew.example/api/{parts.path.strip('/')}",
            headers={
                **({"Content-Type": "application/json"} if body is not None else {}),
                **{name.replace("_", "-"): value for name, value in headers.items()},
                **(caller.headers(self.home_tenant) if caller else {}),
            },
            params=dict(parse_qsl(parts.query)),
            route_params=parameters,
            body=b"" if body is None else json.dumps(body).encode(),
        )
        client = {"client": self.hub.client()} if durable else {}
        response = await functions()[name](request, **client)
        said = response.get_body()
        is_page = response.mimetype == "text/html"
        body = said.decode() if is_page else json.loads(said) if said else None
        return Answer(response.status_code, response.headers, body)


def _route(method: str, address: str) -> tuple[str, bool, dict[str, str]]:
    """The operation that serves an address: name, whether durable, values of its parameters."""
    # The rooms refuse to be imported without settings, which the services of a world have.
    from triggers.operations import OPERATIONS

    path = urlsplit(address).path.removeprefix("/api").strip("/").split("/")
    for operation in OPERATIONS.values():
        template = operation.path.split("/")
        if operation.method != method or len(template) != len(path):
            continue
        pairs = list(zip(template, path, strict=True))
        if all(want == part or want.startswith("{") for want, part in pairs):
            named = {want.strip("{}"): part for want, part in pairs if want.startswith("{")}
            return operation.name, operation.durable, named
    message = f"no operation serves {method} {address}"
    raise LookupError(message)

"""The edge of the HTTP API: a function of the host becomes a handler of ours, and errors answers.

In this order: the size, the page that a browser's request comes from, the caller, the right, the
query, the media type, the body, the caller's limit. Nothing of a request is read further for
somebody who may not send it, and nobody is charged for a request that is not well-formed.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from time import perf_counter
from typing import Any, NoReturn

import azure.durable_functions as df
import azure.functions as func
from pydantic import ValidationError

from curfew.callers import PRINCIPAL_HEADER, Caller, caller_of
from curfew.errors import (
    CurfewError,
    FieldProblem,
    Forbidden,
    InvalidRequest,
    NotSignedIn,
    TooManyRequests,
)
from curfew.events import Event, emit, report
from curfew.model.base import Model
from curfew.services import Services, current
from triggers.browsers import require_own_page
from triggers.engine import Engine
from triggers.operation import Limit, Operation, Reach
from triggers.operations import OPERATIONS
from triggers.problems import problem_of

LARGEST_BODY = 64 * 1024
JSON_TYPE = "application/json"
_ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed the edge. `caller` is None only where anyone may call."""

    services: Services
    path: dict[str, str]
    headers: dict[str, str]
    query: Any
    body: Any
    signed_in: Caller | None
    reach: frozenset[Reach]
    engine: Engine | None

    @property
    def caller(self) -> Caller:
        """The caller of an operation that needs one."""
        if self.signed_in is None:
            message = "Sign in to the home tenant first."
            raise NotSignedIn(message)
        return self.signed_in

    @property
    def workflows(self) -> Engine:
        """The workflow engine, for an operation that was registered with it."""
        if self.engine is None:
            message = "The operation was registered without the workflow engine."
            raise AssertionError(message)
        return self.engine


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a model, or None for an empty body; a text where it has another media type."""

    body: Model | dict[str, Any] | str | None = None
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE


type Handler = Callable[[Call], Awaitable[Reply]]


def serve(blueprint: df.Blueprint, handler: Handler) -> Handler:
    """Register a handler as the HTTP function that the table of operations names after it."""
    operation = OPERATIONS[handler.__name__]
    route = blueprint.route(
        route=operation.path, methods=[operation.method], auth_level=func.AuthLevel.ANONYMOUS
    )
    named = blueprint.function_name(operation.name)
    if operation.durable:
        bound = blueprint.durable_client_input(client_name="client")

        async def with_engine(
            req: func.HttpRequest, client: df.DurableFunctionsClient
        ) -> func.HttpResponse:
            return await answer(operation, handler, req, Engine(client))

        named(route(bound(with_engine)))
    else:

        async def without_engine(req: func.HttpRequest) -> func.HttpResponse:
            return await answer(operation, handler, req, None)

        named(route(without_engine))
    return handler


async def answer(
    operation: Operation, handler: Handler, req: func.HttpRequest, engine: Engine | None
) -> func.HttpResponse:
    """Pass a request through the edge and answer it, whatever happens, and log that it was."""
    began = perf_counter()
    services = current()
    caller: Caller | None = None
    try:
        body = req.get_body()
        if len(body) > LARGEST_BODY:
            _invalid(f"A request has at most {LARGEST_BODY} bytes.", status=413)
        headers_in = {name.lower(): value for name, value in req.headers.items()}
        if not operation.safe:
            require_own_page(headers_in, services.settings.address)
        caller = _caller(operation, req, services)
        call = Call(
            services=services,
            path=dict(req.route_params),
            headers=headers_in,
            query=_query(operation, req),
            body=_body(operation, req, body),
            signed_in=caller,
            reach=operation.reach(caller) if caller else frozenset(),
            engine=engine,
        )
        if operation.limit is not None:
            await _charge(call, operation.limit)
        response = _response(await handler(call))
    except Exception as error:  # noqa: BLE001 - the last resort: reported, answered without detail
        problem, headers = problem_of(error)
        report(
            Event.REQUEST_FAILED,
            error,
            operation=operation.name,
            status=problem.status,
            actor=caller.id if caller else None,
        )
        if not isinstance(error, CurfewError) or problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            headers = {"Retry-After": "10", **headers}
        return _response(Reply(problem, problem.status, headers, "application/problem+json"))
    emit(
        Event.REQUEST_SERVED,
        operation=operation.name,
        status=response.status_code,
        actor=caller.id if caller else None,
        milliseconds=round((perf_counter() - began) * 1000),
    )
    return response


def _caller(operation: Operation, req: func.HttpRequest, services: Services) -> Caller | None:
    if operation.unchecked:
        return None
    settings = services.settings
    try:
        caller = caller_of(
            req.headers.get(PRINCIPAL_HEADER),
            enforced=settings.sign_in_enforced,
            cloud=settings.cloud,
            home_tenant=settings.home_tenant,
        )
    except NotSignedIn:
        if operation.public:
            return None
        raise
    if not operation.public and not operation.reach(caller):
        needed = " or ".join(sorted(operation.rights))
        message = f"This needs the app role {needed}."
        raise Forbidden(message)
    return caller


async def _charge(call: Call, limit: Limit) -> None:
    settings = call.services.settings
    per_hour = {
        Limit.REQUESTS: settings.requests_per_hour,
        Limit.REVEALS: settings.reveals_per_hour,
    }
    wait = await call.services.rates.take(call.caller.id, limit, per_hour[limit])
    if wait:
        raise TooManyRequests(wait)


def _query(operation: Operation, req: func.HttpRequest) -> Model:
    try:
        return operation.query.model_validate(dict(req.params), by_alias=True, by_name=False)
    except ValidationError as error:
        return _invalid("The query is not well-formed.", error)


def _body(operation: Operation, req: func.HttpRequest, body: bytes) -> Model | None:
    if operation.body is None:
        return None
    if body:
        media_type = req.headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
        if media_type != JSON_TYPE:
            _invalid(f"The body must be {JSON_TYPE}.", status=415)
        _check_json(body)
    try:
        return operation.body.model_validate_json(
            body or b"{}", strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        return _invalid("The body is not well-formed.", error)


def _check_json(body: bytes) -> None:
    """Refuse what parsers read differently: a key twice, NaN, anything that is not UTF-8."""
    try:
        json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _invalid("The body is not JSON (UTF-8, each key once).")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _invalid(detail: str, error: ValidationError | None = None, *, status: int = 400) -> NoReturn:
    found = (
        error.errors(include_url=False, include_context=False, include_input=False) if error else ()
    )
    fields = tuple(
        FieldProblem(
            ".".join(str(part) for part in problem["loc"]),
            problem["msg"].removeprefix("Value error, "),
        )
        for problem in found
    )
    raise InvalidRequest(detail, fields, status=status) from None


def _response(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        body=_bytes(reply.body),
        status_code=reply.status,
        headers={**_ALWAYS, **reply.headers},
        mimetype=reply.media_type,
    )


def _bytes(body: Model | dict[str, Any] | str | None) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    document = body.to_json() if isinstance(body, Model) else body
    return json.dumps(document, separators=(",", ":")).encode()

"""Everything a call meets between the socket and the service it is meant for.

Order of effects for one call: its faults are decided; the delay passes; the service handles it
(unless a fault stops it before); the call is logged; the answer, or the failure, goes out.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.admin import handle_admin
from simulator.calls import Call
from simulator.faults import Fault, Plan
from simulator.front import handle_front
from simulator.graph.batch import handle_batch
from simulator.graph.errors import error_response
from simulator.graph.service import handle_graph
from simulator.keys import peek
from simulator.login.service import handle_identity, handle_login, tenant_hint
from simulator.vault_service import handle_vault
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_HANDLERS: dict[str, Callable[["Cloud", Request], Response]] = {
    "graph": handle_graph,
    "login": handle_login,
    "msi": handle_identity,
    "vault": handle_vault,
    "admin": handle_admin,
    "front": handle_front,
}
# The knobs must work whatever is broken, and are no part of the outside world.
_UNTOUCHED = {"admin", "front"}
_FAULT_CODES = {
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "serviceUnavailable",
    504: "GatewayTimeout",
    404: "Request_ResourceNotFound",
    403: "Authorization_RequestDenied",
    401: "InvalidAuthenticationToken",
}


def service_of(path: str) -> str:
    """Which service a path belongs to."""
    first = path.strip("/").partition("/")[0]
    if first in {"v1.0", "beta"}:
        return "graph"
    if first in {"secrets", "deletedsecrets"}:
        return "vault"
    if first in {"msi", "admin"}:
        return first
    return "login" if "/" in path.strip("/") else "front"


class Gateway:
    """Handles calls for a cloud, one at a time, under the cloud's lock."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud

    async def __call__(self, request: Request) -> tuple[Response, Fault | None]:
        """The answer, and the fault that keeps it from going out as it is, if any."""
        service = service_of(request.path)
        if service in _UNTOUCHED:
            with self._cloud.lock:
                return _refusing(_HANDLERS[service], self._cloud, request), None
        tenant = self._tenant(service, request)
        plan = self._cloud.faults.plan(service, tenant, request.method, request.path, request.body)
        sequence = self._cloud.calls.next_sequence()
        started = time.monotonic()
        if plan.delay:
            await asyncio.sleep(plan.delay)
        with self._cloud.lock:
            moment = self._cloud.now().isoformat()
            response = self._respond(service, tenant, request, plan, sequence)
        self._log(service, tenant, request, response, plan, sequence, started, moment)
        return response, plan.failure

    def _respond(
        self, service: str, tenant: str | None, request: Request, plan: Plan, sequence: int
    ) -> Response:
        response = Response(0)
        if plan.applied:
            if service == "graph" and request.path == "/v1.0/$batch":
                response = _refusing(
                    lambda _, envelope: handle_batch(
                        envelope, lambda item: self._item(tenant, item, sequence)
                    ),
                    self._cloud,
                    request,
                )
            else:
                response = _refusing(_HANDLERS[service], self._cloud, request)
        if plan.failure is not None and plan.failure.effect == "status":
            return failure_response(service, plan.failure)
        return response

    def _item(self, tenant: str | None, item: Request, batch: int) -> Response:
        """One call inside a batch: its own faults and its own line in the log."""
        plan = self._cloud.faults.plan("graph", tenant, item.method, item.path, item.body)
        sequence = self._cloud.calls.next_sequence()
        started = time.monotonic()
        response = _refusing(handle_graph, self._cloud, item) if plan.applied else Response(0)
        if plan.failure is not None:
            response = failure_response("graph", plan.failure)
        moment = self._cloud.now().isoformat()
        self._log("graph", tenant, item, response, plan, sequence, started, moment, batch=batch)
        return response

    def _tenant(self, service: str, request: Request) -> str | None:
        if service == "login":
            return tenant_hint(self._cloud, request)
        if service == "vault":
            return self._cloud.vault.tenant
        return peek(request.bearer).get("tid") if request.bearer else None

    def _log(
        self,
        service: str,
        tenant: str | None,
        request: Request,
        response: Response,
        plan: Plan,
        sequence: int,
        started: float,
        moment: str,
        batch: int | None = None,
    ) -> None:
        claims = peek(request.bearer) if request.bearer else {}
        form: Any = request.document()
        if service == "login" and isinstance(form, dict):
            claims = {"appid": form.get("client_id"), "oid": None}
        sent = plan.failure is None or plan.failure.effect in {"status", "truncate"}
        self._cloud.calls.add(
            Call(
                sequence=sequence,
                time=moment,
                started=started,
                ended=time.monotonic(),
                service=service,
                tenant=tenant,
                method=request.method,
                path=request.path,
                query=request.query_string,
                status=response.status if sent else None,
                app=claims.get("appid"),
                user=None if claims.get("idtyp") == "app" else claims.get("oid"),
                applied=plan.applied,
                fault=plan.failure.label if plan.failure else None,
                batch=batch,
                request_headers=dict(request.headers),
                request_body=form,
                response_headers=dict(response.headers),
                response_body=response.document,
            )
        )


def failure_response(service: str, fault: Fault) -> Response:
    """What a fault with a status answers, in the shape of the service it befalls."""
    code = fault.code or _FAULT_CODES.get(fault.status, "UnknownError")
    message = fault.message or "The service is not available (a fault was asked for)."
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    if service == "login":
        document: dict[str, Any] = {"error": "temporarily_unavailable", "error_codes": [90033]}
        document["error_description"] = f"AADSTS90033: {message}"
        return Response(fault.status, document, headers)
    return replace(error_response(fault.status, code, message), headers=headers)


def _refusing(
    handler: Callable[["Cloud", Request], Response], cloud: "Cloud", request: Request
) -> Response:
    try:
        return handler(cloud, request)
    except RefusalError as refusal:
        return refusal.response
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return error_response(400, "BadRequest", f"The body cannot be read: {error}")

"""The HTTP side of the host: authentication, routes, keys, and the way to the functions."""

import asyncio
import hmac
import re
import time
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from devhost import http_values
from devhost.admin import Admin
from devhost.catalog import Catalog
from devhost.easyauth import Gate
from devhost.errors import FunctionFailed, InvocationTimedOut, WorkerLost
from devhost.functions import Function
from devhost.routes import Route
from devhost.runner import Runner

_BODY_LIMIT = 104_857_600
_PATIENCE_SECONDS = 30
_TRACE_PARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Front:
    """The ASGI application that plays platform and host."""

    def __init__(
        self,
        *,
        function_key: str,
        master_key: str,
        runner: Runner,
        catalog: Catalog,
        admin: Admin,
        gate: Gate | None,
    ) -> None:
        self._keys = {
            "anonymous": (),
            "function": (function_key, master_key),
            "admin": (master_key,),
        }
        self._runner = runner
        self._catalog = catalog
        self._admin = admin
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        started = time.perf_counter()
        response = await self._answer(request)
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        # The path only: a query may carry a key.
        self._runner.log.host(
            "INFO",
            f"{request.method} {scope['path']} {response.status_code} ({milliseconds} ms)",
            event="http",
            method=request.method,
            path=scope["path"],
            status=response.status_code,
            milliseconds=milliseconds,
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Let the platform answer where it has the word; else the host."""
        headers = http_values.request_headers(request)
        if self._gate is not None:
            if request.scope["path"].startswith("/.auth/"):
                return await self._gate.sign_in.handle(request)
            admitted = await self._gate.admit(request, headers)
            if isinstance(admitted, Response):
                return admitted
            headers = admitted
        if request.scope["path"].startswith("/admin/"):
            return await self._admin.handle(request)
        return await self._function(request, headers)

    async def _function(self, request: Request, headers: dict[str, str]) -> Response:
        found = self._catalog.routes.find(request.scope["raw_path"], request.method)
        if found is None:
            return Response(status_code=404)
        route, parameters = found
        if not self._may(route, request):
            return Response(status_code=401)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response(status_code=413)
        if not await self._is_running():
            return Response("Function host is not running.", 503, media_type="text/plain")
        trigger = http_values.to_trigger(request, headers, parameters, body)
        parent = request.headers.get("traceparent", "")
        return await self._invoke(
            route.function, trigger, parent if _TRACE_PARENT.fullmatch(parent) else ""
        )

    def _may(self, route: Route, request: Request) -> bool:
        accepted = self._keys[route.level]
        given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
        return not accepted or any(
            hmac.compare_digest(given.encode(), key.encode()) for key in accepted
        )

    async def _is_running(self) -> bool:
        if self._runner.supervisor.held_down:
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._runner.supervisor.ready()
        except TimeoutError:
            return False
        return True

    async def _invoke(self, function: Function, trigger: dict[str, Any], parent: str) -> Response:
        invocation = self._runner.invocation(function, trigger, parent)
        try:
            return _response(function, await self._runner.result(invocation))
        except (FunctionFailed, WorkerLost, InvocationTimedOut, ValueError) as failure:
            self._runner.log.failed(function.name, failure, invocation.id)
        return Response(status_code=500)


def _response(function: Function, outcome: dict[str, Any]) -> Response:
    outputs = function.of_type("http")
    if not outputs:
        return Response(status_code=204)
    name = outputs[0]["name"]
    value = outcome["returns"] if name == "$return" else outcome["outputs"].get(name)
    return http_values.to_response(value or {})


async def _body(request: Request) -> bytes | None:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > _BODY_LIMIT:
            return None
        chunks.append(chunk)
    return b"".join(chunks)

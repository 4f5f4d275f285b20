"""The host's own addresses below `/admin/`, all behind the master key."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devhost.catalog import Catalog
from devhost.errors import FunctionFailed, InvocationTimedOut, WorkerLost
from devhost.functions import Function
from devhost.runner import Runner
from devhost.timers import Timers

_FUNCTIONS = "/admin/functions/"


class Admin:
    """Runs any function on demand, and says how the host is."""

    def __init__(
        self,
        master_key: str,
        *,
        runner: Runner,
        catalog: Catalog,
        timers: Timers,
        start_instance: Callable[[str, str], str],
    ) -> None:
        self._master_key = master_key
        self._runner = runner
        self._catalog = catalog
        self._timers = timers
        self._start_instance = start_instance
        self._running: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Response:
        """Answer a request; without the master key always 401."""
        given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
        if not hmac.compare_digest(given.encode(), self._master_key.encode()):
            return Response(status_code=401)
        path = request.url.path
        if request.method == "GET" and path == "/admin/host/status":
            state = "Running" if self._runner.supervisor.pid else "Error"
            return JSONResponse({"state": state, "version": "4.0", "functionAppTimeZone": "UTC"})
        if request.method == "POST" and path.startswith(_FUNCTIONS):
            return await self._start(path.removeprefix(_FUNCTIONS), await request.body())
        return Response(status_code=404)

    async def run(self, function: Function, given: str) -> None:
        """Run a function to its end; an orchestrator is started, not awaited."""
        match function.trigger["type"]:
            case "timerTrigger":
                await self._timers.run(function)
            case "orchestrationTrigger":
                name = function.trigger.get("orchestration") or function.name
                await asyncio.to_thread(self._start_instance, name, given or "null")
            case "httpTrigger":
                await self._runner.run(function, _as_request(given))
            case "activityTrigger":
                await self._runner.run(function, {"json": given or "null"})
            case other:
                raise FunctionFailed(f"a function with {other} cannot be run on demand")

    async def close(self) -> None:
        """Forget the runs that are still going on."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _start(self, name: str, body: bytes) -> Response:
        function = self._catalog.app.named(name)
        if function is None:
            return Response(status_code=404)
        try:
            document: Any = json.loads(body or b"{}")
            given = document.get("input") or ""
        except (ValueError, AttributeError):
            return Response(status_code=400)
        text = given if isinstance(given, str) else json.dumps(given)
        task = asyncio.create_task(self._run_and_log(function, text))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return Response(status_code=202)

    async def _run_and_log(self, function: Function, given: str) -> None:
        try:
            await self.run(function, given)
        except (FunctionFailed, WorkerLost, InvocationTimedOut) as failure:
            self._runner.log.failed(function.name, failure)


def _as_request(text: str) -> dict[str, Any]:
    body = {"bytes": base64.b64encode(text.encode()).decode("ascii")} if text else {}
    return {
        "http": {
            "method": "POST",
            "url": "http://localhost/admin",
            "headers": {},
            "params": {},
            "query": {},
            "body": body,
        }
    }

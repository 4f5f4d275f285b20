"""A door in front of Azurite that can fail a call before or after it was carried out."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_HOP_BY_HOP = {"connection", "content-encoding", "content-length", "transfer-encoding"}


@dataclass
class Trouble:
    """What happens to calls: the first `skip` pass, then `times` fail; None: all."""

    applied: bool = False
    skip: int = 0
    times: int | None = 1
    seen: int = 0

    def strikes(self) -> bool:
        self.seen += 1
        end = None if self.times is None else self.skip + self.times
        return self.seen > self.skip and (end is None or self.seen <= end)


class LedgerProxy:
    """Forwards to Azurite. `trouble` is what goes wrong, `count` how many calls there were."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.trouble: Trouble | None = None
        self.count = 0
        methods = ["GET", "POST", "PUT", "PATCH", "MERGE", "DELETE"]
        routes = [Route("/{path:path}", self._forward, methods=methods)]
        app = Starlette(routes=routes, lifespan=self._connected)
        config = uvicorn.Config(app, port=0, log_level="error", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        _wait_until(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()

    @asynccontextmanager
    async def _connected(self, _: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient() as self._client:
            yield

    async def _forward(self, request: Request) -> Response:
        self.count += 1
        struck = self.trouble is not None and self.trouble.strikes()
        if struck and not (self.trouble and self.trouble.applied):
            return Response(status_code=503)
        # The signature covers the path as it was sent, so it is passed on undecoded.
        path = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        address = f"{self._target}{path}" + (f"?{query}" if query else "")
        answer = await self._client.request(
            request.method, address, headers=request.headers.raw, content=await request.body()
        )
        if struck:
            return Response(status_code=503)
        headers = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, headers)


def _wait_until(condition: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(500):
        if condition():
            return
        tick.wait(0.01)
    message = "the proxy did not start"
    raise AssertionError(message)

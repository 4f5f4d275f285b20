"""The one TLS listener behind which the whole cloud is played."""

import asyncio
import errno
import logging
import socket
import ssl
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import trustme
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from simulator.cloud import Cloud
from simulator.faults import Fault
from simulator.gateway import Gateway
from simulator.wire import Request, Response

_START_SECONDS = 20
_LOG = logging.getLogger(__name__)


class PortInUseError(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is already in use")
        self.port = port


class _Connections(dict[tuple[str, int], asyncio.Transport]):
    """The open connections by the caller's address, so that a fault can cut one."""

    def protocol(self) -> type[H11Protocol]:
        """The HTTP protocol that keeps this register."""
        register = self

        class Registering(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                if self.client is not None:
                    register[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    register.pop(self.client, None)
                super().connection_lost(exc)

        return Registering


class Server:
    """Serves a cloud on 127.0.0.1 from a thread, as a context manager.

    Inside the context `url` is the address and `ca_file` the authority to trust. The cloud's
    own addresses (issuer, links) follow the port that was chosen.
    """

    ca_file: Path

    def __init__(self, cloud: Cloud, port: int = 0) -> None:
        self.cloud = cloud
        self.url = ""
        self._port = port
        self._connections = _Connections()
        self._gateway = Gateway(cloud)

    def environment(self) -> dict[str, str]:
        """What the real SDKs need in their environment to talk to this cloud."""
        return {
            "SSL_CERT_FILE": str(self.ca_file),
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
            "IDENTITY_ENDPOINT": f"{self.url}/msi/token",
            "IDENTITY_HEADER": self.cloud.identity_header,
        }

    def start(self) -> None:
        """Listen. Raises `PortInUseError` when the port is taken."""
        listener = self._bind()
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        self.cloud.url = self.url
        self._directory = tempfile.TemporaryDirectory(prefix="simulator-")
        self.ca_file = Path(self._directory.name) / "ca.pem"
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, ready)), name="simulator", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise RuntimeError("the simulator did not start")

    def stop(self) -> None:
        """Cut every connection and end the thread. Stopping twice is no error."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_START_SECONDS)
        self._directory.cleanup()
        self.cloud.calls.close_log()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    async def _serve(self, listener: socket.socket, ready: threading.Event) -> None:
        """Serve until `stop`, on a loop of its own; calls that still wait are cancelled."""
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=60,
        )
        config.load()
        state = ServerState()
        protocol = self._connections.protocol()
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: protocol(config, state, {}), sock=listener, ssl=self._tls()
        )
        ready.set()
        await self._stopping.wait()
        server.close()
        server.abort_clients()
        await server.wait_closed()

    def _bind(self) -> socket.socket:
        # Without the protocol asyncio leaves Nagle's algorithm on: 40 ms for every small answer.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
            listener.listen(512)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(self._port) from error
            raise
        return listener

    def _tls(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return context

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        if request is None:
            return
        try:
            response, fault = await self._gateway(request)
        except Exception as error:  # noqa: BLE001  logged and kept in `defects`
            # A defect of this cloud, not of its caller: told apart from every fault played.
            _LOG.exception("the simulator failed at %s %s", request.method, request.path)
            self.cloud.defects.append(error)
            response, fault = Response(500, {"error": {"code": "SimulatorDefect"}}), None
        if fault is not None and fault.effect in {"hang", "drop"}:
            if fault.effect == "hang":
                while (await receive())["type"] != "http.disconnect":
                    pass
            self._cut(scope)
            return
        await _send(send, response, request, fault)
        if fault is not None and fault.effect == "truncate":
            self._cut(scope)

    def _cut(self, scope: Scope) -> None:
        """End the connection without another byte."""
        transport = self._connections.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole call; None when its caller went away before the end of it."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"".join(chunks),
    )


async def _send(send: Send, response: Response, request: Request, fault: Fault | None) -> None:
    content = response.content()
    headers = [(b"content-length", str(len(content)).encode())]
    if content:
        headers.append((b"content-type", response.media_type.encode()))
    headers += [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.items()
    ]
    if response.status == 204:
        headers = headers[1:]
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": response.status,
        "headers": headers,
    }
    await send(start)
    truncated = fault is not None and fault.effect == "truncate"
    body = b"" if request.method == "HEAD" else content
    await send(
        {
            "type": "http.response.body",
            "body": body[: len(body) // 2] if truncated else body,
            "more_body": truncated,
        }
    )

"""The workflow engine and the tables, made to fail."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

import grpc
import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from durabletask.internal import orchestrator_service_pb2 as pb

from devhost.backend import LoopbackBackend

type Mood = Literal["well", "down", "answer lost", "overtaking"]


class Engine:
    """Whether, and in which order, the workflow engine takes new instances.

    `overtaking` holds the first start of an instance back until a second one has gone before it.
    """

    def __init__(self) -> None:
        self.mood: Mood = "well"
        self._held = threading.Lock()
        self._second = threading.Event()

    @contextmanager
    def being(self, mood: Mood) -> Iterator[None]:
        """The engine in a mood, for the length of a block."""
        self._held = threading.Lock()
        self._second.clear()
        self.mood = mood
        try:
            yield
        finally:
            self.mood = "well"

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let every backend that starts in this block ask for the mood first."""
        original = LoopbackBackend.StartInstance

        def start(
            backend: LoopbackBackend, request: pb.CreateInstanceRequest, context: Any
        ) -> pb.CreateInstanceResponse:
            if self.mood == "down":
                context.abort(grpc.StatusCode.UNAVAILABLE, "down")
            is_first = self.mood == "overtaking" and self._held.acquire(blocking=False)
            if is_first and not self._second.wait(timeout=20):
                context.abort(grpc.StatusCode.UNAVAILABLE, "nobody overtook")
            answer = original(backend, request, context)
            self._second.set()
            if self.mood == "answer lost":
                context.abort(grpc.StatusCode.UNAVAILABLE, "down")
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LoopbackBackend, "StartInstance", start)
            yield


class Ledger:
    """Azurite's tables, and a proxy before them that can be down or lose the answers to writes."""

    def __init__(self, connection_string: str) -> None:
        self.mood: Mood = "well"
        self._service = TableServiceClient.from_connection_string(connection_string)
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
        there = urlsplit(parts["TableEndpoint"])
        ledger = self

        class Proxy(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def handle_one_request(self) -> None:
                # Requests of Azure's clients have a length or no body, and so have Azurite's
                # answers once the encodings are left as they are.
                self.close_connection = True
                with suppress(ConnectionError):
                    self.raw_requestline = self.rfile.readline(65537)
                    if ledger.mood != "down" and self.raw_requestline and self.parse_request():
                        ledger.forward(self, there.hostname or "", there.port or 0)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name there
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        parts["TableEndpoint"] = f"http://127.0.0.1:{self._server.server_port}{there.path}"
        self.connection_string = ";".join(f"{name}={value}" for name, value in parts.items())

    def forward(self, request: BaseHTTPRequestHandler, host: str, port: int) -> None:
        """Pass a request on to Azurite, and its answer back unless that is to be lost."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        azurite = http.client.HTTPConnection(host, port, timeout=30)
        try:
            azurite.request(request.command, request.path, body, dict(request.headers.items()))
            answer = azurite.getresponse()
            content = answer.read()
        finally:
            azurite.close()
        if self.mood == "answer lost" and request.command != "GET":
            request.close_connection = True
            return
        request.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
        request.wfile.flush()

    @contextmanager
    def being(self, mood: Mood) -> Iterator[None]:
        """The ledger in a mood, for the length of a block."""
        self.mood = mood
        try:
            yield
        finally:
            self.mood = "well"

    def keys(self, table: str, tenant_id: str) -> list[str]:
        """The row keys of a tenant's partition; none in a table that nobody has written to."""
        client = self._service.get_table_client(table)
        rows = client.query_entities("PartitionKey eq @tenant", parameters={"tenant": tenant_id})
        try:
            return [str(row["RowKey"]) for row in rows]
        except ResourceNotFoundError:
            return []

    def close(self) -> None:
        """End the proxy and the connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._service.close()

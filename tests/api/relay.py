"""A way to the API on which an answer can be replaced, and requests are seen."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx

_HOP = {"connection", "content-length", "host", "transfer-encoding"}


class Relay:
    """Passes requests on; those to a path that ends with a key of `said` it answers itself.

    A number stands for an answer of that status without a body, to be given once.
    """

    def __init__(self, address: str, said: dict[str, Any] | None = None) -> None:
        self.said = said or {}
        self.seen: list[tuple[str, str]] = []
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.close_connection = True
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    relay.answer(self)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name there
                """Say nothing."""

        self._there = httpx.Client(base_url=address, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._there.close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request, or have it answered."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.seen.append((request.command, request.path))
        key = next((each for each in self.said if request.path.endswith(each)), None)
        if key is None:
            headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
            found = self._there.request(
                request.command, request.path, content=body, headers=headers
            )
            status, media_type, content = (
                found.status_code,
                found.headers.get("Content-Type", ""),
                found.content,
            )
        elif isinstance(self.said[key], int):
            status, media_type, content = self.said.pop(key), "text/plain", b""
        else:
            status, media_type = 200, "application/json"
            content = json.dumps(self.said[key]).encode()
        request.send_response_only(status)
        request.send_header("Content-Type", media_type)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

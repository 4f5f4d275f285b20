"""A door in front of Azurite that can fail a call before or after it was carried out."""

import asyncio
import re
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_BODILESS = {b"204", b"304"}
_CLOSED = (asyncio.IncompleteReadError, ConnectionError)


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


# The calls that make a table or carry a transaction change no row by themselves.
_CHANGE = re.compile(rb"(?m)^(?:POST|PUT|PATCH|MERGE|DELETE) (?!\S*/(?:Tables|\$batch)\b)\S+")


class LedgerProxy:
    """Forwards to Azurite. `trouble` is what goes wrong, `count` how many calls there were.

    `writes` are the changes of rows that were asked for, those within transactions one by one.

    Messages are passed on byte for byte: the signature of a request covers it as it was sent.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self.trouble: Trouble | None = None
        self.count = 0
        self.writes: list[str] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5), "the proxy did not start"
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        server.close_clients()
        await server.wait_closed()

    async def _serve(self, caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        azurite: _Azurite | None = None
        try:
            while True:
                request = await _message(caller)
                self.count += 1
                self.writes += [line.decode() for line in _CHANGE.findall(request)]
                trouble = self.trouble
                struck = trouble is not None and trouble.strikes()
                answer = _REFUSAL
                if not (struck and trouble and not trouble.applied):
                    azurite = azurite or _Azurite(*self._target)
                    answer = await azurite.ask(request)
                to_caller.write(_REFUSAL if struck else answer)
                await to_caller.drain()
        except _CLOSED:
            return
        finally:
            if azurite is not None:
                azurite.close()
            to_caller.close()


class _Azurite:
    """A connection, opened anew where Azurite has closed it for being idle."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> bytes:
        was_open = self._streams is not None
        try:
            return await self._ask(request)
        except _CLOSED:
            self.close()
            if not was_open:
                raise
            return await self._ask(request)

    async def _ask(self, request: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(request)
        return await _message(reader, of_head=request.startswith(b"HEAD "))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def _message(reader: asyncio.StreamReader, *, of_head: bool = False) -> bytes:
    """A request or an answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.lower().split(b"\r\n")
    fields = dict(line.partition(b":")[::2] for line in lines if line)
    bodiless = of_head or first.partition(b" ")[2][:3] in _BODILESS
    if b"chunked" in fields.get(b"transfer-encoding", b"") and not bodiless:
        return head + await _chunks(reader)
    length = 0 if bodiless else int(fields.get(b"content-length", b"0"))
    return head + await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(line.split(b";")[0], 16) + 2)
        body += line + chunk
        if len(chunk) == len(b"\r\n"):
            return body

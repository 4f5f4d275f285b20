"""Frames between host and worker: four bytes of length, then one JSON object."""

import asyncio
import json
import os
import struct
import threading
from typing import Any

_LENGTH = struct.Struct("!I")

type Frame = dict[str, Any]


def encode(frame: Frame) -> bytes:
    """Turn a frame into bytes. What JSON does not know (in a log record) becomes its `str`."""
    body = json.dumps(frame, default=str).encode()
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """Read the next frame; None when the other side is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        frame: Frame = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return frame


async def reader_of(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    """Read a pipe's end in the running loop. The transport owns the descriptor."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


class BlockingWriter:
    """Writes frames from any thread; returns when the kernel has them.

    The worker may be killed at any moment: what it has logged or answered must be out by then.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, frame: Frame) -> None:
        """Write one frame whole, never interleaved with another thread's."""
        rest = memoryview(encode(frame))
        with self._lock:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

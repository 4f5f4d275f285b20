"""The listening socket and the HTTP server on it."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from devhost.errors import BadConfiguration, PortInUse
from devhost.front import Front

_FAREWELL_SECONDS = 2


def listen(address: str, port: int) -> socket.socket:
    """Bind and listen; port 0 takes any free one. PortInUse names the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol left open asyncio would not turn Nagle's algorithm off: 40 ms per answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} on {address} is already in use.") from None
        raise BadConfiguration(f"Cannot listen on {address}:{port}: {error.strerror}") from None
    return listener


@asynccontextmanager
async def serving(front: Front, listener: socket.socket) -> AsyncIterator[None]:
    """Answer requests while the block lasts, then let those under way finish shortly."""
    server = uvicorn.Server(
        uvicorn.Config(
            front,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=_FAREWELL_SECONDS,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task

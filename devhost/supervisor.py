"""Keeps one worker running, and lends it to whoever has something to invoke."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from devhost.errors import AppRefused, HostError, InvocationTimedOut, WorkerLost
from devhost.frames import Frame
from devhost.logbook import Logbook
from devhost.process import Invocation, WorkerProcess, WorkerSpec

_STILLBORN_LIMIT = 5


class Supervisor:
    """One worker at a time. A lost one is replaced at once, unless it is held down."""

    def __init__(
        self,
        spec: WorkerSpec,
        log: Logbook,
        *,
        timeout: timedelta | None,
        on_indexed: Callable[[list[Frame]], None],
        on_fatal: Callable[[HostError], None],
    ) -> None:
        self._spec = spec
        self._log = log
        self._timeout = timeout
        self._on_indexed = on_indexed
        self._on_fatal = on_fatal
        self._worker: WorkerProcess | None = None
        self._ready = asyncio.Event()
        self._wanted = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._stillborn = 0

    async def start(self) -> None:
        """Start the first worker; AppRefused when it does not index the app."""
        self._wanted.set()
        try:
            await self._spawn()
        except WorkerLost as loss:
            raise AppRefused(f"The worker died before it had indexed the app: {loss}.") from None
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End the worker and start no other. What is in flight ends with WorkerLost."""
        self._wanted.clear()
        self._ready.clear()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._worker is not None:
            await self._worker.close()

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none."""
        worker = self._worker
        return None if worker is None or worker.doomed else worker.pid

    @property
    def held_down(self) -> bool:
        """Whether there is no worker because somebody wanted it so."""
        return not self._wanted.is_set()

    async def ready(self) -> None:
        """Wait until a worker has indexed the app."""
        await self._ready.wait()

    async def invoke(self, invocation: Invocation) -> Frame:
        """Run an invocation on the next ready worker.

        WorkerLost: the worker died; the function may have had any part of its effects.
        InvocationTimedOut: the timeout passed; the worker was ended, as the real host does,
        and whatever else ran on it is lost with it.
        """
        worker = await self._live()
        limit = None if self._timeout is None else self._timeout.total_seconds()
        try:
            async with asyncio.timeout(limit):
                return await worker.invoke(invocation)
        except TimeoutError:
            if worker is self._worker:
                self._ready.clear()
            worker.kill()
            raise InvocationTimedOut from None

    async def _live(self) -> WorkerProcess:
        while True:
            await self._ready.wait()
            if self._worker is not None and not self._worker.doomed:
                return self._worker
            self._ready.clear()

    def kill(self) -> None:
        """Kill the worker as it is; another one follows."""
        self._ready.clear()
        if self._worker is not None:
            self._worker.kill()

    async def stop(self) -> None:
        """Kill the worker and hold it down: work waits until `resume`."""
        self._wanted.clear()
        self.kill()
        if self._worker is not None:
            await self._worker.lost.wait()

    async def resume(self) -> None:
        """Let a worker run again, and wait for it."""
        self._wanted.set()
        await self._ready.wait()

    async def _spawn(self) -> None:
        worker = self._worker = await WorkerProcess.start(self._spec, self._log)
        functions = await worker.indexed()
        self._on_indexed(functions)
        self._stillborn = 0
        if not worker.doomed:
            self._log.host("INFO", f"Worker process started and initialized ({worker.pid}).")
            self._ready.set()

    async def _keep(self) -> None:
        while (worker := self._worker) is not None:
            await worker.lost.wait()
            self._ready.clear()
            self._log.host("WARNING", f"Worker process {worker.pid} is gone.")
            await worker.close()
            await self._wanted.wait()
            try:
                with contextlib.suppress(WorkerLost):
                    self._stillborn += 1
                    await self._spawn()
                if self._stillborn >= _STILLBORN_LIMIT:
                    raise AppRefused("The worker keeps dying before it has indexed the app.")
            except HostError as error:
                self._on_fatal(error)
                return
            except Exception as error:  # noqa: BLE001 - without a keeper all work would wait for ever
                self._on_fatal(HostError(f"No worker can be started: {error!r}"))
                return

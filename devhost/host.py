"""The host in process: a thread with one event loop that owns everything else."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from devhost.backend import LoopbackBackend
from devhost.configuration import Configuration
from devhost.errors import HostError
from devhost.logbook import Logbook, Record
from devhost.running import Running, running
from devhost.strikes import Moment, Strikes


class DevHost:
    """Runs a function app while its `with` block lasts.

    Entering returns when the worker has indexed the app; it raises HostError, with the real reason
    in its message, when it cannot. All methods may be called from any thread.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        #: The task hub, for histories. It lives as long as this object.
        self.backend = LoopbackBackend()
        self._log = Logbook(configuration.log_file, console=configuration.console)
        self._strikes = Strikes()
        self._started: Future[Running] = Future()
        self._failure: HostError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devhost", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main_task: asyncio.Task[None] | None = None
        self._end = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def url(self) -> str:
        """Where the HTTP triggers are, without the route prefix."""
        return f"http://{self.configuration.address}:{self._running.port}"

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id; None while there is none."""
        return self._running.supervisor.pid

    @property
    def functions(self) -> list[str]:
        """The names of the indexed functions."""
        return [function.name for function in self._running.catalog.app.functions.values()]

    @property
    def log(self) -> list[Record]:
        """All records so far: of the host, the worker's loggers, its stdout and stderr."""
        return self._log.records()

    def wait_for(self, predicate: Callable[[Record], bool], timeout: float = 10) -> Record:
        """Give the first log record, past or coming, that fits; else TimeoutError."""
        return self._log.wait_for(predicate, timeout)

    def kill_worker(self) -> None:
        """Kill the worker now; it is replaced, and what it had not answered is delivered again."""

        async def kill() -> None:
            self._running.supervisor.kill()

        self._await(kill())

    def kill_worker_at(self, moment: Moment, function: str, occurrence: int = 1) -> None:
        """Kill the worker at the nth delivery to, or answer of, a durable function from now on.

        At `delivered` the function may have had any part of its effects, at `answered` all of them;
        its answer is lost either way, and the item is delivered again.
        """
        self._strikes.plan(moment, function, occurrence)

    def stop_worker(self) -> None:
        """Kill the worker and hold it down: work items wait, HTTP answers 503."""
        self._await(self._running.supervisor.stop())

    def start_worker(self) -> None:
        """Let the worker run again; returns when it is ready."""
        self._await(self._running.supervisor.resume())

    def wait_for_worker(self) -> None:
        """Return when a worker is ready."""
        self._await(self._running.supervisor.ready())

    def run_timer(self, name: str) -> None:
        """Run a timer-triggered function now, to its end; FunctionFailed when it fails."""
        function = self._running.catalog.app.named(name)
        if function is None or function.trigger["type"] != "timerTrigger":
            raise LookupError(f"there is no timer-triggered function {name}")
        self._await(self._running.admin.run(function, ""))

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the host ends by itself; then raise why. False when the time is up."""
        if not self._over.wait(timeout):
            return False
        if self._failure is not None:
            raise self._failure
        return True

    @property
    def _running(self) -> Running:
        if not self._started.done():
            raise RuntimeError("the host is not running")
        return self._started.result()

    def _await[T](self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or self._over.is_set():
            work.close()
            raise RuntimeError("the host is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        if self._loop is not None and self._main_task is not None:
            end = self._end.set if self._started.done() else self._main_task.cancel
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(end)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._log:
                asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that entered
            if not self._started.done():
                self._started.set_exception(error)
            elif isinstance(error, HostError):
                self._failure = error
            else:
                self._failure = HostError(f"The host failed: {error!r}")
        finally:
            self._over.set()

    async def _main(self) -> None:
        self._loop, self._main_task = asyncio.get_running_loop(), asyncio.current_task()
        async with running(
            self.configuration, self.backend, self._log, self._strikes, self._fail
        ) as parts:
            self._started.set_result(parts)
            await self._end.wait()
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: HostError) -> None:
        self._failure = error
        self._end.set()

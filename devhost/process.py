"""One worker process, seen from the host."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devhost import frames
from devhost.errors import AppRefused, BadConfiguration, WorkerLost
from devhost.logbook import Logbook

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent
_FAREWELL_SECONDS = 2


@dataclass(frozen=True)
class WorkerSpec:
    """How to start a worker: interpreter, environment, and its first frame."""

    python: str
    environment: Mapping[str, str]
    start: frames.Frame


@dataclass
class Invocation:
    """One call of one function: its inputs and trigger metadata as JSON-shaped data."""

    function_id: str
    inputs: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    trace_parent: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def frame(self) -> frames.Frame:
        """Give what the worker reads."""
        return {
            "type": "invoke",
            "id": self.id,
            "function": self.function_id,
            "inputs": self.inputs,
            "metadata": self.metadata,
            "trace_parent": self.trace_parent,
        }


class WorkerProcess:
    """A started worker. It is ready once `indexed` has answered, and never comes back once lost."""

    def __init__(
        self, process: asyncio.subprocess.Process, commands: asyncio.WriteTransport, log: Logbook
    ) -> None:
        self._process = process
        self._commands = commands
        self._log = log
        self._waiting: dict[str, asyncio.Future[frames.Frame]] = {}
        self._first: asyncio.Future[frames.Frame] = asyncio.get_running_loop().create_future()
        self._watchers: list[asyncio.Task[None]] = []
        self.lost = asyncio.Event()
        #: Killed or lost: whatever it is sent now, it will not answer.
        self.doomed = False

    @classmethod
    async def start(cls, spec: WorkerSpec, log: Logbook) -> "WorkerProcess":
        """Start the process and send it its first frame."""
        commands_read, commands_write = os.pipe()
        answers_read, answers_write = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                spec.python,
                "-m",
                "devhost.worker",
                str(commands_read),
                str(answers_write),
                pass_fds=(commands_read, answers_write),
                cwd=_PACKAGE_PARENT,
                env=spec.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # Ctrl-C at the terminal is for the host, which then ends its worker in order.
                start_new_session=True,
            )
        except OSError as error:
            os.close(commands_write)
            os.close(answers_read)
            raise BadConfiguration(f"{spec.python} cannot be started: {error.strerror}") from error
        finally:
            os.close(commands_read)
            os.close(answers_write)
        commands, _ = await asyncio.get_running_loop().connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(commands_write, "wb", buffering=0)
        )
        worker = cls(process, commands, log)
        await worker._watch(answers_read)
        commands.write(frames.encode(spec.start))
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def indexed(self) -> list[frames.Frame]:
        """Wait for the app to be indexed; AppRefused carries the real worker's reason."""
        first = await asyncio.shield(self._first)
        if first["type"] == "refused":
            self._log.host("ERROR", first["message"], exception=first["stack"])
            raise AppRefused(f"The worker refused the function app. {first['message']}")
        functions: list[frames.Frame] = first["functions"]
        return functions

    async def invoke(self, invocation: Invocation) -> frames.Frame:
        """Run a function and give the worker's answer; WorkerLost when it dies before that."""
        if self.doomed:
            raise WorkerLost("it was already gone")
        answer: asyncio.Future[frames.Frame] = asyncio.get_running_loop().create_future()
        self._waiting[invocation.id] = answer
        self._commands.write(frames.encode(invocation.frame()))
        try:
            return await answer
        finally:
            self._waiting.pop(invocation.id, None)

    def kill(self) -> None:
        """End the process and all that it started, at once, whatever they are doing."""
        self.doomed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Let the worker go: it ends when its pipe closes; kill it when it does not.

        One that is still importing the app would not notice, and is killed at once.
        """
        self._commands.close()
        if not self._first.done():
            self.kill()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _watch(self, answers: int) -> None:
        reader, transport = await frames.reader_of(answers)
        streams = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._watchers = [
            asyncio.create_task(self._listen(reader, transport)),
            *(
                asyncio.create_task(self._capture(source, stream))
                for source, stream in streams.items()
                if stream is not None
            ),
        ]

    async def _listen(self, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        while (frame := await frames.read(reader)) is not None:
            match frame["type"]:
                case "log":
                    self._log.add("worker", frame["record"])
                case "result":
                    answer = self._waiting.get(frame["id"])
                    if answer is not None and not answer.done():
                        answer.set_result(frame["result"])
                case _:
                    if not self._first.done():
                        self._first.set_result(frame)
        transport.close()
        # Its end of the pipe is closed: it is dying, or of no use any more.
        self.kill()
        code = await self._process.wait()
        self.lost.set()
        for answer in (self._first, *self._waiting.values()):
            if not answer.done():
                answer.set_exception(WorkerLost(f"it ended with {_exit_words(code)}"))
        # Nobody may be waiting for the first answer any more; it has been heard then.
        self._first.exception()

    async def _capture(self, source: str, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(source, line)
        if rest:
            self._line(source, rest)

    def _line(self, source: str, line: bytes) -> None:
        self._log.add(
            source,
            {
                "time": datetime.now(UTC).isoformat(),
                "level": "INFO",
                "message": line.decode(errors="replace").rstrip("\r"),
            },
        )


def _exit_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

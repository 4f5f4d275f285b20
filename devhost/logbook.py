"""Everything that was said: by the host, by the worker's loggers, on its stdout and stderr."""

import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

type Record = dict[str, Any]

_RANKS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
# The worker library reports every invocation; the real host files that under its own system logs.
_QUIET_LOGGERS = ("azure.functions",)


class Logbook:
    """Keeps every record, writes it to a JSON-lines file, and shows the louder ones."""

    def __init__(self, file: Path | None = None, *, console: bool = False) -> None:
        self._records: list[Record] = []
        self._news = threading.Condition()
        self._file = file.open("a", encoding="utf-8", buffering=1) if file else None
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._news:
            if self._file is not None:
                self._file.close()
                self._file = None

    def add(self, source: str, record: Record) -> None:
        """Take a record as it came; `source` tells host, worker, stdout and stderr apart."""
        complete = {"source": source, **record}
        with self._news:
            self._records.append(complete)
            if self._file is not None:
                self._file.write(json.dumps(complete, default=str) + "\n")
            self._news.notify_all()
        if self._console:
            self._show(complete)

    def host(self, level: str, message: str, **fields: Any) -> None:
        """Say something in the host's own name."""
        now = datetime.now(UTC).isoformat()
        self.add("host", {"time": now, "level": level, "message": message, **fields})

    def failed(self, function: str, failure: Exception, invocation_id: str = "") -> None:
        """Say that a function failed; its trace goes into the log and nowhere else."""
        of = f", Id={invocation_id}" if invocation_id else ""
        text = str(failure) or type(failure).__name__
        trace = getattr(failure, "stack", text)
        message = f"Executed 'Functions.{function}' (Failed{of}): {text}"
        self.host("ERROR", message, event="failed", function=function, exception=trace)

    def records(self) -> list[Record]:
        """Copy what there is so far."""
        with self._news:
            return list(self._records)

    def wait_for(self, predicate: Callable[[Record], bool], timeout: float) -> Record:
        """Give the first record, past or coming, that fits; TimeoutError when none comes."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._news:
            while True:
                for record in self._records[seen:]:
                    if predicate(record):
                        return record
                seen = len(self._records)
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no such record among {seen} within {timeout} s")

    @staticmethod
    def _show(record: Record) -> None:
        level = record.get("level", "INFO")
        if _RANKS.get(level, 20) < _RANKS["INFO"]:
            return
        if record.get("logger") in _QUIET_LOGGERS and _RANKS.get(level, 20) < _RANKS["WARNING"]:
            return
        stamp = str(record.get("time", ""))[11:23]
        text = f"[{stamp}] {level.lower():8} {record['message']}"
        if "exception" in record:
            text += "\n" + record["exception"].rstrip()
        sys.stderr.write(text + "\n")

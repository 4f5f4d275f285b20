"""The log of every call that was handled, for people and for tests to read."""

import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

_KEPT = 100_000


@dataclass(frozen=True)
class Call:
    """One handled call, nothing redacted: this log stands for the outside world."""

    sequence: int
    time: str
    started: float
    ended: float
    service: str
    tenant: str | None
    method: str
    path: str
    query: str
    status: int | None
    app: str | None
    user: str | None
    applied: bool
    fault: str | None = None
    batch: int | None = None
    request_headers: dict[str, str] = field(default_factory=dict)
    request_body: Any = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: Any = None

    def __str__(self) -> str:
        """The call on one line."""
        suffix = f" ({self.fault})" if self.fault else ""
        return f"{self.sequence} {self.service} {self.method} {self.path} -> {self.status}{suffix}"


class Calls:
    """Handled calls in the order in which they ended; the oldest fall off after 100,000."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._sequence = 0
        self._file: TextIO | None = None

    def next_sequence(self) -> int:
        """A number for a call that is about to be handled."""
        with self._lock:
            self._sequence += 1
            return self._sequence

    def add(self, call: Call) -> None:
        """Keep a call and, with a log file open, append it as one JSON line."""
        with self._lock:
            self._calls.append(call)
            if self._file is not None:
                self._file.write(json.dumps(asdict(call)) + "\n")
                self._file.flush()

    def open_log(self, path: Path) -> None:
        """Append every further call to a file, one JSON object per line."""
        self.close_log()
        with self._lock:
            self._file = path.open("a", encoding="utf-8")

    def close_log(self) -> None:
        """Stop writing to the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def clear(self) -> None:
        """Forget every call so far; sequence numbers go on."""
        with self._lock:
            self._calls.clear()

    def __iter__(self) -> Iterator[Call]:
        """Every kept call, oldest first."""
        with self._lock:
            return iter(list(self._calls))

    def __len__(self) -> int:
        """How many calls are kept."""
        return len(self._calls)

    def where(
        self,
        *,
        service: str | None = None,
        tenant: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        after: int = 0,
    ) -> list[Call]:
        """The calls that fit everything given; `path` is a regular expression, searched."""
        return [
            call
            for call in self
            if call.sequence > after
            and (service is None or call.service == service)
            and (tenant is None or call.tenant == tenant)
            and (method is None or call.method == method)
            and (path is None or re.search(path, call.path) is not None)
            and (status is None or call.status == status)
        ]

    def graph(self, tenant: str | None = None, **conditions: Any) -> list[Call]:
        """Calls to Graph, of one tenant if given."""
        return self.where(service="graph", tenant=tenant, **conditions)

    def login(self, tenant: str | None = None, **conditions: Any) -> list[Call]:
        """Calls to the token service, of one tenant if given."""
        return self.where(service="login", tenant=tenant, **conditions)

    def secrets(self) -> set[str]:
        """Every secret that passed by: passwords set, access passes issued, values in the vault.

        For tests that search what the product leaves behind.
        """
        return {value for call in self for value in _secrets_in(call)}

    def vault(self, **conditions: Any) -> list[Call]:
        """Calls to Key Vault."""
        return self.where(service="vault", **conditions)


def _secrets_in(call: Call) -> Iterator[str]:
    for body in (call.request_body, call.response_body):
        if not isinstance(body, dict):
            continue
        profile = body.get("passwordProfile")
        found = [profile.get("password")] if isinstance(profile, dict) else []
        found.append(body.get("temporaryAccessPass"))
        if call.service == "vault":
            found.append(body.get("value"))
        yield from (value for value in found if isinstance(value, str) and value)

"""Everything that goes wrong on a stage: faults of calls, outages, lost workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator import Cloud
from simulator.faults import Fault
from tests.lifecycle.engine import ActivityLost, Clock, WorkerKilled
from tests.lifecycle.ledger_proxy import LedgerProxy, Trouble

CALLS: dict[str, dict[str, str]] = {
    "sign-in": {"service": "login"},
    "any reading": {"service": "graph", "method": "GET"},
    "any creation": {"service": "graph", "method": "POST"},
    "any change": {"service": "graph", "method": "PATCH"},
    "any removal": {"service": "graph", "method": "DELETE"},
    "find account": {"service": "graph", "method": "GET", "path": "/users$"},
    "read account": {"service": "graph", "method": "GET", "path": "/users/[^/]+$"},
    "create account": {"service": "graph", "method": "POST", "path": "/users$"},
    "enable or disable": {"service": "graph", "method": "PATCH", "body": "accountEnabled"},
    "set password": {"service": "graph", "method": "PATCH", "body": "passwordProfile"},
    "revoke sessions": {"service": "graph", "method": "POST", "path": "revokeSignInSessions"},
    "list roles": {"service": "graph", "method": "GET", "path": "roleAssignments"},
    "assign role": {"service": "graph", "method": "POST", "path": "roleAssignments$"},
    "remove role": {"service": "graph", "method": "DELETE", "path": "roleAssignments"},
    "role schedules": {"service": "graph", "path": "roleAssignmentSchedule"},
    "groups": {"service": "graph", "path": "(memberOf|/groups/)"},
    "list methods": {"service": "graph", "method": "GET", "path": "/authentication/"},
    "issue pass": {"service": "graph", "method": "POST", "path": "temporaryAccessPassMethods"},
    "remove method": {"service": "graph", "method": "DELETE", "path": "/authentication/"},
    "delete account": {"service": "graph", "method": "DELETE", "path": "/users/"},
    "deleted accounts": {"service": "graph", "path": "deletedItems"},
    "keep secret": {"service": "vault", "method": "PUT"},
    "read secret": {"service": "vault", "method": "GET"},
    "retire secret": {"service": "vault", "method": "PATCH"},
}
"""The external calls by what they are for; a table's call is `ledger`."""

COMMON = ("any reading", "any creation", "any change", "any removal")

LEDGER = "ledger"

EFFECTS: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "503 after it was applied": {"status": 503, "applied": True},
    "500": {"status": 500},
    "cut": {"effect": "drop"},
    "cut after it was applied": {"effect": "drop", "applied": True},
    "half an answer": {"effect": "truncate"},
    "429": {"status": 429},
    "429 for 20 seconds": {"status": 429, "retry_after": 20},
    "429 for 5 minutes": {"status": 429, "retry_after": 300},
    "400": {"status": 400, "code": "Request_BadRequest"},
    "403": {"status": 403, "code": "Authorization_RequestDenied"},
    "404": {"status": 404, "code": "Request_ResourceNotFound"},
}

_OUTAGES: dict[str, tuple[str, ...]] = {
    "graph": ("graph", "login"),
    "vault": ("vault",),
    "ledger": (),
    "everything": ("graph", "login", "vault", "msi"),
}


@dataclass
class _Lasting:
    """Trouble that ends when its time is up."""

    ends_at: datetime
    faults: list[Fault]
    ledger: Trouble | None = None


@dataclass
class Weather:
    """The trouble in force, and when there last was any."""

    cloud: Cloud
    ledger: LedgerProxy
    clock: Clock
    strikes: list[tuple[str, str, type[Exception]]] = field(default_factory=list)
    last: datetime | None = None
    _lasting: list[_Lasting] = field(default_factory=list)
    _hits: int = 0

    def strike_call(self, call: str, effect: str, times: int, skip: int) -> None:
        """The next calls of a kind fail."""
        if call == LEDGER:
            applied = bool(EFFECTS[effect].get("applied"))
            self.ledger.trouble = Trouble(applied=applied, skip=skip, times=times)
            return
        what: dict[str, Any] = {**CALLS[call], **EFFECTS[effect]}
        self.cloud.faults.add(Fault(times=times, skip=skip, **what))

    def flap(self, call: str, duration: timedelta) -> None:
        """Every second reading says for a while that there is no such thing."""
        what: dict[str, Any] = {**CALLS[call], "status": 404}
        fault = Fault(**what, every=2, times=None)
        self._last_until(duration, [fault])

    def outage(self, service: str, duration: timedelta) -> None:
        """A service does not answer for so long."""
        faults = [Fault(service=name, status=503, times=None) for name in _OUTAGES[service]]
        ledger = Trouble(times=None) if service in {"ledger", "everything"} else None
        self._last_until(duration, faults, ledger)

    def _last_until(
        self, duration: timedelta, faults: list[Fault], ledger: Trouble | None = None
    ) -> None:
        self._lasting.append(_Lasting(self.clock() + duration, faults, ledger))
        for fault in faults:
            self.cloud.faults.add(fault)
        self.ledger.trouble = ledger or self.ledger.trouble

    @property
    def next_change(self) -> datetime | None:
        """When the next lasting trouble ends."""
        return min((lasting.ends_at for lasting in self._lasting), default=None)

    def change_with_time(self) -> None:
        """End what has lasted long enough."""
        for lasting in [each for each in self._lasting if each.ends_at <= self.clock()]:
            self._lasting.remove(lasting)
            self.note_trouble()
            for fault in lasting.faults:
                self.cloud.faults.remove(fault)
            if self.ledger.trouble is lasting.ledger:
                self.ledger.trouble = None

    def note_trouble(self) -> None:
        """Something went wrong just now."""
        self.last = self.clock()

    def observe(self) -> None:
        """Note whether any fault has struck since the last look."""
        hits = sum(fault.hits for fault in self.cloud.faults)
        if self.ledger.trouble is not None:
            trouble = self.ledger.trouble
            hits += max(0, min(trouble.seen - trouble.skip, trouble.times or trouble.seen))
        if hits > self._hits or self._lasting:
            self.note_trouble()
        self._hits = hits

    @contextmanager
    def calm(self) -> Iterator[None]:
        """No trouble while a test looks."""
        before, self.ledger.trouble = self.ledger.trouble, None
        try:
            yield
        finally:
            self.ledger.trouble = before

    def hook(self, phase: str, name: str) -> None:
        """Lose the worker where that was asked for."""
        for strike in self.strikes:
            if strike[0] == phase and strike[1] in {name, "any"}:
                self.strikes.remove(strike)
                self.note_trouble()
                raise strike[2](name)

    def clear(self) -> None:
        """Everything works again."""
        if self._lasting or self.strikes:
            self.note_trouble()
        self.cloud.faults.clear()
        self.ledger.trouble = None
        self._lasting.clear()
        self.strikes.clear()
        self._hits = 0


def lost(how: str) -> type[Exception]:
    """How a worker is lost: with its work handed out again, or failed."""
    return WorkerKilled if how == "again" else ActivityLost

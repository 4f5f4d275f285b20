"""Trouble on demand: which calls it befalls, and what it does to them."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

Effect = Literal["status", "drop", "hang", "truncate", "none"]
SERVICES = ("graph", "login", "msi", "vault")


class Matcher(TypedDict, total=False):
    """Which calls a fault befalls, as keywords of the shortcuts below."""

    service: str
    method: str
    path: str
    body: str
    tenant: str
    skip: int
    retry_after: int
    code: str
    message: str
    delay: float


@dataclass(kw_only=True, eq=False)
class Fault:
    """One kind of trouble for the calls it matches.

    A call matches when everything given fits: `service` (graph, login, msi, vault), `method`,
    `path` and `body` (regular expressions, searched), `tenant` (id). Of the matching calls the
    first `skip` pass; then every `every`-th is hit, `times` times (None: until removed).

    A hit call waits `delay` seconds and then, by `effect`: answers `status` with `code` and
    `retry_after` (`status`), has its connection cut without an answer (`drop`), never gets an
    answer (`hang`), gets half of its answer (`truncate`), or goes on as if nothing had happened
    (`none`: latency only). With `applied` the call is really handled first, so that its write
    stands although the caller sees the failure.
    """

    service: str | None = None
    method: str | None = None
    path: str | None = None
    body: str | None = None
    tenant: str | None = None
    effect: Effect = "status"
    applied: bool = False
    status: int = 503
    code: str | None = None
    message: str | None = None
    retry_after: int | None = None
    delay: float = 0.0
    skip: int = 0
    every: int = 1
    times: int | None = 1
    name: str = ""
    seen: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        """Refuse what could never match or never happen."""
        if self.service is not None and self.service not in SERVICES:
            raise ValueError(f"service must be one of {', '.join(SERVICES)}: {self.service!r}")
        if self.effect not in {"status", "drop", "hang", "truncate", "none"}:
            raise ValueError(f"unknown effect: {self.effect!r}")
        if self.every < 1 or self.skip < 0 or (self.times is not None and self.times < 1):
            raise ValueError("every and times start at 1, skip at 0")
        for pattern in (self.path, self.body):
            re.compile(pattern or "")

    @property
    def label(self) -> str:
        """What to call this fault in the call log."""
        what = str(self.status) if self.effect == "status" else self.effect
        return self.name or f"fault: {what}" + (" after it was applied" if self.applied else "")

    @property
    def spent(self) -> bool:
        """True when it has hit as often as it may."""
        return self.times is not None and self.hits >= self.times

    def matches(self, service: str, tenant: str | None, method: str, path: str, body: str) -> bool:
        """Whether the call is of the kind that this fault befalls."""
        return (
            (self.service is None or self.service == service)
            and (self.tenant is None or self.tenant == tenant)
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.body is None or re.search(self.body, body) is not None)
        )

    def strike(self) -> bool:
        """Count a matching call; True when this one is hit."""
        if self.spent:
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.seen - self.skip) % self.every:
            return False
        self.hits += 1
        return True


@dataclass(frozen=True)
class Plan:
    """What awaits one call: a delay, and at most one failure."""

    delay: float = 0.0
    failure: Fault | None = None

    @property
    def applied(self) -> bool:
        """Whether the call is handled at all."""
        return self.failure is None or self.failure.applied or self.failure.effect == "truncate"


class Faults:
    """The faults in force. Thread-safe; the first failing fault in order of arrival wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.latency: dict[str, float] = {}

    def __iter__(self) -> Iterator[Fault]:
        """The faults in force, spent ones included."""
        return iter(list(self._faults))

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take one fault out of force; removing it twice is no error."""
        with self._lock:
            self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        """Remove every fault and all latency."""
        with self._lock:
            self._faults.clear()
            self.latency.clear()

    def set_latency(self, service: str, seconds: float) -> None:
        """Let every call to a service wait so long before it is handled; 0 for no wait."""
        if service not in SERVICES or seconds < 0:
            raise ValueError(f"no such latency: {service!r} {seconds!r}")
        with self._lock:
            self.latency[service] = seconds

    def plan(
        self, service: str, tenant: str | None, method: str, path: str, body: bytes = b""
    ) -> Plan:
        """Decide what happens to one call, counting it against every fault it matches."""
        text = body.decode("utf-8", "replace")
        with self._lock:
            delay = self.latency.get(service, 0.0)
            failure: Fault | None = None
            for fault in self._faults:
                if failure is not None and fault.effect != "none":
                    continue
                if fault.matches(service, tenant, method, path, text) and fault.strike():
                    delay += fault.delay
                    failure = failure or (fault if fault.effect != "none" else None)
            return Plan(delay, failure)

    def outage(self, service: str, *, status: int = 503) -> Fault:
        """Nothing of a service works until the returned fault is removed."""
        return self.add(Fault(service=service, status=status, times=None, name=f"{service} outage"))

    def throttle(self, *, times: int | None = 1, **matcher: Unpack[Matcher]) -> Fault:
        """Answer the next matching calls with 429, and Retry-After if `retry_after` is given."""
        matcher.setdefault("service", "graph")
        return self.add(Fault(status=429, times=times, **matcher))

    def fail_before(
        self, *, status: int = 503, times: int | None = 1, **matcher: Unpack[Matcher]
    ) -> Fault:
        """Fail the next matching calls without handling them."""
        return self.add(Fault(status=status, times=times, **matcher))

    def fail_after_applied(
        self,
        *,
        status: int = 503,
        effect: Effect = "status",
        times: int | None = 1,
        **matcher: Unpack[Matcher],
    ) -> Fault:
        """Handle the next matching calls and then fail them all the same."""
        return self.add(Fault(status=status, effect=effect, applied=True, times=times, **matcher))

    def flapping(self, *, path: str, status: int = 404, method: str = "GET") -> Fault:
        """Every second matching call answers as if the object were not there."""
        return self.add(
            Fault(path=path, method=method, status=status, every=2, times=None, name="flapping")
        )

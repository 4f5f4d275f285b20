"""host.json, as far as it changes how the host runs an app."""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from devhost.configuration import read_json
from devhost.errors import BadConfiguration

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")
_LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "information": "INFO",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "CRITICAL",
    "none": "CRITICAL",
}
_DEFAULT_TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class HostJson:
    """The settings of host.json that are honoured here."""

    route_prefix: str
    function_timeout: timedelta | None
    hub_name: str
    default_version: str
    max_activities: int
    max_orchestrators: int
    log_level: str

    @classmethod
    def read(cls, path: Path) -> "HostJson":
        """Read the file; BadConfiguration names the value that is wrong."""
        document = read_json(path)
        if document.get("version") != "2.0":
            raise BadConfiguration(f'{path}: "version" must be "2.0"')
        reader = _Reader(path, document)
        per_core = 10 * (os.cpu_count() or 1)
        durable = "extensions.durableTask."
        return cls(
            route_prefix=reader.text("extensions.http.routePrefix", "api").strip("/"),
            function_timeout=reader.timeout("functionTimeout"),
            hub_name=reader.text(durable + "hubName", "TestHubName"),
            default_version=reader.text(durable + "defaultVersion", ""),
            max_activities=reader.count(durable + "maxConcurrentActivityFunctions", per_core),
            max_orchestrators=reader.count(
                durable + "maxConcurrentOrchestratorFunctions", per_core
            ),
            log_level=reader.level("logging.logLevel.default"),
        )


@dataclass(frozen=True)
class _Reader:
    path: Path
    document: dict[str, Any]

    def get(self, dotted: str) -> Any:
        value: Any = self.document
        for name in dotted.split("."):
            if not isinstance(value, dict):
                raise self.wrong(dotted, "its parent is not an object")
            value = value.get(name)
            if value is None:
                return None
        return value

    def wrong(self, dotted: str, why: str) -> BadConfiguration:
        return BadConfiguration(f"{self.path}: {dotted}: {why}")

    def text(self, dotted: str, default: str) -> str:
        value = self.get(dotted)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(dotted, "must be a string")
        return value

    def count(self, dotted: str, default: int) -> int:
        value = self.get(dotted)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(dotted, "must be a number above zero")
        return value

    def timeout(self, dotted: str) -> timedelta | None:
        value = self.text(dotted, "")
        if not value:
            return _DEFAULT_TIMEOUT
        if value == "-1":
            return None
        span = time_span(value)
        if span is None or not span:
            raise self.wrong(dotted, f"must be a time span such as 00:05:00, or -1, not {value!r}")
        return span

    def level(self, dotted: str) -> str:
        value = self.text(dotted, "Information")
        level = _LEVELS.get(value.lower())
        if level is None:
            raise self.wrong(dotted, f"unknown level {value!r}")
        return level


def time_span(text: str) -> timedelta | None:
    """Read a .NET TimeSpan, `[d.]hh:mm:ss[.fffffff]`; None when it is something else."""
    found = _TIME_SPAN.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds, fraction = found.groups()
    return timedelta(
        days=int(days or 0),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int((fraction or "0").ljust(7, "0")) // 10,
    )

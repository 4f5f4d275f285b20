"""When a timer trigger fires: six-field cron expressions and time spans, in UTC."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from devhost.errors import BadConfiguration
from devhost.hostjson import time_span

_REFERENCE = re.compile(r"%([^%]+)%")
_FIELDS = (5, 6)


@dataclass(frozen=True)
class Schedule:
    """One timer's schedule, already read."""

    text: str
    every: timedelta | None

    @classmethod
    def read(cls, text: str, function: str) -> "Schedule":
        """Read a schedule; BadConfiguration names the function whose schedule is wrong."""
        every = time_span(text)
        if every is not None:
            if not every:
                raise BadConfiguration(f"The schedule of {function} must be longer than zero")
            return cls(text, every)
        fields = text.split()
        if len(fields) not in _FIELDS:
            raise BadConfiguration(f"The schedule of {function} cannot be read: {text!r}")
        # Five fields have no seconds: the timer fires at the full minute.
        cron = " ".join(fields if len(fields) == _FIELDS[1] else ["0", *fields])
        if not croniter.is_valid(cron, second_at_beginning=True):
            raise BadConfiguration(f"The schedule of {function} cannot be read: {text!r}")
        return cls(cron, None)

    def after(self, moment: datetime) -> datetime:
        """The next time it fires after a moment."""
        if self.every is not None:
            return moment + self.every
        following: datetime = croniter(self.text, moment, second_at_beginning=True).get_next(
            datetime
        )
        return following


def resolve(text: str, settings: Mapping[str, str], function: str) -> str:
    """Replace `%SETTING%` by the app setting of that name."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in settings:
            raise BadConfiguration(f"{function} refers to the setting {name}, which is not set")
        return settings[name]

    return _REFERENCE.sub(value, text)

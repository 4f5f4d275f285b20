"""What all models share: camelCase on the wire, frozen in memory, strict about strangers."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

ISO_DURATION = re.compile(
    r"P(?=[0-9T])(?:[0-9]{1,4}D)?(?:T(?=[0-9])(?:[0-9]{1,4}H)?(?:[0-9]{1,5}M)?(?:[0-9]{1,7}(?:\.[0-9]{1,3})?S)?)?"
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LONGEST = timedelta(days=31)
_LONGEST_PERIOD = timedelta(days=3650)

_timedelta: TypeAdapter[timedelta] = TypeAdapter(timedelta)


class Model(BaseModel):
    """A value at the edge: unknown fields are refused, and named."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        frozen=True,
        extra="forbid",
        # A cold start does not build the validators of models that it never uses.
        defer_build=True,
    )

    def to_json(self) -> dict[str, Any]:
        """The value as JSON-ready types, keys in camelCase."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, stored: object) -> Self:
        """The value from a table row or a durable history, which may be of another release.

        Fields that this release does not know are passed over; fields that it has added must
        have defaults (rule 11).
        """
        return cls.model_validate(stored, extra="ignore")


def visible(text: str) -> str:
    """A text of somebody else's, with a mark in the place of each invisible character.

    A terminal obeys some of them, and others turn around what stands beside them.
    """
    return "".join("\ufffd" if _is_invisible(character) else character for character in text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _no_control_characters(value: str) -> str:
    if any(map(_is_invisible, value)):
        message = "must not contain control or invisible characters"
        raise ValueError(message)
    return value


def _span(value: object, longest: timedelta) -> timedelta:
    if isinstance(value, timedelta):
        parsed = value
    elif isinstance(value, str) and ISO_DURATION.fullmatch(value):
        parsed = _timedelta.validate_python(value)
    else:
        message = "must be an ISO 8601 duration such as PT4H or PT90M"
        raise ValueError(message)
    if not timedelta(0) < parsed <= longest:
        message = f"must be longer than nothing and at most {longest.days} days"
        raise ValueError(message)
    return parsed


def _period(value: object) -> timedelta:
    return _span(value, _LONGEST_PERIOD)


def _duration(value: object) -> timedelta:
    return _span(value, LONGEST)


def _utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        message = "must carry its offset, for example 2026-01-31T09:00:00Z"
        raise ValueError(message)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        message = "must lie between the years 1 and 9999, in UTC as well"
        raise ValueError(message) from None


def _uuid(value: object) -> str:
    if isinstance(value, str) and _GUID.fullmatch(value):
        return value.lower()
    message = "must be a GUID such as 00000000-0000-4000-8000-000000000000"
    raise ValueError(message)


_SCHEMA = {
    "type": "string",
    "format": "duration",
    "pattern": f"^{ISO_DURATION.pattern}$",
}

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({**_SCHEMA, "examples": ["PT4H"]}),
]
"""An ISO 8601 duration in days, hours, minutes and seconds; more than nothing, at most 31 days."""

Period = Annotated[
    timedelta,
    BeforeValidator(_period),
    WithJsonSchema({**_SCHEMA, "examples": ["P90D"]}),
]
"""A longer ISO 8601 duration: more than nothing, at most ten years."""

Moment = Annotated[
    datetime,
    AfterValidator(_utc),
    PlainSerializer(
        lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A point in time, RFC 3339 in UTC on the wire."""

Guid = Annotated[
    str,
    BeforeValidator(_uuid),
    WithJsonSchema(
        {
            "type": "string",
            "format": "uuid",
            "pattern": f"^{_GUID.pattern}$",
        }
    ),
]
"""A GUID in the usual dashed form, kept in lower case."""

Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, strip_whitespace=True),
    AfterValidator(_no_control_characters),
]
"""A short text for people, on one line."""

Remark = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000, strip_whitespace=True),
    AfterValidator(_no_control_characters),
]
"""A longer text for people: a justification or a comment."""

Told = Annotated[
    str, BeforeValidator(lambda value: visible(value) if isinstance(value, str) else value)
]
"""A text of ours in which a directory's words stand, shown as they are and obeyed by nothing."""

ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""The name of an access profile, as it stands in an address."""

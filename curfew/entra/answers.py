"""What Microsoft Graph answers, read strictly from its JSON.

The SDK's models are not used for reading: each of them imports all 1,500 of its kind the first
time and 2,400 names at every object, and takes a property that is missing or garbled for None.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Never, Self

from curfew.errors import Unavailable


class Answer:
    """One JSON object. It never shows what is in it, which may be a pass.

    A property that has another type than Microsoft documents makes the whole answer `Unavailable`:
    what cannot be read is unknown, and neither "no" nor "none". One that is null or absent is None,
    as Microsoft leaves out what was not asked for.
    """

    __slots__ = ("_operation", "_values")

    def __init__(self, operation: str, values: Mapping[str, object]) -> None:
        self._operation = operation
        self._values = values

    @classmethod
    def parse(cls, operation: str, body: bytes | None) -> Self:
        """The object that a body holds."""
        values = _loaded(body)
        if not isinstance(values, dict):
            raise Unavailable("directory", operation)
        return cls(operation, values)

    @property
    def id(self) -> str:
        """The object's id, without which it is no object."""
        return self.needed("id")

    @property
    def kind(self) -> str:
        """Microsoft's type name, where a collection holds several; empty otherwise."""
        return self.text("@odata.type") or ""

    def needed(self, name: str) -> str:
        """A text that must be there and not be empty."""
        return self.text(name) or self._fail()

    def text(self, name: str) -> str | None:
        """A text."""
        value = self._values.get(name)
        return value if value is None or isinstance(value, str) else self._fail()

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._values.get(name)
        return value if value is None or isinstance(value, bool) else self._fail()

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self._values.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        return self._fail()

    def moment(self, name: str) -> datetime | None:
        """A moment, in UTC also where the text has no zone."""
        text = self.text(name)
        return (_moment(text) or self._fail()) if text else None

    def texts(self, name: str) -> list[str] | None:
        """Texts."""
        values = self._list(name)
        if values is None:
            return None
        return [value if isinstance(value, str) else self._fail() for value in values]

    def part(self, name: str) -> Self | None:
        """An object within this one."""
        value = self._values.get(name)
        return None if value is None else self._within(value)

    def parts(self, name: str) -> list[Self] | None:
        """Objects within this one."""
        values = self._list(name)
        return None if values is None else [self._within(value) for value in values]

    def unreadable(self) -> Unavailable:
        """The error to raise where something is missing that must be there."""
        return Unavailable("directory", self._operation)

    def _list(self, name: str) -> list[object] | None:
        value = self._values.get(name)
        return value if value is None or isinstance(value, list) else self._fail()

    def _within(self, value: object) -> Self:
        return type(self)(self._operation, value) if isinstance(value, dict) else self._fail()

    def _fail(self) -> Never:
        raise self.unreadable()


# What a parser raises holds the text that it could not read, and is left behind here.


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _loaded(body: bytes | None) -> object:
    try:
        return json.loads(body or b"")
    except ValueError:
        return None

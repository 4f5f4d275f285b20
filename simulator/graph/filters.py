"""`$filter`: the part of its language that directory queries use, read strictly."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.graph.errors import bad_request

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_@][\w/.@-]*)"
    r"|(?P<mark>[(),:]))"
)
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left is not None and left > right,
    "ge": lambda left, right: left is not None and left >= right,
    "lt": lambda left, right: left is not None and left < right,
    "le": lambda left, right: left is not None and left <= right,
}


@dataclass
class Filter:
    """A parsed filter: what it lets through, which operator it uses on which property.

    `starts` are the times that something must not be older than.
    """

    matches: Predicate
    uses: list[tuple[str, str]] = field(default_factory=list)
    starts: list[datetime] = field(default_factory=list)


def parse_filter(text: str) -> Filter:
    """Read a filter; anything that is not understood completely is 400 BadRequest."""
    parser = _Parser(_tokens(text))
    predicate = parser.disjunction()
    if parser.peek() is not None:
        raise bad_request(f"Invalid filter clause: unexpected {parser.peek()!r}.")
    return Filter(predicate, parser.uses, parser.starts)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise bad_request(f"Invalid filter clause: syntax error at position {position}.")
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


class _Parser:
    """Recursive descent over the tokens; `scope` is the lambda variable in force."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._position = 0
        self._scope: tuple[str, str] | None = None
        self.uses: list[tuple[str, str]] = []
        self.starts: list[datetime] = []

    def peek(self) -> str | None:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else None

    def disjunction(self) -> Predicate:
        parts = [self._conjunction()]
        while self.peek() == "or":
            self._next()
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def _conjunction(self) -> Predicate:
        parts = [self._term()]
        while self.peek() == "and":
            self._next()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _term(self) -> Predicate:
        if self.peek() == "not":
            self._next()
            inner = self._term()
            self.uses.append(("", "not"))
            return lambda item: not inner(item)
        if self.peek() == "(":
            self._next()
            inner = self.disjunction()
            self._expect(")")
            return inner
        kind, word = self._next()
        if kind != "word":
            raise bad_request(f"Invalid filter clause: unexpected {word!r}.")
        if word in _FUNCTIONS:
            return self._function(word)
        if word.endswith("/any") and self.peek() == "(":
            return self._any(word.removesuffix("/any"))
        return self._comparison(word)

    def _function(self, name: str) -> Predicate:
        self._expect("(")
        path = self._path(self._next()[1], name)
        self._expect(",")
        wanted = str(self._literal()).lower()
        self._expect(")")
        test = _FUNCTIONS[name]
        return lambda item: test(str(_value(item, path) or "").lower(), wanted)

    def _any(self, collection: str) -> Predicate:
        self._expect("(")
        variable = self._next()[1]
        self._expect(":")
        self._scope = (variable, collection)
        inner = self.disjunction()
        self._scope = None
        self._expect(")")
        return lambda item: any(inner(element) for element in _value(item, collection) or [])

    def _comparison(self, word: str) -> Predicate:
        operator = self._next()[1]
        path = self._path(word, operator)
        if operator == "in":
            self._expect("(")
            choices = [self._literal()]
            while self.peek() == ",":
                self._next()
                choices.append(self._literal())
            self._expect(")")
            return lambda item: _folded(_value(item, path)) in choices
        if operator not in _COMPARISONS:
            raise bad_request(f"Invalid filter clause: unknown operator {operator!r}.")
        test, wanted = _COMPARISONS[operator], self._literal()
        if isinstance(wanted, datetime):
            if operator in {"ge", "gt"}:
                self.starts.append(wanted)
            return lambda item: test(_time(_value(item, path)), wanted)
        return lambda item: test(_folded(_value(item, path)), wanted)

    def _path(self, word: str, operator: str) -> str:
        if self._scope is None:
            self.uses.append((word, operator))
            return word
        variable, collection = self._scope
        inner = word.removeprefix(variable).removeprefix("/")
        self.uses.append((f"{collection}/{inner}".rstrip("/"), operator))
        return inner

    def _literal(self) -> Any:
        kind, text = self._next()
        if kind == "string":
            return text[1:-1].replace("''", "'").lower()
        if kind == "time":
            return datetime.fromisoformat(text)
        if kind == "number":
            return float(text)
        if text in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[text]
        raise bad_request(f"Invalid filter clause: {text!r} is not a value.")

    def _next(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise bad_request("Invalid filter clause: it ends too early.")
        self._position += 1
        return self._tokens[self._position - 1]

    def _expect(self, mark: str) -> None:
        found = self._next()[1]
        if found != mark:
            raise bad_request(f"Invalid filter clause: {mark!r} expected, not {found!r}.")


def _value(item: Any, path: str) -> Any:
    """The value at a path such as `initiatedBy/user/id`; None where the path breaks off."""
    for name in filter(None, path.split("/")):
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def _folded(value: Any) -> Any:
    """Strings compare without regard to case, as in Graph."""
    return value.lower() if isinstance(value, str) else value


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None

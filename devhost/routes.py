"""Route templates of HTTP triggers, as ASP.NET matches them.

Literals ignore case; `{id}`, `{id?}`, `{id=1}`, `{*rest}` and inline constraints `{id:guid}` bind
parameters. More specific templates are tried first: literal, constrained, free, catch-all.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from uuid import UUID

from devhost.errors import BadConfiguration
from devhost.functions import App, Function

type Check = Callable[[str], bool]

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[A-Za-z_]\w*)(?P<constraints>(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?)\}"
)
_ALL_METHODS = frozenset({"GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class Segment:
    """One part between slashes: a pattern, the parameter checks in it, and how special it is."""

    pattern: re.Pattern[str]
    checks: tuple[tuple[str, Check], ...]
    defaults: tuple[tuple[str, str], ...]
    rank: int
    optional: bool = False
    catch_all: bool = False


@dataclass(frozen=True)
class Route:
    """Where one HTTP-triggered function is found."""

    function: Function
    template: str
    methods: frozenset[str]
    segments: tuple[Segment, ...]
    level: str

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """Bind the parameters; None when the path is another one."""
        found: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.catch_all:
                text, parts = "/".join(parts[index:]), parts[: index + 1]
            elif index < len(parts):
                text = parts[index]
            elif segment.optional:
                found.update(segment.defaults)
                continue
            else:
                return None
            match = segment.pattern.fullmatch(text)
            if match is None:
                return None
            values = {name: value for name, value in match.groupdict().items() if value}
            if not all(check(values.get(name, "")) for name, check in segment.checks):
                return None
            found.update(values)
        return found if len(parts) <= len(self.segments) else None


class RouteTable:
    """All routes of an app, the most specific first."""

    def __init__(self, app: App, prefix: str) -> None:
        routes = [_route(function, prefix) for function in app.with_trigger("httpTrigger")]
        self.routes = sorted(routes, key=lambda route: [segment.rank for segment in route.segments])

    def find(self, raw_path: bytes, method: str) -> tuple[Route, dict[str, str]] | None:
        """Find the function for a path that is still percent-encoded."""
        path = raw_path.decode("ascii", errors="replace").strip("/")
        parts = [unquote(part) for part in path.split("/")] if path else []
        for route in self.routes:
            if method in route.methods and (parameters := route.match(parts)) is not None:
                return route, parameters
        return None


def _route(function: Function, prefix: str) -> Route:
    trigger = function.trigger
    template = trigger.get("route")
    if template is None:
        template = function.name
    template = "/".join(part for part in (prefix, template.strip("/")) if part)
    methods = frozenset(str(method).upper() for method in trigger.get("methods") or _ALL_METHODS)
    level = str(trigger.get("authLevel") or "function").lower()
    if level not in {"anonymous", "function", "admin"}:
        raise BadConfiguration(f"The function {function.name} has the unknown auth level {level}")
    segments = tuple(_segment(part, function.name) for part in _split(template))
    return Route(function, template, methods, segments, level)


def _split(template: str) -> list[str]:
    """Split at slashes outside of braces: a regex constraint may hold some."""
    parts, depth, current = [], 0, ""
    for character in template:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current] if template else []


def _segment(text: str, function: str) -> Segment:
    pattern, position, rank = "", 0, 0
    checks: list[tuple[str, Check]] = []
    defaults: list[tuple[str, str]] = []
    optional = catch_all = False
    text = _normalize(text)
    for found in _PARAMETER.finditer(text):
        pattern += re.escape(text[position : found.start()])
        position = found.end()
        name = found["name"]
        constraints = _constraints(found["constraints"])
        for constraint in constraints:
            if constraint == "?":
                optional = True
            elif constraint.startswith("="):
                optional = True
                defaults.append((name, constraint[1:]))
            else:
                checks.append((name, _check(constraint, function)))
        catch_all = catch_all or bool(found["star"])
        rank = max(rank, 3 if found["star"] else 1 if checks else 2)
        pattern += f"(?P<{name}>.{'*' if found['star'] else '+'})"
    if "{" in text[position:] or "}" in text[position:]:
        raise BadConfiguration(f"The route of {function} cannot be read at {text!r}")
    pattern += re.escape(text[position:])
    return Segment(
        re.compile(pattern, re.IGNORECASE | re.DOTALL),
        tuple(checks),
        tuple(defaults),
        rank,
        optional,
        catch_all,
    )


def _normalize(text: str) -> str:
    """Write `{id?}` and `{id=1}` like constraints, so that one pattern reads all parameters."""
    return re.sub(r"(\{\*{0,2}\w+(?::[^{}?=]*)?)(\?|=[^{}]*)\}", r"\1:\2}", text)


def _constraints(text: str) -> list[str]:
    """Split `:int:min(3)`; a colon within parentheses belongs to its constraint."""
    return [part for part in re.split(r":(?![^(]*\))", text) if part]


def _parses(read: Callable[[str], object]) -> Check:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


_PLAIN: dict[str, Check] = {
    "int": lambda text: re.fullmatch(r"[+-]?\d{1,10}", text) is not None,
    "long": lambda text: re.fullmatch(r"[+-]?\d{1,19}", text) is not None,
    "bool": lambda text: text.lower() in {"true", "false"},
    "guid": _parses(UUID),
    "alpha": lambda text: re.fullmatch(r"[A-Za-z]*", text) is not None,
    "datetime": _parses(datetime.fromisoformat),
    "decimal": _parses(float),
    "double": _parses(float),
    "float": _parses(float),
    "required": bool,
}


def _check(constraint: str, function: str) -> Check:
    if constraint in _PLAIN:
        return _PLAIN[constraint]
    found = re.fullmatch(r"(\w+)\((.*)\)", constraint, re.DOTALL)
    if found is None:
        raise BadConfiguration(f"The route of {function} has an unknown constraint {constraint!r}")
    name, argument = found.groups()
    if name == "regex":
        pattern = re.compile(argument.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
        return lambda text: pattern.search(text) is not None
    try:
        return _SIZED[name, argument.count(",") + 1](*map(int, argument.split(",")))
    except (KeyError, ValueError):
        raise BadConfiguration(
            f"The route of {function} has an unknown constraint {constraint!r}"
        ) from None


def _whole(text: str) -> float:
    """Read a whole number; what is none compares false with everything."""
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float("nan")


_SIZED: dict[tuple[str, int], Callable[..., Check]] = {
    ("length", 1): lambda size: lambda text: len(text) == size,
    ("length", 2): lambda low, high: lambda text: low <= len(text) <= high,
    ("minlength", 1): lambda low: lambda text: len(text) >= low,
    ("maxlength", 1): lambda high: lambda text: len(text) <= high,
    ("min", 1): lambda low: lambda text: _whole(text) >= low,
    ("max", 1): lambda high: lambda text: _whole(text) <= high,
    ("range", 2): lambda low, high: lambda text: low <= _whole(text) <= high,
}

"""Query options, and the shapes in which collections and objects are answered."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from simulator.graph.errors import bad_request, refuse
from simulator.graph.filters import Filter, Predicate, parse_filter
from simulator.wire import Request, Response

_PAGE = 100
_LARGEST_PAGE = 999


@dataclass(frozen=True)
class Options:
    """What one collection or object can be asked.

    `names`: the query options understood. `filterable`: property to operators, with those
    after a bar needing an advanced query (ConsistencyLevel eventual and $count). `defaults`:
    the properties returned without `$select`, None for all.
    """

    names: frozenset[str] = frozenset()
    filterable: Mapping[str, str] = field(default_factory=dict)
    defaults: tuple[str, ...] | None = None
    sortable: tuple[str, ...] = ()
    expandable: tuple[str, ...] = ()
    page: int = _PAGE


NO_OPTIONS = Options()
SELECT = Options(frozenset({"$select"}))
ADVANCED = frozenset({"$select", "$filter", "$top", "$count", "$orderby", "$skiptoken"})
COLLECTION = frozenset({"$select", "$filter", "$top", "$skiptoken"})


@dataclass
class Query:
    """The query options of one call, checked."""

    options: Options
    select: tuple[str, ...] | None = None
    filter: Filter | None = None
    top: int = _PAGE
    skip: int = 0
    count: bool = False
    eventual: bool = False
    order: tuple[str, bool] | None = None
    expand: tuple[str, ...] = ()

    @property
    def predicate(self) -> Predicate:
        """What the filter lets through; everything when there is none."""
        return self.filter.matches if self.filter else lambda _: True

    def pick(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The selected properties, or the default ones."""
        names = self.select or self.options.defaults
        if names is None:
            return dict(document)
        kept = {name: document[name] for name in names if name in document}
        # Objects of several types in one list have different properties, so there a name that
        # one of them lacks is no mistake.
        if len(kept) < len(set(names)) and "@odata.type" not in document:
            missing = min(set(names) - set(kept))
            raise bad_request(f"Could not find a property named '{missing}' to $select.")
        kept |= {name: value for name, value in document.items() if name.startswith("@odata.")}
        return kept | {name: document[name] for name in self.expand if name in document}


def parse_query(request: Request, options: Options) -> Query:
    """Read the query options; one that this path does not know is refused, never ignored."""
    given = request.query
    for name in given:
        if name not in options.names:
            raise bad_request(
                f"The query specified in the URI is not valid. '{name}' is not known."
            )
    query = Query(options, top=options.page)
    query.eventual = request.headers.get("consistencylevel", "").lower() == "eventual"
    for name, text in given.items():
        _READERS[name](query, text)
    if query.count and not query.eventual:
        raise bad_request("$count is not currently supported.", "Request_UnsupportedQuery")
    _check_filter(query)
    return query


def collection(
    base: str, request: Request, query: Query, name: str, documents: Sequence[Mapping[str, Any]]
) -> Response:
    """One page of a collection that has already been filtered."""
    items = list(documents)
    if query.order is not None:
        key, descending = query.order
        items.sort(key=lambda item: str(item.get(key) or "").lower(), reverse=descending)
    page = items[query.skip : query.skip + query.top]
    answer: dict[str, Any] = {"@odata.context": f"{base}/v1.0/$metadata#{name}"}
    if query.count:
        answer["@odata.count"] = len(items)
    if query.skip + query.top < len(items):
        rest = {key: value for key, value in request.query.items() if key != "$skiptoken"}
        rest["$skiptoken"] = _token(query.skip + query.top)
        options = "&".join(f"{key}={quote(value, safe='')}" for key, value in rest.items())
        answer["@odata.nextLink"] = f"{base}{request.path}?{options}"
    answer["value"] = [query.pick(item) for item in page]
    return Response(200, answer)


def entity(
    base: str, query: Query, name: str, document: Mapping[str, Any], status: int = 200
) -> Response:
    """One object."""
    context = {"@odata.context": f"{base}/v1.0/$metadata#{name}/$entity"}
    return Response(status, context | query.pick(document))


def _check_filter(query: Query) -> None:
    advanced = query.eventual and query.count
    for path, operator in query.filter.uses if query.filter else []:
        if operator == "not":
            allowed = advanced
        else:
            plain, _, extra = query.options.filterable.get(path, "").partition("|")
            allowed = operator in plain.split() or (advanced and operator in extra.split())
        if not allowed:
            raise refuse(
                400,
                "Request_UnsupportedQuery" if path in query.options.filterable else "BadRequest",
                f"Unsupported or invalid query filter clause specified for property '{path}' "
                f"with operator '{operator}'.",
            )


def _read_count(query: Query, text: str) -> None:
    if text.lower() not in {"true", "false"}:
        raise bad_request(f"Invalid value '{text}' for $count.")
    query.count = text.lower() == "true"


def _read_top(query: Query, text: str) -> None:
    if not text.isdigit() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and 999.")
    query.top = int(text)


def _read_select(query: Query, text: str) -> None:
    query.select = tuple(name.strip() for name in text.split(",") if name.strip())


def _read_expand(query: Query, text: str) -> None:
    query.expand = tuple(name.strip() for name in text.split(","))
    for name in query.expand:
        if name not in query.options.expandable:
            raise bad_request(f"Could not find a property named '{name}' for $expand.")


def _read_order(query: Query, text: str) -> None:
    name, _, direction = text.strip().partition(" ")
    if name not in query.options.sortable or direction.strip().lower() not in {"", "asc", "desc"}:
        raise bad_request(f"Unsupported sort property '{text}'.", "Request_UnsupportedQuery")
    query.order = name, direction.strip().lower() == "desc"


def _read_filter(query: Query, text: str) -> None:
    query.filter = parse_filter(text)


def _read_skip_token(query: Query, token: str) -> None:
    try:
        prefix, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        query.skip = int(number) if prefix == "offset" else -1
    except (binascii.Error, ValueError):
        query.skip = -1
    if query.skip < 0:
        raise bad_request("The skip token is not valid.")


_READERS: dict[str, Callable[[Query, str], None]] = {
    "$count": _read_count,
    "$top": _read_top,
    "$select": _read_select,
    "$expand": _read_expand,
    "$orderby": _read_order,
    "$filter": _read_filter,
    "$skiptoken": _read_skip_token,
}


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()

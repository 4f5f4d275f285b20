"""The front door of Graph: token, route, permission, query options, handler."""

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from simulator.directory.objects import new_id
from simulator.graph import (
    audit,
    deleted,
    eligibility,
    groups,
    methods,
    organization,
    passes,
    pim,
    principals,
    roles,
    users,
)
from simulator.graph.call import GraphCall, Route, open_token
from simulator.graph.errors import bad_request, denied, refuse, stamp_error
from simulator.graph.odata import parse_query
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_PREFIX = "/v1.0/"
_MODULES = (
    users,
    deleted,
    roles,
    pim,
    eligibility,
    passes,
    methods,
    groups,
    organization,
    principals,
    audit,
)
_ROUTES: tuple[tuple[re.Pattern[str], Route], ...] = tuple(
    (route.pattern, route) for module in _MODULES for route in module.ROUTES
)


def handle_graph(cloud: "Cloud", request: Request) -> Response:
    """Answer one call, with the ids that every answer of Graph carries."""
    request_id = new_id()
    try:
        response = _handle(cloud, request)
    except RefusalError as refusal:
        response = refusal.response
    client_id = request.headers.get("client-request-id", request_id)
    stamp_error(response, request_id, client_id)
    response.headers |= {"request-id": request_id, "client-request-id": client_id}
    return response


def _handle(cloud: "Cloud", request: Request) -> Response:
    tenant, claims = open_token(cloud, request)
    if not request.path.startswith(_PREFIX):
        raise bad_request("Only v1.0 is played here.")
    path = request.path.removeprefix(_PREFIX).replace("%24", "$").strip("/")
    route, parameters = _route(request.method, path)
    call = GraphCall(cloud, tenant, request, claims, parameters)
    if claims.get("idtyp") != "app":
        # A delegated token here carries the scope User.Read and no more.
        if route.area != "delegated":
            raise denied()
    elif route.needs and not call.has(route.needs):
        raise route.denial()
    headers = cloud.limits.spend(tenant, call.app_id, request.method, path, request.query)
    call.query = parse_query(request, route.options)
    response = route.handler(call)
    response.headers |= headers
    return response


def _route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    known = False
    for pattern, route in _ROUTES:
        found = pattern.match(path)
        if found is None:
            continue
        known = True
        if route.method == method:
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    if known:
        raise refuse(405, "Request_BadRequest", f"Specified HTTP method {method} is not allowed.")
    raise bad_request(f"Resource not found for the segment '{path.split('/', maxsplit=1)[0]}'.")

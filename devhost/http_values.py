"""HTTP requests and responses in the shape in which they cross to the worker."""

import base64
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
_BODYLESS = frozenset({204, 304})


def request_headers(request: Request) -> dict[str, str]:
    """Lower-case the names, join what came twice, as the real host does."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def to_trigger(
    request: Request, headers: dict[str, str], parameters: dict[str, str], body: bytes
) -> dict[str, Any]:
    """Give the value of the HTTP trigger."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        query[name] = f"{query[name]},{value}" if name in query else value
    return {
        "http": {
            "method": request.method,
            "url": str(request.url),
            "headers": headers,
            "params": parameters,
            "query": query,
            "body": {"bytes": base64.b64encode(body).decode("ascii")} if body else {},
        }
    }


def to_response(value: dict[str, Any]) -> Response:
    """Make the answer from what the function returned; ValueError when it cannot be sent."""
    if not value:
        return Response(status_code=204)
    ((kind, content),) = value.items()
    match kind:
        case "http":
            return _full(content)
        case "string":
            return Response(content, media_type="text/plain")
        case "json":
            return Response(content, media_type="application/json")
        case "bytes":
            return Response(base64.b64decode(content), media_type="application/octet-stream")
    return Response(str(content), media_type="text/plain")


def _full(content: dict[str, Any]) -> Response:
    status = int(content["status"])
    body = content["body"]
    data = base64.b64decode(body["bytes"]) if "bytes" in body else str(body.get("string", ""))
    response = Response(b"" if status in _BODYLESS else data, status)
    for name, value in content["headers"].items():
        if name.lower() in _OWN_HEADERS:
            continue
        if not name.isascii() or any(c in value for c in "\r\n\0"):
            raise ValueError(f"the header {name!r} cannot be sent")
        response.headers[name] = value
    for cookie in content["cookies"]:
        _set(response, cookie)
    return response


def _set(response: Response, cookie: dict[str, Any]) -> None:
    expires = cookie["expires"]
    response.set_cookie(
        cookie["name"],
        cookie["value"],
        max_age=None if cookie["maxAge"] is None else int(cookie["maxAge"]),
        expires=None if expires is None else datetime.fromtimestamp(expires, UTC),
        path=cookie["path"] or None,
        domain=cookie["domain"] or None,
        secure=bool(cookie["secure"]),
        httponly=bool(cookie["httpOnly"]),
        samesite=cookie["sameSite"].lower() or None,
    )

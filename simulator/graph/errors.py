"""Refusals of Graph, in its own error shape."""

from datetime import UTC, datetime
from typing import Any

from simulator.wire import RefusalError, Response


def refuse(
    status: int,
    code: str,
    message: str,
    *,
    details: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> RefusalError:
    """The refusal to raise; ids and date are filled in when the answer goes out."""
    return RefusalError(error_response(status, code, message, details=details, headers=headers))


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    details: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error answer."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = details
    return Response(status, {"error": error}, dict(headers or {}))


def stamp_error(response: Response, request_id: str, client_request_id: str) -> None:
    """Put the ids and the date into an error, as every Graph error has them."""
    error = response.document.get("error") if isinstance(response.document, dict) else None
    if isinstance(error, dict):
        error["innerError"] = {
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": client_request_id,
        }


def bad_request(message: str, code: str = "BadRequest") -> RefusalError:
    """400: the call itself is wrong."""
    return refuse(400, code, message)


def invalid_property(message: str, code: str, target: str) -> RefusalError:
    """400 about one property, named in the details."""
    return refuse(
        400,
        "Request_BadRequest",
        message,
        details=[{"code": code, "message": message, "target": target}],
    )


def not_found(name: str) -> RefusalError:
    """404: there is no such object, or not yet on the replica that answers."""
    return refuse(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


def denied(message: str = "Insufficient privileges to complete the operation.") -> RefusalError:
    """403: a permission or a directory role is missing."""
    return refuse(403, "Authorization_RequestDenied", message)


def unauthorized(message: str) -> RefusalError:
    """401: the token is missing or not good here."""
    return refuse(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={"www-authenticate": 'Bearer realm="", error="invalid_token"'},
    )

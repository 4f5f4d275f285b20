"""What azure-core's exceptions mean, by status and code: shared by the adapters built on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError

from curfew.errors import (
    AlreadyExists,
    Changed,
    Denied,
    Missing,
    Rejected,
    ServiceError,
    Throttled,
    Unavailable,
)

_SECONDS = re.compile(r"[0-9]{1,6}")

_BY_STATUS: dict[int, type[ServiceError]] = {
    401: Denied,
    403: Denied,
    404: Missing,
    408: Unavailable,
    409: AlreadyExists,
    412: Changed,
    429: Throttled,
}


def kind_of(status: int) -> type[ServiceError]:
    """The class of error for an HTTP status; 0 stands for no answer at all."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Rejected if 400 <= status < 500 else Unavailable  # noqa: PLR2004 - HTTP's own classes


def retry_after_of(headers: object) -> float | None:
    """The seconds of a `Retry-After` header; None when it is absent or not a plain number.

    Azure and Graph write seconds. Anything else is not worth waiting for on its word.
    """
    value = headers.get("Retry-After") if hasattr(headers, "get") else None
    if value is None or not _SECONDS.fullmatch(str(value)):
        return None
    return float(value)


@contextmanager
def classified(service: str, operation: str) -> Iterator[None]:
    """Raise what azure-core raised as one of ours, the original as its cause."""
    try:
        yield
    except HttpResponseError as error:
        response = error.response
        headers = getattr(response, "headers", {}) or {}
        status = error.status_code or 0
        raise kind_of(status)(
            service,
            operation,
            status=status,
            service_code=_code_of(error),
            request_id=headers.get("x-ms-request-id", ""),
            retry_after=retry_after_of(headers),
        ) from error
    except AzureError as error:
        raise Unavailable(service, operation) from error


def _code_of(error: HttpResponseError) -> str:
    code = getattr(error, "error_code", None) or getattr(error.error, "code", None) or ""
    return str(getattr(code, "value", code))

"""What each error is to a caller: a problem document, and no more than he may know."""

from math import ceil

from curfew.errors import (
    Conflict,
    CurfewError,
    FieldProblem,
    InvalidRequest,
    Refused,
    RequestError,
    ServiceError,
    TooManyRequests,
)
from triggers.views import Problem, ProblemField

_TITLES = {
    400: "The request is not well-formed",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Something was first",
    412: "Changed in the meantime",
    413: "Too large",
    415: "Unsupported media type",
    422: "Refused",
    428: "Say which version you have read",
    429: "Too many requests",
    500: "Unexpected failure",
    503: "Temporarily unavailable",
}


def problem_of(error: Exception) -> tuple[Problem, dict[str, str]]:
    """The problem document for an error, and the headers that go with it."""
    if isinstance(error, RequestError):
        problem = _problem(error.status, error.code, error.detail)
        return problem.model_copy(update=_more(error)), _when(error)
    if isinstance(error, ServiceError):
        retry_after = {"Retry-After": str(round(error.retry_after))} if error.retry_after else {}
        detail = f"The {error.service} cannot be used at the moment."
        return _problem(503, error.code, detail), retry_after
    code = error.code if isinstance(error, CurfewError) else "internal"
    return _problem(500, code, "The failure has been logged."), {}


def _problem(status: int, code: str, detail: str) -> Problem:
    return Problem(
        type=f"urn:curfew:problem:{code}", title=_TITLES[status], status=status, detail=detail
    )


def _more(error: RequestError) -> dict[str, object]:
    if isinstance(error, InvalidRequest) and error.fields:
        return {"errors": _fields(error.fields)}
    if isinstance(error, Refused):
        return {"errors": _fields(error.reasons)}
    if isinstance(error, Conflict) and error.link:
        return {"blocked_by": error.link}
    return {}


def _when(error: RequestError) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(ceil(error.retry_after.total_seconds()))}
    return {}


def _fields(problems: tuple[FieldProblem, ...]) -> tuple[ProblemField, ...]:
    return tuple(ProblemField(field=each.field, detail=each.detail) for each in problems)

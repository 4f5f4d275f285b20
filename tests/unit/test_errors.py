"""The tree of errors: what each means to a caller, and that none repeats what a service said."""

from collections.abc import Iterator

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ServiceRequestError,
    ServiceResponseError,
)

from curfew import errors
from curfew.azure_errors import classified, kind_of, retry_after_of
from curfew.errors import CurfewError, FieldProblem, Refused, RequestError, ServiceError
from curfew.model.messages import Failure

SECRET = "hunter2-and-the-rest"


def subclasses(kind: type[CurfewError]) -> Iterator[type[CurfewError]]:
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_error_of_the_module_is_in_the_tree() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == {CurfewError, *subclasses(CurfewError)}


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = {
        line.split("──")[1].split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "──" in line
    }
    assert drawn == {kind.__name__ for kind in subclasses(CurfewError)}


def test_codes_are_stable_and_tell_the_leaves_apart() -> None:
    leaves = [kind for kind in subclasses(CurfewError) if not kind.__subclasses__()]
    codes = [kind.code for kind in leaves]
    assert len(set(codes)) == len(codes)
    assert all(code and code == code.lower() and " " not in code for code in codes)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0, errors.Unavailable),
        (400, errors.Rejected),
        (401, errors.Denied),
        (403, errors.Denied),
        (404, errors.Missing),
        (408, errors.Unavailable),
        (409, errors.AlreadyExists),
        (412, errors.Changed),
        (418, errors.Rejected),
        (429, errors.Throttled),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
        (504, errors.Unavailable),
    ],
)
def test_a_status_means_one_kind_of_error(status: int, kind: type[ServiceError]) -> None:
    assert kind_of(status) is kind


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("-3", None), (None, None), ("Wed, 21", None)]
)
def test_retry_after_is_read_in_seconds(value: str | None, seconds: float | None) -> None:
    headers = {} if value is None else {"Retry-After": value}
    assert retry_after_of(headers) == seconds


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (HttpResponseError(f"the value {SECRET} is wrong"), errors.Unavailable),
        (ResourceExistsError(SECRET), errors.Unavailable),
        (ServiceRequestError(f"cannot connect with {SECRET}"), errors.Unavailable),
        (ServiceResponseError(SECRET), errors.Unavailable),
    ],
)
def test_the_text_of_a_service_is_never_ours(raised: Exception, kind: type[ServiceError]) -> None:
    with pytest.raises(kind) as caught, classified("vault", "keep"):
        raise raised
    error = caught.value
    assert SECRET not in str(error)
    assert SECRET not in repr(error)
    assert SECRET not in Failure.of(error).model_dump_json()
    assert str(error) == "The vault gave no answer (keep)."
    assert error.__cause__ is raised


def test_a_service_error_says_who_answered_what_to_which_call() -> None:
    error = errors.Denied("directory", "assign role", status=403, service_code="Forbidden")
    assert str(error) == "The directory answered 403 Forbidden (assign role)."


def test_a_write_without_an_answer_is_unsure_and_a_refused_one_is_not() -> None:
    assert Failure.of(errors.Unavailable("directory", "create")).unsure
    assert not Failure.of(errors.Denied("directory", "create", status=403)).unsure
    assert Failure.lost("x").unsure


def test_only_what_may_go_better_is_tried_again() -> None:
    service = {
        kind.__name__: Failure.of(kind("directory", "x")).retryable
        for kind in subclasses(ServiceError)
        if issubclass(kind, ServiceError)
    }
    retried = {name for name, retryable in service.items() if retryable}
    assert retried == {"Unavailable", "Throttled", "Busy", "TooSoon", "Changed"}
    assert Failure.of(errors.NotYet("soon")).retryable
    assert not Failure.of(errors.ForeignAccount("not ours")).retryable


def test_request_errors_are_the_callers_doing() -> None:
    statuses = {kind.status for kind in subclasses(RequestError) if issubclass(kind, RequestError)}
    assert all(400 <= status < 500 for status in statuses)


def test_a_refusal_says_every_reason() -> None:
    refusal = Refused((FieldProblem("duration", "Too long."), FieldProblem("ticket", "Missing.")))
    assert str(refusal) == "The request is refused: Too long. Missing."

"""The log: events with constant names; frames of failures, and never a library's words."""

import logging

import pytest

from curfew.errors import Denied, Unavailable
from curfew.events import Event, emit, report

SECRET = "Tr0ub4dor-and-3"


def fail_in_a_library(text: str) -> None:
    raise ValueError(text)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="curfew")
    return caplog


def everything(log: pytest.LogCaptureFixture) -> str:
    return "\n".join(
        [log.text, *(f"{record.__dict__}{record.getMessage()}" for record in log.records)]
    )


def test_an_event_is_its_name_and_its_fields(log: pytest.LogCaptureFixture) -> None:
    emit(Event.GRANT_ACTIVE, grant="g-1", tenant="t-1", round=2)
    (record,) = log.records
    assert record.getMessage() == "curfew.grant.active grant=g-1 tenant=t-1 round=2"
    assert record.__dict__["event"] == "curfew.grant.active"
    assert record.__dict__["fields"] == {"grant": "g-1", "tenant": "t-1", "round": 2}
    assert record.levelno == logging.INFO


def test_names_of_events_are_stable() -> None:
    assert all(event.value.startswith("curfew.") for event in Event)
    assert Event.GRANT_STUCK.value == "curfew.grant.stuck"
    assert Event.CREDENTIAL_REVEALED.value == "curfew.credential.revealed"


def test_a_failure_of_a_library_is_reported_by_type_and_frames_only(
    log: pytest.LogCaptureFixture,
) -> None:
    try:
        fail_in_a_library(f"the password {SECRET} is not allowed")
    except ValueError as error:
        report(Event.STEP_FAILED, error, step="set_password")
    (record,) = log.records
    text = everything(log)
    assert SECRET not in text
    assert "ValueError(" in text
    assert "fail_in_a_library" in text
    assert "test_events.py" in text
    assert "step=set_password" in text
    assert record.exc_info is None
    assert record.levelno == logging.ERROR


def test_a_secret_in_any_cause_of_a_failure_is_found_nowhere(
    log: pytest.LogCaptureFixture,
) -> None:
    try:
        try:
            try:
                fail_in_a_library(SECRET)
            except ValueError as first:
                raise KeyError(SECRET) from first
        except KeyError:
            service = "vault"
            raise Unavailable(service, "keep")  # noqa: B904 - the context is what is tested
    except Unavailable as error:
        report(Event.STEP_FAILED, error)
    text = everything(log)
    assert SECRET not in text
    for name in ("Unavailable(", "KeyError(", "ValueError("):
        assert name in text


def test_our_own_errors_are_reported_with_code_and_text(log: pytest.LogCaptureFixture) -> None:
    report(Event.STEP_FAILED, Denied("directory", "assign role", status=403))
    (record,) = log.records
    assert "error=denied" in record.getMessage()
    assert "The directory answered 403 (assign role)." in record.getMessage()
    assert record.levelno == logging.WARNING


def test_a_failure_that_is_its_own_cause_is_reported_all_the_same(
    log: pytest.LogCaptureFixture,
) -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    report(Event.STEP_FAILED, first)
    assert SECRET not in everything(log)

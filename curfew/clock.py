"""The clock as a value, so that a test can hold hours in its hand."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]
"""Answers the present moment, aware and in UTC."""


def utcnow() -> datetime:
    """The wall clock of this process."""
    return datetime.now(UTC)

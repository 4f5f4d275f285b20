"""What a refusal looks like."""

from typing import Any

import httpx

PROBLEM = "application/problem+json"
ULID = "01M7ZXWTY2AVW7VCNCX0BGGWMH"
NOBODYS = f"g-c0000000-0000-4000-a000-000000000001-{ULID}"
"""The id of a grant that never was."""


def problem(answer: httpx.Response, status: int, *fields: str) -> dict[str, Any]:
    """The problem document of an answer; it names these fields."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:curfew:problem:")
    assert document["title"]
    assert document["detail"]
    named = [error["field"] for error in document.get("errors", [])]
    assert sorted(set(named)) == sorted(fields), document
    return document

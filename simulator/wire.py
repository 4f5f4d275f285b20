"""What a call is made of once it has left HTTP: a request, a response, and a refusal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """One call as it arrived. `path` is still percent-encoded; header names are lower case."""

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def query(self) -> dict[str, str]:
        """The query options; of an option given twice the last one counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def bearer(self) -> str | None:
        """The bearer token, or None when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def document(self) -> Any:
        """The body as JSON or form, whatever it is; None when empty, text when neither."""
        if not self.body:
            return None
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return self.form()
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body.decode("utf-8", "replace")


@dataclass
class Response:
    """One answer. `document` is sent as JSON; `text`, if set, is sent as it is."""

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json; charset=utf-8"

    def content(self) -> bytes:
        """The bytes of the body."""
        if self.text is not None:
            return self.text.encode()
        return b"" if self.document is None else json.dumps(self.document).encode()


class RefusalError(Exception):
    """A service says no: carries the whole answer, in that service's error shape."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status} {response.document}")
        self.response = response

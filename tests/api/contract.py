"""Every answer that a test gets is one that the app's own OpenAPI document names."""

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator

type Document = dict[str, Any]


class Contract:
    """Checks answers against the document: status, media type and schema."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._paths = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path)), methods)
            for path, methods in document["paths"].items()
        ]

    def check(self, answer: httpx.Response) -> None:
        """Fail when the app gave an answer that its document does not name.

        What the platform answers in the app's place has no JSON: a token that does not hold, a page
        of another origin, no such route, no worker, a worker that died with the request.
        """
        answer.read()
        operation = self._operation(answer.request)
        media_type = answer.headers.get("Content-Type", "")
        platform_spoke = "json" not in media_type and answer.status_code in {
            401,
            403,
            404,
            500,
            503,
        }
        if operation is None or platform_spoke:
            return
        said = f"{answer.request.method} {answer.request.url.path} -> {answer.status_code}"
        responses = operation["responses"]
        assert str(answer.status_code) in responses, f"{said} is not documented: {answer.text}"
        content = responses[str(answer.status_code)].get("content", {})
        if not content:
            assert answer.content == b"", said
            return
        if media_type.startswith("text/html") and "text/html" in content:
            return
        assert media_type in content, f"{said} has the media type {media_type}"
        schema = content[media_type]["schema"]
        whole = {"components": self._document["components"], **schema}
        Draft202012Validator(whole).validate(answer.json())

    def _operation(self, request: httpx.Request) -> Document | None:
        path = request.url.raw_path.decode().split("?", 1)[0]
        for pattern, methods in self._paths:
            if pattern.fullmatch(path):
                found: Document | None = methods.get(request.method.lower())
                return found
        return None

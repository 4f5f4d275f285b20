"""Answers of Graph against the documented schemas.

Three quirks are handled here: OpenAPI 3.0's `nullable`; polymorphic lists, whose items are
checked against the schema of their own `@odata.type`; and the date in an error, which the real
service writes without a time zone although the document says date-time.
"""

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker

_DOCUMENT = Path(__file__).with_name("graph-openapi-subset.yaml")
_FORMATS = FormatChecker(formats=())


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


_FORMATS.checks("date-time", raises=ValueError)(_is_time)


def check_answer(response: httpx.Response) -> bool:
    """Validate an answer; False when the document has no such path. Raises on a mismatch."""
    path = response.request.url.raw_path.decode().partition("?")[0].removeprefix("/v1.0")
    schema = _response_schema(response.request.method, path, response.status_code)
    if schema is None:
        return False
    if response.status_code == 204:
        assert response.content == b""
        return True
    document = response.json()
    if response.status_code >= 400 and "innerError" in document["error"]:
        document["error"]["innerError"]["date"] += "Z"
    _validate(document, schema)
    if response.status_code < 400:
        for item in document.get("value", []) if isinstance(document.get("value"), list) else []:
            typed = item if isinstance(item, dict) else {}
            kind = str(typed.get("@odata.type", "")).removeprefix("#")
            if kind in _schemas():
                _validate(item, {"$ref": f"#/components/schemas/{kind}"})
                _no_unknown_properties(item, kind)
    return True


def documented_operations() -> set[tuple[str, str]]:
    """Every documented method and path."""
    return {
        (method.upper(), path)
        for path, item in _document()["paths"].items()
        for method in item
        if method in {"get", "post", "patch", "delete", "put"}
    }


def operation_of(response: httpx.Response) -> tuple[str, str] | None:
    """The documented operation that an answer belongs to."""
    path = response.request.url.raw_path.decode().partition("?")[0].removeprefix("/v1.0")
    template = _template(path)
    return (response.request.method, template) if template else None


@cache
def _document() -> dict[str, Any]:
    with _DOCUMENT.open(encoding="utf-8") as file:
        document: dict[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    _allow_null(document["components"])
    return document


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = _document()["components"]["schemas"]
    return schemas


def _allow_null(node: Any) -> None:
    if isinstance(node, dict):
        if node.pop("nullable", False) and "type" in node:
            node["type"] = [node["type"], "null"]
        for child in node.values():
            _allow_null(child)
    elif isinstance(node, list):
        for child in node:
            _allow_null(child)


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile("^" + re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)) + "$"), path)
        for path in sorted(_document()["paths"], key=lambda path: path.count("{"))
    ]


def _template(path: str) -> str | None:
    decoded = path.replace("%24", "$")
    if decoded.endswith("/$count"):
        return None
    return next((name for pattern, name in _templates() if pattern.match(decoded)), None)


def _response_schema(method: str, path: str, status: int) -> dict[str, Any] | None:
    template = _template(path)
    operation = _document()["paths"][template].get(method.lower()) if template else None
    if operation is None:
        return None
    responses = operation["responses"]
    found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    assert found is not None, f"{method} {template} answers {status}, which is not documented"
    if "$ref" in found:
        found = _document()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = found.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


@cache
def _validator_of(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": _document()["components"]}
    return Draft202012Validator(schema, format_checker=_FORMATS)


def _validate(document: Any, schema: dict[str, Any]) -> None:
    if "$ref" in schema:
        _validator_of(schema["$ref"]).validate(document)
    else:
        Draft202012Validator(schema, format_checker=_FORMATS).validate(document)


def _no_unknown_properties(item: dict[str, Any], kind: str) -> None:
    known = _properties({"$ref": f"#/components/schemas/{kind}"})
    unknown = {name for name in item if not name.startswith("@odata.")} - known
    assert not unknown, f"{kind} has no {', '.join(sorted(unknown))}"


def _properties(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _properties(_schemas()[schema["$ref"].rpartition("/")[2]])
    names = set(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        names |= _properties(part)
    return names

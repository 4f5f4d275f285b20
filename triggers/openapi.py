"""The OpenAPI document, made from the table of operations and the models that validate."""

import re
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from curfew import __version__
from curfew.model.base import Model
from triggers.browsers import PROOF, PROOF_HEADER
from triggers.operation import Operation
from triggers.operations import OPERATIONS
from triggers.views import Problem

_REFERENCE = "#/components/schemas/{model}"
_PARAMETERS = {
    "grantId": {"type": "string", "maxLength": 100},
    "tenantId": {"type": "string", "format": "uuid"},
    "onboardingId": {"type": "string", "maxLength": 100},
    "accountId": {"type": "string", "format": "uuid"},
    "profileName": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
}
_HEADERS = {
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "If-Match": {"type": "string", "minLength": 1, "pattern": "^[!-~]+$"},
}
_PROOF = {
    "name": PROOF_HEADER,
    "in": "header",
    "required": False,
    "description": "Needed from a browser: proof that the app's own page makes the request.",
    "schema": {"type": "string", "const": PROOF},
}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}}}
_ANSWER_HEADERS = {202: {"Location": {"schema": {"type": "string"}}, **_RETRY_AFTER}}
_MEANING = {
    200: "As asked",
    201: "Created",
    202: "Accepted; look at Location",
    204: "Done",
    400: "Not well-formed",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Something was first",
    410: "Its time is over",
    412: "Changed in the meantime",
    413: "Too large",
    415: "Not application/json",
    422: "Refused, with every reason",
    428: "If-Match is needed",
    429: "Too many requests of this caller within an hour",
    503: "Temporarily unavailable",
}


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the API."""
    models: dict[type[Model], str] = {Problem: "serialization"}
    for operation in OPERATIONS.values():
        models |= dict.fromkeys(filter(None, operation.answers.values()), "serialization")
    for operation in OPERATIONS.values():
        models |= {operation.body: "validation"} if operation.body else {}
    _, schemas = models_json_schema(
        [(model, mode) for model, mode in models.items()],  # type: ignore[misc]
        by_alias=True,
        ref_template=_REFERENCE,
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(f"/api/{operation.path}", {})[operation.method.lower()] = _operation(
            operation
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Curfew",
            "version": __version__,
            "description": "Just-in-time admin access for Microsoft Entra ID.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"homeTenant": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [] if operation.public else [{"homeTenant": []}],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if not operation.public:
        described["description"] = f"App roles: {', '.join(sorted(operation.rights))}."
    if operation.body:
        schema = {"$ref": _REFERENCE.format(model=operation.body.__name__)}
        described["requestBody"] = {
            "required": any(field.is_required() for field in operation.body.model_fields.values()),
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": _PARAMETERS[name]}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    found += [
        {"name": name, "in": "header", "required": False, "schema": _HEADERS[name]}
        for name in operation.headers
    ]
    if not operation.safe:
        found.append(_PROOF)
    query = operation.query.model_json_schema(by_alias=True)
    for name, schema in query.get("properties", {}).items():
        found.append(
            {"name": name, "in": "query", "required": False, "schema": _inlined(schema, query)}
        )
    return found


def _inlined(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is absent rather than null, and small enough to stand where it is."""
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    chosen = choices[0]
    if "$ref" in chosen:
        chosen = whole["$defs"][chosen["$ref"].rsplit("/", 1)[-1]]
    return {name: value for name, value in chosen.items() if name not in {"title", "default"}}


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in operation.answers.items():
        responses[str(status)] = {"description": _MEANING[status]}
        if model:
            schema = {"$ref": _REFERENCE.format(model=model.__name__)}
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
        if status in _ANSWER_HEADERS:
            responses[str(status)]["headers"] = _ANSWER_HEADERS[status]
    always = (400, 413, 503) if operation.public else (400, 401, 403, 413, 503)
    with_body = (415,) if operation.body else ()
    limited = (429,) if operation.limit else ()
    problem = {"$ref": _REFERENCE.format(model=Problem.__name__)}
    for status in sorted({*always, *with_body, *limited, *operation.problems}):
        responses[str(status)] = {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": problem}},
        }
    for status in operation.pages:
        described = responses.setdefault(str(status), {"description": _MEANING[status]})
        described.setdefault("content", {})["text/html"] = {"schema": {"type": "string"}}
    if limited:
        responses["429"]["headers"] = _RETRY_AFTER
    return responses

"""`$batch`: up to twenty calls in one, each with an answer of its own."""

import json
from collections.abc import Callable
from typing import Any

from simulator.graph.errors import bad_request, error_response
from simulator.wire import Request, Response

_LARGEST = 20
_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


def handle_batch(request: Request, handle: Callable[[Request], Response]) -> Response:
    """Handle every item by itself; the envelope is 200 even when items fail.

    An item that depends on a failed one gets 424 and is not handled.
    """
    document = request.document()
    items = document.get("requests") if isinstance(document, dict) else None
    if not isinstance(items, list) or not items:
        raise bad_request("Invalid batch payload format.")
    if len(items) > _LARGEST:
        raise bad_request(f"Number of batch request steps exceeds the maximum of {_LARGEST}.")
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(item_id, str) for item_id in ids) or len(set(ids)) != len(ids):
        raise bad_request("Every batch request step needs an id of its own.")
    answers: dict[str, Response] = {}
    for item in items:
        answers[item["id"]] = _answer(request, item, answers, handle)
    return Response(200, {"responses": [_item(name, answer) for name, answer in answers.items()]})


def _answer(
    envelope: Request,
    item: dict[str, Any],
    answers: dict[str, Response],
    handle: Callable[[Request], Response],
) -> Response:
    for needed in item.get("dependsOn") or []:
        if needed not in answers:
            raise bad_request(f"Batch request step depends on '{needed}', which is not before it.")
        if answers[needed].status >= 400:
            return error_response(424, "FailedDependency", "A step this one depends on failed.")
    method, url = item.get("method"), item.get("url")
    if method not in _METHODS or not isinstance(url, str):
        raise bad_request("Every batch request step needs a method and a url.")
    path, _, query = url.partition("?")
    headers = {name.lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    headers.setdefault("authorization", envelope.headers.get("authorization", ""))
    body = json.dumps(item["body"]).encode() if item.get("body") is not None else b""
    return handle(Request(method, "/v1.0/" + path.lstrip("/"), query, headers, body))


def _item(item_id: str, answer: Response) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": item_id, "status": answer.status, "headers": answer.headers}
    if answer.document is not None:
        entry["headers"] = {**answer.headers, "Content-Type": "application/json"}
        entry["body"] = answer.document
    return entry

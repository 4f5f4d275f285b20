"""HTTP triggers: routes, keys, what the function sees and what the caller gets."""

import base64
from typing import Any

import httpx
import pytest

from devhost import DevHost

GUID = "6f1d2e8a-4b52-4d57-9a38-0a4f5b9f6a10"


def test_a_function_sees_the_whole_request(http: httpx.Client) -> None:
    response = http.request(
        "PUT",
        "/api/echo?a=1&b=2&a=3",
        content=b"\x00\xff raw",
        headers=[("X-Twice", "one"), ("X-Twice", "two"), ("Content-Type", "text/plain")],
    )
    seen = response.json()
    assert seen["method"] == "PUT"
    assert seen["url"] == f"{http.base_url}/api/echo?a=1&b=2&a=3"
    assert seen["query"] == {"a": "1,3", "b": "2"}
    assert base64.b64decode(seen["body"]) == b"\x00\xff raw"
    assert seen["headers"]["x-twice"] == "one, two"
    assert seen["headers"]["content-type"] == "text/plain"


def test_a_request_without_a_body_has_an_empty_one(http: httpx.Client) -> None:
    assert http.get("/api/echo").json()["body"] == ""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("items/special", {"special": {}}),
        ("items/SPECIAL", {"special": {}}),
        ("items/42", {"numbered": {"id": "42"}}),
        (f"items/{GUID}", {"identified": {"id": GUID}}),
        ("items/anything%20else", {"named": {"id": "anything else"}}),
        ("items/a%2Fb", {"named": {"id": "a/b"}}),
        ("files/a/b/c.txt", {"files": {"rest": "a/b/c.txt"}}),
        ("files", {"files": {}}),
        ("greet/ann", {"greet": {"name": "ann"}}),
        ("greet", {"greet": {}}),
        ("page", {"page": {"number": "1"}}),
        ("page/3/10", {"page": {"number": "3", "size": "10"}}),
    ],
)
def test_the_most_specific_route_wins(
    http: httpx.Client, path: str, expected: dict[str, Any]
) -> None:
    assert http.get(f"/api/{path}").json() == expected


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/nothing",
        "/api/items",
        "/api/items/1/more",
        "/api/page/12",
        "/api/page/1/123",
        "/items/42",
        "/",
    ],
)
def test_an_unknown_path_is_not_found(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


def test_an_unknown_method_is_not_found(http: httpx.Client) -> None:
    assert http.post("/api/items/special").status_code == 404
    assert http.delete("/api/items/special").status_code == 204


def test_a_function_without_a_route_is_found_by_its_name(http: httpx.Client) -> None:
    response = http.get("/api/unrouted")
    assert response.text == "found by its name"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_disabled_function_is_not_found(http: httpx.Client) -> None:
    assert http.get("/api/off").status_code == 404


def test_a_function_key_is_asked_for(http: httpx.Client, http_host: DevHost) -> None:
    key = http_host.configuration.function_key
    assert http.get("/api/locked").status_code == 401
    assert http.get("/api/locked", headers={"x-functions-key": "wrong"}).status_code == 401
    assert http.get("/api/locked", headers={"x-functions-key": key}).text == "unlocked"
    assert http.get("/api/locked", params={"code": key}).text == "unlocked"


def test_the_master_key_opens_everything_and_a_function_key_does_not(
    http: httpx.Client, http_host: DevHost
) -> None:
    function = {"x-functions-key": http_host.configuration.function_key}
    master = {"x-functions-key": http_host.configuration.master_key}
    assert http.get("/api/sealed").status_code == 401
    assert http.get("/api/sealed", headers=function).status_code == 401
    assert http.get("/api/sealed", headers=master).text == "unsealed"
    assert http.get("/api/locked", headers=master).text == "unlocked"


def test_no_key_is_ever_logged(http: httpx.Client, http_host: DevHost) -> None:
    http.get("/api/locked", params={"code": http_host.configuration.function_key})
    assert http_host.configuration.function_key not in str(http_host.log)


def test_a_response_keeps_status_headers_cookies_and_bytes(http: httpx.Client) -> None:
    response = http.get("/api/rich")
    assert response.status_code == 418
    assert response.content == bytes(range(256))
    assert response.headers["x-one"] == "1"
    assert response.headers["x-two"] == "2"
    first, second = (
        {part.strip().lower() for part in cookie.split(";")}
        for cookie in response.headers.get_list("set-cookie")
    )
    assert first == {"first=1", "path=/", "httponly", "samesite=strict"}
    assert second == {
        "second=2",
        "max-age=60",
        "secure",
        "domain=example.org",
        "expires=wed, 21 oct 2026 07:28:00 gmt",
    }


def test_a_response_cannot_be_split_by_a_header(http: httpx.Client) -> None:
    response = http.get("/api/split")
    assert response.status_code == 500
    assert "x-injected" not in response.headers


def test_an_exception_gives_500_and_its_reason_to_the_log_only(
    http: httpx.Client, http_host: DevHost
) -> None:
    response = http.get("/api/raising")
    assert response.status_code == 500
    assert response.content == b""
    record = http_host.wait_for(lambda r: r.get("function") == "raising")
    assert "the reason is for the log only" in record["exception"]
    assert "Traceback" in record["exception"]


def test_a_worker_that_dies_in_a_request_gives_500_and_is_replaced(
    http: httpx.Client, http_host: DevHost
) -> None:
    before = http_host.worker_pid
    response = http.get("/api/dying")
    assert response.status_code == 500
    assert response.content == b""
    http_host.wait_for_worker()
    assert http_host.worker_pid not in {before, None}
    assert http.get("/api/unrouted").status_code == 200


def test_a_request_that_exceeds_the_function_timeout_gives_500(http: httpx.Client) -> None:
    assert http.get("/api/sleeping").status_code == 500
    assert http.get("/api/unrouted").status_code == 200


def test_while_the_worker_is_held_down_the_host_is_not_running(
    http: httpx.Client, http_host: DevHost
) -> None:
    http_host.stop_worker()
    assert http_host.worker_pid is None
    assert http.get("/api/unrouted").status_code == 503
    http_host.start_worker()
    assert http.get("/api/unrouted").status_code == 200


def test_app_settings_are_the_worker_s_environment(http: httpx.Client) -> None:
    assert http.get("/api/setting/SOME_SETTING").json() == "its value"
    assert http.get("/api/setting/WEBSITE_AUTH_ENABLED").json() is None


def test_the_admin_address_runs_a_function_with_the_master_key(
    http: httpx.Client, http_host: DevHost
) -> None:
    master = {"x-functions-key": http_host.configuration.master_key}
    assert http.post("/admin/functions/raising", json={}).status_code == 401
    answer = http.post("/admin/functions/RAISING", json={"input": "x"}, headers=master)
    assert answer.status_code == 202
    assert http.post("/admin/functions/nobody", headers=master).status_code == 404
    assert http.post("/admin/functions/echo", content=b"{", headers=master).status_code == 400
    assert http.get("/admin/host/status", headers=master).json()["state"] == "Running"

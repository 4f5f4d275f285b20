"""A browser's session over HTTP: what a page of the app may do with it, and a foreign one may not.

The session is one of the host's sign-in page, so the host's own check stands in front as well; it
lets pass what only the app refuses here.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulator import Tenant
from tests.api.house import House
from tests.api.problems import problem
from tests.api.test_roles import ANSWERS

PROOF = {"X-Curfew-Request": "1"}
FOREIGN = "https://evil.example"


@pytest.fixture
def browser(house: House) -> Iterator[httpx.Client]:
    """A browser in which Ada has signed in. What it sends beside the cookie is the test's."""
    with house.client() as client:
        signed_in = client.post(
            "/.auth/login/aad/callback",
            data={"person": house.world.people["ada"].id, "target": "/"},
        )
        assert signed_in.status_code == 302
        assert client.get("/api/tenants").status_code == 200
        yield client


@pytest.fixture
def address(quiet: Tenant) -> str:
    return f"/api/tenants/{quiet.id}"


SETTINGS = {"displayName": "Taken over", "accountDomain": "evil.example"}


def own_page(house: House) -> dict[str, str]:
    """What a browser adds to a `fetch` of a page of the app."""
    return {
        "Origin": house.host.url,
        "Referer": f"{house.host.url}/",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
    }


def test_a_page_of_the_app_uses_the_session(
    house: House, browser: httpx.Client, quiet: Tenant
) -> None:
    settings = browser.get(f"/api/tenants/{quiet.id}")
    said = {name: settings.json()[name] for name in ("displayName", "accountDomain")}
    headers = {**own_page(house), **PROOF, "If-Match": settings.headers["ETag"]}
    assert browser.put(f"/api/tenants/{quiet.id}", json=said, headers=headers).status_code == 200


@pytest.mark.usefixtures("untouched")
def test_without_the_proof_the_session_changes_nothing(
    house: House, browser: httpx.Client, address: str
) -> None:
    for headers in ({}, own_page(house), {"Sec-Fetch-Site": "none"}):
        refused = problem(browser.put(address, json=SETTINGS, headers=headers), 403)
        assert refused["type"] == "urn:curfew:problem:cross-site"
        assert "X-Curfew-Request" in refused["detail"]


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": f"{FOREIGN}/", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_a_foreign_page_is_refused_with_and_without_the_proof(
    browser: httpx.Client, address: str, headers: dict[str, str]
) -> None:
    for more in ({}, PROOF):
        answer = browser.put(address, json=SETTINGS, headers={**headers, **more})
        assert answer.status_code == 403


@pytest.mark.usefixtures("untouched")
def test_a_form_of_a_foreign_page_is_refused_for_what_it_cannot_send(
    browser: httpx.Client, address: str
) -> None:
    """A form needs no leave of anybody to send this, and some browsers say no more of it."""
    body = b'{"displayName": "Taken over", "accountDomain": "evil.example"}'
    answer = browser.put(address, content=body, headers={"Content-Type": "text/plain"})
    assert problem(answer, 403)["type"] == "urn:curfew:problem:cross-site"


def test_no_foreign_page_is_ever_given_leave(house: House) -> None:
    """The answer to a preflight, and every other, carries no CORS header."""
    asked = {
        "Origin": FOREIGN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-curfew-request",
    }
    with house.client() as client:
        for answer in (
            client.options("/api/grants", headers=asked),
            client.get("/api/health", headers=asked),
            client.post("/api/grants", headers={**asked, **PROOF}, json={}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.usefixtures("untouched")
def test_a_token_in_a_foreign_page_is_refused_as_well(house: House, address: str) -> None:
    answer = house.as_("ada").put(address, json=SETTINGS, headers={"Origin": FOREIGN, **PROOF})
    assert problem(answer, 403)["type"] == "urn:curfew:problem:cross-site"


def test_whoever_holds_a_token_and_is_no_browser_needs_no_proof(house: House) -> None:
    refused = house.as_("ada").put(f"/api/tenants/{house.world.contoso.id}", json={})
    assert refused.status_code == 400


def test_the_document_names_the_proof_where_it_is_needed(house: House) -> None:
    document: dict[str, Any] = house.as_("nobody").get("/api/openapi.json").json()
    asking = {
        operation["operationId"]
        for methods in document["paths"].values()
        for method, operation in methods.items()
        if "X-Curfew-Request" in {parameter["name"] for parameter in operation["parameters"]}
    }
    unsafe = {
        operation["operationId"]
        for methods in document["paths"].values()
        for method, operation in methods.items()
        if method != "get"
    }
    assert asking == unsafe < set(ANSWERS)

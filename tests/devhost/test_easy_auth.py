"""App Service authentication in small: nobody is believed but the platform."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from devhost import Configuration, DevHost, EasyAuth, tokens
from tests.devhost.conftest import APPS
from tests.devhost.issuer import AUDIENCE, TENANT, Issuer, new_key, serve

FORGED = {
    "X-MS-CLIENT-PRINCIPAL": base64.b64encode(b'{"claims": []}').decode("ascii"),
    "X-MS-CLIENT-PRINCIPAL-ID": "forged",
    "X-MS-CLIENT-PRINCIPAL-NAME": "forged",
    "x-ms-client-principal-idp": "forged",
    "X-MS-TOKEN-AAD-ACCESS-TOKEN": "forged",
}
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serve() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def host(issuer: Issuer) -> Iterator[DevHost]:
    easy_auth = EasyAuth(
        authority=issuer.authority,
        audience=AUDIENCE,
        home_tenant=TENANT,
        people=f"{issuer.url}/people",
    )
    with DevHost(Configuration(APPS / "http", easy_auth=easy_auth)) as host:
        yield host


@pytest.fixture
def http(host: DevHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=host.url, timeout=10) as client:
        yield client


def seen(http: httpx.Client, **headers: str) -> dict[str, str]:
    """Give the platform's headers that the function saw."""
    response = http.get("/api/echo", headers=headers)
    assert response.status_code == 200
    return {k: v for k, v in response.json()["headers"].items() if k.startswith("x-ms-")}


def claims_in(headers: dict[str, str]) -> list[tuple[str, str]]:
    principal: dict[str, Any] = json.loads(base64.b64decode(headers["x-ms-client-principal"]))
    assert principal["auth_typ"] == "aad"
    return [(claim["typ"], claim["val"]) for claim in principal["claims"]]


def test_the_app_is_told_that_authentication_is_enforced(http: httpx.Client) -> None:
    assert http.get("/api/setting/WEBSITE_AUTH_ENABLED").json() == "True"


def test_a_setting_cannot_claim_that_authentication_is_enforced() -> None:
    settings = {"WEBSITE_AUTH_ENABLED": "True"}
    with DevHost(Configuration(APPS / "http", settings=settings)) as host:
        answer = httpx.get(f"{host.url}/api/setting/WEBSITE_AUTH_ENABLED")
        assert answer.json() is None


def test_without_a_token_the_app_decides(http: httpx.Client) -> None:
    assert seen(http) == {}


def test_a_forged_principal_is_discarded(http: httpx.Client, issuer: Issuer) -> None:
    assert seen(http, **FORGED) == {}
    bearer = seen(http, Authorization=f"Bearer {issuer.token()}", **FORGED)
    assert "forged" not in bearer.values()
    assert "x-ms-token-aad-access-token" not in bearer


def test_a_forged_principal_passes_where_authentication_is_off(http_host: DevHost) -> None:
    with httpx.Client(base_url=http_host.url) as http:
        assert seen(http, **FORGED)["x-ms-client-principal-id"] == "forged"


def test_a_good_token_becomes_a_principal(http: httpx.Client, issuer: Issuer) -> None:
    token = issuer.token(groups=["g1", "g2"], idtyp="app")
    headers = seen(http, Authorization=f"Bearer {token}")
    expected = issuer.claims()
    assert headers["x-ms-client-principal-id"] == expected["oid"]
    assert headers["x-ms-client-principal-name"] == "ann@example.org"
    assert headers["x-ms-client-principal-idp"] == "aad"
    claims = claims_in(headers)
    assert (OBJECT_ID, expected["oid"]) in claims
    assert (TENANT_ID, TENANT) in claims
    assert [value for kind, value in claims if kind == "roles"] == ["Technician", "Approver"]
    assert [value for kind, value in claims if kind == "groups"] == ["g1", "g2"]
    assert ("idtyp", "app") in claims
    assert ("name", "Ann Example") in claims
    assert ("iss", issuer.authority) in claims
    assert ("aud", AUDIENCE) in claims


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "api://other"},
        {"aud": None},
        {"iss": "https://login.example.org/v2.0"},
        {"iss": None},
        {"tid": "99999999-9999-4999-8999-999999999999"},
        {"tid": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"nbf": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(
    http: httpx.Client, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    token = issuer.token(**wrong)
    response = http.get("/api/echo", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert response.content == b""


def _foreign_key(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), new_key(), "RS256", headers={"kid": "first"})


def _unknown_key(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), new_key(), "RS256", headers={"kid": "unknown"})


def _unsigned(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), "", "none", headers={"kid": "first"})


def _symmetric(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), "k" * 32, "HS256", headers={"kid": "first"})


def _tampered(issuer: Issuer) -> str:
    head, _body, signature = issuer.token().split(".")
    claims = json.dumps(issuer.claims() | {"roles": ["Administrator"]}).encode()
    body = base64.urlsafe_b64encode(claims).rstrip(b"=").decode("ascii")
    return f"{head}.{body}.{signature}"


def _no_token(_issuer: Issuer) -> str:
    return "not-a-token"


@pytest.mark.parametrize(
    "make", [_foreign_key, _unknown_key, _unsigned, _symmetric, _tampered, _no_token]
)
def test_a_token_with_a_wrong_signature_is_refused(
    http: httpx.Client, host: DevHost, issuer: Issuer, make: Any
) -> None:
    token = make(issuer)
    response = http.get("/api/echo", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert token not in str(host.log)


def test_a_new_key_is_fetched_and_made_up_ones_cause_no_flood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serve() as issuer:
        easy_auth = EasyAuth(issuer.authority, AUDIENCE, TENANT)
        with (
            DevHost(Configuration(APPS / "http", easy_auth=easy_auth)) as host,
            httpx.Client(base_url=host.url) as http,
        ):
            for _ in range(3):
                seen(http, Authorization=f"Bearer {issuer.token()}")
                http.get("/api/echo", headers={"Authorization": f"Bearer {_unknown_key(issuer)}"})
            assert issuer.fetches == 1
            issuer.keys["second"] = new_key()
            monkeypatch.setattr(tokens, "_REFETCH_SECONDS", 0.0)
            seen(http, Authorization=f"Bearer {issuer.token('second')}")
            assert issuer.fetches == 2


def test_when_the_authority_cannot_be_read_no_token_is_believed(issuer: Issuer) -> None:
    easy_auth = EasyAuth(f"{issuer.url}/nowhere/v2.0", AUDIENCE, TENANT)
    with DevHost(Configuration(APPS / "http", easy_auth=easy_auth)) as host:
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        assert httpx.get(f"{host.url}/api/echo", headers=headers).status_code == 503


def test_the_sign_in_page_lists_the_people_escaped(http: httpx.Client) -> None:
    page = http.get("/.auth/login/aad", params={"post_login_redirect_uri": '/"><script>'})
    assert page.status_code == 200
    assert "Ben &lt;script&gt;" in page.text
    assert "<script" not in page.text
    assert "Gone Away" not in page.text


def _sign_in(http: httpx.Client, target: str = "/api/echo") -> httpx.Response:
    return http.post(
        "/.auth/login/aad/callback",
        data={"person": "44444444-4444-4444-8444-444444444444", "target": target},
    )


def test_whoever_is_chosen_is_signed_in_until_signed_out(http: httpx.Client) -> None:
    assert http.get("/.auth/me").status_code == 401
    answer = _sign_in(http)
    assert answer.status_code == 302
    assert answer.headers["location"] == "/api/echo"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    headers = seen(http)
    assert headers["x-ms-client-principal-name"] == "ben@example.org"
    assert ("roles", "Administrator") in claims_in(headers)
    (me,) = http.get("/.auth/me").json()
    assert me["user_id"] == "ben@example.org"
    assert http.get("/.auth/logout").headers["location"] == "/.auth/logout/complete"
    assert seen(http) == {}


def test_nobody_else_can_be_signed_in(http: httpx.Client) -> None:
    answer = http.post("/.auth/login/aad/callback", data={"person": "nobody"})
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", ""])
def test_signing_in_never_leads_elsewhere(http: httpx.Client, target: str) -> None:
    assert _sign_in(http, target).headers["location"] == "/"


def test_a_session_of_another_host_is_not_believed(http: httpx.Client) -> None:
    forged = jwt.encode({"claims": {"oid": "x"}, "exp": 4_000_000_000}, "k" * 32, "HS256")
    http.cookies.set("AppServiceAuthSession", forged)
    assert seen(http) == {}


def test_a_page_of_another_origin_cannot_use_a_session(http: httpx.Client) -> None:
    _sign_in(http)
    foreign = {"Origin": "http://127.0.0.1:1"}
    assert http.post("/api/echo", headers=foreign).status_code == 403
    assert http.post("/api/echo", headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    own = {"Origin": str(http.base_url).rstrip("/")}
    assert http.post("/api/echo", headers=own).status_code == 200
    assert _callback_from(http, foreign).status_code == 403


def _callback_from(http: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return http.post("/.auth/login/aad/callback", data={"person": "x"}, headers=headers)

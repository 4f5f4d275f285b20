"""What the tests of onboarding do over and over: ask, answer, look, and run what is to be run."""

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt

from curfew.model.tenants import STATE_KEY
from simulator import Tenant
from tests.api.house import House

ANSWER = "/api/onboarding/answer"

type View = dict[str, Any]


def invited(house: House, tenant: Tenant, **more: Any) -> View:
    asked = {"tenant": tenant.id, "displayName": tenant.name, **more}
    answer = house.as_("ada").post("/api/onboarding", json=asked)
    assert answer.status_code == 201, answer.text
    view: View = answer.json()
    assert answer.headers["Location"] == f"/api/onboarding/{view['id']}"
    return view


def state_of(view: View) -> str:
    return parse_qs(urlsplit(view["consentAddress"]).query)["state"][0]


def decided(house: House, view: View, *, accept: bool = True) -> dict[str, str]:
    """What Microsoft's page sends the customer's administrator back with."""
    with httpx.Client(verify=house.trust) as browser:
        page = browser.get(view["consentAddress"])
        assert "Accept" in page.text
        answer = browser.post(view["consentAddress"], data={"sim_accept": str(accept).lower()})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{house.host.url}{ANSWER}"
    return dict(parse_qsl(back.query))


def answered(house: House, **query: str) -> httpx.Response:
    """The answer, as anybody can send it."""
    return house.as_("nobody").get(ANSWER, params=query)


def consent(view: View, **changes: str) -> dict[str, str]:
    return {"admin_consent": "True", "tenant": view["tenant"], "state": state_of(view), **changes}


def now(house: House, view: View) -> View:
    found: View = house.as_("ada").get(f"/api/onboarding/{view['id']}").raise_for_status().json()
    return found


def trail(house: House, tenant: Tenant) -> list[str]:
    found = house.as_("ada").get("/api/audit", params={"tenant": tenant.id})
    return [event["action"] for event in found.raise_for_status().json()["value"]]


def text_of(page: httpx.Response) -> str:
    body = page.text.split("<body>", 1)[1]
    return unescape(re.sub(r"<[^>]+>", "", body)).strip()


def key_of(house: House) -> tuple[str, str]:
    """The key in the vault: its newest version and its value."""
    newest = house.cloud.vault.secrets[STATE_KEY].latest
    return newest.version, newest.value


def signed(claims: dict[str, Any], key: str, **headers: str) -> str:
    return jwt.encode(claims, key, "HS256", {"typ": "curfew-consent+jwt", **headers})


def claims_of(state: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(state, options={"verify_signature": False})
    return found


@contextmanager
def unchanged(house: House, *views: View) -> Iterator[None]:
    """Whatever happens meanwhile changes none of these, and leaves no word on the audit trail."""

    def everything() -> list[tuple[View, list[str]]]:
        tenants = [house.cloud.tenants[view["tenant"]] for view in views]
        seen = [now(house, view) for view in views]
        return list(zip(seen, [trail(house, tenant) for tenant in tenants], strict=True))

    before = everything()
    yield
    assert everything() == before


def run(house: House, tenant: Tenant, command: str) -> httpx.Response:
    """Run an `az rest` as the customer's administrator would."""
    words = shlex.split(command)
    assert words[:4] == ["az", "rest", "--method", "post"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert set(options) == {"--url", "--resource", "--headers", "--body"}
    name, _, value = options["--headers"].partition("=")
    rights = {"idtyp": "app", "roles": ["RoleManagement.ReadWrite.Directory"]}
    token = house.cloud.mint(tenant, rights, audience=options["--resource"])
    with httpx.Client(verify=house.trust) as client:
        return client.post(
            options["--url"],
            content=options["--body"],
            headers={name: value, "Authorization": f"Bearer {token}"},
        )

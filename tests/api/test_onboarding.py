"""A customer comes aboard: the address, the answer that proves itself or changes nothing, the role.

What is told here is told over HTTP: by an administrator of ours, by the customer's administrator
in front of the simulator's consent page, and by whoever else knows the address of the answer.
"""

import base64
import json
import re
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import jwt
import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import House
from tests.api.problems import problem

STATE_KEY = "onboarding-state-key"
ANSWER = "/api/onboarding/answer"

type View = dict[str, Any]


@pytest.fixture
def newcomer(house: House) -> Tenant:
    """A tenant that has not let Curfew in, and that Curfew does not know."""
    return house.customer(onboard=False, consent=False)


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


# --- from the address to the first grant -----------------------------------------------------


def test_a_customer_comes_aboard_and_is_granted_in(house: House, newcomer: Tenant) -> None:
    ada = house.as_("ada")
    view = invited(house, newcomer)
    assert (view["state"], view["letIn"], view["roleCommand"]) == ("waiting", False, None)
    assert "700016" in view["obstacle"]

    page = answered(house, **decided(house, view))
    assert page.status_code == 200
    assert "Your consent is recorded" in text_of(page)

    view = now(house, view)
    assert (view["state"], view["letIn"], view["obstacle"]) == ("consented", True, None)
    assert view["accountDomain"] == newcomer.domain
    principal = newcomer.principal_of(house.world.curfew.app_id)
    assert principal is not None
    assert (view["principalId"], view["roleHeld"]) == (principal.id, False)

    settings = {"displayName": newcomer.name, "accountDomain": view["accountDomain"]}
    assert ada.put(f"/api/tenants/{newcomer.id}", json=settings).status_code == 201
    ada.put(f"/api/tenants/{newcomer.id}/profiles/helpdesk", json=helpdesk()).raise_for_status()

    assert run(house, newcomer, view["roleCommand"]["az"]).status_code == 201
    assert now(house, view)["roleHeld"] is True
    house.end(house.as_("ann"), house.grant(house.as_("ann"), newcomer)["id"])
    assert trail(house, newcomer)[:3] == ["tenant.invited", "tenant.consented", "tenant.created"]


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


def test_the_address_leads_to_this_tenant_and_carries_nothing_else(
    house: House, newcomer: Tenant
) -> None:
    view = invited(house, newcomer, displayName="A name that is nobody's business")
    address = urlsplit(view["consentAddress"])
    assert address.path == f"/{newcomer.id}/v2.0/adminconsent"
    query = parse_qs(address.query)
    assert query["client_id"] == [house.world.curfew.app_id]
    assert query["redirect_uri"] == [f"{house.host.url}{ANSWER}"]
    assert query["scope"][0].endswith("/.default")
    claims = claims_of(state_of(view))
    assert set(claims) == {"jti", "tid", "exp"}
    assert (claims["jti"], claims["tid"]) == (view["id"], newcomer.id)
    assert 3500 < claims["exp"] - time.time() <= 3600
    header = jwt.get_unverified_header(state_of(view))
    assert header["kid"] == key_of(house)[0]


def test_the_address_is_told_once(house: House, newcomer: Tenant) -> None:
    assert now(house, invited(house, newcomer))["consentAddress"] is None


def test_the_key_is_in_no_answer_and_no_log(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    answered(house, **consent(view))
    _, key = key_of(house)
    assert key not in json.dumps([view, now(house, view)])
    assert all(key not in str(record) for record in house.host.log)


def test_no_connection_may_use_the_key_as_its_own(house: House, newcomer: Tenant) -> None:
    for name in (STATE_KEY, STATE_KEY.upper()):
        connection = {"kind": "secret", "secretName": name}
        asked = {"tenant": newcomer.id, "displayName": "X", "connection": connection}
        answer = house.as_("ada").post("/api/onboarding", json=asked)
        problem(answer, 400, "connection")


# --- the answer cannot be replayed, forged, late, or used for another tenant -------------------


def test_a_second_answer_says_so_and_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    back = decided(house, view)
    assert answered(house, **back).status_code == 200
    with unchanged(house, view):
        again = answered(house, **back)
        refusal = answered(house, state=back["state"], error="access_denied")
    for page in (again, refusal):
        assert page.status_code == 409
        assert "used already" in text_of(page)
    assert now(house, view)["state"] == "consented"


def test_a_refusal_uses_the_address_up_as_well(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    back = decided(house, view, accept=False)
    assert back["error"] == "access_denied"
    page = answered(house, **back)
    assert page.status_code == 200
    assert "has not given consent" in text_of(page)
    found = now(house, view)
    assert (found["state"], found["refusal"]) == ("refused", "declined")
    assert found["meaning"]
    assert answered(house, **consent(view)).status_code == 409
    assert now(house, view)["state"] == "refused"
    assert trail(house, newcomer) == ["tenant.invited", "tenant.consent-refused"]


def test_of_two_answers_at_once_exactly_one_counts(house: House) -> None:
    for _ in range(5):
        view = invited(house, house.customer(onboard=False, consent=False))
        with ThreadPoolExecutor(8) as crowd, house.client() as client:
            pages = list(
                crowd.map(lambda _: client.get(ANSWER, params=consent(view)), range(8))  # noqa: B023
            )
        assert sorted(page.status_code for page in pages) == [200] + [409] * 7
        tenant = house.cloud.tenants[view["tenant"]]
        assert trail(house, tenant) == ["tenant.invited", "tenant.consented"]


def test_consent_and_refusal_at_once_are_one_answer(house: House) -> None:
    for _ in range(5):
        view = invited(house, house.customer(onboard=False, consent=False))
        both = (consent(view), {"state": state_of(view), "error": "access_denied"})
        with ThreadPoolExecutor(2) as crowd, house.client() as client:
            pages = list(crowd.map(lambda query: client.get(ANSWER, params=query), both))
        assert sorted(page.status_code for page in pages) == [200, 409]
        won = "consented" if pages[0].status_code == 200 else "refused"
        assert now(house, view)["state"] == won


def forged(house: House, view: View) -> dict[str, str]:
    """States that are not ours, and look as if."""
    claims = claims_of(state_of(view))
    version, key = key_of(house)
    head, body, signature = state_of(view).split(".")
    other = base64.urlsafe_b64encode(
        json.dumps(claims | {"exp": claims["exp"] + 9999}).encode()
    ).decode()
    public = house.cloud.keys.signing.public_document()["n"]
    return {
        "another key": signed(claims, "x" * 43, kid=version),
        "a key by another name": signed(claims, key, kid="0" * 32),
        "a key with no name": signed(claims, key),
        "a path for a name": signed(claims, key, kid="../../grant-x-password/1"),
        "none": jwt.encode(claims, "", "none", {"kid": version, "typ": "curfew-consent+jwt"}),
        "HS384": jwt.encode(
            claims, key * 2, "HS384", {"kid": version, "typ": "curfew-consent+jwt"}
        ),
        "a public key as a secret": signed(claims, public, kid=version),
        "another type": jwt.encode(claims, key, "HS256", {"kid": version, "typ": "JWT"}),
        "a changed payload": f"{head}.{other.rstrip('=')}.{signature}",
        "no signature": f"{head}.{body}.",
        "half of it": state_of(view)[: len(state_of(view)) // 2],
        "no end": signed({k: v for k, v in claims.items() if k != "exp"}, key, kid=version),
        "an end that is none": signed(claims | {"exp": "soon"}, key, kid=version),
        "no tenant": signed({k: v for k, v in claims.items() if k != "tid"}, key, kid=version),
        "nothing": "",
        "anything": "<script>alert(1)</script>",
        "too much": "a" * 5000,
    }


def test_a_forged_answer_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    with unchanged(house, view):
        for how, state in forged(house, view).items():
            page = answered(house, **consent(view, state=state))
            assert page.status_code == 400, how
            assert "not one of ours" in text_of(page), how
    assert answered(house, **consent(view)).status_code == 200


def test_a_flood_of_forged_answers_costs_no_call_to_the_vault_or_the_ledger(
    house: House, newcomer: Tenant
) -> None:
    view = invited(house, newcomer)
    states = list(forged(house, view).values())
    answered(house, **consent(view, state=states[1]))
    before = vault_calls(house)
    with house.ledger.being("down"):
        for state in states * 3:
            assert answered(house, **consent(view, state=state)).status_code == 400
    assert vault_calls(house) == before


def vault_calls(house: House) -> int:
    return sum(call.service == "vault" for call in house.cloud.calls)


def test_a_late_answer_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    version, key = key_of(house)
    late = signed(claims_of(state_of(view)) | {"exp": int(time.time()) - 1}, key, kid=version)
    with unchanged(house, view):
        page = answered(house, **consent(view, state=late))
    assert page.status_code == 410
    assert "good for one hour" in text_of(page)


def test_an_answer_of_another_tenant_changes_nothing(house: House, newcomer: Tenant) -> None:
    other = house.customer(onboard=False, consent=False)
    ours, theirs = invited(house, newcomer), invited(house, other)
    version, key = key_of(house)
    mixed = signed(claims_of(state_of(ours)) | {"tid": other.id}, key, kid=version)
    with unchanged(house, ours, theirs):
        for query in (
            consent(ours, tenant=other.id),
            consent(ours, tenant="organizations"),
            consent(ours, tenant=""),
            consent(ours, state=mixed, tenant=other.id),
            {"state": state_of(ours), "tenant": other.id, "error": "access_denied"},
        ):
            page = answered(house, **query)
            assert page.status_code == 400
            assert "another organization" in text_of(page)
    assert answered(house, **consent(theirs)).status_code == 200
    assert now(house, ours)["state"] == "waiting"


@pytest.mark.parametrize("said", ["", "False", "no"])
def test_an_answer_that_says_nothing_changes_nothing(
    house: House, newcomer: Tenant, said: str
) -> None:
    view = invited(house, newcomer)
    with unchanged(house, view):
        page = answered(house, **consent(view, admin_consent=said))
    assert page.status_code == 400
    assert "not complete" in text_of(page)


# --- what people and machines are shown --------------------------------------------------------


def test_the_page_is_safe_to_show(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    poison = "<script>alert(1)</script>"
    pages = [
        answered(house, state=poison, tenant=poison, error=poison, error_description=poison),
        answered(house, state=state_of(view), error=poison, error_description=poison, more="x"),
    ]
    for page in pages:
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Frame-Options"] == "DENY"
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "alert" not in page.text
        assert "<script" not in page.text
    assert now(house, view)["refusal"] == "other"


def test_when_nothing_can_be_written_down_the_address_stays_good(
    house: House, newcomer: Tenant
) -> None:
    view = invited(house, newcomer)
    with house.ledger.being("down"):
        page = answered(house, **consent(view))
    assert page.status_code == 503
    assert "Reload this page" in text_of(page)
    assert answered(house, **consent(view)).status_code == 200
    assert trail(house, newcomer) == ["tenant.invited", "tenant.consented"]


def test_an_app_of_the_customers_own_has_instructions_and_no_address(
    house: House, newcomer: Tenant
) -> None:
    own = {"kind": "secret", "clientId": house.world.halo.app_id, "secretName": "newcomer-secret"}
    view = invited(house, newcomer, connection=own)
    assert (view["state"], view["consentAddress"]) == ("own-app", None)
    assert any("Grant admin consent" in line for line in view["instructions"])
    assert any("newcomer-secret" in line for line in view["instructions"])
    assert "vault" in view["obstacle"]


def test_a_managed_identity_cannot_speak_for_the_customers_app(
    house: House, newcomer: Tenant
) -> None:
    connection = {"kind": "federated", "clientId": house.world.halo.app_id}
    asked = {"tenant": newcomer.id, "displayName": "X", "connection": connection}
    problem(house.as_("ada").post("/api/onboarding", json=asked), 422, "connection.clientId")


def test_a_tenant_of_another_cloud_is_refused_with_the_reason(
    house: House, newcomer: Tenant
) -> None:
    asked = {"tenant": newcomer.id, "displayName": "X", "cloud": "AzureChinaCloud"}
    answer = house.as_("ada").post("/api/onboarding", json=asked)
    problem(answer, 422, "cloud")
    assert "AzureCloud only" in answer.text
    assert "tenant.invited" not in trail(house, newcomer)


def test_a_tenant_that_has_let_curfew_in_before_needs_no_answer(house: House) -> None:
    view = invited(house, house.customer(onboard=False))
    assert (view["state"], view["letIn"], view["roleHeld"]) == ("waiting", True, True)

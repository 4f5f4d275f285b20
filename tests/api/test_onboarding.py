"""A customer comes aboard, over HTTP: the address, the directory role, the first grant."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import jwt

from curfew.model.tenants import STATE_KEY
from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.aboard import (
    ANSWER,
    answered,
    claims_of,
    consent,
    decided,
    invited,
    key_of,
    now,
    run,
    state_of,
    text_of,
    trail,
)
from tests.api.house import House
from tests.api.problems import problem


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

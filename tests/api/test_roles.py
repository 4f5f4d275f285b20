"""Every route by every kind of caller: what each may do is written down here once more.

A number is the answer that a caller gets: 400 where he was let in with a request that says
nothing, 404 where it must look as if there were nothing, 401 and 403 where he is turned away.
An operation that is served and not in this table fails the tests, whoever may call it.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import Grant, House

PERSONAS = ("nobody", "mallory", "ann", "ben", "petra", "paul", "ada", "otto", "halo")
"""Who is who.

Nobody shows no token; Mallory is an administrator of another tenant. Ann asked for the grant that
is read, ended and revealed here, and it is over; Ben is a technician as she is. Petra may approve
what the profile gives, Paul is an approver of other profiles. Ada is an administrator, Otto an
auditor, and halo an integration.
"""

ANSWERS: dict[str, tuple[int, ...]] = {
    #                      none  other    ann    ben  petra   paul    ada   otto   halo
    "request_grant":     (  401,   401,   400,   400,   403,   403,   403,   403,   400),
    "list_grants":       (  401,   401,   200,   200,   200,   200,   200,   200,   200),
    "read_grant":        (  401,   401,   200,   404,   200,   200,   200,   200,   200),
    "approve_grant":     (  401,   401,   403,   403,   409,   403,   403,   403,   403),
    "deny_grant":        (  401,   401,   403,   403,   409,   403,   403,   403,   403),
    "extend_grant":      (  401,   401,   409,   404,   409,   403,   403,   403,   404),
    "end_grant":         (  401,   401,   200,   404,   200,   200,   200,   403,   200),
    "reveal_credential": (  401,   401,   409,   404,   403,   403,   403,   403,   404),
    "renew_credential":  (  401,   401,   409,   404,   403,   403,   403,   403,   404),
    "begin_onboarding":  (  401,   401,   403,   403,   403,   403,   400,   403,   403),
    "read_onboarding":   (  401,   401,   403,   403,   403,   403,   404,   403,   403),
    # It is the signed state that is let in or turned away; the platform refuses a foreign token.
    "answer_onboarding": (  400,   401,   400,   400,   400,   400,   400,   400,   400),
    "list_tenants":      (  401,   401,   200,   200,   403,   403,   200,   403,   200),
    "read_tenant":       (  401,   401,   200,   200,   403,   403,   200,   403,   200),
    "write_tenant":      (  401,   401,   403,   403,   403,   403,   400,   403,   403),
    "delete_tenant":     (  401,   401,   403,   403,   403,   403,   412,   403,   403),
    "read_profile":      (  401,   401,   200,   200,   403,   403,   200,   403,   200),
    "write_profile":     (  401,   401,   403,   403,   403,   403,   400,   403,   403),
    "delete_profile":    (  401,   401,   403,   403,   403,   403,   412,   403,   403),
    "list_accounts":     (  401,   401,   403,   403,   403,   403,   200,   403,   403),
    "adopt_account":     (  401,   401,   403,   403,   403,   403,   400,   403,   403),
    "release_account":   (  401,   401,   403,   403,   403,   403,   400,   403,   403),
    "run_sweep":         (  401,   401,   403,   403,   403,   403,   200,   403,   403),
    "run_check":         (  401,   401,   403,   403,   403,   403,   200,   403,   403),
    "read_check":        (  401,   401,   403,   403,   403,   403,   200,   200,   403),
    "list_audit":        (  401,   401,   403,   403,   403,   403,   200,   200,   403),
    "read_health":       (  200,   401,   200,   200,   200,   200,   200,   200,   200),
    "read_openapi":      (  200,   401,   200,   200,   200,   200,   200,   200,   200),
}  # fmt: skip


@pytest.fixture(scope="module")
def operations(house: House) -> dict[str, tuple[str, str]]:
    """Method and address of every operation that the served document names."""
    document = house.as_("nobody").get("/api/openapi.json").json()
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="module")
def shop(house: House) -> Tenant:
    petra = house.world.people["petra"].id
    return house.customer({"helpdesk": helpdesk(approvers={"people": [petra]})})


@pytest.fixture(scope="module")
def clients(house: House) -> Iterator[dict[str, httpx.Client]]:
    """A client of each persona."""
    home, api = house.world.home, house.world.api
    if "paul" not in house.world.people:
        paul = home.add_user("paul", "Paul Approver", password=house.world.password)
        home.app_roles[paul.id, api.app_id] = {"Approver"}
        house.world.people["paul"] = paul
    claims = {"oid": house.world.people["ada"].id, "roles": ["Administrator"], "scp": "access"}
    token = house.cloud.mint(house.world.contoso, claims, audience=api.app_id)
    with house.client() as mallory:
        mallory.headers["Authorization"] = f"Bearer {token}"
        yield {name: house.as_(name) for name in PERSONAS if name != "mallory"} | {
            "mallory": mallory
        }


@pytest.fixture(scope="module")
def grant(house: House, shop: Tenant) -> Grant:
    ann = house.as_("ann")
    return house.end(ann, house.grant(ann, shop)["id"])


def ask(client: httpx.Client, operation: tuple[str, str], shop: Tenant, grant: Grant) -> Any:
    method, path = operation
    address = path.format(
        grantId=grant["id"],
        tenantId=shop.id,
        profileName="helpdesk",
        accountId=shop.id,
        onboardingId="nobody-asked",
    )
    body: dict[str, str] | None = {} if method in {"POST", "PUT"} else None
    if path.endswith("/extend"):
        body = {"duration": "PT1H"}
    headers = {"If-Match": '"an old reading"'} if method == "DELETE" else {}
    return client.request(method, address, json=body, headers=headers)


def test_every_function_of_the_app_is_in_the_table_and_the_other_way_round(
    house: House, operations: dict[str, tuple[str, str]]
) -> None:
    served = house.host._running.catalog.app.with_trigger("httpTrigger")
    assert {function.name for function in served} == set(operations) == set(ANSWERS)
    assert {
        (function.trigger["methods"][0].upper(), f"/api/{function.trigger['route']}")
        for function in served
    } == set(operations.values())
    for function in served:
        assert len(function.trigger["methods"]) == 1


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("operation", ANSWERS)
def test_what_each_caller_gets(
    clients: dict[str, httpx.Client],
    operations: dict[str, tuple[str, str]],
    shop: Tenant,
    grant: Grant,
    operation: str,
    persona: str,
) -> None:
    """Row 19: default deny, route by route."""
    answer = ask(clients[persona], operations[operation], shop, grant)
    assert answer.status_code == ANSWERS[operation][PERSONAS.index(persona)], answer.text
    if persona == "mallory":
        assert answer.content == b"", "the platform lets no token of another tenant pass"
    elif answer.status_code in {401, 403}:
        assert (
            answer.json()["type"]
            == {
                401: "urn:curfew:problem:not-signed-in",
                403: "urn:curfew:problem:forbidden",
            }[answer.status_code]
        )


@pytest.mark.parametrize("operation", ANSWERS)
def test_a_principal_that_the_caller_sends_himself_is_worth_nothing(
    house: House,
    operations: dict[str, tuple[str, str]],
    shop: Tenant,
    grant: Grant,
    operation: str,
) -> None:
    """Row 19. The platform drops what a caller sends under its own name."""
    forged = {
        "claims": [
            {"typ": "iss", "val": f"https://sts.windows.net/{house.world.home.id}/"},
            {"typ": "oid", "val": house.world.people["ada"].id},
            {"typ": "tid", "val": house.world.home.id},
            {"typ": "scp", "val": "user_impersonation"},
            *({"typ": "roles", "val": role} for role in ("Administrator", "Technician")),
        ]
    }
    header = base64.b64encode(json.dumps(forged).encode()).decode()
    with house.client() as client:
        client.headers["X-MS-CLIENT-PRINCIPAL"] = header
        answer = ask(client, operations[operation], shop, grant)
    assert answer.status_code == ANSWERS[operation][PERSONAS.index("nobody")]


def test_health_has_details_for_administrators_only(
    clients: dict[str, httpx.Client],
) -> None:
    for persona in PERSONAS:
        if persona == "mallory":
            continue
        health = clients[persona].get("/api/health").json()
        assert health["status"] == "ok"
        everything = {"ledger": "ok", "vault": "ok", "home": "ok"}
        expected = everything if persona == "ada" else None
        assert health["checks"] == expected


def test_health_says_what_does_not_answer(house: House) -> None:
    outage = house.cloud.faults.outage("vault")
    try:
        with house.ledger.being("down"):
            health = house.as_("ada").get("/api/health").json()
    finally:
        house.cloud.faults.remove(outage)
    assert health["status"] == "degraded"
    assert set(health["checks"]) == {"ledger", "vault", "home"}
    assert health["checks"].pop("home") == "ok"
    assert "ok" not in health["checks"].values()

"""Tokens that nobody may be let in with, each for one fault, through the platform to the app.

What is wrong with a token is for the platform to find: App Service in Azure, the host here, which
checks as strictly. What is in a good one is for the app to judge.
"""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.api.house import House

NOT_HOME = "99999999-0000-4000-a000-000000000001"


@pytest.fixture
def ada(house: House) -> dict[str, Any]:
    """The claims of a token that lets an administrator in."""
    return {"oid": house.world.people["ada"].id, "roles": ["Administrator"], "scp": "access"}


def mint(house: House, claims: dict[str, Any], **how: Any) -> str:
    audience = how.pop("audience", house.world.api.app_id)
    tenant = how.pop("tenant", house.world.home)
    return house.cloud.mint(tenant, claims, audience=audience, **how)


def shown(house: House, token: str) -> httpx.Response:
    """The answer to whoever shows this token, where an administrator may read."""
    with house.client() as client:
        return client.get("/api/tenants", headers={"Authorization": f"Bearer {token}"})


def is_refused(house: House, token: str) -> bool:
    answer = shown(house, token)
    return answer.status_code == 401 and answer.content == b""


def test_the_token_without_a_fault_lets_in(house: House, ada: dict[str, Any]) -> None:
    """So that each test below refuses for the one fault that it names."""
    assert shown(house, mint(house, ada)).status_code == 200


@pytest.mark.parametrize("audience", ["https://graph.microsoft.com", "api://another", ""])
def test_a_token_for_another_audience_is_refused(
    house: House, ada: dict[str, Any], audience: str
) -> None:
    assert is_refused(house, mint(house, ada, audience=audience))
    assert is_refused(house, mint(house, ada | {"aud": None}))


def test_a_token_of_another_issuer_is_refused(house: House, ada: dict[str, Any]) -> None:
    home = house.world.home.id
    for issuer in (
        "https://evil.example",
        f"https://evil.example/{home}/v2.0",
        f"{house.simulator.url}/{NOT_HOME}/v2.0",
        f"{house.simulator.url}/common/v2.0",
        None,
    ):
        assert is_refused(house, mint(house, ada | {"iss": issuer})), issuer


def test_a_token_that_another_key_has_signed_is_refused(house: House, ada: dict[str, Any]) -> None:
    assert is_refused(house, mint(house, ada, key="unpublished"))


def test_a_token_without_a_signature_is_refused(house: House, ada: dict[str, Any]) -> None:
    """The algorithm `none`, and a signature that was cut off."""
    assert is_refused(house, mint(house, ada, algorithm="none"))
    assert is_refused(house, mint(house, ada).rpartition(".")[0] + ".")


def test_a_token_that_is_signed_with_the_public_key_as_a_secret_is_refused(
    house: House, ada: dict[str, Any]
) -> None:
    assert is_refused(house, mint(house, ada, algorithm="HS256"))


def test_a_token_whose_claims_were_changed_is_refused(house: House, ada: dict[str, Any]) -> None:
    head, body, signature = mint(house, ada | {"roles": ["Auditor"]}).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["roles"] = ["Administrator"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert is_refused(house, f"{head}.{forged}.{signature}")


def test_a_token_that_has_expired_is_refused(house: House, ada: dict[str, Any]) -> None:
    assert is_refused(house, mint(house, ada, seconds=-1))
    assert is_refused(house, mint(house, ada | {"exp": None}))


def test_a_token_that_is_not_valid_yet_is_refused(house: House, ada: dict[str, Any]) -> None:
    assert is_refused(house, mint(house, ada | {"nbf": 4_000_000_000}, seconds=4_000_000_000))


def test_a_token_of_another_tenant_is_refused(house: House, ada: dict[str, Any]) -> None:
    """Of a customer's, by the same authority and key; and one that only says so."""
    assert is_refused(house, mint(house, ada, tenant=house.world.contoso))
    assert is_refused(house, mint(house, ada | {"tid": house.world.contoso.id}))
    assert is_refused(house, mint(house, ada | {"tid": None}))


def test_what_is_no_token_is_refused(house: House) -> None:
    for text in ("x", "a.b.c", "..", "null"):
        assert is_refused(house, text), text


@pytest.mark.parametrize("roles", [None, [], ["administrator"], ["Emperor"], ["Technician;"]])
def test_a_token_without_a_role_is_known_and_may_nothing(
    house: House, ada: dict[str, Any], roles: list[str] | None
) -> None:
    refused = shown(house, mint(house, ada | {"roles": roles}))
    assert refused.status_code == 403
    assert "app role" in refused.json()["detail"]


@pytest.mark.parametrize("role", ["Administrator", "Technician", "Approver", "Auditor"])
def test_a_token_of_an_application_with_a_persons_role_may_nothing(house: House, role: str) -> None:
    halo = house.world.halo.app_id
    claims = {"oid": halo, "sub": halo, "idtyp": "app", "roles": [role]}
    for kind in (claims, {**claims, "idtyp": None}):
        token = mint(house, kind)
        with house.client() as client:
            client.headers["Authorization"] = f"Bearer {token}"
            for address in ("tenants", "grants", "audit"):
                assert client.get(f"/api/{address}").status_code == 403


def test_a_token_of_a_person_with_an_integrations_role_may_nothing(
    house: House, ada: dict[str, Any]
) -> None:
    assert shown(house, mint(house, ada | {"roles": ["Integration"]})).status_code == 403


def test_a_good_token_beside_a_forged_principal_is_what_counts(
    house: House, ada: dict[str, Any]
) -> None:
    forged = {"claims": [{"typ": "roles", "val": "Administrator"}]}
    header = base64.b64encode(json.dumps(forged).encode()).decode()
    token = mint(house, ada | {"roles": ["Auditor"]})
    with house.client() as client:
        client.headers.update({"Authorization": f"Bearer {token}", "X-MS-CLIENT-PRINCIPAL": header})
        assert client.get("/api/tenants").status_code == 403
        assert client.get("/api/audit").status_code == 200

"""An application proves who it is, and gets what was consented, or Microsoft's own refusal."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from simulator import Certificate, FederatedCredential, Secret, Tenant
from simulator.applications import AUTHORITY
from simulator.directory.objects import ManagedIdentity
from simulator.login.clients import JWT_BEARER
from simulator.scenario import CONSENT, CertificatePair, make_certificate
from tests.simulator.world import GRAPH, World, aadsts, claims_of

EXCHANGE = "api://AzureADTokenExchange"


def ask(world: World, tenant: Tenant | str, **form: str) -> httpx.Response:
    wanted = {
        "grant_type": "client_credentials",
        "client_id": world.demo.curfew.app_id,
        "scope": GRAPH,
    }
    return world.token(tenant, **wanted | form)


def with_secret(world: World, tenant: Tenant | str, **form: str) -> httpx.Response:
    return ask(world, tenant, client_secret=world.demo.curfew_secret, **form)


def identity_token(world: World, resource: str = EXCHANGE, **query: str) -> httpx.Response:
    client = query.pop("client_id", world.demo.identity.client_id)
    wanted = {"api-version": "2019-08-01", "resource": resource, "client_id": client}
    return world.http.get(
        "/msi/token",
        params=wanted | query,
        headers={"x-identity-header": world.cloud.identity_header},
    )


def with_assertion(world: World, tenant: Tenant, assertion: str, **form: str) -> httpx.Response:
    return ask(world, tenant, client_assertion=assertion, client_assertion_type=JWT_BEARER, **form)


def certificate_assertion(
    world: World, tenant: Tenant, pair: CertificatePair, **overrides: Any
) -> str:
    now = int(time.time())
    claims = {
        "iss": world.demo.curfew.app_id,
        "sub": world.demo.curfew.app_id,
        "aud": f"{world.server.url}/{tenant.id}/oauth2/v2.0/token",
        "jti": "one",
        "nbf": now,
        "exp": now + 300,
    } | overrides
    headers = {"x5t#S256": Certificate(pair.certificate).thumbprint_sha256}
    key: Any = load_pem_private_key(pair.private_key, None)
    return jwt.encode(claims, key, algorithm="PS256", headers=headers)


def test_a_token_carries_the_consented_permissions(world: World) -> None:
    claims = claims_of(with_secret(world, world.contoso))
    principal = world.contoso.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    assert set(claims["roles"]) == CONSENT
    assert claims["oid"] == claims["sub"] == principal.id
    assert claims["iss"] == f"{world.server.url}/{world.contoso.id}/v2.0"
    assert (claims["idtyp"], claims["ver"], claims["tid"]) == ("app", "2.0", world.contoso.id)


def test_new_consent_appears_only_in_new_tokens(world: World) -> None:
    tenant = world.customer("Organization.Read.All")
    assert world.graph("GET", "domains", tenant=tenant).status_code == 403
    tenant.consent(world.demo.curfew.app_id, "Curfew", {"Domain.Read.All"})
    assert world.graph("GET", "domains", tenant=tenant).status_code == 403
    world.app_token(tenant, fresh=True)
    assert world.graph("GET", "domains", tenant=tenant).status_code == 200


def test_a_tenant_can_be_named_by_its_domain(world: World) -> None:
    assert claims_of(with_secret(world, world.contoso.domain))["tid"] == world.contoso.id


def test_an_application_without_consent_gets_no_token(world: World) -> None:
    stranger = world.cloud.add_tenant("Stranger", "stranger.onmicrosoft.com")
    assert aadsts(with_secret(world, stranger)) == 700016


def test_a_single_tenant_application_gets_no_token_elsewhere(world: World) -> None:
    world.contoso.consent(world.demo.halo.app_id, "halo", set())
    answer = ask(
        world,
        world.contoso,
        client_id=world.demo.halo.app_id,
        client_secret=world.demo.halo_secret,
    )
    assert aadsts(answer) == 700016


def test_a_withdrawn_application_gets_no_token(world: World) -> None:
    world.contoso.withdraw_consent(world.demo.curfew.app_id)
    assert aadsts(with_secret(world, world.contoso)) == 700016


def test_a_disabled_application_gets_no_token(world: World) -> None:
    principal = world.contoso.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    principal.enabled = False
    assert aadsts(with_secret(world, world.contoso)) == 7000112


def test_an_unknown_tenant_is_refused(world: World) -> None:
    assert aadsts(with_secret(world, "99999999-0000-4000-a000-000000000001")) == 90002


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"client_secret": "wrong"}, 7000215),
        ({"client_secret": "lapsed"}, 7000222),
        ({}, 7000218),
        ({"client_secret": "right", "scope": "https://graph.microsoft.com/User.Read"}, 1002012),
        ({"client_secret": "right", "scope": "openid"}, 1002012),
        ({"client_secret": "right", "scope": "api://nobody/.default"}, 500011),
        ({"client_secret": "right", "scope": "https://graph.microsoft.us/.default"}, 500011),
        ({"client_secret": "right", "grant_type": "device_code"}, 70003),
        ({"client_secret": "right", "grant_type": ""}, 900144),
        ({"client_assertion": "nonsense", "client_assertion_type": JWT_BEARER}, 50027),
        ({"client_assertion": "nonsense"}, 900144),
    ],
)
def test_a_bad_request_gets_its_own_code(world: World, form: dict[str, str], code: int) -> None:
    lapsed = Secret("lapsed", expires=datetime.now(UTC) - timedelta(days=1))
    world.demo.curfew.secrets += [Secret("right"), lapsed]
    answer = ask(world, world.contoso, **form)
    assert aadsts(answer) == code
    assert answer.status_code in {400, 401}
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert set(body) >= {"error", "timestamp", "trace_id", "correlation_id", "error_uri"}


def test_a_certificate_assertion_is_verified(world: World) -> None:
    assertion = certificate_assertion(world, world.contoso, world.demo.certificate)
    assert with_assertion(world, world.contoso, assertion).status_code == 200


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"exp": 1}, 700024),
        ({"nbf": 99999999999}, 700024),
        ({"aud": "https://elsewhere.example"}, 700023),
        ({"iss": "someone", "sub": "someone"}, 700021),
    ],
)
def test_a_certificate_assertion_must_fit(
    world: World, overrides: dict[str, Any], code: int
) -> None:
    assertion = certificate_assertion(world, world.contoso, world.demo.certificate, **overrides)
    assert aadsts(with_assertion(world, world.contoso, assertion)) == code


def test_an_unregistered_certificate_is_refused(world: World) -> None:
    assertion = certificate_assertion(world, world.contoso, make_certificate("other"))
    assert aadsts(with_assertion(world, world.contoso, assertion)) == 700027


def test_a_certificate_assertion_signed_by_another_key_is_refused(world: World) -> None:
    registered, other = world.demo.certificate, make_certificate("other")
    forged = CertificatePair(registered.certificate, other.private_key)
    assertion = certificate_assertion(world, world.contoso, forged)
    assert aadsts(with_assertion(world, world.contoso, assertion)) == 700027


def test_an_expired_certificate_is_refused(world: World) -> None:
    pair = make_certificate("old", days=-1)
    world.demo.curfew.certificates.append(Certificate(pair.certificate))
    assertion = certificate_assertion(world, world.contoso, pair)
    assert aadsts(with_assertion(world, world.contoso, assertion)) == 700027


def test_a_managed_identity_speaks_for_the_application(world: World) -> None:
    assertion = identity_token(world).json()["access_token"]
    claims = claims_of(with_assertion(world, world.contoso, assertion))
    assert claims["appid"] == world.demo.curfew.app_id


def test_federation_compares_to_the_letter(world: World) -> None:
    assertion = identity_token(world).json()["access_token"]
    home, subject = world.demo.home.id, world.demo.identity.principal_id
    issuer = f"{AUTHORITY}/{home}/v2.0"
    for wrong in (
        FederatedCredential(issuer, subject.upper(), EXCHANGE),
        FederatedCredential(issuer + "/", subject, EXCHANGE),
        FederatedCredential(issuer, subject, EXCHANGE.lower()),
        FederatedCredential(issuer, world.demo.identity.client_id, EXCHANGE),
    ):
        world.demo.curfew.federated[:] = [wrong]
        assert aadsts(with_assertion(world, world.contoso, assertion)) == 70021


def test_an_identity_token_for_another_resource_is_no_assertion(world: World) -> None:
    assertion = identity_token(world, "https://vault.azure.net").json()["access_token"]
    assert aadsts(with_assertion(world, world.contoso, assertion)) == 70021


def test_a_forged_assertion_is_refused(world: World) -> None:
    home, identity = world.demo.home, world.demo.identity
    claims = {"sub": identity.principal_id, "xms_mirid": "x"}
    for key, algorithm in (("unpublished", "RS256"), ("signing", "none"), ("signing", "HS256")):
        forged = world.cloud.mint(home, claims, audience=EXCHANGE, key=key, algorithm=algorithm)
        assert aadsts(with_assertion(world, world.contoso, forged)) == 700027
    expired = world.cloud.mint(home, claims, audience=EXCHANGE, seconds=-60)
    assert aadsts(with_assertion(world, world.contoso, expired)) == 700024


def test_a_token_that_no_identity_endpoint_issued_is_no_assertion(world: World) -> None:
    claims = {"sub": world.demo.identity.principal_id}
    minted = world.cloud.mint(world.demo.home, claims, audience=EXCHANGE)
    assert aadsts(with_assertion(world, world.contoso, minted)) == 70021


def test_federation_on_an_application_of_the_customer_is_refused(world: World) -> None:
    own = world.cloud.add_application("Curfew", world.contoso)
    own.federated += world.demo.curfew.federated
    assertion = identity_token(world).json()["access_token"]
    answer = with_assertion(world, world.contoso, assertion, client_id=own.app_id)
    assert aadsts(answer) == 700236


def test_the_identity_endpoint_answers_like_app_service(world: World) -> None:
    answer = identity_token(world, "https://vault.azure.net").json()
    assert set(answer) == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert int(answer["expires_on"]) > time.time()


def test_the_identity_endpoint_refuses_strangers(world: World) -> None:
    header = {"x-identity-header": world.cloud.identity_header}
    query = {"api-version": "2019-08-01", "resource": EXCHANGE}
    assert world.http.get("/msi/token", params=query).status_code == 401
    assert identity_token(world, client_id="nobody").status_code == 400
    assert world.http.get("/msi/token", params=query, headers=header).status_code == 400
    assert identity_token(world, **{"api-version": "2017-09-01"}).status_code == 400


def test_two_identities_are_told_apart(world: World) -> None:
    other = ManagedIdentity("eeeeeeee-0000-4000-a000-000000000001", "other-principal", "other")
    world.demo.home.managed_identities[other.client_id] = other
    answer = identity_token(world, client_id=other.client_id)
    assert claims_of(answer)["oid"] == "other-principal"


def test_discovery_leads_to_the_keys_that_verify_tokens(world: World) -> None:
    found = world.http.get(f"/{world.contoso.id}/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(world.http.get(found["jwks_uri"]).json())
    token = with_secret(world, world.contoso).json()["access_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, audience="https://graph.microsoft.com", issuer=found["issuer"])
    assert claims["tid"] == world.contoso.id


def test_discovery_for_any_tenant_names_a_placeholder(world: World) -> None:
    found = world.http.get("/organizations/v2.0/.well-known/openid-configuration").json()
    assert found["issuer"].endswith("/{tenantid}/v2.0")
    nowhere = world.http.get("/nowhere.example/v2.0/.well-known/openid-configuration")
    assert aadsts(nowhere) == 90002


def test_an_application_shows_its_credentials_at_home_and_never_their_values(world: World) -> None:
    lapses = datetime(2027, 1, 31, 12, tzinfo=UTC)
    world.demo.curfew.secrets.append(Secret("a-second-secret", lapses))
    path = f"applications(appId='{world.demo.curfew.app_id}')"
    own = world.demo.home.principal_of(world.demo.curfew.app_id)
    assert own is not None
    own.permissions |= CONSENT
    told = world.graph("GET", path, tenant=world.demo.home)
    passwords = told.json()["passwordCredentials"]
    assert [each["endDateTime"] for each in passwords] == [None, "2027-01-31T12:00:00Z"]
    assert "a-second-secret" not in told.text
    assert told.json()["keyCredentials"][0]["endDateTime"]
    assert world.graph("GET", path, tenant=world.contoso).status_code == 404

"""Customer tenants and profiles over HTTP, checked against the directory itself."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from devhost.stack import HELPDESK_ADMINISTRATOR, SECURITY_READER, helpdesk
from simulator import Tenant
from simulator.directory.objects import Domain
from simulator.environment import (
    AZURE_CHINA_CLOUD,
    AZURE_US_GOVERNMENT,
    AZURE_US_GOVERNMENT_DOD,
    Environment,
)
from simulator.faults import Fault
from tests.api.house import House

NO_ROLE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def customer(house: House) -> Tenant:
    return house.customer()


@pytest.fixture
def ada(house: House) -> httpx.Client:
    return house.as_("ada")


def address(tenant: Tenant | str, profile: str | None = None) -> str:
    tenant_id = tenant if isinstance(tenant, str) else tenant.id
    return f"/api/tenants/{tenant_id}" + (f"/profiles/{profile}" if profile else "")


def settings_of(tenant: Tenant, **settings: Any) -> dict[str, Any]:
    return {"displayName": tenant.name, "accountDomain": tenant.domain, **settings}


def refused(answer: httpx.Response, field: str) -> str:
    assert answer.status_code == 422, answer.text
    (reason,) = answer.json()["errors"]
    assert reason["field"] == field
    detail: str = reason["detail"]
    return detail


def test_a_tenant_is_created_read_changed_and_forgotten(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    created = ada.put(address(tenant), json=settings_of(tenant, hardLimit="PT4H"))
    assert created.status_code == 201
    read = ada.get(address(tenant))
    assert read.json() == created.json()
    assert read.headers["ETag"] == created.headers["ETag"]
    assert read.json()["hardLimit"] == "PT4H"
    assert read.json()["connection"]["kind"] == "federated"

    changed = ada.put(
        address(tenant),
        json=settings_of(tenant, displayName="Renamed"),
        headers={"If-Match": read.headers["ETag"]},
    )
    assert changed.status_code == 200
    assert changed.headers["ETag"] != read.headers["ETag"]
    assert ada.get(address(tenant)).json()["displayName"] == "Renamed"

    gone = ada.delete(address(tenant), headers={"If-Match": changed.headers["ETag"]})
    assert gone.status_code == 204
    assert gone.content == b""
    assert ada.get(address(tenant)).status_code == 404
    assert ada.delete(address(tenant)).status_code == 404
    assert tenant.id not in {each["id"] for each in ada.get("/api/tenants").json()["value"]}


def test_a_tenant_is_forgotten_with_its_profiles(house: House, ada: httpx.Client) -> None:
    tenant = house.customer()
    assert ada.delete(address(tenant)).status_code == 204
    assert ada.put(address(tenant), json=settings_of(tenant)).status_code == 201
    assert ada.get(address(tenant)).json()["profiles"] == []
    assert ada.get(address(tenant, "helpdesk")).status_code == 404


def test_a_profile_is_created_read_changed_and_forgotten(
    customer: Tenant, ada: httpx.Client
) -> None:
    where = address(customer, "tier-2")
    created = ada.put(where, json=helpdesk(displayName="Tier 2"))
    assert created.status_code == 201
    read = ada.get(where)
    assert read.json() == created.json()
    assert read.json()["roles"] == [
        {"id": SECURITY_READER, "name": "Security Reader"},
        {"id": HELPDESK_ADMINISTRATOR, "name": "Helpdesk Administrator"},
    ]
    profiles = ada.get(address(customer)).json()["profiles"]
    assert read.json() in profiles
    changed = ada.put(
        where,
        json=helpdesk(roles=[SECURITY_READER]),
        headers={"If-Match": read.headers["ETag"]},
    )
    assert changed.status_code == 200
    assert len(changed.json()["roles"]) == 1
    assert ada.delete(where).status_code == 204
    assert ada.get(where).status_code == 404


@pytest.mark.parametrize("profile", [None, "helpdesk"], ids=["tenant", "profile"])
def test_nobody_writes_over_what_he_has_not_read(
    customer: Tenant, ada: httpx.Client, profile: str | None
) -> None:
    where = address(customer, profile)
    body = helpdesk() if profile else settings_of(customer)
    etag = ada.get(where).headers["ETag"]
    assert ada.put(where, json=body).status_code == 428
    stale = {"If-Match": "W/\"datetime'2020-01-01T00%3A00%3A00Z'\""}
    assert ada.put(where, json=body, headers=stale).status_code == 412
    assert ada.delete(where, headers=stale).status_code == 412
    assert ada.get(where).headers["ETag"] == etag
    first = ada.put(where, json=body, headers={"If-Match": etag})
    second = ada.put(where, json=body, headers={"If-Match": etag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["type"] == "urn:curfew:problem:precondition-failed"
    assert ada.put(where, json=body, headers={"If-Match": "*"}).status_code == 200


def test_what_is_not_there_cannot_be_changed(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    answer = ada.put(address(tenant), json=settings_of(tenant), headers={"If-Match": "*"})
    assert answer.status_code == 412
    assert ada.get(address(tenant)).status_code == 404


def test_a_profile_belongs_to_a_known_tenant(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    assert ada.put(address(tenant, "helpdesk"), json=helpdesk()).status_code == 404
    assert ada.get(address(tenant, "helpdesk")).status_code == 404


def test_a_role_that_the_directory_does_not_know_is_named(
    customer: Tenant, ada: httpx.Client
) -> None:
    answer = ada.put(address(customer, "new"), json=helpdesk(roles=[SECURITY_READER, NO_ROLE]))
    assert "no such role" in refused(answer, "roles.1")
    assert ada.get(address(customer, "new")).status_code == 404


def test_a_profile_is_no_longer_than_the_hard_limit(customer: Tenant, ada: httpx.Client) -> None:
    answer = ada.put(address(customer, "new"), json=helpdesk(maxDuration="PT25H"))
    assert "hard limit" in refused(answer, "maxDuration")


@pytest.mark.parametrize("kind", ["unknown", "unverified", "federated"])
def test_accounts_are_made_in_a_verified_managed_domain_only(
    house: House, ada: httpx.Client, kind: str
) -> None:
    tenant = house.customer(onboard=False)
    for domain in (
        Domain("unverified.example", verified=False),
        Domain("federated.example", authentication_type="Federated"),
    ):
        tenant.domains[domain.name] = domain
    answer = ada.put(address(tenant), json=settings_of(tenant, accountDomain=f"{kind}.example"))
    assert "verified, managed domain" in refused(answer, "accountDomain")
    assert ada.get(address(tenant)).status_code == 404


def test_a_tenant_without_consent_is_refused(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False, consent=False)
    answer = ada.put(address(tenant), json=settings_of(tenant))
    assert "consent" in refused(answer, "connection")


def test_a_tenant_that_gave_too_little_is_refused(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    principal = tenant.principal_of(house.world.curfew.app_id)
    assert principal is not None
    principal.permissions -= {"Domain.Read.All"}
    assert "permission" in refused(ada.put(address(tenant), json=settings_of(tenant)), "connection")


def test_a_secret_that_is_not_in_the_vault_is_named(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    connection = {"kind": "secret", "secretName": "not-in-the-vault"}
    answer = ada.put(address(tenant), json=settings_of(tenant, connection=connection))
    refused(answer, "connection.secretName")


def test_a_tenant_of_another_cloud_is_refused(house: House, ada: httpx.Client) -> None:
    tenant = house.customer(onboard=False)
    answer = ada.put(address(tenant), json=settings_of(tenant, cloud="AzureChinaCloud"))
    assert "AzureCloud" in refused(answer, "cloud")
    assert house.cloud.calls.login(tenant.id) == []


def test_a_grant_ends_by_what_it_was_given_whatever_became_of_the_settings(
    house: House, ada: httpx.Client
) -> None:
    tenant, technician = house.customer(), house.technician()
    grant_id = house.grant(technician, tenant)["id"]
    changed = ada.put(
        address(tenant),
        json=settings_of(tenant, accountPrefix="other-"),
        headers={"If-Match": "*"},
    )
    assert changed.status_code == 200
    assert ada.delete(address(tenant, "helpdesk")).status_code == 204
    evidence = house.end(technician, grant_id)["evidence"]
    assert evidence["accountDisabled"]
    assert evidence["rolesLeft"] == 0


def test_how_curfew_connects_is_shown_to_administrators_only(
    house: House, customer: Tenant, ada: httpx.Client
) -> None:
    for reader, sees in ((ada, True), (house.as_("ann"), False), (house.as_("halo"), False)):
        tenant = reader.get(address(customer)).json()
        listed = reader.get("/api/tenants").json()["value"]
        assert (tenant["connection"] is not None) is sees
        assert all((each["connection"] is not None) is sees for each in listed)


def test_technicians_see_what_they_may_ask_for(house: House, customer: Tenant) -> None:
    tenant = house.as_("ann").get(address(customer)).json()
    assert [profile["name"] for profile in tenant["profiles"]] == ["helpdesk"]
    assert tenant["profiles"][0]["maxDuration"] == "PT8H"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (AZURE_US_GOVERNMENT, "is in AzureUSGovernment,"),
        (AZURE_US_GOVERNMENT_DOD, "is in AzureUSGovernmentDoD,"),
        (AZURE_CHINA_CLOUD, "is in AzureChinaCloud,"),
        (replace(AZURE_CHINA_CLOUD, instance="microsoftonline.de"), "is in another cloud,"),
    ],
    ids=["government", "defence", "china", "unknown"],
)
def test_a_tenant_of_another_cloud_is_refused_by_what_its_sign_in_says(
    house: House, ada: httpx.Client, environment: Environment, said: str
) -> None:
    tenant_id = str(uuid4())
    house.cloud.elsewhere[tenant_id] = environment
    before = len(house.cloud.calls.graph(tenant_id))
    settings = {"displayName": "Elsewhere", "accountDomain": "elsewhere.example"}
    reason = refused(ada.put(address(tenant_id), json=settings), "cloud")
    assert said in reason
    assert "serves AzureCloud" in reason
    assert len(house.cloud.calls.graph(tenant_id)) == before


def test_a_tenant_of_another_cloud_is_refused_by_its_own_settings(
    house: House, ada: httpx.Client
) -> None:
    tenant = house.customer(onboard=False)
    settings = settings_of(tenant, cloud="AzureChinaCloud")
    assert "serves AzureCloud only" in refused(ada.put(address(tenant), json=settings), "cloud")


def test_a_tenant_that_nobody_knows_is_refused(ada: httpx.Client) -> None:
    settings = {"displayName": "Nobody", "accountDomain": "nobody.example"}
    reason = refused(ada.put(address(str(uuid4())), json=settings), "tenantId")
    assert reason == "The sign-in service of AzureCloud knows no such tenant."


@pytest.mark.parametrize(
    "trouble",
    [{"status": 503}, {"status": 429}, {"status": 400}, {"effect": "drop"}, {"effect": "truncate"}],
    ids=["outage", "throttled", "another refusal", "cut", "half an answer"],
)
def test_a_sign_in_service_that_says_nothing_lets_nobody_in(
    house: House, ada: httpx.Client, trouble: dict[str, Any]
) -> None:
    tenant = house.customer(onboard=False)
    fault = house.cloud.faults.add(
        Fault(service="login", path="openid-configuration", times=None, **trouble)
    )
    try:
        answer = ada.put(address(tenant), json=settings_of(tenant))
    finally:
        house.cloud.faults.remove(fault)
    assert answer.status_code == 503, answer.text
    assert ada.get(address(tenant)).status_code == 404

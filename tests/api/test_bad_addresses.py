"""What bad queries and addresses get, and requests for what one may not see or have."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from devhost.stack import helpdesk
from simulator import Tenant
from tests.api.house import House
from tests.api.problems import NOBODYS, ULID, problem

QUERIES: dict[str, tuple[dict[str, str], str]] = {
    "unknown": ({"filter": "x"}, "filter"),
    "other spelling": ({"page_size": "5"}, "page_size"),
    "unknown state": ({"state": "undead"}, "state"),
    "no page": ({"pageSize": "0"}, "pageSize"),
    "page too large": ({"pageSize": "201"}, "pageSize"),
    "page in words": ({"pageSize": "many"}, "pageSize"),
    "technician by name": ({"technician": "ann"}, "technician"),
    "technician is empty": ({"technician": ""}, "technician"),
    "tenant is a filter": ({"tenant": "' or '1' eq '1"}, "tenant"),
    "huge": ({"after": "A" * 20_000}, "after"),
    "made up": ({"after": "e30"}, "after"),
    "of another table": ({"after": "eyJ0YWJsZSI6InRlbmFudHMifQ"}, "after"),
    "nested deeply": ({"after": "WyJh" * 400}, "after"),
}


@pytest.mark.parametrize("case", QUERIES)
def test_a_wrong_query_is_named(house: House, case: str) -> None:
    query, named = QUERIES[case]
    problem(house.as_("ada").get("/api/grants", params=query), 400, named)


@pytest.mark.parametrize(
    "continuation",
    [
        {"PartitionKey": "x", "RowKey": "y"},
        {"NextPartitionKey": "1!8!eA--", "NextRowKey": "1!8!eA--"},
        {"PartitionKey": "%zz\u0000'", "RowKey": "'"},
        {"foo": "bar"},
        {"PartitionKey": "\ud800", "RowKey": "y"},
    ],
    ids=["plausible", "raw", "wild", "foreign", "half a pair"],
)
def test_a_forged_bookmark_opens_nothing_and_breaks_nothing(
    house: House, continuation: dict[str, str]
) -> None:
    stranger = house.technician()
    for table in ("leases", "history"):
        bookmark = json.dumps({"table": table, "continuation": continuation})
        token = base64.urlsafe_b64encode(bookmark.encode()).decode().rstrip("=")
        answer = stranger.get("/api/grants", params={"after": token})
        assert answer.status_code in {200, 400}, answer.text
        if answer.status_code == 200:
            assert answer.json()["value"] == []


@pytest.mark.parametrize("address", ["/api/health", "/api/openapi.json", "/api/tenants"])
def test_a_query_where_there_is_none_is_refused(house: House, address: str) -> None:
    problem(house.as_("ada").get(address, params={"x": "1"}), 400, "x")


SEGMENTS = {
    "other words": "latest",
    "a quote": "'",
    "a filter": "' or RowKey ne '",
    "a slash, hidden": "a%2Fb",
    "a slash, hidden twice": "a%252Fb",
    "climbing, hidden": "%2e%2e",
    "climbing further": "%2e%2e%2f%2e%2e%2fadmin",
    "a backslash": "%5c..%5c",
    "NUL": "%00",
    "line break": "%0d%0aSet-Cookie:%20a=b",
    "invalid UTF-8": "%ff%fe",
    "letters of elsewhere": quote("ünïcödé-李-\U0001f511"),
    "a question mark": "%3fstate=active",
    "very long": "x" * 4000,
    "a claim": "claim:msp-ann@contoso.onmicrosoft.com",
    "a grant of nobody": NOBODYS,
    "a grant of an unknown tenant": f"g-99999999-0000-4000-a000-000000000001-{ULID}",
    "a grant in lower case": NOBODYS.lower(),
}


@pytest.mark.parametrize("case", SEGMENTS)
@pytest.mark.parametrize("resource", ["grants", "tenants", "profiles"])
def test_an_address_under_which_there_is_nothing_is_404(
    house: House, quiet: Tenant, case: str, resource: str
) -> None:
    parent = f"tenants/{quiet.id}/profiles" if resource == "profiles" else resource
    answer = house.as_("ada").get(f"/api/{parent}/{SEGMENTS[case]}")
    assert answer.status_code == 404, answer.text
    if answer.content:
        problem(answer, 404)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.usefixtures("untouched")
def test_writing_to_an_address_under_which_there_is_nothing_is_404(
    house: House, method: str
) -> None:
    ada = house.as_("ada")
    profiles = f"/api/tenants/{house.world.contoso.id}/profiles"
    bodies: dict[str, dict[str, Any] | None] = {
        "grants": {},
        "tenants": {"displayName": "x", "accountDomain": "x.example"},
        "profiles": helpdesk(),
    }
    for segment in ("%2e%2e", "x" * 200, "A", quote("ü"), "a%2Fb"):
        addresses = {
            "POST": {"grants": f"/api/grants/{segment}/end"},
            "PUT": {"tenants": f"/api/tenants/{segment}", "profiles": f"{profiles}/{segment}"},
            "DELETE": {"tenants": f"/api/tenants/{segment}", "profiles": f"{profiles}/{segment}"},
        }
        for resource, address in addresses[method].items():
            body = None if method == "DELETE" else bodies[resource]
            answer = ada.request(method, address, json=body)
            assert answer.status_code == 404, (address, answer.text)


@pytest.mark.usefixtures("untouched")
def test_an_unknown_tenant_or_profile_is_404_and_both_look_alike(
    house: House, quiet: Tenant
) -> None:
    ann = house.as_("ann")
    unknown = {"tenant": "99999999-0000-4000-a000-000000000001", "profile": "helpdesk"}
    tenant = problem(ann.post("/api/grants", json=unknown), 404)
    profile = problem(house.request(house.as_("ann"), quiet, profile="nothing"), 404)
    assert tenant == profile


def test_a_grant_that_one_may_not_see_does_not_exist(house: House) -> None:
    owner, other = house.technician(), house.technician()
    grant_id = house.grant(owner)["id"]
    for call in ("GET grants/{}", "POST grants/{}/end", "POST grants/{}/credential"):
        method, address = call.split()
        hidden = other.request(method, f"/api/{address.format(grant_id)}")
        nowhere = other.request(method, f"/api/{address.format(NOBODYS)}")
        assert problem(hidden, 404) == problem(nowhere, 404)
    assert owner.get(f"/api/grants/{grant_id}").json()["state"] == "active"
    house.release(owner, grant_id)


@pytest.mark.usefixtures("untouched")
def test_policy_refuses_with_every_reason_at_once(house: House, quiet: Tenant) -> None:
    refused = house.request(house.as_("ann"), quiet, profile="strict", duration="PT3H")
    document = problem(refused, 422, "duration", "justification", "ticket")
    for error in document["errors"]:
        assert error["detail"] in document["detail"]

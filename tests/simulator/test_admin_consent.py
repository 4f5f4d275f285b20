"""The admin consent page: who lets an application in, and whom it sends where."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from simulator import Tenant
from simulator.scenario import CONSENT
from tests.simulator.world import GRAPH, World

BACK = "https://curfew.example/api/onboarding/answer"


@pytest.fixture
def customer(world: World) -> Tenant:
    world.demo.curfew.redirect_uris.append(BACK)
    return world.cloud.add_tenant("Wingtip", "wingtip.onmicrosoft.com")


def page(world: World, tenant: Tenant | str, method: str = "GET", **asked: str) -> httpx.Response:
    query = {
        "client_id": world.demo.curfew.app_id,
        "scope": GRAPH,
        "redirect_uri": BACK,
        "state": "s t&te",
    }
    name = tenant if isinstance(tenant, str) else tenant.id
    path = f"/{name}/v2.0/adminconsent"
    decision = {"sim_accept": asked.pop("decision")} if "decision" in asked else None
    return world.http.request(method, path, params=query | asked, data=decision)


def sent_back(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    there = urlsplit(answer.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == BACK
    assert set(map(len, parse_qs(there.query).values())) == {1}
    return dict(parse_qsl(there.query))


def test_looking_at_the_page_changes_nothing(world: World, customer: Tenant) -> None:
    answer = page(world, customer)
    assert answer.headers["content-type"].startswith("text/html")
    for word in ("Accept", "Cancel", "Wingtip", "User.ReadWrite.All"):
        assert word in answer.text
    assert customer.service_principals == {}


@pytest.mark.parametrize("by_form", [True, False])
def test_accepting_lets_the_application_in_without_a_directory_role(
    world: World, customer: Tenant, by_form: bool
) -> None:
    answer = (
        page(world, customer, "POST", decision="true")
        if by_form
        else page(world, customer, sim_accept="true")
    )
    said = sent_back(answer)
    assert (said["admin_consent"], said["tenant"]) == ("True", customer.id)
    assert said["state"] == "s t&te"
    assert "User.ReadWrite.All" in said["scope"]
    principal = customer.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    assert principal.permissions == CONSENT
    assert customer.assignments_of(principal.id) == []


def test_cancelling_lets_nobody_in(world: World, customer: Tenant) -> None:
    said = sent_back(page(world, customer, "POST", decision="false"))
    assert said["error"] == "access_denied"
    assert said["error_description"].startswith("AADSTS65004")
    assert said["state"] == "s t&te"
    assert customer.service_principals == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://curfew.example/elsewhere"}, 50011),
        ({"redirect_uri": f"{BACK}/"}, 50011),
        ({"client_id": "eeeeeeee-0000-4000-a000-000000000001"}, 700016),
        ({"scope": "https://another.example/.default"}, 1002012),
        ({"scope": ""}, 900144),
    ],
)
def test_what_does_not_fit_is_told_there_and_sends_nobody_anywhere(
    world: World, customer: Tenant, changes: dict[str, str], code: int
) -> None:
    answer = page(world, customer, sim_accept="true", **changes)
    assert answer.status_code == 400
    assert f"AADSTS{code}" in answer.text
    assert "location" not in answer.headers
    assert customer.service_principals == {}


@pytest.mark.parametrize("name", ["organizations", "99999999-0000-4000-a000-000000000001"])
def test_only_a_tenant_that_exists_can_let_anybody_in(
    world: World, customer: Tenant, name: str
) -> None:
    answer = page(world, name, sim_accept="true")
    assert "AADSTS90002" in answer.text
    assert customer.service_principals == {}


def test_an_application_of_one_tenant_is_not_let_into_another(
    world: World, customer: Tenant
) -> None:
    world.demo.halo.redirect_uris.append(BACK)
    answer = page(world, customer, sim_accept="true", client_id=world.demo.halo.app_id)
    assert "AADSTS700016" in answer.text


def test_what_is_shown_is_escaped(world: World, customer: Tenant) -> None:
    customer.name = "<script>alert(1)</script>"
    assert "<script" not in page(world, customer).text

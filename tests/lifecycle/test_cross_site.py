"""What a browser sends to change something needs proof that a page of this app sent it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from curfew import services as services_of
from curfew.services import Services
from tests.lifecycle.asking import Desk
from tests.lifecycle.client import ADA, ANN, OTTO, PETRA, Answer, Api
from tests.lifecycle.operations import Place, call, operations
from tests.lifecycle.world import World

ADDRESS = "https://curfew.example"
PROOF = {"X_Curfew_Request": "1"}
SIGNS = {
    "Cookie": "AppServiceAuthSession=x",
    "Origin": ADDRESS,
    "Referer": f"{ADDRESS}/",
    "Sec_Fetch_Site": "same-origin",
    "Sec_Fetch_Mode": "cors",
}


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    settings = replace(world.services.settings, address=ADDRESS)
    services = Services(settings, world.clock, world.services.pause)
    services_of.use(services)
    desk = Desk(world)
    desk.tenant()
    yield desk.api
    world.wait(services.close())


def write(api: Api, world: World, **headers: str) -> Answer:
    """Something that only the edge can have against it: it is let in, and asks for nothing."""
    return api(ADA, "PUT", f"/api/tenants/{world.customer.id}", {}, **headers)


def is_refused(answer: Answer) -> bool:
    return answer.status == 403 and answer["type"] == "urn:curfew:problem:cross-site"


def is_let_in(answer: Answer) -> bool:
    return answer.status == 400


@pytest.mark.parametrize("sign", SIGNS)
def test_every_operation_that_changes_something_asks_a_browser_for_proof(
    world: World, api: Api, sign: str
) -> None:
    place = Place(world.customer.id)
    for operation in operations():
        answer = call(api, ADA, operation, place, **{sign: SIGNS[sign]})
        assert is_refused(answer) is not operation.safe, operation.name


@pytest.mark.parametrize("sign", SIGNS)
def test_with_the_proof_a_browser_is_let_in(world: World, api: Api, sign: str) -> None:
    assert is_let_in(write(api, world, **PROOF, **{sign: SIGNS[sign]}))
    assert is_let_in(write(api, world, **PROOF, **SIGNS))


def test_whoever_is_no_browser_needs_no_proof(world: World, api: Api) -> None:
    """curl and integrations hold a token, and nobody can make them send it."""
    assert is_let_in(write(api, world))
    assert is_let_in(write(api, world, Authorization="Bearer x", User_Agent="curl/8", Accept="*/*"))


@pytest.mark.parametrize("value", ["", "0", "true", "1, 1", " 1"])
def test_any_other_value_of_the_header_is_no_proof(world: World, api: Api, value: str) -> None:
    assert is_refused(write(api, world, Cookie="x=y", X_Curfew_Request=value))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "same-origin, none"])
def test_a_request_that_the_browser_calls_foreign_is_refused(
    world: World, api: Api, site: str
) -> None:
    assert is_refused(write(api, world, **PROOF, Origin=ADDRESS, Sec_Fetch_Site=site))


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example",
        "http://curfew.example",
        "https://curfew.example:444",
        "https://curfew.example.evil.example",
        "https://evil.example/https://curfew.example",
        "https://curfew.example@evil.example",
        "https://sub.curfew.example",
        "https://[not-an-address",
        f"{ADDRESS}, https://evil.example",
    ],
)
@pytest.mark.parametrize("host", ["curfew.example", ""])
def test_a_page_of_another_origin_is_refused_whatever_else_it_sends(
    world: World, api: Api, origin: str, host: str
) -> None:
    headers = {**PROOF, "Origin": origin, "Sec_Fetch_Site": "same-origin", "Host": host}
    assert is_refused(write(api, world, **headers))
    assert is_refused(write(api, world, **headers, X_Forwarded_Host="evil.example"))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (ADDRESS, "behind-a-proxy.example"),
        ("https://func-1.azurewebsites.net", "func-1.azurewebsites.net"),
        ("https://func-1.azurewebsites.net", "Func-1.AzureWebsites.net"),
        ("http://localhost:7071", "localhost:7071"),
        ("http://127.0.0.1:7071", "127.0.0.1:7071"),
        ("http://[::1]:7071", "[::1]:7071"),
    ],
)
def test_the_app_is_known_by_its_address_and_by_the_host_that_was_asked(
    world: World, api: Api, origin: str, host: str
) -> None:
    assert is_let_in(write(api, world, **PROOF, Origin=origin, Host=host))


@pytest.mark.parametrize("host", ["curfew.internal:7071", "192.168.1.4:7071"])
def test_plain_http_is_believed_on_this_machine_only(world: World, api: Api, host: str) -> None:
    """A name that a foreign name server points at this machine is Host and Origin at once."""
    assert is_refused(write(api, world, **PROOF, Origin=f"http://{host}", Host=host))


def test_nothing_is_read_or_written_for_a_foreign_page(world: World, api: Api) -> None:
    before = world.ledger.count
    place = Place(world.customer.id)
    for operation in operations():
        if not operation.safe:
            call(api, ADA, operation, place, Cookie="x=y", Origin="https://evil.example")
    assert world.ledger.count == before


def test_what_a_browser_may_be_led_to_changes_nothing(world: World, api: Api) -> None:
    """Links, images and frames of foreign pages send GETs with the session's cookie."""
    desk = Desk(world)
    desk.profile()
    place = Place(world.customer.id, desk.active())
    api.hub.trouble = lambda _name, _applied: True
    world.ledger.writes.clear()
    directory, vault = world.graph_writes(), len(world.cloud.vault.secrets)
    safe = [operation for operation in operations() if operation.safe]
    for operation in safe:
        assert not operation.durable
        for caller in (ADA, ANN, PETRA, OTTO, None):
            headers = {"Cookie": "x=y", "Sec_Fetch_Site": "cross-site"}
            answer = call(api, caller, operation, place, **headers)
            # 400: nobody asked for the consent that is answered.
            assert answer.status in {200, 400, 401, 403, 404}, operation.name
    assert len(safe) > 5
    assert world.ledger.writes == []
    assert world.graph_writes() == directory
    assert len(world.cloud.vault.secrets) == vault

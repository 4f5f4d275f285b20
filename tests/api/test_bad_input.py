"""What bad bodies get: a clear refusal that names the field, and nothing is half-done."""

import json
from typing import Any

import httpx
import pytest

from devhost.stack import SECURITY_READER, helpdesk
from simulator import Tenant
from tests.api.house import House
from tests.api.problems import PROBLEM, problem

JSON = "application/json"


def ask(house: House, quiet: Tenant, **fields: Any) -> httpx.Response:
    return house.request(house.as_("ann"), quiet, **fields)


# --- bodies: fields ---------------------------------------------------------------------------

FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"roles": ["Global Administrator"]}, "roles"),
    "unknown field in a field": (
        {"ticket": {"system": "halo", "number": "1", "url": "x"}},
        "ticket.url",
    ),
    "field that the server decides": ({"technician": {"id": "x", "name": "y"}}, "technician"),
    "tenant is a number": ({"tenant": 7}, "tenant"),
    "tenant is null": ({"tenant": None}, "tenant"),
    "tenant is empty": ({"tenant": ""}, "tenant"),
    "tenant is a domain": ({"tenant": "contoso.onmicrosoft.com"}, "tenant"),
    "tenant is a filter": ({"tenant": "' or PartitionKey ne '"}, "tenant"),
    "profile is a boolean": ({"profile": True}, "profile"),
    "profile with a slash": ({"profile": "a/b"}, "profile"),
    "profile climbs": ({"profile": ".."}, "profile"),
    "profile too long": ({"profile": "p" * 64}, "profile"),
    "duration in seconds": ({"duration": 3600}, "duration"),
    "duration in words": ({"duration": "an hour"}, "duration"),
    "duration negative": ({"duration": "-PT1H"}, "duration"),
    "duration endless": ({"duration": "P9999D"}, "duration"),
    "kind unknown": ({"kind": "root"}, "kind"),
    "kind is a boolean": ({"kind": False}, "kind"),
    "justification is a list": ({"justification": ["Mail is down"]}, "justification"),
    "justification too long": ({"justification": "x" * 1001}, "justification"),
    "justification blank": ({"justification": "   "}, "justification"),
    "justification with a control character": ({"justification": "a\x1b[2Jb"}, "justification"),
    "justification with NUL": ({"justification": "a\x00b"}, "justification"),
    "justification turned around": ({"justification": "a\u202eb"}, "justification"),
    "ticket is a text": ({"ticket": "4711"}, "ticket"),
    "ticket number is a number": ({"ticket": {"system": "halo", "number": 4711}}, "ticket.number"),
    "ticket without a number": ({"ticket": {"system": "halo"}}, "ticket.number"),
    "ticket number too long": (
        {"ticket": {"system": "halo", "number": "1" * 121}},
        "ticket.number",
    ),
    "ticket with a line break": (
        {"ticket": {"system": "halo\nevil: yes", "number": "1"}},
        "ticket.system",
    ),
}


@pytest.mark.parametrize("case", FIELDS)
@pytest.mark.usefixtures("untouched")
def test_a_wrong_field_is_named(house: House, quiet: Tenant, case: str) -> None:
    fields, named = FIELDS[case]
    problem(ask(house, quiet, **fields), 400, named)


@pytest.mark.usefixtures("untouched")
def test_all_wrong_fields_are_named_at_once(house: House, quiet: Tenant) -> None:
    wrong = ask(house, quiet, duration="soon", kind="root", ticket={"system": ""}, colour="red")
    problem(wrong, 400, "duration", "kind", "ticket.system", "ticket.number", "colour")


@pytest.mark.usefixtures("untouched")
def test_missing_fields_are_named(house: House, quiet: Tenant) -> None:
    problem(house.as_("ann").post("/api/grants", json={}), 400, "tenant", "profile")
    problem(house.as_("ann").post("/api/grants"), 400, "tenant", "profile")


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "text for a boolean": ({"requireTicket": "true"}, "requireTicket"),
    "number for a boolean": ({"requireTicket": 1}, "requireTicket"),
    "text for a list": ({"roles": "Global Administrator"}, "roles"),
    "names for ids": ({"roles": [SECURITY_READER, "Global Administrator"]}, "roles.1"),
    "empty id": ({"roles": [SECURITY_READER, ""]}, "roles.1"),
    "neither role nor group": ({"roles": []}, ""),
    "a group twice": ({"groups": [SECURITY_READER, SECURITY_READER]}, ""),
    "too much consent": ({"approvals": 3}, "approvals"),
    "consent to extensions of nobody": ({"approveExtensions": True}, ""),
    "no time for consent": ({"approvals": 1, "approvalDeadline": "PT0S"}, "approvalDeadline"),
    "an account without a credential": ({"credential": "none"}, ""),
    "subjects of an account": ({"subjects": [SECURITY_READER]}, ""),
    "a deleted user": ({"kind": "role", "credential": "none", "ending": "delete"}, ""),
    "unknown kind": ({"kind": "guest"}, "kind"),
    "unknown role mode": ({"roleMode": "sometimes"}, "roleMode"),
    "too many roles": (
        {"roles": [f"00000000-0000-4000-8000-{n:012}" for n in range(21)]},
        "roles",
    ),
    "unknown credential": ({"credential": "telepathy"}, "credential"),
    "other spelling of a field": ({"require_ticket": True}, "require_ticket"),
    "name too long": ({"displayName": "x" * 121}, "displayName"),
    "durations out of order": ({"minDuration": "PT2H", "defaultDuration": "PT1H"}, ""),
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.usefixtures("untouched")
def test_a_wrong_setting_is_named_and_never_guessed(house: House, quiet: Tenant, case: str) -> None:
    settings, named = SETTINGS[case]
    answer = house.as_("ada").put(
        f"/api/tenants/{quiet.id}/profiles/helpdesk",
        json=helpdesk(**settings),
        headers={"If-Match": "*"},
    )
    problem(answer, 400, named)


TENANTS: dict[str, tuple[dict[str, Any], str]] = {
    "other spelling of a field": ({"display_name": "x"}, "display_name"),
    "no domain": ({"accountDomain": "not a domain"}, "accountDomain"),
    "domain of a path": ({"accountDomain": "contoso.com/../x"}, "accountDomain"),
    "prefix in capitals": ({"accountPrefix": "MSP-"}, "accountPrefix"),
    "prefix with an at sign": ({"accountPrefix": "a@b"}, "accountPrefix"),
    "unknown cloud": ({"cloud": "AzureGermanCloud"}, "cloud"),
    "secret in plain text": (
        {"connection": {"kind": "secret", "secretName": "s", "secret": "x"}},
        "connection.secret",
    ),
    "client id empty": ({"connection": {"clientId": ""}}, "connection.clientId"),
    "secret name climbs": (
        {"connection": {"kind": "secret", "secretName": "../x"}},
        "connection.secretName",
    ),
    "secret without a name": ({"connection": {"kind": "secret"}}, "connection"),
}


@pytest.mark.parametrize("case", TENANTS)
@pytest.mark.usefixtures("untouched")
def test_a_wrong_setting_of_a_tenant_is_named(house: House, quiet: Tenant, case: str) -> None:
    settings, named = TENANTS[case]
    answer = house.as_("ada").put(
        f"/api/tenants/{quiet.id}",
        json={"displayName": "x", "accountDomain": quiet.domain, **settings},
        headers={"If-Match": "*"},
    )
    problem(answer, 400, named)


# --- bodies: the text itself ------------------------------------------------------------------

NOT_JSON: dict[str, bytes] = {
    "not JSON": b"tenant=contoso",
    "cut off": b'{"tenant": "',
    "more than one value": b"{} {}",
    "NaN": b'{"tenant": NaN}',
    "Infinity": b'{"duration": Infinity}',
    "a key twice": b'{"profile": "helpdesk", "profile": "admin"}',
    "a key twice, further in": b'{"ticket": {"number": "1", "number": "2"}}',
    "a key twice, written differently": b'{"profile": "a", "prof\\u0069le": "b"}',
    "invalid UTF-8": b'{"profile": "\xff\xfe"}',
    "overlong UTF-8": b'{"profile": "\xc0\xaf"}',
    "UTF-16": '{"profile": "helpdesk"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "nested deeply": b'{"a":' * 8000 + b"1" + b"}" * 8000,
    "nested lists": b"[" * 30_000,
    "a number without end": b'{"duration": ' + b"9" * 10_000 + b"}",
}

READABLE_BUT_TOO_DEEP = {"nested deeply"}


@pytest.mark.parametrize("case", NOT_JSON)
@pytest.mark.usefixtures("untouched")
def test_what_parsers_could_read_differently_is_refused(house: House, case: str) -> None:
    answer = house.as_("ann").post(
        "/api/grants", content=NOT_JSON[case], headers={"Content-Type": JSON}
    )
    fields = [""] if case in READABLE_BUT_TOO_DEEP else []
    assert problem(answer, 400, *fields)["type"] == "urn:curfew:problem:invalid-request"


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null", b"true"])
def test_a_body_is_an_object(house: House, body: bytes) -> None:
    answer = house.as_("ann").post("/api/grants", content=body, headers={"Content-Type": JSON})
    assert problem(answer, 400, "")["errors"]


@pytest.mark.parametrize("body", [b'{"justification": "\\ud800"}', b'{"profile": "\\u0000"}'])
def test_escapes_are_no_way_round_the_rules(house: House, body: bytes) -> None:
    answer = house.as_("ann").post("/api/grants", content=body, headers={"Content-Type": JSON})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == PROBLEM


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonx", ""],
)
@pytest.mark.usefixtures("untouched")
def test_only_json_is_taken(house: House, quiet: Tenant, media_type: str) -> None:
    content = json.dumps({"tenant": quiet.id, "profile": "helpdesk"})
    answer = house.as_("ann").post(
        "/api/grants", content=content, headers={"Content-Type": media_type}
    )
    problem(answer, 415)


def test_json_with_a_charset_is_json(house: House) -> None:
    answer = house.as_("ann").post(
        "/api/grants", content=b"{}", headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    problem(answer, 400, "tenant", "profile")


@pytest.mark.parametrize("size", [64 * 1024 + 1, 100 * 1024])
@pytest.mark.usefixtures("untouched")
def test_a_body_has_at_most_64_kib(house: House, quiet: Tenant, size: int) -> None:
    body = json.dumps({"tenant": quiet.id, "profile": "helpdesk"}).encode()
    padded = body + b" " * (size - len(body))
    answer = house.as_("ann").post("/api/grants", content=padded, headers={"Content-Type": JSON})
    problem(answer, 413)
    problem(house.as_("nobody").post("/api/grants", content=padded), 413)


def test_a_body_of_64_kib_is_read(house: House) -> None:
    content = b"{}" + b" " * (64 * 1024 - 2)
    answer = house.as_("ann").post("/api/grants", content=content, headers={"Content-Type": JSON})
    problem(answer, 400, "tenant", "profile")

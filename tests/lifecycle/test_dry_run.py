"""A dry run says what the request would get at the same instant, and leaves nothing behind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from curfew.events import Event
from curfew.ledger import AccountRecord
from curfew.model.grants import GrantState
from curfew.model.tenants import GLOBAL_ADMINISTRATOR
from tests.lifecycle.asking import APPROVE, Desk, starts
from tests.lifecycle.client import ANN, BEN, PETRA, Answer, Persona
from tests.lifecycle.nets import events
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, SECURITY_READER, World, new_customer

DRY = "/api/grants?dryRun=true"
NO_ROLE = "11111111-1111-4111-8111-111111111111"
EVERYBODY_ELSE = {"people": [BEN.id]}
OFFICE = {"days": ["sunday"], "from": "09:00:00", "to": "17:00:00", "timeZone": "Europe/Vienna"}


def somebody(persona: Persona = ANN) -> Persona:
    """The same person under an id of his own: live grants are counted over all tenants."""
    return replace(persona, id=str(uuid4()))


def untouched(desk: Desk) -> tuple[object, ...]:
    """Everything that a request could leave behind."""
    world = desk.world
    return (
        # That somebody asked is counted against him, whether he meant it or not.
        [write for write in world.ledger.writes if "rates" not in write],
        len(world.graph_writes()),
        len(world.cloud.calls.vault(method="PUT")),
        len(world.engine.instances),
    )


def tried(desk: Desk, caller: Persona = ANN, *, key: str = "", **asked: Any) -> Answer:
    """The answer to a dry run, which has left nothing behind."""
    before = untouched(desk)
    body = {"tenant": desk.customer.id, "profile": "helpdesk", "duration": "PT1H"} | asked
    headers = {"Idempotency_Key": key} if key else {}
    answer = desk.api(caller, "POST", DRY, body, **headers)
    assert untouched(desk) == before
    return answer


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    desk.tenant()
    desk.profile()
    return desk


def test_a_dry_run_says_what_would_be_given_and_until_when(desk: Desk) -> None:
    now = desk.world.clock()
    answer = tried(desk, duration="PT2H")
    assert answer.status == 200
    assert answer.body == {
        "allowed": True,
        "reasons": [],
        "blockedBy": None,
        "repeats": None,
        "tenant": desk.customer.id,
        "tenantName": "As labelled",
        "profile": "helpdesk",
        "kind": "account",
        "approval": None,
        "duration": "PT2H",
        "startsAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "expiresAt": (now + 2 * HOUR).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "account": f"msp-ann@{desk.customer.domain}",
        "subject": None,
        "roles": [
            {"id": SECURITY_READER, "name": "Harmless label"},
            {"id": HELPDESK_ADMINISTRATOR, "name": "Harmless label"},
        ],
        "groups": [],
        "credential": "both",
    }


def test_it_says_of_whom_consent_is_needed_by_the_directorys_names(desk: Desk) -> None:
    audience = {"groups": [str(uuid4())], "people": []}
    desk.profile(approvals=1, approvers=audience, approval_deadline="PT20M")
    answer = tried(desk)
    deadline = desk.world.clock() + timedelta(minutes=20)
    assert answer["approval"] == {
        "needed": 1,
        "approvers": audience,
        "deadline": deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert answer["tenantName"] == desk.customer.name
    assert [role["name"] for role in answer["roles"]] == [
        "Security Reader",
        "Helpdesk Administrator",
    ]


def test_it_gives_every_reason_at_once(desk: Desk) -> None:
    desk.profile(
        require_ticket=True, require_justification=True, working_hours={"days": ["monday"]}
    )
    answer = tried(desk, duration="P9D", kind="role")
    assert (answer.status, answer["allowed"]) == (200, False)
    assert [reason["field"] for reason in answer["reasons"]] == [
        "duration",
        "kind",
        "startAt",
        "justification",
        "ticket",
    ]


def test_a_live_grant_stands_in_the_way_by_its_address(desk: Desk) -> None:
    grant_id = desk.ask()
    answer = tried(desk)
    assert (answer["allowed"], answer["blockedBy"]) == (False, f"/api/grants/{grant_id}")
    assert desk.request().status == 409


def test_a_repeated_request_is_answered_with_the_grant_it_made(desk: Desk) -> None:
    made = desk.request(key="monday")
    answer = tried(desk, key="monday")
    assert (answer["allowed"], answer["repeats"]) == (True, made["id"])
    other = tried(desk, key="monday", duration="PT2H")
    assert "Idempotency-Key" in [reason["field"] for reason in other["reasons"]]
    assert tried(desk, key="\t").status == desk.request(key="\t").status == 400


def test_what_does_not_exist_is_not_tried(desk: Desk) -> None:
    unknown: tuple[dict[str, Any], ...] = ({"profile": "nothing"}, {"tenant": str(uuid4())})
    for asked in unknown:
        assert tried(desk, **asked).status == desk.request(**asked).status == 404


def test_a_dry_run_is_an_event_and_no_entry_of_the_trail(desk: Desk) -> None:
    tried(desk)
    (seen,) = events(desk.world, Event.GRANT_TRIED)
    said = seen.fields  # type: ignore[attr-defined]
    assert said == {
        "tenant": desk.customer.id,
        "actor": ANN.id,
        "profile": "helpdesk",
        "allowed": True,
    }


# --- the same answer ----------------------------------------------------------------------------

LATER = st.sampled_from([None, timedelta(0), timedelta(hours=3), timedelta(days=31)])
PROFILES: dict[str, st.SearchStrategy[Any]] = {
    "roles": st.sampled_from(
        [(SECURITY_READER,), (SECURITY_READER, GLOBAL_ADMINISTRATOR), (NO_ROLE,)]
    ),
    "max_duration": st.sampled_from(["PT1H", "PT8H"]),
    "min_duration": st.sampled_from(["PT5M", "PT1H"]),
    "require_justification": st.booleans(),
    "require_ticket": st.booleans(),
    "approvals": st.integers(min_value=0, max_value=2),
    "requesters": st.sampled_from([None, None, EVERYBODY_ELSE, {}]),
    "working_hours": st.sampled_from([None, None, OFFICE]),
}
TENANTS: dict[str, st.SearchStrategy[Any]] = {
    "hard_limit": st.sampled_from(["PT30M", "PT4H", "PT24H"]),
    "ticket_systems": st.sampled_from([{}, {"halo": "[0-9]+"}, {"jira": "."}]),
    "two_approver_roles": st.sampled_from([(), (SECURITY_READER,), (GLOBAL_ADMINISTRATOR,)]),
}
REQUESTS: dict[str, st.SearchStrategy[Any]] = {
    "duration": st.sampled_from([None, "PT10M", "PT1H", "PT9H"]),
    "kind": st.sampled_from([None, None, "account", "role"]),
    "justification": st.sampled_from([None, "Mail is down"]),
    "ticket": st.sampled_from([None, {"system": "halo", "number": "4711"}]),
    "profile": st.sampled_from(["helpdesk"] * 9 + ["nothing"]),
}
SITUATIONS = st.fixed_dictionaries(
    {
        "profile": st.fixed_dictionaries({}, optional=PROFILES),
        "tenant": st.fixed_dictionaries({}, optional=TENANTS),
        "asked": st.fixed_dictionaries({}, optional=REQUESTS),
        "role_grant": st.booleans(),
        "leaving": st.sampled_from([False] * 7 + [True]),
        "alias": st.sampled_from(["ann"] * 7 + ["李"]),
        "owner": st.sampled_from(["nobody", "nobody", "ann", "ben"]),
        "live": st.lists(st.sampled_from(["now", "later"]), max_size=2),
        "most": st.integers(min_value=1, max_value=4),
        "key": st.sampled_from(["", "", "new", "live"]),
        "passed": st.sampled_from([timedelta(0), timedelta(hours=8), timedelta(days=1)]),
        "later": LATER,
    }
)
PLAIN: dict[str, Any] = {
    "profile": {},
    "tenant": {},
    "asked": {},
    "role_grant": False,
    "leaving": False,
    "alias": "ann",
    "owner": "nobody",
    "live": [],
    "most": 4,
    "key": "",
    "passed": timedelta(0),
    "later": None,
}


def played(world: World, situation: dict[str, Any]) -> tuple[Desk, Persona, dict[str, Any], str]:
    """A customer, a caller and settings of their own, in this situation; and what is asked."""
    world.customer = new_customer(world.cloud, world.demo)
    desk, caller = Desk(world), replace(somebody(), alias=situation["alias"])
    services = world.services
    services.settings = replace(services.settings, max_live_grants=situation["most"])
    desk.tenant()
    desk.profile()
    if situation["owner"] != "nobody":
        owner = caller.id if situation["owner"] == "ann" else somebody(BEN).id
        name = f"msp-ann@{world.customer.domain}"
        record = AccountRecord(user_principal_name=name, technician_id=owner)
        world.wait(services.accounts.record(world.customer.id, record))
    for number, when in enumerate(situation["live"]):
        ahead = starts(world.clock() + HOUR) if when == "later" else {}
        # Not all of them come to be: the limit and the owner of the account stand before them.
        desk.request(caller, key=f"live-{number}", **ahead)
    offer = {"max_duration": "PT8H"} | situation["profile"]
    if situation["role_grant"]:
        offer |= {"kind": "role", "credential": "none", "subjects": [caller.id]}
    desk.tenant(**situation["tenant"])
    desk.profile(**offer)
    if situation["leaving"]:
        desk.leave()
    world.clock.advance(situation["passed"])
    asked = {name: value for name, value in situation["asked"].items() if value is not None}
    if situation["later"] is not None:
        asked |= starts(world.clock() + situation["later"])
    key = {"live": "live-0"}.get(situation["key"], situation["key"])
    return desk, caller, asked, key


def assert_same(dry: Answer, real: Answer) -> None:
    """What the dry run has said is what the request got."""
    if dry.status != 200:
        assert dry.status == real.status in {400, 404}
        return
    assert dry["allowed"] is (real.status == 202), (dry.body, real.body)
    assert dry["allowed"] is (not dry["reasons"])
    if real.status == 422:
        assert real["errors"] == dry["reasons"]
    elif real.status == 409:
        assert real["detail"] == " ".join(reason["detail"] for reason in dry["reasons"])
        assert real.body.get("blockedBy") == dry["blockedBy"]
    else:
        assert real.status == 202
        given, asked = real["approval"], dry["approval"]
        assert (given and (given["needed"], given["deadline"])) == (
            asked and (asked["needed"], asked["deadline"])
        )
        for name in ("duration", "roles", "groups", "credential", "kind", "tenantName"):
            assert real[name] == dry[name]
        assert dry["repeats"] in {None, real["id"]}
        if dry["kind"] == "account":
            assert real["userPrincipalName"] == dry["account"]


@settings(
    max_examples=max(30, settings().max_examples // 4),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(situation=SITUATIONS)
@example(situation=PLAIN)
@example(situation={**PLAIN, "live": ["now"]})
@example(situation={**PLAIN, "live": ["later", "later"], "most": 2})
@example(situation={**PLAIN, "live": ["now"], "key": "live", "asked": {"duration": "PT1H"}})
@example(situation={**PLAIN, "live": ["later"], "key": "live", "asked": {"duration": "PT2H"}})
@example(situation={**PLAIN, "owner": "ben"})
@example(situation={**PLAIN, "owner": "ann", "live": ["now"]})
@example(situation={**PLAIN, "profile": {"approvals": 1, "roles": (NO_ROLE,)}})
@example(situation={**PLAIN, "role_grant": True, "profile": {"approvals": 2}})
@example(situation={**PLAIN, "profile": {"working_hours": OFFICE}, "passed": timedelta(hours=8)})
def test_a_dry_run_and_the_request_agree_at_the_same_instant(
    world: World, situation: dict[str, Any]
) -> None:
    before = world.services.settings
    try:
        desk, caller, asked, key = played(world, situation)
        assert_same(tried(desk, caller, key=key, **asked), desk.request(caller, key=key, **asked))
    finally:
        world.services.settings = before


def test_the_settings_that_were_tried_guard_the_start_as_well(desk: Desk) -> None:
    """A request that was right on Sunday is not given on a Monday on which nothing begins."""
    desk.profile(approvals=1, working_hours=OFFICE, approval_deadline="PT24H")
    assert tried(desk)["approval"]["needed"] == 1
    grant_id = desk.ask()
    desk.world.clock.advance(timedelta(hours=9))
    assert not tried(desk, somebody())["allowed"]
    refused = desk.say(PETRA, APPROVE, grant_id)
    assert (refused.status, refused["errors"][0]["field"]) == (422, "startAt")
    assert desk.lease(grant_id).state is GrantState.AWAITING_APPROVAL


def test_it_tells_of_no_emergency_account_to_whom_its_user_is_not_offered(desk: Desk) -> None:
    emergency, offered, stranger = (str(uuid4()) for _ in range(3))
    desk.tenant(break_glass=(emergency, offered))
    desk.profile(kind="role", credential="none", subjects=(offered,))
    assert tried(desk, subject=emergency)["reasons"] == tried(desk, subject=stranger)["reasons"]
    (reason,) = tried(desk, subject=offered)["reasons"]
    assert "emergency account" in reason["detail"]


def test_a_first_grant_of_another_technician_of_this_name_is_not_shown_as_ones_own(
    desk: Desk,
) -> None:
    """Two domains of the home tenant have an Ann, and no account of hers was made yet."""
    desk.profile(approvals=1)
    desk.ask(ANN)
    other_ann = somebody(ANN)
    answer = tried(desk, other_ann)
    (reason,) = answer["reasons"]
    assert "belongs to another technician" in reason["detail"]
    assert answer["blockedBy"] is None
    refused = desk.request(other_ann)
    assert (refused.status, refused["detail"]) == (409, reason["detail"])
    assert "blockedBy" not in refused.body

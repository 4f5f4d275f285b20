from dataclasses import replace

import pytest

from bench import coldstart
from bench.chain import CREATE, WAKE, UnknownCall, duration, longest_chain
from bench.report import Pair, Result
from bench.timeline import Span, shares
from simulator.calls import Call

USER = "/v1.0/users/11111111-0000-4000-8000-000000000001"
ROLES = "/v1.0/roleManagement/directory/roleAssignments"
POLICY = (
    "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations"
    "/temporaryAccessPass"
)


def call(started: float, ended: float, method: str, path: str, **body: object) -> Call:
    return Call(
        sequence=1,
        time="",
        started=started,
        ended=ended,
        service="graph",
        tenant=None,
        method=method,
        path=path,
        query="",
        status=200,
        app=None,
        user=None,
        applied=True,
        request_body=body,
    )


CREATION = [
    call(0.0, 1.0, "POST", "/v1.0/users", displayName="Ann"),
    call(1.0, 2.0, "POST", ROLES),
    call(1.0, 4.0, "POST", ROLES),
    call(5.0, 6.0, "PATCH", USER, accountEnabled=True),
    call(6.0, 8.0, "GET", USER),
    call(6.0, 7.0, "GET", ROLES),
]
WAKING = [
    call(0.0, 1.0, "GET", USER),
    call(0.0, 2.0, "GET", f"{USER}/authentication/methods"),
    call(0.0, 1.0, "GET", f"{USER}/memberOf"),
    call(3.0, 4.0, "PATCH", USER, passwordProfile={}),
    call(3.0, 3.5, "POST", ROLES),
    call(5.0, 6.0, "PATCH", USER, accountEnabled=True),
    call(6.0, 6.5, "GET", USER),
    call(6.0, 7.0, "GET", ROLES),
]


def test_of_calls_that_can_run_together_only_the_slowest_is_in_the_chain() -> None:
    chain = longest_chain(CREATION, CREATE)
    assert [link.step for link in chain] == [
        "create the account",
        "assign a role",
        "enable the account",
        "read back the account",
    ]
    assert duration(chain) == 1 + 3 + 1 + 2


def test_a_pause_between_two_calls_is_not_in_the_floor() -> None:
    late = [replace(CREATION[0], started=-60.0, ended=-59.0), *CREATION[1:]]
    assert duration(longest_chain(late, CREATE)) == duration(longest_chain(CREATION, CREATE))


def test_the_same_reading_before_and_after_enabling_are_two_steps() -> None:
    chain = longest_chain(WAKING, WAKE)
    assert [link.step for link in chain] == [
        "read the sign-in methods",
        "set the password",
        "enable the account",
        "read back the roles",
    ]
    assert duration(chain) == 2 + 1 + 1 + 1


def test_the_order_in_which_calls_were_recorded_does_not_matter() -> None:
    assert longest_chain(reversed(WAKING), WAKE) == longest_chain(WAKING, WAKE)


def test_the_pass_policy_could_be_read_at_any_time() -> None:
    one_after_the_other = [
        *CREATION[:1],
        call(1.0, 2.0, "GET", POLICY),
        call(2.0, 6.0, "POST", f"{USER}/authentication/temporaryAccessPassMethods"),
        call(6.0, 7.0, "PATCH", USER, accountEnabled=True),
    ]
    assert duration(longest_chain(one_after_the_other, CREATE)) == 1 + 4 + 1


def test_a_call_that_the_model_does_not_know_leaves_no_floor() -> None:
    with pytest.raises(UnknownCall, match="DELETE"):
        longest_chain([*CREATION, call(9.0, 9.5, "DELETE", USER)], CREATE)


def test_a_refused_call_leaves_no_floor() -> None:
    with pytest.raises(UnknownCall, match="refused"):
        longest_chain([replace(CREATION[0], status=503)], CREATE)


def test_every_moment_of_a_stretch_belongs_to_one_share() -> None:
    calls = [Span("Graph", 1.0, 3.0), Span("Graph", 2.0, 4.0)]
    steps = [Span("one", 0.5, 5.0), Span("two", 3.0, 6.0)]
    found = shares(0.0, 7.0, [calls, steps], otherwise="host")
    assert found == {"Graph": 3.0, "one": 0.5, "one + two": 1.0, "two": 1.0, "host": 1.5}


def test_what_lies_outside_a_stretch_is_cut_off() -> None:
    assert shares(1.0, 2.0, [[Span("Graph", 0.0, 1.5)]], otherwise="host") == {
        "Graph": 0.5,
        "host": 0.5,
    }


def test_the_ratio_is_the_median_of_pairs_and_must_not_exceed_its_target() -> None:
    pairs = (Pair(2.0, 1.0), Pair(30.0, 20.0), Pair(900.0, 1.0))
    assert Result("x", pairs).ratio == 2.0
    assert Result("x", pairs, target=2.0).passed
    assert not Result("x", pairs, target=1.99).passed
    assert not Result("x", pairs, target=2.0, problems=("broken",)).passed


def test_indexing_imports_no_client_of_a_cloud_service() -> None:
    """A cold start answers its first request before it pays for any of them."""
    assert coldstart.clients_in(coldstart.index(coldstart.ROOT).modules) == []


def test_a_client_that_is_imported_too_early_is_named() -> None:
    assert coldstart.clients_in(frozenset({"azure.identity", "json"})) == ["azure.identity"]

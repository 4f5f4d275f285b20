import asyncio
from dataclasses import replace

import pytest
from durabletask.internal.orchestrator_service_pb2 import HistoryEvent

from bench import coldstart, footprint, storm, sweep, throughput
from bench.chain import CREATE, WAKE, UnknownCall, duration, longest_chain
from bench.engine import floor
from bench.report import COUNT, RATE, Pair, Result, Section, lines
from bench.storage import History, requests, rows_written
from bench.storm import Storm, bare_storm, percentile, throttled
from bench.throughput import Count, Size, bare_lives
from bench.timeline import Span, shares
from bench.tracing import table_request
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


def test_where_more_is_better_the_target_must_be_reached() -> None:
    pairs = (Pair(4.0, 10.0),)
    assert Result("x", pairs, target=0.4, at_least=True).passed
    assert not Result("x", pairs, target=0.41, at_least=True).passed


def test_every_figure_is_told_in_its_own_unit() -> None:
    section = Section("of that", (("rows", 12345.0),), COUNT)
    told = list(lines(Result("x", (Pair(2.5, 10.0),), unit=RATE, sections=(section,))))
    assert told[1] == "  2.50 /s over 10.00 /s, one run"
    assert told[3].split() == ["12,345", "rows"]


def test_only_lives_that_end_within_the_measurement_count() -> None:
    count = Count(begin=10.0, end=14.0, moments=[9.0, 10.0, 13.0, 14.0, 15.0])
    assert count.lives == 2
    assert count.rate == 0.5


def test_the_published_limits_are_a_floor_only_where_they_are_exceeded() -> None:
    assert throttled(0, (3_000, 150.0)) == 0
    assert throttled(3_000, (3_000, 150.0)) == 0
    assert throttled(3_001, (3_000, 150.0)) == 150
    assert throttled(9_001, (3_000, 150.0)) == 450


def test_a_storm_lasts_from_the_first_expiry_to_the_last_disabled_account() -> None:
    storm = Storm(expiries=(10.0, 10.5), disabled=(12.0, 11.0), ended=(), calls=0, refused=0)
    assert storm.lasted == 2.0
    assert storm.lateness == [2.0, 0.5]


def test_percentiles_of_one_value_are_that_value() -> None:
    assert percentile([7.0], 99) == 7.0
    assert percentile([float(number) for number in range(101)], 99) == 99.0


def event(kind: str) -> HistoryEvent:
    found = HistoryEvent()
    getattr(found, kind).SetInParent()
    return found


def test_requests_to_the_storage_follow_from_the_events_of_the_history() -> None:
    kinds = (
        *("orchestratorStarted", "executionStarted", "taskScheduled", "timerCreated"),
        *("orchestratorStarted", "taskCompleted"),
        *("orchestratorStarted", "eventRaised", "executionCompleted"),
    )
    history = History.of(event(kind) for kind in kinds)
    assert history.turns == (4, 2, 3)
    assert (history.activities, history.timers, history.events) == (1, 1, 1)
    messages = 4  # the start, the timer, the result of the activity, the event
    assert list(requests(history).values()) == [3, 3 * messages, 3, 3, 3, 3]
    assert rows_written(history) == 9 + 3 + 3 + 1


def test_a_turn_of_many_rows_is_written_in_several_batches() -> None:
    history = History(turns=(99, 100), activities=0, timers=0, events=0, size=0)
    assert requests(history)["history table: write rows in batches, once a turn"] == 3


def test_only_requests_to_the_tables_are_counted_as_such() -> None:
    url = "http://127.0.0.1:10002/curfew"

    def span(address: str, kind: str = "CLIENT") -> dict[str, object]:
        attributes = {"url.full": address}
        return {"name": "GET", "kind": f"SpanKind.{kind}", "attributes": attributes}

    assert table_request(span(f"{url}/leases(PartitionKey='x',RowKey='y')"), url) == "GET leases"
    assert table_request(span(f"{url}/leases()?$filter=x"), url) == "GET leases"
    assert table_request(span(f"{url}/leases()", kind="INTERNAL"), url) is None
    assert table_request(span("https://vault.example/secrets"), url) is None


def test_the_floor_lives_and_is_measured() -> None:
    with floor() as host:
        count = asyncio.run(bare_lives(host, Size(tenants=1, technicians=4, seconds=0.5)))
        lasted = asyncio.run(bare_storm(host, [0.0, 0.1, 0.2]))
    assert count.lives > 0
    assert count.work
    assert lasted >= 0.2


@pytest.mark.slow
def test_a_tiny_world_is_measured_through_the_whole_app() -> None:
    (result,) = throughput.run(1, Size(tenants=1, technicians=2, seconds=15))
    assert 0 < result.ratio < 1
    (result,) = storm.run(1, storm.Size(tenants=2, technicians=1))
    assert result.problems == ()
    assert result.pairs[0].actual > 0
    results = sweep.run(1, (sweep.Case(sweep.OVERDUE), sweep.Case(sweep.OVERDUE + 1, 100)))
    assert [result.ratio for result in results if "calls" in result.name] == [1, 1]
    assert all(result.ratio > 1 for result in footprint.run(1))

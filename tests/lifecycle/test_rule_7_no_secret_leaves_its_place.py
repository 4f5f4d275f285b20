"""Rule 7: no secret in a history, an event, a status, a log line, a row, a span or an error.

Whole grants are run, happy and failing, and everything they left behind is searched for every
secret that ever passed by, as the outside world (the simulator's own call log) saw them.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from curfew.passwords import generate
from simulator.faults import Fault
from tests.lifecycle.asking import Desk
from tests.lifecycle.client import ANN
from tests.lifecycle.world import World

TABLES = ("accounts", "history", "leases", "profiles", "tenants")


@pytest.fixture(scope="session")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def everything_left_behind(world: World, spans: InMemorySpanExporter) -> dict[str, str]:
    """All that Curfew wrote anywhere but to the vault and the directory, as text by its place."""
    return {
        "histories": "\n".join(instance.text() for instance in world.engine),
        "logs": "\n".join(text for record in world.log for text in _texts(record)),
        "tables": "\n".join(_rows(world)),
        "spans": "\n".join(span.to_json() for span in spans.get_finished_spans()),
        "addresses": "\n".join(f"{call.path}?{call.query}" for call in world.cloud.calls),
    }


def assert_no_secret(world: World, spans: InMemorySpanExporter, expected: int) -> None:
    secrets = world.cloud.calls.secrets()
    assert len(secrets) >= expected
    places = everything_left_behind(world, spans)
    assert all(places.values()), "a place was not searched"
    for place, text in places.items():
        for secret in secrets:
            assert secret not in text, f"a secret stands in the {place}"


FAULTS: dict[str, Callable[[], Fault] | None] = {
    "happy": None,
    "the password is refused": lambda: Fault(
        method="PATCH", body="passwordProfile", status=400, times=3
    ),
    "the password is set without an answer": lambda: Fault(
        method="PATCH", body="passwordProfile", status=503, applied=True, times=2
    ),
    "the creation is refused": lambda: Fault(
        method="POST", path="users$", status=400, code="Request_BadRequest", times=None
    ),
    "the pass is made without an answer": lambda: Fault(
        method="POST", path="temporaryAccessPass", status=500, applied=True, times=None
    ),
    "the vault fails": lambda: Fault(service="vault", method="PUT", status=500, times=3),
    "the vault refuses": lambda: Fault(service="vault", method="PUT", status=403, times=None),
    "half an answer with the pass": lambda: Fault(
        method="POST", path="temporaryAccessPass", effect="truncate", times=2
    ),
    "connections are cut": lambda: Fault(method="PATCH", effect="drop", applied=True, times=2),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_rule_7_no_secret_is_left_behind(
    world: World, spans: InMemorySpanExporter, fault: Callable[[], Fault] | None
) -> None:
    if fault is not None:
        world.cloud.faults.add(fault())
    first = world.request()
    world.engine.run()
    world.cloud.faults.clear()
    second = world.request()
    world.engine.run()
    world.assert_gone(first)
    world.assert_gone(second)
    assert_no_secret(world, spans, expected=4)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_rule_7_a_new_credential_leaves_no_secret_behind(
    world: World, spans: InMemorySpanExporter, fault: Callable[[], Fault] | None
) -> None:
    desk = Desk(world)
    desk.tenant()
    desk.profile()
    grant_id = desk.active()
    if fault is not None:
        world.cloud.faults.add(fault())
    assert desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential/renew").status == 202
    world.engine.run_for(timedelta(minutes=5))
    world.cloud.faults.clear()
    desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential")
    world.engine.run()
    assert_no_secret(world, spans, expected=3)


def test_rule_7_a_stuck_ending_leaves_no_secret_behind(
    world: World, spans: InMemorySpanExporter
) -> None:
    grant = world.request()
    grant.run_until_active()
    fault = world.cloud.faults.fail_before(method="PATCH", status=400, times=None)
    grant.order_end()
    world.engine.run_for(timedelta(minutes=10))
    world.cloud.faults.remove(fault)
    world.engine.run()
    world.assert_gone(grant)
    assert_no_secret(world, spans, expected=4)


@pytest.mark.parametrize("place", ["histories", "logs", "tables", "spans"])
def test_rule_7_the_search_finds_a_secret_that_was_planted(
    world: World, spans: InMemorySpanExporter, place: str
) -> None:
    grant = world.request()
    grant.run_until_active()
    secret = world.kept(grant)
    if place == "histories":
        world.engine.raise_event(grant.plan.grant_id, "note", {"said": secret})
        world.engine.run(until=world.clock())
    elif place == "logs":
        logging.getLogger("curfew").warning("the password is %s", secret)
    elif place == "tables":
        change = world.services.leases.change
        planted = {"justification": secret}
        world.wait(change(grant.plan.grant_id, lambda lease: lease.model_copy(update=planted)))
    else:
        with trace.get_tracer("test").start_as_current_span("call") as span:
            span.set_attribute("body", secret)
    with pytest.raises(AssertionError, match=place):
        assert_no_secret(world, spans, expected=2)


def test_rule_7_the_password_after_the_end_is_kept_nowhere(world: World) -> None:
    grant = world.ended_grant()
    last = [
        call.request_body["passwordProfile"]["password"]
        for call in world.cloud.calls.graph(world.customer.id, method="PATCH")
        if "passwordProfile" in call.request_body
    ][-1]
    assert world.user().password == last
    kept = {v.value for s in world.cloud.vault.secrets.values() for v in s.versions.values()}
    assert last not in kept
    world.assert_gone(grant)


def test_rule_7_a_password_does_not_print(caplog: pytest.LogCaptureFixture) -> None:
    password = generate()
    logging.getLogger("curfew").warning("%s %r %s", password, password, [password])
    assert password.get_secret_value() not in caplog.text + repr({"password": password})


def _texts(record: logging.LogRecord) -> Iterator[str]:
    yield record.getMessage()
    yield json.dumps({k: str(v) for k, v in vars(record).items()})
    if record.exc_info:
        yield "".join(traceback.format_exception(*record.exc_info))


def _rows(world: World) -> Iterator[str]:
    async def read(table: str) -> list[str]:
        return [
            str(row) async for row in world.services.tables.all(table, "PartitionKey ne ''", {})
        ]

    for table in TABLES:
        yield from world.wait(read(table))

"""The nightly check: each tenant for itself, a word when an answer changes, a sign of life."""

import logging
from collections.abc import Iterator

import pytest

from curfew.model.checks import CheckReport
from curfew.preflight.checking import check_everywhere
from simulator import Fault, Tenant
from tests.lifecycle.watched import forget_tenants
from tests.lifecycle.world import World, new_customer


@pytest.fixture
def night(world: World) -> Iterator[World]:
    forget_tenants(world)
    world.save_settings()
    yield world
    world.cloud.faults.clear()


def checked(world: World) -> list[CheckReport]:
    world.log.clear()
    answers: list[CheckReport] = world.wait(check_everywhere(world.services))
    return answers


def told(world: World, event: str) -> list[dict[str, object]]:
    records: list[logging.LogRecord] = world.log
    return [vars(each)["fields"] for each in records if vars(each).get("event") == event]


def test_an_answer_is_told_when_it_changes_and_not_every_night(night: World) -> None:
    (first,) = checked(night)
    assert first.healthy
    assert len(told(night, "curfew.tenant.check-changed")) == 1
    checked(night)
    assert told(night, "curfew.tenant.check-changed") == []

    night.customer.domains[night.customer.domain].authentication_type = "Federated"
    checked(night)
    (change,) = told(night, "curfew.tenant.check-changed")
    assert change["tenant"] == night.customer.id
    assert change["healthy"] is False
    assert change["errors"] == 1
    assert "domain.federated" in str(change["codes"])

    night.customer.domains[night.customer.domain].authentication_type = "Managed"
    checked(night)
    assert told(night, "curfew.tenant.check-changed")[0]["healthy"] is True


def another(world: World) -> Tenant:
    store, tenant = world.services.tenants, new_customer(world.cloud, world.demo)
    known = world.wait(store.get(world.customer.id))
    update = {"id": tenant.id, "account_domain": tenant.domain, "etag": ""}
    world.wait(store.put(known.model_copy(update=update)))
    return tenant


def test_a_dead_tenant_stops_nobody(night: World) -> None:
    dead = another(night)
    night.cloud.faults.add(Fault(tenant=dead.id, status=503, times=None))
    answers = {each.tenant: each for each in checked(night)}
    assert answers[night.customer.id].healthy
    assert not answers[dead.id].healthy
    (done,) = told(night, "curfew.check.done")
    assert (done["tenants"], done["healthy"], done["failing"]) == (2, 1, 1)


def test_a_tenant_whose_rows_are_spoiled_is_left_for_itself(night: World) -> None:
    spoiled = another(night)
    from curfew.ledger.tables import Row

    night.wait(night.services.tables.create("profiles", (Row(spoiled.id, "broken", "{}"), {})))
    assert [each.tenant for each in checked(night)] == [night.customer.id]
    (failed,) = told(night, "curfew.check.failed")
    assert failed["tenant"] == spoiled.id
    assert told(night, "curfew.check.done")[0]["partial"] is True


def test_a_tenant_that_leaves_is_not_looked_at(night: World) -> None:
    store = night.services.tenants
    tenant = night.wait(store.get(night.customer.id))
    night.wait(store.put(tenant.model_copy(update={"leaving_since": night.clock()})))
    before = len(night.cloud.calls.graph(night.customer.id))
    assert checked(night) == []
    assert len(night.cloud.calls.graph(night.customer.id)) == before
    assert told(night, "curfew.check.done")[0]["tenants"] == 0


def test_the_token_is_a_new_one_each_time(night: World) -> None:
    checked(night)
    night.customer.withdraw_consent(night.demo.curfew.app_id)
    (refused,) = checked(night)
    assert "token.not-consented" in {each.code for each in refused.findings}
    assert "domain.usable" not in {each.code for each in refused.findings}


def test_nothing_is_ever_written_to_a_directory(night: World) -> None:
    checked(night)
    assert night.graph_writes() == []

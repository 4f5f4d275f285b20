"""A row that cannot be read is reported by its keys, and keeps nobody else from being served.

Whoever may write one table may so hide what the row was about, and nothing beside it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from curfew import services
from curfew.audit import Wanted, verify
from curfew.errors import Unreadable
from curfew.events import Event
from curfew.ledger.accounts import TABLE as ACCOUNTS
from curfew.ledger.leases import LEASES
from curfew.ledger.tables import Columns, Row
from curfew.ledger.tenants import TENANTS
from curfew.model.grants import GrantState
from curfew.model.sweeps import FRESH, Noticed, Swept
from tests.lifecycle.nets import (
    events,
    neighbour,
    result_of,
    results,
    sweep,
    watch,
    watch_all,
)
from tests.lifecycle.test_sweep import overdue
from tests.lifecycle.watched import asleep, forget_tenants, record_of
from tests.lifecycle.world import HOUR, World

CONTENT = "hunter2-and-the-rest"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
LONG_AGO = "2020-01-01T00:00:00+00:00"
FAR_OFF = "2099-01-01T00:00:00+00:00"
NONSENSE = {"plan": CONTENT, "id": CONTENT, "userPrincipalName": {"is": CONTENT}}


@pytest.fixture(autouse=True)
def alone(world: World) -> None:
    forget_tenants(world)


@contextmanager
def row(
    world: World, table: str, key: str, *, tenant: str, document: Any = NONSENSE, **columns: Any
) -> Iterator[None]:
    """A row that a hand has written; whatever was in its place is there again afterwards."""
    tables = world.services.tables
    before: list[tuple[Row, Columns]] = []

    async def put() -> None:
        found = await tables.page(
            table, "PartitionKey eq @tenant and RowKey eq @key", {"tenant": tenant, "key": key}
        )
        before.extend((each, each.columns) for each in found.rows)
        await tables.put(table, Row(tenant, key, document), columns)

    async def restore() -> None:
        await tables.delete(table, tenant, key)
        for each, more in before:
            await tables.put(table, Row(each.partition, each.key, each.document), more)

    world.wait(put())
    yield
    world.wait(restore())


def leave(world: World) -> None:
    """The tenant is being off-boarded since a while ago."""
    store = world.services.tenants
    saved = world.wait(store.get(world.customer.id))
    world.wait(store.put(saved.model_copy(update={"leaving_since": world.clock() - FRESH})))


def assert_named(world: World, table: str, tenant: str, key: str) -> None:
    """The row was reported by its keys, and nothing of what stands in it."""
    assert events(world, Event.LEDGER_UNREADABLE, table=table, tenant=tenant, row=key)
    assert not [record for record in world.log if CONTENT in record.getMessage()]


@pytest.mark.parametrize("kind", ["a lease", "no grant id", "another grant's lease", "too deep"])
def test_a_poisoned_overdue_lease_keeps_no_grant_from_its_end(world: World, kind: str) -> None:
    grant = overdue(neighbour(world))
    tenant = world.customer.id
    key = "g-nobody's" if kind == "no grant id" else f"g-{tenant}-{ULID}"
    document = grant.lease.to_json() if kind == "another grant's lease" else NONSENSE
    world.clock.advance(HOUR)
    with row(world, LEASES, key, tenant=tenant, document=document, deadline=LONG_AGO):
        if kind == "too deep":
            deep = {"PartitionKey": tenant, "RowKey": key, "document": "[" * 30_000}
            client = world.services.tables._client(LEASES)
            world.wait(client.upsert_entity({**deep, "deadline": LONG_AGO}))
        report = sweep(world)
        again = sweep(world)
    assert result_of(report, grant) is Swept.ENDED
    assert report.partial
    assert again.partial
    noted = {each.grant for each in again.grants if each.result is Swept.FAILED}
    assert noted == (set() if kind == "no grant id" else {key})
    assert_named(world, LEASES, tenant, key)
    assert events(world, Event.SWEEP_FAILED)
    assert events(world, Event.SWEEP_DONE)
    grant.world.assert_gone(grant)


def test_a_poisoned_lease_of_a_leaving_tenant_keeps_no_grant_from_its_end(world: World) -> None:
    ours, theirs = overdue(world), overdue(neighbour(world))
    key = f"g-{world.customer.id}-{'0' * 26}"
    leave(world)
    with row(world, LEASES, key, tenant=world.customer.id, deadline=FAR_OFF):
        report = sweep(world)
        # Its time is not up, but nothing that can be read of a leaving tenant stays.
        assert result_of(report, ours) is Swept.ENDED
        assert report.partial
        assert_named(world, LEASES, world.customer.id, key)
        world.clock.advance(HOUR)
        report = sweep(world)
        assert result_of(report, theirs) is Swept.ENDED
        # A tenant of which not everything is known is not forgotten.
        assert world.customer.id not in report.left
    assert world.customer.id in sweep(world).left


def test_a_poisoned_row_of_a_leaving_tenant_keeps_no_grant_from_its_end(world: World) -> None:
    grant, other = overdue(world), neighbour(world)
    other.save_settings()
    leave(other)
    world.clock.advance(HOUR)
    bad = world.customer.id
    with row(world, TENANTS, "tenant", tenant=bad, leaving=True):
        report = sweep(world)
    assert result_of(report, grant) is Swept.ENDED
    assert other.customer.id in report.left
    assert report.partial
    assert (bad, "unreadable") in {(each.tenant, each.reason) for each in report.failures}
    assert_named(world, TENANTS, bad, "tenant")
    grant.world.assert_gone(grant)


@pytest.mark.parametrize("kind", ["nonsense", "another tenant's settings"])
def test_a_poisoned_tenant_keeps_the_watch_from_no_other(world: World, kind: str) -> None:
    user = asleep(world)
    user.account_enabled = True
    saved = world.wait(world.services.tenants.get(world.customer.id))
    renamed = {**saved.to_json(), "accountPrefix": "other-"}
    document = NONSENSE if kind == "nonsense" else renamed
    bad = str(uuid4())
    with row(world, TENANTS, "tenant", tenant=bad, document=document, leaving=False):
        report = watch_all(world)
    assert results([each for each in report.noticed if each.id == user.id]) == [Noticed.WARNED]
    assert (bad, "unreadable") in {(each.tenant, each.reason) for each in report.failures}
    assert report.partial
    assert_named(world, TENANTS, bad, "tenant")
    assert events(world, Event.WATCH_FAILED, tenant=bad)
    assert events(world, Event.WATCH_DONE)
    assert events(world, Event.AUDIT_ANCHORED)


def test_a_poisoned_lease_blinds_the_watch_to_no_account_but_those_with_a_claim(
    world: World,
) -> None:
    user = asleep(world)
    user.account_enabled = True
    tenant = world.customer.id
    key = f"g-{tenant}-{ULID}"
    with row(world, LEASES, key, tenant=tenant, deadline=FAR_OFF):
        claim = f"claim:{record_of(world).user_principal_name}"
        with row(world, LEASES, claim, tenant=tenant, document={"grantId": key}):
            assert watch(world) == []
        assert results(watch(world)) == [Noticed.WARNED]
    assert_named(world, LEASES, tenant, key)
    assert events(world, Event.WATCH_FAILED, tenant=tenant)


def test_a_poisoned_account_record_blinds_the_watch_to_no_other_account(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    tenant, accounts = world.customer.id, world.services.accounts
    name = f"msp-zoe@{world.customer.domain}"
    stranger = world.customer.add_user(f"msp-bob@{world.customer.domain}")
    with row(world, ACCOUNTS, name, tenant=tenant):
        # It may be that record's account, so it is nobody's yet.
        assert results(watch(world)) == [Noticed.WARNED]
        record = world.wait(accounts.by_id(tenant, user.id))
        assert record is not None
        # Whether it is Curfew's is not known, and unknown is not "no".
        with pytest.raises(Unreadable):
            world.wait(accounts.by_id(tenant, stranger.id))
    assert_named(world, ACCOUNTS, tenant, name)
    assert events(world, Event.WATCH_FAILED, tenant=tenant)
    noticed = {each.id: each.result for each in watch(world)}
    assert noticed[stranger.id] is Noticed.UNKNOWN


def test_an_overdue_grant_of_a_year_beyond_all_years_is_no_defect(world: World) -> None:
    grant, odd = overdue(world), overdue(neighbour(world))
    last = datetime.max.replace(tzinfo=UTC)
    lease = odd.lease.model_copy(update={"deadline": last, "state": GrantState.PROVISIONING})
    plan = odd.plan
    world.clock.advance(HOUR)
    with row(
        world,
        LEASES,
        plan.grant_id,
        tenant=plan.tenant_id,
        document=lease.model_copy(update={"expires_at": None}).to_json(),
        deadline=LONG_AGO,
    ):
        assert result_of(sweep(world), grant) is Swept.ENDED
    world.wait(world.services.leases.withdraw(odd.lease))


def test_a_poisoned_tenant_keeps_the_check_of_the_trail_from_no_other(world: World) -> None:
    world.ended_grant()
    bad = str(uuid4())

    async def check() -> dict[str, bool]:
        return {each.tenant: not each.findings async for each in verify(world.services, Wanted())}

    with row(world, TENANTS, "tenant", tenant=bad, leaving=False):
        whole = world.wait(check())
    assert whole[world.customer.id]
    # It was a tenant's, so it should have a trail.
    assert not whole[bad]


@pytest.mark.parametrize("why", ["the settings are gone", "there is a defect"])
@pytest.mark.parametrize("which", ["sweep", "watch"])
def test_a_timer_tells_the_host_nothing_of_what_it_failed_of(
    world: World, which: str, why: str
) -> None:
    from triggers import timers

    if why == "there is a defect":
        world.services.clock = broken_clock
    else:
        services.use(None)
    timer: Any = {"sweep": timers.run_sweep, "watch": timers.run_watch}[which]
    client = {"client": object()} if which == "sweep" else {}
    seen = len(world.log)
    run = timer._function.get_user_function()
    asyncio.run(getattr(run, "client_function", run)(None, **client))
    failed = {"sweep": Event.SWEEP_FAILED, "watch": Event.WATCH_FAILED}[which]
    said = [record for record in world.log[seen:] if record.name == "curfew"]
    assert [record.event for record in said] == [failed.value]  # type: ignore[attr-defined]
    assert not [record for record in world.log if CONTENT in record.getMessage()]


def broken_clock() -> datetime:
    raise ValueError(CONTENT)

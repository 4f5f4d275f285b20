"""A tenant leaves although the engine was down when told. docs/failures.md, row 25."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from curfew.errors import Conflict, Missing, Unavailable
from curfew.guards import require_staying
from curfew.ledger import AuditQuery
from curfew.ledger.tables import Row
from curfew.model.audit import Action
from curfew.model.grants import EndReason
from curfew.model.sweeps import WARNED
from curfew.model.tenants import (
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    Connection,
    ConnectionKind,
)
from curfew.net.leaving import leave
from simulator import Fault
from simulator.applications import Secret
from tests.lifecycle.client import ADA, Api, Hub
from tests.lifecycle.ledger_proxy import Trouble
from tests.lifecycle.nets import kill, sweep, watch
from tests.lifecycle.watched import asleep
from tests.lifecycle.world import HOUR, SECURITY_READER, World


@pytest.mark.parametrize("lost", [False, True], ids=["living", "lost"])
def test_row_25_a_leaving_tenant_is_told_again_until_every_workflow_has_heard(
    world: World, lost: bool
) -> None:
    hub = Hub(world.engine)
    api = Api(hub, world.wait, world.demo.home.id)
    address = f"/api/tenants/{world.customer.id}"
    grant = world.request()
    grant.run_until_active()
    if lost:
        kill(world, grant)

    hub.trouble = lambda call, applied: True
    assert api(ADA, "DELETE", address).status == 503
    assert api(ADA, "GET", address)["leavingSince"]
    hub.trouble = lambda call, applied: False
    assert api(ADA, "DELETE", address).status == 202
    world.engine.run_for(timedelta(minutes=1))
    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.REVOKED
    assert api(ADA, "GET", address).status == 200
    assert world.customer.id in sweep(world).left
    assert api(ADA, "GET", address).status == 404
    assert api(ADA, "DELETE", address).status == 404


def test_a_tenant_that_the_sweep_forgets_is_in_the_trail_first(world: World) -> None:
    world.save_settings()
    store, trail = world.services.tenants, world.services.audit
    saved = world.wait(store.get(world.customer.id))
    world.wait(store.put(saved.model_copy(update={"leaving_since": world.clock()})))
    world.clock.advance(HOUR)

    tables = world.services.tables
    unreadable = Row("newest", world.customer.id, "{}")
    world.wait(tables.create("audit", (unreadable, {})))
    assert world.customer.id not in sweep(world).left
    assert world.wait(store.get(world.customer.id))

    world.wait(tables.delete("audit", unreadable.partition, unreadable.key))
    assert world.customer.id in sweep(world).left
    found = world.wait(trail.events(AuditQuery(tenant=world.customer.id), size=50)).events
    assert [event.action for event in found] == [
        Action.TENANT_ACCESS_REMOVED,
        Action.TENANT_DELETED,
    ]


@pytest.mark.parametrize("word", ["ended", "adopted"])
def test_a_tenant_stays_while_the_watch_has_warned_of_an_account(world: World, word: str) -> None:
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    address = f"/api/tenants/{world.customer.id}"
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    refused = api(ADA, "DELETE", address)
    assert refused.status == 409
    assert user.user_principal_name in refused["detail"]
    assert api(ADA, "GET", address).status == 200
    if word == "ended":
        world.clock.advance(WARNED)
        watch(world)
        assert not user.account_enabled
    else:
        adoption = f"{address}/accounts/{user.id}/adopt"
        assert api(ADA, "POST", adoption, {"reason": "It is theirs now."}).status == 200
    assert api(ADA, "DELETE", address).status == 204


def test_a_leaving_tenant_stays_until_the_watch_has_ended_what_it_warned_of(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    watch(world)
    tenant = world.wait(world.services.tenants.get(world.customer.id))
    leaving = tenant.model_copy(update={"leaving_since": world.clock()})
    world.wait(world.services.tenants.put(leaving))
    world.clock.advance(WARNED)
    assert world.customer.id not in sweep(world).left
    watch(world)
    assert not user.account_enabled
    assert world.customer.id in sweep(world).left


def own_roles(world: World) -> list[str]:
    principal = world.customer.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    return [each.role_id for each in world.customer.assignments_of(principal.id)]


def actions(world: World) -> list[Action]:
    query = AuditQuery(tenant=world.customer.id)
    found = world.wait(world.services.audit.events(query, size=200)).events
    return [event.action for event in found]


def is_known(world: World) -> bool:
    try:
        world.wait(world.services.tenants.get(world.customer.id))
    except Missing:
        return False
    return True


def deletions(world: World) -> list[str]:
    return [call for call in world.graph_writes() if call.startswith("DELETE")]


def administrator(world: World) -> Api:
    return Api(Hub(world.engine), world.wait, world.demo.home.id)


def test_who_leaves_with_his_accounts_leaves_nothing_but_the_trail(world: World) -> None:
    user, tables = asleep(world), world.services.tables
    kept = ("checks", "invitations")
    for table in kept:
        row = Row(world.customer.id, "latest", {})
        world.wait(tables.create(table, (row, {})))
    address = f"/api/tenants/{world.customer.id}?deleteAccounts=true"
    assert administrator(world)(ADA, "DELETE", address).status == 204
    assert user.id in world.customer.deleted_users
    for table in kept:
        with pytest.raises(Missing):
            world.wait(tables.get(table, world.customer.id, "latest"))
    assert own_roles(world) == []
    # The roles go last: without them Curfew could end nothing there any more.
    assert [f"users/{user.id}" in call for call in deletions(world)[-2:]] == [True, False]
    assert "roleAssignments" in deletions(world)[-1]
    assert actions(world)[-4:] == [
        Action.TENANT_LEAVING,
        Action.ACCOUNT_DELETED,
        Action.TENANT_ACCESS_REMOVED,
        Action.TENANT_DELETED,
    ]
    record = world.wait(world.services.accounts.find(world.customer.id, user.user_principal_name))
    assert record.account_id is None


def test_accounts_stay_where_nobody_asked_for_their_deletion(world: World) -> None:
    user = asleep(world)
    assert administrator(world)(ADA, "DELETE", f"/api/tenants/{world.customer.id}").status == 204
    assert user.id in world.customer.users
    assert own_roles(world) == []


@pytest.mark.parametrize("why", ["adopted", "emergency", "renamed"])
def test_an_account_that_is_not_curfews_to_delete_stays(world: World, why: str) -> None:
    user = asleep(world)
    api, address = administrator(world), f"/api/tenants/{world.customer.id}"
    if why == "adopted":
        adoption = f"{address}/accounts/{user.id}/adopt"
        assert api(ADA, "POST", adoption, {"reason": "It is theirs now."}).status == 200
    elif why == "emergency":
        world.save_settings(break_glass=(user.id,))
    else:
        user.user_principal_name = f"somebody@{world.customer.domain}"
    assert api(ADA, "DELETE", f"{address}?deleteAccounts=true").status == 204
    assert user.id in world.customer.users
    assert (Action.TENANT_ACCOUNTS_LEFT in actions(world)) is (why == "renamed")


def test_an_account_in_use_keeps_its_tenant(world: World) -> None:
    user = asleep(world)
    user.account_enabled = True
    address = f"/api/tenants/{world.customer.id}?deleteAccounts=true"
    assert administrator(world)(ADA, "DELETE", address).status == 202
    assert user.id in world.customer.users
    assert own_roles(world)
    watch(world)
    world.clock.advance(WARNED)
    watch(world)
    assert world.customer.id in sweep(world).left
    assert user.id in world.customer.deleted_users


@pytest.mark.parametrize("step", range(1, 12))
def test_a_crash_between_two_steps_is_taken_up_by_the_next_sweep(world: World, step: int) -> None:
    user = asleep(world)
    tenant = world.wait(world.services.tenants.get(world.customer.id))
    leaving = {"leaving_since": world.clock(), "delete_accounts": True}
    world.wait(world.services.tenants.put(tenant.model_copy(update=leaving)))
    skipped = step - 1
    lost = Fault(
        service="graph", tenant=world.customer.id, skip=skipped, effect="drop", applied=True
    )
    world.cloud.faults.add(lost)
    first = sweep(world)
    assert (world.customer.id in first.left) is not is_known(world)
    if is_known(world):
        assert world.customer.id in sweep(world).left
    assert user.id in world.customer.deleted_users
    assert own_roles(world) == []
    counted = actions(world)
    assert counted.count(Action.ACCOUNT_DELETED) == 1
    assert counted.count(Action.TENANT_DELETED) == 1


def test_what_cannot_be_removed_is_told_and_keeps_no_tenant(world: World) -> None:
    asleep(world)
    refusal = Fault(method="DELETE", path="roleAssignments", status=403, times=None)
    world.cloud.faults.add(refusal)
    assert administrator(world)(ADA, "DELETE", f"/api/tenants/{world.customer.id}").status == 204
    assert own_roles(world)
    assert Action.TENANT_ACCESS_LEFT in actions(world)
    told = [record for record in world.log if "curfew.tenant.access-left" in record.getMessage()]
    assert world.demo.curfew.app_id in told[0].getMessage()


def test_a_directory_that_does_not_answer_is_asked_again_for_an_hour(world: World) -> None:
    asleep(world)
    outage = Fault(method="DELETE", path="roleAssignments", status=503, times=None)
    world.cloud.faults.add(outage)
    assert administrator(world)(ADA, "DELETE", f"/api/tenants/{world.customer.id}").status == 202
    assert world.customer.id not in sweep(world).left
    world.clock.advance(HOUR)
    assert world.customer.id in sweep(world).left
    assert Action.TENANT_ACCESS_LEFT in actions(world)


def test_row_25_a_grant_that_slipped_in_keeps_the_tenant_and_its_roles(world: World) -> None:
    world.save_settings()
    tenant = world.wait(world.services.tenants.get(world.customer.id))
    leaving = tenant.model_copy(update={"leaving_since": world.clock()})
    leaving = world.wait(world.services.tenants.put(leaving))
    world.lease(world.plan())
    assert not world.wait(leave(world.services, leaving))
    assert is_known(world)
    assert own_roles(world)


@pytest.mark.parametrize("word", ["leaving", "gone", "unreadable"])
def test_row_25_a_request_that_overtakes_the_leaving_of_its_tenant_is_withdrawn(
    world: World, word: str
) -> None:
    lease = world.lease(world.plan())
    store = world.services.tenants
    tenant = world.wait(store.get(world.customer.id))
    if word == "leaving":
        leaving = tenant.model_copy(update={"leaving_since": world.clock()})
        world.wait(store.put(leaving))
    elif word == "gone":
        world.wait(store.delete(tenant))
    else:
        world.ledger.trouble = Trouble()
    with pytest.raises(Unavailable if word == "unreadable" else Conflict):
        world.wait(require_staying(world.services, lease))
    holder = world.services.leases.holder(world.customer.id, lease.plan.user_principal_name)
    assert world.wait(holder) is None


def test_a_request_whose_tenant_stays_keeps_its_lease(world: World) -> None:
    lease = world.lease(world.plan())
    world.wait(require_staying(world.services, lease))
    holder = world.services.leases.holder(world.customer.id, lease.plan.user_principal_name)
    assert world.wait(holder) == lease.plan.grant_id


def test_an_application_of_the_customers_own_keeps_what_curfew_never_asked_for(
    world: World,
) -> None:
    """The customer may use his registration for other things: those are not Curfew's to end."""
    secret = Secret("the-customers-own-secret", None)
    application = world.cloud.add_application("Automation", world.customer, secrets=[secret])
    model = world.customer.principal_of(world.demo.curfew.app_id)
    assert model is not None
    principal = world.customer.consent(
        application.app_id,
        "Automation",
        set(model.permissions),
        roles=(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, SECURITY_READER),
    )
    name = f"customer-{world.customer.id}"
    world.wait(world.services.vault.keep(name, SecretStr(secret.value), world.clock()))
    world.save_settings(
        connection=Connection(
            kind=ConnectionKind.SECRET, client_id=application.app_id, secret_name=name
        )
    )
    assert administrator(world)(ADA, "DELETE", f"/api/tenants/{world.customer.id}").status == 204
    held = [each.role_id for each in world.customer.assignments_of(principal.id)]
    assert held == [SECURITY_READER]

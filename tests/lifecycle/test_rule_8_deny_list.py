"""Rule 8, docs/failures.md row 20: accounts that no grant touches, whatever is asked for."""

import copy
from typing import Any

import pytest
from pydantic import SecretStr

from curfew.ledger import AccountRecord
from curfew.model.grants import EndReason
from curfew.model.tenants import Connection, ConnectionKind
from simulator.applications import Secret
from simulator.directory.objects import User
from simulator.directory.roles import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR
from simulator.faults import Fault
from simulator.scenario import CONSENT
from tests.lifecycle.world import APPROVER, START, TECHNICIAN, Grant, World


@pytest.fixture
def subject(world: World) -> User:
    return world.customer.add_user("bert", "Bert Berger")


def assert_refused(world: World, grant: Grant, why: str) -> None:
    """The grant failed for that reason, and nothing was written to the directory."""
    writes = len(world.graph_writes())
    world.engine.run()
    lease = grant.lease
    assert lease.end_reason is EndReason.FAILED
    assert lease.failure is not None
    assert lease.failure.startswith("foreign-account: ")
    assert why in lease.failure
    assert len(world.graph_writes()) == writes


def assert_given(world: World, grant: Grant) -> None:
    grant.run_until_active()
    world.engine.run()
    assert grant.lease.end_reason is EndReason.EXPIRED


def own_principal(world: World) -> Any:
    principal = world.customer.principal_of(world.demo.curfew.app_id)
    assert principal is not None
    return principal


def test_row_20_an_emergency_account_gets_no_roles(world: World, subject: User) -> None:
    world.save_settings(break_glass=(subject.id,))
    assert_refused(world, world.request_roles(subject), "emergency account")


def test_row_20_an_emergency_account_is_known_by_the_settings_of_now(
    world: World, subject: User
) -> None:
    grant = world.request_roles(subject)
    world.save_settings(break_glass=(subject.id,))
    assert_refused(world, grant, "emergency account")


def test_row_20_this_apps_own_service_principal_gets_no_roles(world: World, subject: User) -> None:
    grant = world.request_roles(subject, account_id=own_principal(world).id)
    assert_refused(world, grant, "own service principal")


def test_row_20_an_owner_of_this_app_gets_no_roles(world: World, subject: User) -> None:
    own_principal(world).owners.append(subject.id)
    assert_refused(world, world.request_roles(subject), "one of its owners")


def test_row_20_the_owner_of_a_customers_own_registration_gets_no_roles(
    world: World, subject: User
) -> None:
    secret = Secret("the-customers-own-client-secret")
    application = world.cloud.add_application("Their own", world.customer, secrets=[secret])
    own = world.customer.consent(
        application.app_id,
        "Their own",
        set(CONSENT),
        roles=(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,),
    )
    own.owners.append(subject.id)
    kept = world.services.vault.keep("their-own", SecretStr(secret.value), START)
    world.wait(kept)
    connection = Connection(
        kind=ConnectionKind.SECRET, client_id=own.app_id, secret_name="their-own"
    )
    assert_refused(world, world.request_roles(subject, connection=connection), "one of its owners")


@pytest.mark.parametrize("known_by", ["object id", "mark"])
def test_row_20_a_technicians_account_gets_no_role_grant(world: World, known_by: str) -> None:
    world.ended_grant()
    user = world.user()
    if known_by == "mark":
        name, forgotten = user.user_principal_name, {"account_id": None}
        change = world.services.accounts.change
        world.wait(
            change(world.customer.id, name, lambda record: record.model_copy(update=forgotten))
        )
    user.account_enabled = True
    assert_refused(world, world.request_roles(user), "a technician's account")


def test_row_20_a_synchronised_user_gets_roles_only_where_the_tenant_allows_it(
    world: World, subject: User
) -> None:
    subject.synced = True
    assert_refused(world, world.request_roles(subject), "synchronised")
    world.save_settings(allow_synced=True)
    assert_given(world, world.request_roles(subject))


def test_a_disabled_user_gets_no_roles(world: World, subject: User) -> None:
    subject.account_enabled = False
    assert_refused(world, world.request_roles(subject), "disabled")


def test_a_user_whom_nobody_knows_gets_no_roles(world: World, subject: User) -> None:
    grant = world.request_roles(subject, account_id="99999999-0000-4000-8000-000000000009")
    assert_refused(world, grant, "no such user")


def test_a_guest_may_get_roles(world: World, subject: User) -> None:
    subject.user_type = "Guest"
    assert_given(world, world.request_roles(subject))


@pytest.mark.parametrize(
    "path",
    ["servicePrincipals\\(", "servicePrincipals/.*/owners", "/users/[^/]*$"],
    ids=["principal", "owners", "user"],
)
@pytest.mark.parametrize("status", [403, 429, 500])
def test_row_6_what_cannot_be_read_gives_nothing(
    world: World, subject: User, path: str, status: int
) -> None:
    world.cloud.faults.add(Fault(method="GET", path=path, status=status, times=None))
    grant = world.request_roles(subject)
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert world.graph_writes() == []


def test_row_6_without_settings_nothing_is_given(world: World, subject: User) -> None:
    grant = world.request_roles(subject)
    store = world.services.tenants
    world.wait(store.delete(world.wait(store.get(world.customer.id))))
    assert_refused(world, grant, "cannot be found")


@pytest.mark.parametrize("why", ["emergency", "owner", "adopted"])
def test_row_20_a_protected_account_is_not_woken_although_it_is_on_record(
    world: World, why: str
) -> None:
    world.ended_grant()
    user = world.user()
    if why == "emergency":
        world.save_settings(break_glass=(user.id,))
    elif why == "owner":
        own_principal(world).owners.append(user.id)
    else:
        adopt(world, user)
    user.account_enabled = True
    before = as_it_was(user)
    grant = world.request()
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert "foreign-account" in (grant.lease.failure or "")
    assert as_it_was(user) == before


def adopt(world: World, user: User) -> None:
    def write(record: AccountRecord) -> AccountRecord:
        return record.model_copy(update={"adopted_by": APPROVER})

    change = world.services.accounts.change
    record = world.wait(change(world.customer.id, user.user_principal_name, write))
    assert record.technician_id == TECHNICIAN.id


def as_it_was(user: User) -> dict[str, object]:
    seen = copy.deepcopy(vars(user))
    seen.pop("past", None)
    return seen


def test_settings_that_change_do_not_stand_in_the_way_of_an_ending(
    world: World, subject: User
) -> None:
    grant = world.request_roles(subject)
    grant.run_until_active()
    world.save_settings(break_glass=(subject.id,))
    own_principal(world).owners.append(subject.id)
    subject.synced = True
    world.engine.run()
    assert grant.lease.end_reason is EndReason.EXPIRED
    assert world.customer.assignments_of(subject.id) == []

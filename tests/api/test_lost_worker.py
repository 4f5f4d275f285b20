"""A worker killed at any point of a grant's life loses nothing: the next one carries it on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from devhost.strikes import Moment
from simulator import Fault
from simulator.directory.objects import User
from tests.api.house import PATIENCE, Grant, House, standard_profiles, until


@dataclass(frozen=True)
class Write:
    """A write to the directory in the middle of which the worker dies.

    The directory has applied it; the worker never hears of it.
    """

    name: str
    method: str
    path: str
    body: str = ""


WRITES = (
    Write("create", "POST", "/users$"),
    Write("assign", "POST", "/roleAssignments$"),
    Write("enable", "PATCH", "/users/", '"accountEnabled": ?true'),
    Write("disable", "PATCH", "/users/", '"accountEnabled": ?false'),
    Write("rotate", "PATCH", "/users/", '"passwordProfile"'),
)

# `answered`: the step had all its effects, and nobody ever learns of its answer.
STEPS: tuple[tuple[Moment, str], ...] = (
    ("delivered", "open_account"),
    ("answered", "open_account"),
    ("answered", "assign_access"),
    ("answered", "issue_pass"),
    ("answered", "enable_account"),
    ("answered", "announce_ending"),
    ("answered", "disable_account"),
    ("answered", "revoke_sessions"),
    ("answered", "remove_access"),
    ("answered", "remove_methods"),
    ("answered", "rotate_password"),
    ("answered", "retire_credential"),
    ("answered", "verify_ended"),
    ("delivered", "close_grant"),
    ("answered", "close_grant"),
    ("answered", "grant"),
)


@pytest.fixture(scope="module")
def fragile(house: House) -> Iterator[House]:
    """A house whose host counts an activity as failed when only the worker process dies."""
    with House(
        configure=lambda configuration: replace(configuration, worker_exit_fails_activities=True)
    ) as fragile:
        fragile.onboard(fragile.world.contoso, **standard_profiles())
        yield fragile
    assert fragile.cloud.defects == []


def account(house: House, grant: Grant) -> User:
    """The one account that the grant is about."""
    name = grant["userPrincipalName"]
    (user,) = [
        user for user in house.world.contoso.users.values() if user.user_principal_name == name
    ]
    return user


def credential(technician: httpx.Client, grant: Grant) -> tuple[str, str]:
    """What the technician signs in with; the request may die with the worker as well."""
    revealed: dict[str, str] = {}

    def answered() -> bool:
        answer = technician.post(f"/api/grants/{grant['id']}/credential")
        assert answer.status_code in {200, 500}, answer.text
        if answer.status_code == 200:
            revealed.update(answer.json())
        return bool(revealed)

    until(answered, lambda: "no answer")
    return revealed["userPrincipalName"], revealed["password"]


def over_and_verified(house: House, grant: Grant) -> None:
    """Nothing of the access is left: in the evidence, in the directory, in the ledger."""
    evidence = grant["evidence"]
    assert evidence["accountDisabled"]
    assert evidence["passwordRotated"]
    assert evidence["credentialDisabled"]
    assert evidence["rolesLeft"] == evidence["groupsLeft"] == evidence["methodsLeft"] == 0
    contoso, user = house.world.contoso, account(house, grant)
    assert not user.account_enabled
    assert contoso.assignments_of(user.id) == []
    assert not user.methods
    name = user.user_principal_name
    assert not any(name in key or grant["id"] in key for key in house.leases(contoso))


@contextmanager
def dying_in(house: House, writes: tuple[Write, ...]) -> Iterator[None]:
    """Kill the worker in the middle of each of these writes; afterwards each was seen once."""
    calls, faults, contoso = house.cloud.calls, house.cloud.faults, house.world.contoso
    planned = [
        faults.add(
            Fault(
                name=f"death in {write.name}",
                service="graph",
                tenant=contoso.id,
                method=write.method,
                path=write.path,
                body=write.body,
                effect="hang",
                applied=True,
            )
        )
        for write in writes
    ]
    began = calls.next_sequence()

    def strike(fault: Fault) -> None:
        def applied() -> bool:
            # First the cheap question: the log of calls may be long.
            return fault.hits > 0 and any(
                call.fault == fault.label for call in calls.graph(after=began)
            )

        until(applied, lambda: f"no {fault.label}", patience=2 * PATIENCE)
        house.host.kill_worker()

    with ThreadPoolExecutor(len(planned)) as reapers:
        deaths = [reapers.submit(strike, fault) for fault in planned]
        yield
        for death in deaths:
            death.result()
    for fault in planned:
        faults.remove(fault)


def asked_until_answered(house: House, technician: httpx.Client) -> Grant:
    """A grant that is active, from a caller whose request may die with the worker as well."""
    technician.headers["Idempotency-Key"] = "until it is answered"
    accepted: Grant = {}

    def answered() -> bool:
        answer = house.request(technician)
        assert answer.status_code in {202, 500}, answer.text
        if answer.status_code == 202:
            accepted.update(answer.json())
        return bool(accepted)

    until(answered, lambda: "no answer")
    return house.reaches(technician, accepted["id"], "active")


def ended_when_answered(house: House, technician: httpx.Client, grant: Grant) -> Grant:
    """A grant that was told to end, and did; the request may die with the worker as well."""

    def answered() -> bool:
        status = technician.post(f"/api/grants/{grant['id']}/end").status_code
        assert status in {200, 202, 500}
        return status != 500

    until(answered, lambda: "no answer")
    return house.reaches(technician, grant["id"], "ended")


def a_life(house: House) -> None:
    """A grant from its request to its verified end; the worker dies once while it is active."""
    technician, contoso = house.technician(), house.world.contoso
    grant = asked_until_answered(house, technician)
    assert account(house, grant).account_enabled
    name, password = credential(technician, grant)
    assert house.sign_in(contoso, name, password).status_code == 200
    house.host.kill_worker()
    ended = ended_when_answered(house, technician, grant)
    assert house.sign_in(contoso, name, password).status_code == 400
    assert ended["endReason"] == "returned"
    over_and_verified(house, ended)


@pytest.mark.parametrize(
    ("home", "writes"),
    [pytest.param("house", WRITES, marks=pytest.mark.slow), ("fragile", WRITES[::4])],
)
def test_a_worker_that_dies_in_its_writes_and_while_active_loses_nothing(
    request: pytest.FixtureRequest, home: str, writes: tuple[Write, ...]
) -> None:
    house: House = request.getfixturevalue(home)
    until(house.is_idle, lambda: f"not over: {house.live()}")
    with dying_in(house, writes):
        a_life(house)


@pytest.mark.slow
@pytest.mark.parametrize("death", STEPS, ids=" ".join)
@pytest.mark.parametrize("home", ["house", "fragile"])
def test_a_worker_that_dies_with_any_step_loses_nothing(
    request: pytest.FixtureRequest, home: str, death: tuple[Moment, str]
) -> None:
    house: House = request.getfixturevalue(home)
    until(house.is_idle, lambda: f"not over: {house.live()}")
    house.host.kill_worker_at(*death)
    a_life(house)

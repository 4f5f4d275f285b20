"""A worker killed at any point of a grant's life loses nothing: the next one carries it on."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from devhost.strikes import Moment
from simulator.directory.objects import User
from tests.api.house import Grant, House, standard_profiles, until

type Deaths = tuple[tuple[Moment, str], ...]

# `answered` is the harder moment: the step had all its effects, and nobody ever learns of it.
GIVING: Deaths = (
    ("answered", "open_account"),
    ("answered", "assign_access"),
    ("answered", "enable_account"),
)
TAKING_BACK: Deaths = (
    ("answered", "disable_account"),
    ("answered", "rotate_password"),
)
FURTHER: Deaths = (
    ("delivered", "open_account"),
    ("answered", "issue_pass"),
    ("delivered", "enable_account"),
    ("answered", "announce_ending"),
    ("answered", "revoke_sessions"),
    ("answered", "remove_access"),
    ("answered", "remove_methods"),
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
    revealed = technician.post(f"/api/grants/{grant['id']}/credential").raise_for_status().json()
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


def a_life(house: House, deaths: Deaths) -> None:
    """A grant in whose life the worker dies at every one of these moments, and while active."""
    technician, contoso = house.technician(), house.world.contoso
    # Each planned death waits for the next grant that comes to its moment: it must be this one.
    until(house.is_idle, lambda: "other grants do not end")
    workers = {house.host.worker_pid}
    for moment, function in deaths:
        house.host.kill_worker_at(moment, function)
    grant = house.grant(technician)
    workers.add(house.host.worker_pid)
    assert account(house, grant).account_enabled
    name, password = credential(technician, grant)
    assert house.sign_in(contoso, name, password).status_code == 200
    house.host.kill_worker()
    ended = house.end(technician, grant["id"])
    workers.add(house.host.worker_pid)
    assert len(workers) > 1
    assert house.sign_in(contoso, name, password).status_code == 400
    assert ended["endReason"] == "returned"
    over_and_verified(house, ended)


def test_the_work_of_a_lost_instance_is_carried_on_by_the_next(house: House) -> None:
    a_life(house, GIVING + TAKING_BACK)


def test_a_step_that_failed_with_its_worker_is_taken_again(fragile: House) -> None:
    a_life(fragile, (GIVING[0], GIVING[2], *TAKING_BACK))


@pytest.mark.slow
@pytest.mark.parametrize("death", FURTHER, ids=" ".join)
def test_at_any_other_moment_nothing_is_lost_either(
    house: House, death: tuple[Moment, str]
) -> None:
    a_life(house, (death,))


@pytest.mark.slow
@pytest.mark.parametrize("death", FURTHER, ids=" ".join)
def test_a_step_that_failed_at_any_other_moment_is_taken_again(
    fragile: House, death: tuple[Moment, str]
) -> None:
    a_life(fragile, (death,))

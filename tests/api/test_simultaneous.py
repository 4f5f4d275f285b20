"""Requests at the same moment: one live grant per account, and one answer per Idempotency-Key."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.house import House


def at_once(times: int, call: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The answers to calls that all begin when the last of them is ready."""
    gate = threading.Barrier(times)

    def run(_: int) -> httpx.Response:
        gate.wait()
        return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def one_winner(answers: list[httpx.Response]) -> str:
    """The address of the one grant that came of it; everybody else was pointed to it."""
    won = [answer for answer in answers if answer.status_code == 202]
    lost = [answer for answer in answers if answer.status_code != 202]
    assert len(won) == 1, [answer.status_code for answer in answers]
    address = won[0].headers["Location"]
    for answer in lost:
        assert answer.status_code == 409
        assert answer.json()["blockedBy"] == address
    return address


@pytest.mark.parametrize("times", [2, 50])
def test_of_simultaneous_requests_exactly_one_wins_and_the_others_learn_which(
    house: House, times: int
) -> None:
    technician = house.technician()
    address = one_winner(at_once(times, lambda: house.request(technician)))
    grant_id = address.rsplit("/", 1)[-1]
    house.reaches(technician, grant_id, "active")
    posts = house.cloud.calls.graph(house.world.contoso.id, method="POST", path="/users$")
    name = house.account(technician)
    assert sum(call.request_body["userPrincipalName"] == name for call in posts) == 1
    house.release(technician, grant_id)


def test_the_account_is_free_again_once_the_grant_is_over(house: House) -> None:
    technician = house.technician()
    first = house.grant(technician)["id"]
    assert house.request(technician).status_code == 409
    house.end(technician, first)
    assert not any(house.account(technician) in key for key in house.leases(house.world.contoso))
    second = house.grant(technician)["id"]
    assert second != first
    house.release(technician, second)


def test_a_technician_may_have_grants_in_two_tenants_at_once(house: House) -> None:
    technician, other = house.technician(), house.customer()
    grants = [house.grant(technician), house.grant(technician, other)]
    assert {grant["tenant"] for grant in grants} == {house.world.contoso.id, other.id}
    for grant in grants:
        house.release(technician, grant["id"])


def test_two_technicians_do_not_wait_for_each_other(house: House) -> None:
    technicians = [house.technician(), house.technician()]
    for technician in technicians:
        house.release(technician, house.grant(technician)["id"])


def test_the_same_key_gets_the_same_grant_at_any_time(house: House) -> None:
    technician = house.technician()
    technician.headers["Idempotency-Key"] = "ticket 4711, first try"
    answers = at_once(12, lambda: house.request(technician))
    assert {answer.status_code for answer in answers} == {202}
    (grant_id,) = {answer.json()["id"] for answer in answers}
    house.reaches(technician, grant_id, "active")
    assert house.request(technician).json()["id"] == grant_id
    house.end(technician, grant_id)
    repeated = house.request(technician)
    assert repeated.status_code == 202
    assert repeated.json()["id"] == grant_id
    assert repeated.json()["state"] == "ended"


def test_the_same_key_with_another_body_is_refused(house: House) -> None:
    technician = house.technician()
    technician.headers["Idempotency-Key"] = "k"
    first = house.request(technician, duration="PT1H")
    other = house.request(technician, duration="PT2H")
    assert first.status_code == 202
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    house.reaches(technician, first.json()["id"], "active")
    house.release(technician, first.json()["id"])


def test_a_key_belongs_to_its_caller(house: House) -> None:
    technicians = [house.technician(), house.technician()]
    grants = []
    for technician in technicians:
        technician.headers["Idempotency-Key"] = "monday"
        grants.append(house.grant(technician)["id"])
    assert grants[0] != grants[1]
    for technician, grant_id in zip(technicians, grants, strict=True):
        house.release(technician, grant_id)


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_1_to_200_characters(house: House, key: str) -> None:
    technician = house.technician()
    technician.headers["Idempotency-Key"] = key
    refused = house.request(technician)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_repetition_that_overtakes_its_request_changes_nothing(house: House) -> None:
    """The repetition finds the lease and starts the workflow; then the request itself tries to."""
    technician = house.technician()
    technician.headers["Idempotency-Key"] = "twice"
    with house.engine.being("overtaking"):
        answers = at_once(2, lambda: house.request(technician))
    assert [answer.status_code for answer in answers] == [202, 202]
    (grant_id,) = {answer.json()["id"] for answer in answers}
    house.reaches(technician, grant_id, "active")
    house.release(technician, grant_id)


def test_a_request_whose_start_lost_its_answer_can_be_repeated_with_its_key(house: House) -> None:
    """Nobody knows whether the workflow runs; in the end there is one grant, and no orphan."""
    technician = house.technician()
    technician.headers["Idempotency-Key"] = "again"
    with house.engine.being("answer lost"):
        lost = house.request(technician)
    assert lost.status_code == 503
    again = house.request(technician)
    assert again.status_code == 202, again.text
    house.reaches(technician, again.json()["id"], "active")
    house.release(technician, again.json()["id"])

"""The credential: for the requester, while the grant is active, and on no other way."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from devhost.stack import helpdesk
from tests.api.house import House, until


def test_the_credential_is_revealed_to_the_requester_while_active_and_kept_by_nobody(
    house: House,
) -> None:
    technician = house.technician()
    grant = house.grant(technician)
    address = f"/api/grants/{grant['id']}/credential"
    revealed = technician.post(address)
    assert revealed.status_code == 200
    assert revealed.headers["Cache-Control"] == "no-store"
    credential = revealed.json()
    assert credential["userPrincipalName"] == house.account(technician)
    assert credential["expiresAt"] == grant["expiresAt"]
    assert len(credential["password"]) == 32
    contoso = house.world.contoso
    name, password = credential["userPrincipalName"], credential["password"]
    assert house.sign_in(contoso, name, password).status_code == 200
    again = technician.post(address).json()
    assert again == credential | {"revealsLeft": credential["revealsLeft"] - 1}

    ended = house.end(technician, grant["id"])
    assert technician.post(address).status_code == 409
    assert house.sign_in(contoso, name, password).status_code == 400
    for secret in (password, credential["temporaryAccessPass"]):
        assert secret not in str(ended)


@pytest.mark.parametrize(
    ("kind", "has_password", "has_pass"),
    [("password", True, False), ("temporaryAccessPass", False, True)],
)
def test_the_credential_is_what_the_profile_says(
    house: House, kind: str, has_password: bool, has_pass: bool
) -> None:
    customer = house.customer({"helpdesk": helpdesk(credential=kind)})
    technician = house.technician()
    grant = house.grant(technician, customer)
    credential = technician.post(f"/api/grants/{grant['id']}/credential").json()
    assert (credential["password"] is not None) is has_password
    assert (credential["temporaryAccessPass"] is not None) is has_pass
    house.release(technician, grant["id"])


def test_nobody_else_gets_the_credential_whatever_his_role(house: House) -> None:
    technician, other = house.technician(), house.technician()
    grant = house.grant(technician)
    address = f"/api/grants/{grant['id']}/credential"
    answers = {
        "another technician": other,
        "petra": house.as_("petra"),
        "ada": house.as_("ada"),
        "otto": house.as_("otto"),
        "halo": house.as_("halo"),
        "nobody": house.as_("nobody"),
    }
    statuses = {name: client.post(address).status_code for name, client in answers.items()}
    assert statuses == {
        "another technician": 404,
        "petra": 403,
        "ada": 403,
        "otto": 403,
        "halo": 404,
        "nobody": 401,
    }
    house.release(technician, grant["id"])


def test_there_is_no_credential_before_the_grant_is_active(house: House) -> None:
    customer, technician = house.customer(), house.technician()
    slow = house.cloud.faults.fail_before(
        method="POST", path="/users$", tenant=customer.id, times=None
    )
    try:
        grant_id = house.request(technician, customer).json()["id"]
        early = technician.post(f"/api/grants/{grant_id}/credential")
    finally:
        house.cloud.faults.remove(slow)
    assert early.status_code == 409
    assert early.json()["blockedBy"] == f"/api/grants/{grant_id}"
    house.release(technician, grant_id)


def test_what_is_revealed_stands_in_no_log(house: House) -> None:
    technician = house.technician()
    grant = house.grant(technician)
    credential = technician.post(f"/api/grants/{grant['id']}/credential").json()
    revealed = house.host.wait_for(
        lambda record: (
            "curfew.credential.revealed" in str(record["message"])
            and grant["id"] in str(record["message"])
        )
    )
    house.end(technician, grant["id"])
    text = "\n".join(str(record) for record in house.host.log)
    assert "actor=" in revealed["message"]
    for secret in (credential["password"], credential["temporaryAccessPass"]):
        assert secret not in text


@pytest.mark.parametrize("most", [1, 3])
def test_of_a_dozen_at_once_no_more_get_it_than_may_and_the_trail_names_each(
    house: House, most: int
) -> None:
    customer = house.customer({"helpdesk": helpdesk(maxReveals=most)})
    technician = house.technician()
    grant = house.grant(technician, customer)
    address = f"/api/grants/{grant['id']}/credential"
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: technician.post(address), range(12)))
    told = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(told) == most
    assert {answer["revealsLeft"] for answer in told} == set(range(most))
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert len(refused) == 12 - most
    assert {answer["type"] for answer in refused} == {"urn:curfew:problem:used-up"}
    trail = house.as_("otto").get("/api/audit", params={"tenant": customer.id}).json()["value"]
    reveals = [event for event in trail if event["action"] == "credential.revealed"]
    assert len(reveals) == most
    assert technician.get(f"/api/grants/{grant['id']}").json()["revealsLeft"] == 0
    house.release(technician, grant["id"])


def test_a_new_credential_is_made_on_the_requesters_word(house: House) -> None:
    customer = house.customer({"helpdesk": helpdesk(reveal="once")})
    technician = house.technician()
    grant = house.grant(technician, customer)
    address = f"/api/grants/{grant['id']}/credential"
    first = technician.post(address).json()["password"]
    assert technician.post(address).status_code == 409
    asked = technician.post(f"{address}/renew")
    assert asked.status_code in {200, 202}
    until(
        lambda: technician.get(f"/api/grants/{grant['id']}").json()["renewals"][0]["doneAt"],
        lambda: "no new credential",
    )
    second = technician.post(address).json()["password"]
    name = house.account(technician, customer)
    assert house.sign_in(customer, name, first).status_code == 400
    assert house.sign_in(customer, name, second).status_code == 200
    house.end(technician, grant["id"])
    assert house.sign_in(customer, name, second).status_code == 400

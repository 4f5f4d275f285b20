"""The answer to a consent address proves itself, once and in time, or changes nothing.

Everybody knows where it is sent to, and nobody is signed in there.
"""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from simulator import Tenant
from tests.api.aboard import (
    ANSWER,
    View,
    answered,
    claims_of,
    consent,
    decided,
    invited,
    key_of,
    now,
    signed,
    state_of,
    text_of,
    trail,
    unchanged,
)
from tests.api.house import House


def test_a_second_answer_says_so_and_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    back = decided(house, view)
    assert answered(house, **back).status_code == 200
    with unchanged(house, view):
        again = answered(house, **back)
        refusal = answered(house, state=back["state"], error="access_denied")
    for page in (again, refusal):
        assert page.status_code == 409
        assert "used already" in text_of(page)
    assert now(house, view)["state"] == "consented"


def test_a_refusal_uses_the_address_up_as_well(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    back = decided(house, view, accept=False)
    assert back["error"] == "access_denied"
    page = answered(house, **back)
    assert page.status_code == 200
    assert "has not given consent" in text_of(page)
    found = now(house, view)
    assert (found["state"], found["refusal"]) == ("refused", "declined")
    assert found["meaning"]
    assert answered(house, **consent(view)).status_code == 409
    assert now(house, view)["state"] == "refused"
    assert trail(house, newcomer) == ["tenant.invited", "tenant.consent-refused"]


def test_of_two_answers_at_once_exactly_one_counts(house: House) -> None:
    for _ in range(5):
        view = invited(house, house.customer(onboard=False, consent=False))
        with ThreadPoolExecutor(8) as crowd, house.client() as client:
            pages = list(
                crowd.map(lambda _: client.get(ANSWER, params=consent(view)), range(8))  # noqa: B023
            )
        assert sorted(page.status_code for page in pages) == [200] + [409] * 7
        tenant = house.cloud.tenants[view["tenant"]]
        assert trail(house, tenant) == ["tenant.invited", "tenant.consented"]


def test_consent_and_refusal_at_once_are_one_answer(house: House) -> None:
    for _ in range(5):
        view = invited(house, house.customer(onboard=False, consent=False))
        both = (consent(view), {"state": state_of(view), "error": "access_denied"})
        with ThreadPoolExecutor(2) as crowd, house.client() as client:
            pages = list(crowd.map(lambda query: client.get(ANSWER, params=query), both))
        assert sorted(page.status_code for page in pages) == [200, 409]
        won = "consented" if pages[0].status_code == 200 else "refused"
        assert now(house, view)["state"] == won


def forged(house: House, view: View) -> dict[str, str]:
    """States that are not ours, and look as if."""
    claims = claims_of(state_of(view))
    version, key = key_of(house)
    head, body, signature = state_of(view).split(".")
    other = base64.urlsafe_b64encode(
        json.dumps(claims | {"exp": claims["exp"] + 9999}).encode()
    ).decode()
    public = house.cloud.keys.signing.public_document()["n"]
    return {
        "another key": signed(claims, "x" * 43, kid=version),
        "a key by another name": signed(claims, key, kid="0" * 32),
        "a key with no name": signed(claims, key),
        "a path for a name": signed(claims, key, kid="../../grant-x-password/1"),
        "none": jwt.encode(claims, "", "none", {"kid": version, "typ": "curfew-consent+jwt"}),
        "HS384": jwt.encode(
            claims, key * 2, "HS384", {"kid": version, "typ": "curfew-consent+jwt"}
        ),
        "a public key as a secret": signed(claims, public, kid=version),
        "another type": jwt.encode(claims, key, "HS256", {"kid": version, "typ": "JWT"}),
        "a changed payload": f"{head}.{other.rstrip('=')}.{signature}",
        "no signature": f"{head}.{body}.",
        "half of it": state_of(view)[: len(state_of(view)) // 2],
        "no end": signed({k: v for k, v in claims.items() if k != "exp"}, key, kid=version),
        "an end that is none": signed(claims | {"exp": "soon"}, key, kid=version),
        "no tenant": signed({k: v for k, v in claims.items() if k != "tid"}, key, kid=version),
        "nothing": "",
        "anything": "<script>alert(1)</script>",
        "too much": "a" * 5000,
    }


def test_a_forged_answer_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    with unchanged(house, view):
        for how, state in forged(house, view).items():
            page = answered(house, **consent(view, state=state))
            assert page.status_code == 400, how
            assert "not one of ours" in text_of(page), how
    assert answered(house, **consent(view)).status_code == 200


def test_a_flood_of_forged_answers_costs_no_call_to_the_vault_or_the_ledger(
    house: House, newcomer: Tenant
) -> None:
    view = invited(house, newcomer)
    states = list(forged(house, view).values())
    answered(house, **consent(view, state=states[1]))
    before = vault_calls(house)
    with house.ledger.being("down"):
        for state in states * 3:
            assert answered(house, **consent(view, state=state)).status_code == 400
    assert vault_calls(house) == before


def vault_calls(house: House) -> int:
    return sum(call.service == "vault" for call in house.cloud.calls)


def test_a_late_answer_changes_nothing(house: House, newcomer: Tenant) -> None:
    view = invited(house, newcomer)
    version, key = key_of(house)
    late = signed(claims_of(state_of(view)) | {"exp": int(time.time()) - 1}, key, kid=version)
    with unchanged(house, view):
        page = answered(house, **consent(view, state=late))
    assert page.status_code == 410
    assert "good for one hour" in text_of(page)


def test_an_answer_of_another_tenant_changes_nothing(house: House, newcomer: Tenant) -> None:
    other = house.customer(onboard=False, consent=False)
    ours, theirs = invited(house, newcomer), invited(house, other)
    version, key = key_of(house)
    mixed = signed(claims_of(state_of(ours)) | {"tid": other.id}, key, kid=version)
    with unchanged(house, ours, theirs):
        for query in (
            consent(ours, tenant=other.id),
            consent(ours, tenant="organizations"),
            consent(ours, tenant=""),
            consent(ours, state=mixed, tenant=other.id),
            {"state": state_of(ours), "tenant": other.id, "error": "access_denied"},
        ):
            page = answered(house, **query)
            assert page.status_code == 400
            assert "another organization" in text_of(page)
    assert answered(house, **consent(theirs)).status_code == 200
    assert now(house, ours)["state"] == "waiting"


@pytest.mark.parametrize("said", ["", "False", "no"])
def test_an_answer_that_says_nothing_changes_nothing(
    house: House, newcomer: Tenant, said: str
) -> None:
    view = invited(house, newcomer)
    with unchanged(house, view):
        page = answered(house, **consent(view, admin_consent=said))
    assert page.status_code == 400
    assert "not complete" in text_of(page)


def test_nobody_is_believed_to_be_anybody_where_no_sign_in_is_checked(house: House) -> None:
    seen = len(house.host.log)
    assert house.as_("ada").get(ANSWER).status_code == 400
    served = [str(record) for record in house.host.log[seen:]]
    line = next(each for each in served if "operation=answer_onboarding" in each)
    assert "actor=None" in line

"""Grant ids carry their tenant; what is no grant id is answered as a grant that does not exist."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curfew.errors import NotFound
from curfew.ids import new_grant_id, new_mark, repeatable_grant_id, tenant_of

TENANT = "c0000000-0000-4000-a000-000000000001"
ULID = "01M7ZXWTY2AVW7VCNCX0BGGWMH"
# https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
REFUSED_IN_KEYS = set("/\\#?") | {chr(code) for code in (*range(32), *range(127, 160))}


@given(st.uuids())
def test_the_tenant_is_read_from_the_id(tenant: UUID) -> None:
    assert tenant_of(new_grant_id(str(tenant))) == str(tenant)
    assert tenant_of(repeatable_grant_id(str(tenant), "caller", "key")) == str(tenant)


@given(st.text(), st.text())
def test_an_id_suits_every_store_it_stands_in(caller: str, key: str) -> None:
    for grant_id in (new_grant_id(TENANT), repeatable_grant_id(TENANT, caller, key)):
        assert len(grant_id) == 65
        assert not set(grant_id) & REFUSED_IN_KEYS
        assert re.fullmatch(r"[0-9a-zA-Z-]{1,100}", grant_id)


def test_new_ids_never_repeat_and_sort_by_time() -> None:
    ids = [new_grant_id(TENANT) for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids[0][-26:-16] <= ids[-1][-26:-16]


def test_an_idempotency_key_means_one_id_per_tenant_and_caller() -> None:
    first = repeatable_grant_id(TENANT, "ann", "one")
    assert repeatable_grant_id(TENANT, "ann", "one") == first
    others = {
        repeatable_grant_id(TENANT, "ann", "two"),
        repeatable_grant_id(TENANT, "ben", "one"),
        repeatable_grant_id("f0000000-0000-4000-a000-000000000001", "ann", "one"),
    }
    assert first not in others
    assert len(others) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "g-",
        f"g-{TENANT}",
        f"g-{TENANT}-",
        f"G-{TENANT}-{ULID}",
        f"g-{TENANT.upper()}-{ULID}",
        f"g-{TENANT}-{ULID.lower()}",
        f"g-{TENANT}-8{ULID[1:]}",
        f"g-{TENANT}-{ULID}\n",
        f" g-{TENANT}-{ULID}",
        f"g-{TENANT}-{ULID}/../x",
        f"g-{'-' * 36}-{ULID}",
        f"g-{'0' * 36}-{ULID}",
        f"claim:msp-ann@contoso.onmicrosoft.com-{ULID}",
        "g-\u0661" * 20,
    ],
)
def test_what_is_no_grant_id_is_no_grant(text: str) -> None:
    with pytest.raises(NotFound):
        tenant_of(text)


@given(st.text())
def test_no_text_at_all_makes_reading_an_id_fail_otherwise(text: str) -> None:
    with pytest.raises(NotFound):
        tenant_of(text)


def test_marks_cannot_be_guessed() -> None:
    marks = {new_mark() for _ in range(100)}
    assert len(marks) == 100
    assert all(re.fullmatch(r"curfew-[0-9a-f]{32}", mark) for mark in marks)

"""Account names: the tenant's prefix, the technician's alias, the account domain."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curfew.naming import LONGEST_LOCAL_PART, alias_of, user_principal_name

DOMAIN = "contoso.onmicrosoft.com"


@pytest.mark.parametrize(
    ("sign_in_name", "alias"),
    [
        ("ann@northwind.example", "ann"),
        ("Ann.Smith@northwind.example", "ann.smith"),
        ("jörg.müller@northwind.example", "jorg.muller"),
        ("o'brien@northwind.example", "obrien"),
        ("ann+admin@northwind.example", "annadmin"),
        ("guest_partner.example#EXT#@northwind.example", "guest_partner.example"),
        (".ann.@northwind.example", "ann"),
        ("app-12345678", "app-12345678"),
        ("李@northwind.example", ""),
        ("@northwind.example", ""),
        ("", ""),
    ],
)
def test_the_alias_is_the_folded_local_part(sign_in_name: str, alias: str) -> None:
    assert alias_of(sign_in_name) == alias


def test_the_account_is_named_after_prefix_alias_and_domain() -> None:
    name = user_principal_name("msp-", "Ann@northwind.example", DOMAIN)
    assert name == "msp-ann@contoso.onmicrosoft.com"


def test_without_an_alias_there_is_no_name() -> None:
    assert user_principal_name("msp-", "李@northwind.example", DOMAIN) is None


@given(st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,15}\Z"), st.text(max_size=300))
def test_any_sign_in_name_makes_a_permitted_name_or_none(prefix: str, sign_in_name: str) -> None:
    name = user_principal_name(prefix, sign_in_name, DOMAIN)
    if name is None:
        return
    local, domain = name.split("@")
    assert domain == DOMAIN
    assert local.startswith(prefix)
    assert len(local) <= LONGEST_LOCAL_PART
    assert re.fullmatch(r"[a-z0-9._-]*[a-z0-9_-]", local)

"""Who is asking: only what the platform vouches for, and only where it enforces sign-in."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curfew.callers import AppRole, Caller, caller_of, issuers_of
from curfew.clouds import CLOUDS, Cloud, CloudName
from curfew.errors import NotSignedIn

HOME = "00000000-0000-4000-a000-000000000001"
OTHER = "99999999-0000-4000-a000-000000000001"
ANN = "a0000000-0000-4000-a000-000000000001"
HALO = "b0000000-0000-4000-a000-000000000001"

OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TID = "http://schemas.microsoft.com/identity/claims/tenantid"
SUB = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
SCP = "http://schemas.microsoft.com/identity/claims/scope"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"

PUBLIC = CLOUDS[CloudName.PUBLIC]

type Claims = list[tuple[str, Any]]

PERSON: Claims = [
    ("iss", f"https://login.microsoftonline.com/{HOME}/v2.0"),
    (OID, ANN),
    (TID, HOME),
    (SUB, "pairwise-subject"),
    (SCP, "user_impersonation"),
    ("name", "Ann Technician"),
    ("preferred_username", "ann@northwind.example"),
    ("roles", "Technician"),
]
APPLICATION: Claims = [
    ("iss", f"https://sts.windows.net/{HOME}/"),
    (OID, HALO),
    (TID, HOME),
    (SUB, HALO),
    ("idtyp", "app"),
    ("roles", "Integration"),
]


def header(claims: Claims) -> str:
    principal = {"auth_typ": "aad", "claims": [{"typ": typ, "val": val} for typ, val in claims]}
    return encoded(json.dumps(principal))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def read(claims: Claims) -> Caller:
    return caller_of(header(claims), enforced=True, cloud=PUBLIC, home_tenant=HOME)


def without(claims: Claims, *names: str) -> Claims:
    return [claim for claim in claims if claim[0] not in names]


def refused(text: str | None, *, enforced: bool = True, cloud: Cloud = PUBLIC) -> str:
    with pytest.raises(NotSignedIn) as refusal:
        caller_of(text, enforced=enforced, cloud=cloud, home_tenant=HOME)
    return refusal.value.detail


def test_a_person_is_known_by_object_id_with_name_and_roles() -> None:
    assert read(PERSON) == Caller(
        id=ANN,
        name="Ann Technician",
        sign_in_name="ann@northwind.example",
        roles=frozenset({AppRole.TECHNICIAN}),
        groups=None,
    )


GROUPS = [("groups", "D0000000-0000-4000-A000-000000000001"), ("groups", HALO)]
LISTED = frozenset({"d0000000-0000-4000-a000-000000000001", HALO})


def test_the_groups_that_a_token_lists_are_known_by_object_id() -> None:
    assert read(PERSON + GROUPS).groups == LISTED
    assert read(APPLICATION + GROUPS).groups == LISTED


@pytest.mark.parametrize(
    "overflow",
    [
        [("_claim_names", '{"groups": "src1"}'), ("_claim_sources", '{"src1": {"endpoint": "x"}}')],
        [("_claim_names", '{"picture":"src2","groups":"src1"}')],
        [("hasgroups", "true")],
    ],
    ids=["_claim_names", "among others", "hasgroups"],
)
def test_a_token_with_too_many_groups_tells_nothing_of_them(overflow: Claims) -> None:
    assert read(PERSON + overflow).groups is None
    assert read(PERSON + GROUPS + overflow).groups is None


def test_a_token_without_groups_does_not_say_that_there_are_none() -> None:
    assert read(PERSON).groups is None
    assert read(APPLICATION).groups is None


def test_a_claim_that_is_kept_elsewhere_is_no_group() -> None:
    elsewhere = [("_claim_names", '{"picture": "src1"}')]
    assert read(PERSON + GROUPS + elsewhere).groups == LISTED


def test_an_application_is_known_as_one() -> None:
    caller = read(APPLICATION)
    assert caller.is_application
    assert caller.id == HALO
    assert caller.name == caller.sign_in_name == "app-b0000000"
    assert caller.roles == {AppRole.INTEGRATION}


def test_claims_are_read_under_their_short_and_their_long_names() -> None:
    issuer = ("iss", f"https://sts.windows.net/{HOME}/")
    short = [("oid", ANN), ("tid", HOME), ("scp", "x"), ("upn", "ann@x.example"), (ROLE, "Auditor")]
    long = [(OID, ANN), (TID, HOME), (SCP, "x"), (UPN, "ann@x.example"), ("roles", "Auditor")]
    assert read([issuer, *short]) == read([issuer, *long])
    assert read([issuer, *short]).sign_in_name == "ann@x.example"


def test_all_roles_of_a_person_are_taken_and_unknown_ones_passed_over() -> None:
    roles = [("roles", "Approver"), (ROLE, "Auditor"), ("roles", "Emperor"), ("roles", "approver")]
    assert read([*without(PERSON, "roles"), *roles]).roles == {AppRole.APPROVER, AppRole.AUDITOR}


def test_without_roles_there_is_a_caller_who_may_nothing() -> None:
    assert read(without(PERSON, "roles")).roles == frozenset()


def test_a_person_never_holds_the_role_of_an_integration() -> None:
    assert read([*PERSON, ("roles", "Integration")]).roles == {AppRole.TECHNICIAN}


@pytest.mark.parametrize("role", ["Technician", "Approver", "Administrator", "Auditor"])
def test_an_application_never_holds_a_role_of_people(role: str) -> None:
    assert read([*APPLICATION, ("roles", role)]).roles == {AppRole.INTEGRATION}


def test_an_application_is_recognised_without_the_optional_claim() -> None:
    assert read(without(APPLICATION, "idtyp")).is_application


@pytest.mark.parametrize(
    "claims",
    [
        [*APPLICATION, (SCP, "")],
        [*APPLICATION, ("scp", " ")],
        without(APPLICATION, SUB),
        [*without(APPLICATION, SUB), (SUB, HALO.upper())],
    ],
    ids=["an empty scope", "a blank scope", "no subject", "another spelling"],
)
def test_what_proves_no_person_is_an_application_and_holds_no_role_of_people(
    claims: Claims,
) -> None:
    caller = read([*without(claims, "idtyp"), ("roles", "Administrator")])
    assert caller.is_application
    assert caller.roles == {AppRole.INTEGRATION}


def test_a_delegated_token_is_a_persons_even_about_itself() -> None:
    claims = [*without(PERSON, SUB), (SUB, ANN)]
    assert not read(claims).is_application


def test_nobody_is_believed_where_sign_in_is_not_enforced() -> None:
    assert "does not enforce" in refused(header(PERSON), enforced=False)


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_principal_nobody_is_signed_in(text: str | None) -> None:
    assert "Sign in" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "äöü",
        encoded("not json"),
        encoded("[]"),
        encoded("null"),
        encoded('"claims"'),
        encoded("{}"),
        encoded('{"claims": null}'),
        encoded('{"claims": 7}'),
        encoded('{"claims": ["oid"]}'),
        encoded('{"claims": [{"typ": "oid"}]}'),
        encoded('{"claims": [{"val": "x"}]}'),
        encoded('{"claims": {"oid": "x"}}'),
        encoded("[" * 100_000),
        base64.b64encode(b"\xff\xfe{}").decode(),
    ],
)
def test_what_cannot_be_read_is_nobody(text: str) -> None:
    assert "cannot be read" in refused(text)


@given(st.text())
def test_no_header_at_all_fails_otherwise(text: str) -> None:
    refused(text)
    refused(encoded(text))


@pytest.mark.parametrize(
    "claims",
    [
        [*without(PERSON, TID), (TID, OTHER)],
        without(PERSON, TID),
        without(PERSON, OID),
        [*without(PERSON, OID), (OID, "")],
        [*without(PERSON, "iss"), ("iss", f"https://login.microsoftonline.com/{OTHER}/v2.0")],
        [*PERSON, ("iss", f"https://login.microsoftonline.com/{OTHER}/v2.0")],
    ],
)
def test_a_member_of_another_tenant_is_nobody(claims: Claims) -> None:
    refused(header(claims))


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        HOME,
        f"https://evil.example/?{HOME}",
        f"https://evil.example/{HOME}/v2.0",
        f"http://login.microsoftonline.com/{HOME}/v2.0",
        f"https://login.microsoftonline.com/{HOME}",
        f"https://login.microsoftonline.com/{HOME}/v2.0/",
        f"https://login.microsoftonline.com/{HOME}/v1.0",
        f"https://login.microsoftonline.com/common/{HOME}/v2.0",
        f"https://login.microsoftonline.com.evil.example/{HOME}/v2.0",
        f"https://LOGIN.microsoftonline.com/{HOME}/v2.0",
        f"https://sts.windows.net/{HOME}",
        f"https://sts.windows.net/{OTHER}/",
        f"https://sts.windows.net/{OTHER}/../{HOME}/",
        f"https://login.microsoftonline.us/{HOME}/v2.0",
        f"https://sts.chinacloudapi.cn/{HOME}/",
    ],
)
def test_an_issuer_that_is_not_the_home_tenants_to_the_letter_vouches_for_nobody(
    issuer: str,
) -> None:
    assert "not issued" in refused(header([*without(PERSON, "iss"), ("iss", issuer)]))


def test_a_principal_without_an_issuer_is_nobody() -> None:
    assert "not issued" in refused(header(without(PERSON, "iss")))


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_in_each_cloud_tokens_of_both_versions_are_known_by_their_issuers(cloud: Cloud) -> None:
    issuers = issuers_of(cloud, HOME)
    assert f"{cloud.authority}/{HOME}/v2.0" in issuers
    for issuer in issuers:
        principal = header([*without(PERSON, "iss"), ("iss", issuer)])
        known = caller_of(principal, enforced=True, cloud=cloud, home_tenant=HOME)
        assert known.id == ANN
        assert "issued" in refused(
            header([*without(PERSON, "iss"), ("iss", issuer.replace(HOME, OTHER))]), cloud=cloud
        )


def test_in_china_tokens_name_other_hosts_than_the_one_that_issued_them() -> None:
    assert issuers_of(CLOUDS[CloudName.CHINA], HOME) == {
        f"https://sts.chinacloudapi.cn/{HOME}/",
        f"https://login.partner.microsoftonline.cn/{HOME}/v2.0",
        f"https://login.chinacloudapi.cn/{HOME}/v2.0",
    }


@pytest.mark.parametrize(
    "more",
    [(OID, HALO), ("oid", HALO), (TID, OTHER), ("tid", OTHER), ("iss", "https://evil.example")],
    ids=str,
)
def test_a_principal_that_says_two_things_is_nobody(more: tuple[str, str]) -> None:
    assert "ambiguous" in refused(header([*PERSON, more]))


def test_saying_the_same_twice_is_not_ambiguous() -> None:
    assert read([*PERSON, ("oid", ANN), ("tid", HOME)]).id == ANN

"""What all models share: strict about strangers at the edge, patient with what was stored."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from curfew.model.base import Duration, Guid, Label, Model, Moment, Period, ProfileName, Remark
from curfew.model.evidence import Evidence
from curfew.model.grants import GrantRequest, Lease, Plan
from curfew.model.messages import GrantInput
from curfew.model.profiles import ProfileSettings
from curfew.model.tenants import Connection, TenantSettings

TENANT = "c0000000-0000-4000-a000-000000000001"
PERSON = "a0000000-0000-4000-a000-000000000001"
ROLE = "5d6b6bb7-de71-4623-b4af-96380a352509"
GRANT = f"g-{TENANT}-01M7ZXWTY2AVW7VCNCX0BGGWMH"

PLAN = {
    "grantId": GRANT,
    "tenantId": TENANT,
    "connection": {"kind": "federated"},
    "technicianId": PERSON,
    "userPrincipalName": "msp-ann@contoso.com",
    "displayName": "Ann (Curfew)",
    "mark": "curfew-1",
    "roles": [{"id": ROLE, "name": "Security Reader"}],
    "credential": "both",
    "duration": "PT1H",
    "provisionBy": "2026-01-31T09:15:00Z",
}
LEASE = {
    "plan": PLAN,
    "tenantName": "Contoso",
    "profile": "helpdesk",
    "technician": {"id": PERSON, "name": "Ann"},
    "requestedAt": "2026-01-31T09:00:00Z",
    "deadline": "2026-01-31T10:15:00Z",
}


def valid(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refuses(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        valid(kind, value)
    return str(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT4H", timedelta(hours=4)),
        ("PT90M", timedelta(minutes=90)),
        ("PT1S", timedelta(seconds=1)),
        ("P1DT12H", timedelta(hours=36)),
        ("P31D", timedelta(days=31)),
    ],
)
def test_a_duration_is_iso_8601(text: str, duration: timedelta) -> None:
    assert valid(Duration, text) == duration


@pytest.mark.parametrize(
    "value",
    [
        "4h",
        "PT",
        "P",
        "P1M",
        "P1Y",
        "P1W",
        "-PT1H",
        "PT-1H",
        "PT1.5H",
        "pt1h",
        "PT1H ",
        "1:00:00",
        "3600",
        3600,
        3600.0,
        True,
        None,
        "",
        "PT4H\n",
        "P\u0661D",
        ["PT1H"],
    ],
    ids=repr,
)
def test_nothing_else_is_a_duration(value: object) -> None:
    assert "ISO 8601" in refuses(Duration, value)


@pytest.mark.parametrize("text", ["PT0S", "P0D", "P31DT1S", "P999D", "PT9999H"])
def test_a_duration_is_more_than_nothing_and_at_most_31_days(text: str) -> None:
    assert "31 days" in refuses(Duration, text)


@pytest.mark.parametrize("text", ["PT0S", "P3650DT1S", "P9999D"])
def test_a_period_is_more_than_nothing_and_at_most_ten_years(text: str) -> None:
    assert "3650 days" in refuses(Period, text)


@pytest.mark.parametrize(("text", "milliseconds"), [("PT0.2S", 200), ("PT1.025S", 1025)])
def test_a_duration_may_have_fractions_of_a_second(text: str, milliseconds: int) -> None:
    assert valid(Duration, text) == timedelta(milliseconds=milliseconds)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=31)))
def test_a_duration_survives_the_wire(duration: timedelta) -> None:
    whole = timedelta(seconds=int(duration.total_seconds()))
    adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
    assert adapter.validate_json(adapter.dump_json(whole)) == whole


def test_a_moment_is_kept_in_utc_and_written_as_rfc_3339() -> None:
    moment = valid(Moment, "2026-01-31T10:00:00+01:00")
    assert moment == datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert moment.tzinfo is UTC
    assert TypeAdapter(Moment).dump_python(moment, mode="json") == "2026-01-31T09:00:00.000Z"


def test_a_moment_without_an_offset_is_refused() -> None:
    assert "offset" in refuses(Moment, "2026-01-31T09:00:00")


def test_a_guid_is_dashed_and_kept_in_lower_case() -> None:
    assert valid(Guid, TENANT.upper()) == TENANT


@pytest.mark.parametrize(
    "value",
    [
        f"{{{TENANT}}}",
        TENANT.replace("-", ""),
        f"urn:uuid:{TENANT}",
        f"{TENANT} ",
        "",
        7,
        None,
        f"{TENANT[:-1]}g",
        f"{TENANT}\n",
        f"{TENANT[:-1]}\u0661",
    ],
)
def test_nothing_else_is_a_guid(value: object) -> None:
    assert "GUID" in refuses(Guid, value)


@given(st.text())
def test_no_text_becomes_a_guid_by_leniency(text: str) -> None:
    try:
        assert valid(Guid, text) == text.lower()
    except ValidationError:
        return


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\x07",
        "\n",
        "\r",
        "\t",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\u00ad",
        "\ud800",
        "\U000e0041",
    ],
)
@pytest.mark.parametrize("kind", [Label, Remark], ids=["label", "remark"])
def test_control_and_invisible_characters_are_refused(kind: Any, character: str) -> None:
    refuses(kind, f"a{character}b")


@pytest.mark.parametrize(("kind", "longest"), [(Label, 120), (Remark, 1000)])
def test_texts_have_a_length(kind: Any, longest: int) -> None:
    assert valid(kind, "x" * longest)
    assert valid(kind, "  x  ") == "x"
    refuses(kind, "x" * (longest + 1))
    refuses(kind, "")
    refuses(kind, "   ")


@pytest.mark.parametrize("name", ["a", "helpdesk", "tier-1", "0x", "a" * 63])
def test_a_profile_name_stands_in_an_address(name: str) -> None:
    assert valid(ProfileName, name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a_b", "a/b", "a.b", "..", "a" * 64, "ä", "a\n"])
def test_no_other_name_does(name: str) -> None:
    refuses(ProfileName, name)


def test_an_unknown_field_is_refused_and_named() -> None:
    with pytest.raises(ValidationError) as refused:
        GrantRequest.model_validate({"tenant": TENANT, "profile": "helpdesk", "roles": [ROLE]})
    assert [error["loc"] for error in refused.value.errors()] == [("roles",)]


@pytest.mark.parametrize("model", [TenantSettings, ProfileSettings, GrantRequest, Connection])
def test_every_model_at_the_edge_refuses_strangers(model: type[Model]) -> None:
    assert model.model_json_schema()["additionalProperties"] is False


def test_what_was_stored_by_a_later_release_is_read_without_what_is_unknown() -> None:
    later = json.loads(json.dumps(LEASE))
    later["colour"] = "red"
    later["plan"]["approvals"] = [{"by": PERSON}]
    later["plan"]["connection"]["region"] = "eu"
    later["plan"]["roles"][0]["scope"] = "/"
    lease = Lease.read(later)
    assert lease.plan.grant_id == GRANT
    assert "approvals" not in lease.to_json()["plan"]
    assert GrantInput.read({"plan": later["plan"], "mood": "fine"}).plan == lease.plan


def test_what_was_stored_comes_back_as_it_was() -> None:
    lease = Lease.read(LEASE)
    assert Lease.read(lease.to_json()) == lease
    assert Plan.read(lease.plan.to_json()) == lease.plan


def test_values_cannot_be_changed_in_place() -> None:
    lease = Lease.read(LEASE)
    with pytest.raises(ValidationError):
        setattr(lease, "stuck", True)  # noqa: B010 - mypy would refuse the plain assignment


@pytest.mark.parametrize(
    ("connection", "good"),
    [
        ({"kind": "federated"}, True),
        ({"kind": "secret", "secretName": "contoso-secret"}, True),
        ({"kind": "certificate", "secretName": "contoso-cert"}, True),
        ({"kind": "secret"}, False),
        ({"kind": "certificate"}, False),
        ({"kind": "federated", "secretName": "contoso-secret"}, False),
        ({"kind": "secret", "secretName": "a/b"}, False),
        ({"kind": "secret", "secretName": ""}, False),
    ],
)
def test_a_connection_names_its_secret_exactly_where_it_needs_one(
    connection: dict[str, str], good: bool
) -> None:
    if good:
        assert valid(Connection, connection).kind == connection["kind"]
    else:
        refuses(Connection, connection)


def test_the_durations_of_a_profile_stand_in_order() -> None:
    refuses(
        ProfileSettings,
        {"displayName": "x", "roles": [ROLE], "minDuration": "PT2H", "defaultDuration": "PT1H"},
    )


def test_a_profile_names_no_role_twice_however_it_is_written() -> None:
    refuses(ProfileSettings, {"displayName": "x", "roles": [ROLE, ROLE.upper()]})


def test_an_access_is_over_only_when_nothing_at_all_is_left() -> None:
    clean = {
        "verified_at": datetime(2026, 1, 31, tzinfo=UTC),
        "account_existed": True,
        "account_disabled": True,
        "roles_left": 0,
        "groups_left": 0,
        "methods_left": 0,
        "password_rotated": True,
        "sessions_revoked": True,
        "credential_disabled": True,
    }
    assert Evidence.model_validate(clean).clean
    for field in ("roles_left", "groups_left", "methods_left"):
        assert not Evidence.model_validate({**clean, field: 1}).clean
    for field in (
        "account_disabled",
        "password_rotated",
        "sessions_revoked",
        "credential_disabled",
    ):
        assert not Evidence.model_validate({**clean, field: False}).clean

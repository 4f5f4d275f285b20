"""What facts mean, by table: no directory is asked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from curfew.entra.accounts import Account
from curfew.entra.facts import Domain, GroupFacts
from curfew.entra.methods import PassPolicy
from curfew.entra.principals import OwnPrincipal, Registered
from curfew.errors import Denied, Missing
from curfew.model.checks import CheckReport, Severity
from curfew.model.profiles import Profile
from curfew.model.tenants import (
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    Connection,
    ConnectionKind,
    Tenant,
)
from curfew.preflight.facts import DirectoryFacts, TenantFacts, Unread
from curfew.preflight.findings import judge
from curfew.preflight.offers import GOVERNANCE, P1, P2
from curfew.preflight.permissions import IDS, NEEDS
from curfew.preflight.roles import (
    AUTHENTICATION_ADMINISTRATOR,
    USER_ADMINISTRATOR,
)
from curfew.vault import Standing

TENANT = "c0000000-0000-4000-a000-000000000009"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
REPORTS_READER = "4a5d8f65-41da-4de4-8968-e035b65339cf"
GROUP = "a0000000-0000-4000-a000-000000000001"
USER = "b0000000-0000-4000-a000-000000000001"
NOW = datetime(2026, 3, 1, 2, 7, tzinfo=UTC)
EVERYTHING = frozenset(IDS[need.permission] for need in NEEDS)
EMERGENCY = Account(USER, "breakglass@contoso.com", True, "", False, False, None, None)


def profile(**changes: Any) -> Profile:
    settings = {
        "display_name": "Helpdesk",
        "tenant": TENANT,
        "name": "helpdesk",
        "roles": (SECURITY_READER,),
        "role_names": {SECURITY_READER: "Security Reader", REPORTS_READER: "Reports Reader"},
        "group_names": {GROUP: "Exclusions"},
        "min_duration": timedelta(minutes=30),
    }
    return Profile(**{**settings, **changes})


def tenant(**changes: Any) -> Tenant:
    settings = {
        "id": TENANT,
        "display_name": "Contoso",
        "account_domain": "contoso.com",
        "break_glass": (USER,),
        "hard_limit": timedelta(hours=8),
    }
    return Tenant(**{**settings, **changes})


def directory(**changes: Any) -> DirectoryFacts:
    facts = DirectoryFacts(
        principal=OwnPrincipal("d0000000-0000-4000-a000-000000000001", frozenset()),
        consented=EVERYTHING,
        own_roles=frozenset({PRIVILEGED_AUTHENTICATION_ADMINISTRATOR}),
        role_names={SECURITY_READER: "Security Reader", REPORTS_READER: "Reports Reader"},
        domains={"contoso.com": Domain("contoso.com", verified=True, managed=True)},
        plans=frozenset({P1}),
        pass_policy=PassPolicy(enabled=True, shortest=10, longest=480),
        groups={},
        accounts={USER: EMERGENCY},
    )
    return replace(facts, **changes)


def found(
    *profiles: Profile,
    settings: Tenant | None = None,
    more: dict[str, Any] | None = None,
    **facts: Any,
) -> CheckReport:
    return judge(
        TenantFacts(
            tenant=settings or tenant(),
            profiles=profiles or (profile(),),
            now=NOW,
            directory=directory(**facts),
            **(more or {}),
        )
    )


def wrong(report: CheckReport) -> set[tuple[str, str]]:
    return {
        (each.code, each.severity.value)
        for each in report.findings
        if each.severity is not Severity.OK
    }


def test_where_nothing_is_wrong_nothing_is_said_to_be() -> None:
    report = found()
    assert wrong(report) == set()
    assert report.healthy


def group(**changes: bool) -> GroupFacts:
    plain = {"role_assignable": False, "dynamic": False, "synced": False}
    return GroupFacts(GROUP, "Exclusions", **{**plain, **changes})


def test_a_role_is_not_sufficient_for_a_group_that_cannot_be_read() -> None:
    report = found(
        profile(roles=(REPORTS_READER,), groups=(GROUP,)),
        own_roles=frozenset({USER_ADMINISTRATOR}),
        groups={GROUP: Unread(Denied("directory", "read group", status=403))},
    )
    assert wrong(report) == {("groups.unread", "error")}
    assert "role.sufficient" not in {each.code for each in report.findings}


def account(**changes: Any) -> Account:
    return replace(EMERGENCY, user_principal_name="clerk@contoso.com", **changes)


GROUPED = profile(groups=(GROUP,))
LENT = profile(kind="role", credential="none", subjects=(USER,))


@pytest.mark.parametrize(
    ("profiles", "settings", "facts", "expected"),
    [
        # the domain
        ((), {"account_domain": "other.com"}, {}, {("domain.unknown", "error")}),
        (
            (),
            {},
            {"domains": {"contoso.com": Domain("contoso.com", verified=False, managed=True)}},
            {("domain.unverified", "error")},
        ),
        (
            (),
            {},
            {"domains": {"contoso.com": Domain("contoso.com", verified=True, managed=False)}},
            {("domain.federated", "error")},
        ),
        # roles and groups of the profiles
        ((), {}, {"role_names": {}}, {("roles.unknown", "error")}),
        ((GROUPED,), {}, {"groups": {GROUP: None}}, {("groups.missing", "error")}),
        ((GROUPED,), {}, {"groups": {GROUP: group(dynamic=True)}}, {("groups.dynamic", "error")}),
        ((GROUPED,), {}, {"groups": {GROUP: group(synced=True)}}, {("groups.synced", "error")}),
        # the role of our own
        ((), {}, {"own_roles": frozenset()}, {("role.missing", "error")}),
        (
            (),
            {},
            {"own_roles": frozenset({AUTHENTICATION_ADMINISTRATOR})},
            {("role.missing", "error")},
        ),
        ((), {}, {"own_roles": frozenset({USER_ADMINISTRATOR})}, {("role.too-low", "error")}),
        ((), {}, {"own_roles": frozenset({GLOBAL_ADMINISTRATOR})}, set()),
        (
            (profile(roles=(REPORTS_READER,)),),
            {},
            {"own_roles": frozenset({USER_ADMINISTRATOR})},
            set(),
        ),
        (
            (profile(roles=(REPORTS_READER,), groups=(GROUP,)),),
            {},
            {
                "own_roles": frozenset({USER_ADMINISTRATOR}),
                "groups": {GROUP: group(role_assignable=True)},
            },
            {("role.too-low", "error")},
        ),
        # passes
        ((), {}, {"pass_policy": PassPolicy(False, 10, 480)}, {("pass.disabled", "error")}),
        ((), {}, {"pass_policy": PassPolicy(True, 10, 480, True)}, {("pass.once", "error")}),
        ((), {}, {"pass_policy": PassPolicy(True, 31, 480)}, {("pass.minimum", "warning")}),
        ((), {}, {"pass_policy": PassPolicy(True, 30, 480)}, set()),
        ((), {}, {"pass_policy": PassPolicy(True, 10, 479)}, {("pass.maximum", "warning")}),
        (
            (),
            {"hard_limit": timedelta(hours=1)},
            {"pass_policy": PassPolicy(True, 10, 60)},
            set(),
        ),
        (
            (),
            {},
            {"pass_policy": PassPolicy(True, 10, 480, False, frozenset({GROUP}))},
            {("pass.not-targeted", "error")},
        ),
        (
            (GROUPED,),
            {},
            {
                "pass_policy": PassPolicy(True, 10, 480, False, frozenset({GROUP})),
                "groups": {GROUP: group()},
            },
            set(),
        ),
        (
            (GROUPED,),
            {},
            {
                "pass_policy": replace(PassPolicy(True, 10, 480), excluded=frozenset({GROUP})),
                "groups": {GROUP: group()},
            },
            {("pass.excluded", "error")},
        ),
        (
            (profile(credential="password"),),
            {},
            {"pass_policy": None},
            set(),
        ),
        # licences
        ((profile(role_mode="pim"),), {}, {}, {("licence.no-pim", "error")}),
        ((profile(role_mode="auto"),), {}, {}, {("licence.plain-roles", "warning")}),
        ((profile(role_mode="pim"),), {}, {"plans": frozenset({P2})}, set()),
        ((profile(role_mode="pim"),), {}, {"plans": frozenset({P1, GOVERNANCE})}, set()),
        ((), {}, {"plans": frozenset()}, {("licence.no-sign-ins", "warning")}),
        # people
        ((), {"break_glass": ()}, {}, {("break-glass.none", "warning")}),
        ((), {}, {"accounts": {}}, {("break-glass.unknown", "error")}),
        ((LENT,), {}, {}, {("subjects.break-glass", "error")}),
        (
            (LENT,),
            {"break_glass": ()},
            {"accounts": {USER: account(synced=True)}},
            {("subjects.synced", "error"), ("break-glass.none", "warning")},
        ),
        (
            (LENT,),
            {"break_glass": (), "allow_synced": True},
            {"accounts": {USER: account(synced=True, enabled=False)}},
            {("subjects.disabled", "warning"), ("break-glass.none", "warning")},
        ),
        (
            (LENT,),
            {"break_glass": ()},
            {"accounts": {}},
            {("subjects.missing", "error"), ("break-glass.none", "warning")},
        ),
        (
            (LENT,),
            {"break_glass": ()},
            {
                "accounts": {USER: account()},
                "principal": OwnPrincipal(GROUP, frozenset({USER})),
            },
            {("subjects.owner", "error"), ("break-glass.none", "warning")},
        ),
    ],
)
def test_one_thing_that_is_wrong_is_one_finding(
    profiles: tuple[Profile, ...],
    settings: dict[str, Any],
    facts: dict[str, Any],
    expected: set[tuple[str, str]],
) -> None:
    assert wrong(found(*profiles, settings=tenant(**settings), **facts)) == expected


UNREAD = Unread(Denied("directory", "read something", status=403))


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ("consented", "permissions.unread"),
        ("own_roles", "role.unread"),
        ("role_names", "roles.unread"),
        ("domains", "domain.unread"),
        ("plans", "licence.unread"),
        ("pass_policy", "pass.unread"),
        ("accounts", "break-glass.unread"),
        ("registered", "registered.unread"),
    ],
)
def test_what_could_not_be_read_is_an_error_of_its_own(fact: str, code: str) -> None:
    facts: dict[str, Any] = {fact: UNREAD}
    report = found(**facts)
    assert wrong(report) == {(code, "error")}
    assert not report.healthy
    (finding,) = (each for each in report.findings if each.code == code)
    assert "403" in finding.meaning


def connected(kind: ConnectionKind) -> Tenant:
    connection = Connection(kind=kind, secret_name="contoso")
    return tenant(connection=connection)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (31, set()),
        (30, {("vault.lapses", "warning"), ("certificate.lapses", "warning")}),
        (0, {("vault.lapsed", "error"), ("certificate.lapsed", "error")}),
    ],
)
def test_what_lapses_is_said_thirty_days_before(days: int, expected: set[tuple[str, str]]) -> None:
    until = NOW + timedelta(days=days)
    more = {"standing": Standing(True, until), "certificate": until}
    assert wrong(found(settings=connected(ConnectionKind.CERTIFICATE), more=more)) == expected


def test_a_secret_that_is_disabled_or_gone_is_an_error() -> None:
    settings = connected(ConnectionKind.SECRET)
    disabled = found(settings=settings, more={"standing": Standing(False, None)})
    assert wrong(disabled) == {("connection.disabled", "error")}
    gone = Unread(Missing("vault", "versions", status=404))
    assert wrong(found(settings=settings, more={"standing": gone})) == {
        ("connection.missing", "error")
    }


def test_of_an_applications_credentials_only_the_newest_counts() -> None:
    old, new = NOW - timedelta(days=1), NOW + timedelta(days=300)
    both = (Registered("old", old), Registered("new", new))
    assert wrong(found(registered=both)) == set()
    assert wrong(found(registered=both[:1])) == {("registered.lapsed", "error")}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (None, {("connection.undated", "warning")}),
        ((), {("connection.undated", "warning")}),
        ((5, 300), {("connection.undated", "warning")}),
        ((5,), {("registered.lapses", "warning")}),
        ((-5, 300), set()),
        ((200, 300), set()),
    ],
    ids=["registered elsewhere", "none dated", "one of two", "the only one", "lapsed", "none soon"],
)
def test_a_secret_whose_end_nobody_knows_is_not_said_to_be_in_date(
    ends: tuple[int, ...] | None, expected: set[tuple[str, str]]
) -> None:
    """The vault need not have a date, and need not hold the newest of an application's secrets."""
    known = None
    if ends is not None:
        known = tuple(Registered(f"{day}", NOW + timedelta(days=day)) for day in ends)
    settings = connected(ConnectionKind.SECRET)
    report = found(settings=settings, more={"standing": Standing(True, None)}, registered=known)
    assert wrong(report) == expected
    said = [each.meaning for each in report.findings if each.code.startswith("connection.")]
    assert not [each for each in said if "does not lapse" in each]


def test_there_are_no_passes_in_china() -> None:
    assert wrong(found(more={"has_passes": False})) == {("pass.not-in-cloud", "error")}

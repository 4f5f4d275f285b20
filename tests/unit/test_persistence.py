"""What in a log of changes lets somebody come back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from curfew.model.reports import Change, Persistence, Target
from curfew.persistence import ACTIVITIES, persistence_in

ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = Target(id="aaaaaaaa-0000-4000-8000-000000000002", kind="User", name="ceo@contoso.example")
ITSELF = Target(id=ACCOUNT, kind="User", name="msp-ann@contoso.example")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def change(activity: str, **more: Any) -> Change:
    told = {"at": NOON, "category": "", "result": "success", "targets": (OTHER,), **more}
    return Change(activity=activity, **told)


def kinds(*changes: Change) -> list[Persistence]:
    return [finding.kind for finding in persistence_in(changes, ACCOUNT)]


@pytest.mark.parametrize(
    ("activity", "kind"),
    [
        ("Add application", "application"),
        ("Add owner to service principal", "application"),
        ("Add service principal credentials", "app-credential"),
        ("Update application \u2013 Certificates and secrets management ", "app-credential"),
        ("Update application - Certificates and secrets management", "app-credential"),
        ("Consent to application", "consent"),
        ("Consent to application.", "consent"),
        ("Add app role assignment to service principal", "consent"),
        ("Add delegated permission grant", "consent"),
        ("Add member to role", "role"),
        ("Add eligible member to role in PIM completed (permanent)", "role"),
        ("Add member to role outside of PIM (permanent)", "role"),
        ("Update role setting in PIM", "role"),
        ("Add user", "user"),
        ("Restore user", "user"),
        ("Invite external user", "user"),
        ("Reset user password", "password"),
        ("Reset password (by admin)", "password"),
        ("Admin registered security info", "sign-in-method"),
        ("Add FIDO2 security key", "sign-in-method"),
        ("Add conditional access policy", "conditional-access"),
        ("Update Conditional Access policy", "conditional-access"),
        ("Delete conditional access policy", "conditional-access"),
        ("Update named location", "conditional-access"),
        ("Authentication Methods Policy Update", "authentication-policy"),
        ("Set domain authentication", "federation"),
        ("Set federation settings on domain", "federation"),
        ("Add partner to company", "partner"),
    ],
)
def test_what_may_outlive_a_grant_is_found(activity: str, kind: str) -> None:
    assert kinds(change(activity)) == [kind]


@pytest.mark.parametrize(
    "activity",
    [
        "Update user",
        "Disable account",
        "Delete user",
        "Add member to group",
        "Remove member from role",
        "Remove service principal credentials",
        "Add member to role completed (PIM activation)",
        "Admin deleted security info",
        "User registered a meeting room",
    ],
)
def test_what_takes_away_or_ends_by_itself_is_not(activity: str) -> None:
    assert kinds(change(activity)) == []


@pytest.mark.parametrize("name", ["FederatedIdentityCredentials", "KeyDescription"])
@pytest.mark.parametrize("activity", ["Update application", "Update service principal"])
def test_a_credential_that_comes_as_a_plain_update_is_found(activity: str, name: str) -> None:
    assert kinds(change(activity, properties=("DisplayName",))) == []
    assert kinds(change(activity, properties=("DisplayName", name))) == ["app-credential"]


def test_what_an_account_did_to_its_own_sign_in_ends_with_it() -> None:
    for activity in ("User registered security info", "Change user password"):
        assert kinds(change(activity, targets=(ITSELF,))) == []
        assert kinds(change(activity, targets=(ITSELF, OTHER))) != []
        assert kinds(change(activity, targets=())) != []


def test_a_role_that_an_account_gave_itself_is_found() -> None:
    assert kinds(change("Add member to role", targets=(ITSELF,))) == ["role"]


def test_what_failed_is_none_and_what_is_not_known_to_have_failed_is() -> None:
    assert kinds(change("Add user", result="failure")) == []
    assert kinds(change("Add user", result="timeout"), change("Add user", result="")) == [
        "user",
        "user",
    ]


def test_a_finding_names_the_change_and_its_targets() -> None:
    (finding,) = persistence_in([change("Add user", targets=(OTHER, Target(id="x")))], ACCOUNT)
    assert (finding.what, finding.at) == ("Add user: ceo@contoso.example, x", NOON)


def test_the_table_is_written_as_the_log_is_read() -> None:
    names = [name for activities in ACTIVITIES.values() for name in activities]
    assert len(names) == len(set(names))
    for name in names:
        assert kinds(change(name.upper())) != [], name

"""The preflight's tables: permissions, directory roles, refusals of the sign-in."""

from typing import Any

import pytest

from curfew.errors import CurfewError, Denied, Missing, Throttled, Unavailable
from curfew.model.tenants import GLOBAL_ADMINISTRATOR
from curfew.preflight.facts import TenantFacts, Unread
from curfew.preflight.findings import judge
from curfew.preflight.permissions import IDS, NEEDS, Feature, features_of, missing
from curfew.preflight.refusals import refusal_of
from curfew.preflight.roles import (
    AUTHENTICATION_ADMINISTRATOR,
    MANAGED_BY,
    USER_ADMINISTRATOR,
    beyond,
)
from simulator.directory import roles as played
from simulator.graph.permissions import PERMISSION_IDS
from tests.unit.test_preflight import EVERYTHING, GROUP, NOW, profile, tenant, wrong


def test_the_table_of_roles_is_microsofts() -> None:
    for role in played.ROLES.values():
        for actor in (USER_ADMINISTRATOR, AUTHENTICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR):
            reaches = played.covers({actor}, {role.id}, protected_group=False)
            assert (not beyond(frozenset({actor}), (role.id,))) is reaches, role.name
    assert set(MANAGED_BY) <= set(played.ROLES)


def test_every_permission_has_the_id_that_the_service_knows_it_by() -> None:
    for name, app_role in IDS.items():
        assert PERMISSION_IDS.get(name, app_role) == app_role
    named = {need.permission for need in NEEDS} | {w for need in NEEDS for w in need.included_in}
    assert named == set(IDS)


def test_a_wider_permission_includes_the_narrower() -> None:
    features = features_of((profile(),), is_home=False, deletes_idle=False)
    assert missing(EVERYTHING, features) == ()
    narrow = IDS["User.RevokeSessions.All"]
    wide = EVERYTHING - {narrow}
    assert missing(wide, features) == ()
    (lacking,) = missing(wide - {IDS["User.ReadWrite.All"]}, frozenset({Feature.CORE}))
    assert lacking.permission == "User.RevokeSessions.All"


@pytest.mark.parametrize(
    ("changes", "feature"),
    [
        ({"role_mode": "auto"}, Feature.PIM),
        ({"groups": (GROUP,)}, Feature.GROUPS),
        ({"ending": "delete"}, Feature.DELETION),
        ({}, Feature.PASSES),
    ],
)
def test_a_feature_is_needed_where_a_profile_uses_it(
    changes: dict[str, Any], feature: Feature
) -> None:
    plain = profile(credential="password")
    assert feature not in features_of((plain,), is_home=False, deletes_idle=False)
    using = profile(**changes)
    assert feature in features_of((plain, using), is_home=False, deletes_idle=False)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Denied("identity", "token", status=400, service_code="AADSTS700016"), "not-consented"),
        (Denied("identity", "token", status=400, service_code="AADSTS90002"), "unknown-tenant"),
        (Denied("identity", "token", status=400, service_code="AADSTS7000112"), "app-disabled"),
        (Denied("identity", "token", status=401, service_code="AADSTS7000215"), "wrong-secret"),
        (Denied("identity", "token", status=401, service_code="AADSTS7000222"), "lapsed-secret"),
        (
            Denied("identity", "token", status=401, service_code="AADSTS700027"),
            "certificate-refused",
        ),
        (
            Denied("identity", "token", status=401, service_code="AADSTS700236"),
            "federation-misplaced",
        ),
        (
            Denied("identity", "token", status=401, service_code="AADSTS700213"),
            "federation-unknown",
        ),
        (Denied("identity", "token", status=400, service_code="AADSTS1"), "refused"),
        (Unavailable("identity", "token"), "unreachable"),
        (Throttled("identity", "token", status=429), "unreachable"),
        (Missing("vault", "read", status=404), "no-secret"),
        (Denied("vault", "read", status=403), "vault-denied"),
        (Denied("identity", "credential", service_code="UnusableSecret"), "unusable-secret"),
        (Unavailable("vault", "read"), "vault-unreachable"),
        (CurfewError("odd"), "refused"),
    ],
)
def test_a_refused_token_is_understood_by_its_code(failure: CurfewError, code: str) -> None:
    assert refusal_of(failure).code == f"token.{code}"
    report = judge(TenantFacts(tenant=tenant(), profiles=(), now=NOW, refused=Unread(failure)))
    assert wrong(report) == {(f"token.{code}", "error"), ("directory.not-looked-at", "warning")}

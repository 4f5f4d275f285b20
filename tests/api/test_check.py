"""The preflight over HTTP, against tenants that lack one thing each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devhost.stack import SECURITY_READER, helpdesk
from simulator import Tenant
from simulator.applications import Application, Certificate, Secret
from simulator.directory.objects import Domain
from simulator.directory.roles import USER_ADMINISTRATOR
from simulator.scenario import make_certificate, trust_identity
from tests.api.house import House
from tests.api.test_settings import address, settings_of

INTUNE_ADMINISTRATOR = "3a2c62db-5318-420d-8d74-23affee5d9d5"

type Report = dict[str, Any]


@pytest.fixture
def ada(house: House) -> httpx.Client:
    return house.as_("ada")


@pytest.fixture
def check(house: House, ada: httpx.Client) -> Callable[[Tenant], Report]:
    """Check a tenant, and see that nothing was written to its directory."""

    def look(tenant: Tenant) -> Report:
        before = len(house.writes(tenant))
        answer = ada.post(f"{address(tenant)}/check")
        assert answer.status_code == 200, answer.text
        assert len(house.writes(tenant)) == before
        report: Report = answer.json()
        is_healthy = "error" not in {each["severity"] for each in report["findings"]}
        assert report["healthy"] is is_healthy
        for finding in report["findings"]:
            assert (finding["fix"] is None) is (finding["severity"] == "ok")
        return report

    return look


def the(report: Report, code: str) -> dict[str, str]:
    finding: dict[str, str]
    (finding,) = (each for each in report["findings"] if each["code"] == code)
    return finding


def wrong(report: Report) -> set[str]:
    return {each["code"] for each in report["findings"] if each["severity"] != "ok"}


def change(ada: httpx.Client, tenant: Tenant, **settings: Any) -> None:
    body = settings_of(tenant, **settings)
    ada.put(address(tenant), json=body, headers={"If-Match": "*"}).raise_for_status()


def healthy(house: House, ada: httpx.Client, **profile: Any) -> Tenant:
    tenant = house.customer({"helpdesk": helpdesk(minDuration="PT15M", **profile)})
    emergency = tenant.find_user(f"breakglass@{tenant.domain}")
    assert emergency is not None
    change(ada, tenant, breakGlass=[emergency.id], hardLimit="PT8H")
    return tenant


def test_a_healthy_tenant_lacks_nothing(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    report = check(healthy(house, ada))
    assert report["healthy"]
    assert wrong(report) == set()
    assert {
        "token.obtained",
        "permissions.consented",
        "role.sufficient",
        "domain.usable",
        "roles.known",
        "pass.usable",
        "break-glass.known",
        "connection.federated",
        "protected.own",
    } <= {each["code"] for each in report["findings"]}


def test_without_consent_the_one_thing_that_is_wrong_is_said_once(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    assert check(tenant)["healthy"]
    tenant.withdraw_consent(house.world.curfew.app_id)
    report = check(tenant)
    assert wrong(report) == {"token.not-consented", "directory.not-looked-at"}
    refused = the(report, "token.not-consented")
    assert refused["severity"] == "error"
    assert "AADSTS700016" in refused["meaning"]
    assert "consent address" in refused["fix"]


@pytest.mark.parametrize(
    ("permission", "feature", "severity"),
    [
        ("Policy.Read.AuthenticationMethod", "passes", "error"),
        ("User-PasswordProfile.ReadWrite.All", "accounts", "error"),
        ("RoleManagement.ReadWrite.Directory", "core", "error"),
        ("AuditLog.Read.All", "evidence", "warning"),
    ],
)
def test_one_missing_permission_is_named_with_what_it_is_for(
    house: House,
    ada: httpx.Client,
    check: Callable[[Tenant], Report],
    permission: str,
    feature: str,
    severity: str,
) -> None:
    tenant = healthy(house, ada)
    principal = tenant.principal_of(house.world.curfew.app_id)
    assert principal is not None
    principal.permissions.discard(permission)
    finding = the(check(tenant), f"permissions.{feature}")
    assert finding["severity"] == severity
    assert permission in finding["title"]
    assert permission in finding["fix"]


def test_a_fact_that_cannot_be_read_is_never_taken_for_well(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    trouble = house.cloud.faults.fail_before(
        path="/domains", method="GET", tenant=tenant.id, times=None
    )
    try:
        report = check(tenant)
    finally:
        house.cloud.faults.remove(trouble)
    assert wrong(report) == {"domain.unread"}
    unread = the(report, "domain.unread")
    assert unread["severity"] == "error"
    assert "503" in unread["meaning"]
    assert check(tenant)["healthy"]


def test_consent_without_a_directory_role_is_not_enough(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    principal = tenant.principal_of(house.world.curfew.app_id)
    assert principal is not None
    for assignment in tenant.assignments_of(principal.id):
        del tenant.role_assignments[assignment.id]
    missing = the(check(tenant), "role.missing")
    assert missing["severity"] == "error"
    assert "Privileged Authentication Administrator" in missing["fix"]
    assert principal.id in missing["fix"]


def test_a_role_that_does_not_reach_is_told_by_profile(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada, roles=[INTUNE_ADMINISTRATOR])
    principal = tenant.principal_of(house.world.curfew.app_id)
    assert principal is not None
    for assignment in tenant.assignments_of(principal.id):
        del tenant.role_assignments[assignment.id]
    tenant.assign_role(principal.id, USER_ADMINISTRATOR)
    too_low = the(check(tenant), "role.too-low")
    assert too_low["severity"] == "error"
    assert "helpdesk" in too_low["title"]
    assert "Intune Administrator" in too_low["meaning"]


def test_a_domain_that_was_federated_since(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    tenant.domains["other.example"] = Domain("other.example")
    tenant.domains[tenant.domain].authentication_type = "Federated"
    federated = the(check(tenant), "domain.federated")
    assert federated["severity"] == "error"
    assert tenant.domain in federated["title"]
    assert "other.example" in federated["fix"]


def test_passes_that_were_switched_off(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    tenant.access_pass_policy.enabled = False
    disabled = the(check(tenant), "pass.disabled")
    assert disabled["severity"] == "error"
    assert "helpdesk" in disabled["meaning"]
    assert "Temporary Access Pass" in disabled["fix"]


def test_a_shortest_pass_that_outlives_the_grant(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    tenant.access_pass_policy.minimum_minutes = 90
    report = check(tenant)
    minimum = the(report, "pass.minimum")
    assert minimum["severity"] == "warning"
    assert "90 minutes" in minimum["title"]
    assert "helpdesk" in minimum["title"]
    assert "minimum lifetime" in minimum["fix"]
    assert report["healthy"]


def test_passes_that_are_for_others(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    staff = next(iter(tenant.groups.values()))
    tenant.access_pass_policy.targets = [staff.id]
    assert the(check(tenant), "pass.not-targeted")["severity"] == "error"
    staff.dynamic = True
    assert the(check(tenant), "pass.perhaps-not-targeted")["severity"] == "warning"


@pytest.mark.parametrize(
    ("mode", "code", "severity"),
    [("pim", "licence.no-pim", "error"), ("auto", "licence.plain-roles", "warning")],
)
def test_no_p2_for_a_profile_that_wants_pim(
    house: House,
    ada: httpx.Client,
    check: Callable[[Tenant], Report],
    mode: str,
    code: str,
    severity: str,
) -> None:
    tenant = healthy(house, ada, roleMode=mode)
    report = check(tenant)
    assert wrong(report) == {code}
    assert the(report, code)["severity"] == severity
    assert "helpdesk" in the(report, code)["title"]
    assert "P2" in the(report, code)["fix"]
    tenant.licences = {"P2"}
    assert wrong(check(tenant)) == set()


def own_app(house: House, tenant: Tenant, home: Tenant, **settings: Any) -> Application:
    """An application that is registered in `home`, and let into the tenant as Curfew's own is."""
    application = house.cloud.add_application("Curfew for one customer", home, **settings)
    model = tenant.principal_of(house.world.curfew.app_id)
    assert model is not None
    roles = tuple(each.role_id for each in tenant.assignments_of(model.id))
    tenant.consent(application.app_id, "Curfew", set(model.permissions), roles=roles)
    return application


def put_into_vault(house: House, name: str, value: str) -> None:
    from simulator.directory.objects import new_id
    from simulator.vault import Secret as VaultSecret
    from simulator.vault import SecretVersion

    now = house.cloud.now()
    version = SecretVersion(new_id().replace("-", ""), value, created=now, updated=now)
    house.cloud.vault.secrets[name] = VaultSecret(name, {version.version: version})


def test_a_secret_that_lapsed_and_one_that_soon_will(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    secret = Secret("a-secret-of-the-customer", datetime.now(UTC) + timedelta(days=12))
    application = own_app(house, tenant, tenant, secrets=[secret])
    name = f"customer-{len(house.cloud.tenants)}-secret"
    put_into_vault(house, name, secret.value)
    connection = {"kind": "secret", "clientId": application.app_id, "secretName": name}
    change(ada, tenant, connection=connection)
    report = check(tenant)
    assert report["healthy"]
    assert the(report, "registered.lapses")["severity"] == "warning"

    secret.expires = datetime.now(UTC) - timedelta(days=1)
    lapsed = the(check(tenant), "token.lapsed-secret")
    assert lapsed["severity"] == "error"
    assert "AADSTS7000222" in lapsed["meaning"]
    assert "new client secret" in lapsed["fix"]
    assert secret.value not in str(lapsed)


@pytest.mark.parametrize(("days", "code"), [(400, None), (20, "certificate.lapses")])
def test_a_certificate_is_warned_of_thirty_days_before_it_lapses(
    house: House,
    ada: httpx.Client,
    check: Callable[[Tenant], Report],
    days: int,
    code: str | None,
) -> None:
    tenant = healthy(house, ada)
    pair = make_certificate("customer", days=days)
    application = own_app(house, tenant, tenant, certificates=[Certificate(pair.certificate)])
    name = f"customer-{len(house.cloud.tenants)}-certificate"
    put_into_vault(house, name, pair.together.decode())
    connection = {"kind": "certificate", "clientId": application.app_id, "secretName": name}
    change(ada, tenant, breakGlass=[], connection=connection)
    codes = wrong(check(tenant)) - {"break-glass.none", "pass.maximum"}
    assert codes == ({code, "registered.lapses"} if code else set())


def test_a_federated_credential_on_an_application_of_the_customers_tenant(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    world, tenant = house.world, healthy(house, ada)
    application = own_app(house, tenant, world.home, multi_tenant=True)
    trust_identity(house.cloud, application, world.home, world.identity)
    change(ada, tenant, connection={"kind": "federated", "clientId": application.app_id})
    application.home_tenant = tenant.id
    misplaced = the(check(tenant), "token.federation-misplaced")
    assert misplaced["severity"] == "error"
    assert "AADSTS700236" in misplaced["meaning"]
    assert "clientId" in misplaced["fix"]


def test_emergency_accounts_that_nobody_named_or_that_are_not_there(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    change(ada, tenant)
    assert the(check(tenant), "break-glass.none")["severity"] == "warning"
    nobody = "99999999-0000-4000-8000-000000000001"
    change(ada, tenant, breakGlass=[nobody])
    unknown = the(check(tenant), "break-glass.unknown")
    assert unknown["severity"] == "error"
    assert nobody in unknown["title"]


def test_the_latest_answer_is_kept_for_auditors(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant, otto = healthy(house, ada), house.as_("otto")
    assert otto.get(f"{address(tenant)}/check").status_code == 404
    report = check(tenant)
    assert otto.get(f"{address(tenant)}/check").json() == report
    tenant.access_pass_policy.enabled = False
    house.host.run_timer("check")
    latest = ada.get(f"{address(tenant)}/check").json()
    assert wrong(latest) == {"pass.disabled"}
    assert latest["checkedAt"] > report["checkedAt"]


def test_group_and_role_grants_are_looked_at_too(
    house: House, ada: httpx.Client, check: Callable[[Tenant], Report]
) -> None:
    tenant = healthy(house, ada)
    staff = next(each for each in tenant.groups.values() if not each.role_assignable)
    clerk = tenant.find_user(f"clerk@{tenant.domain}")
    assert clerk is not None
    lent = helpdesk(
        kind="role",
        roles=[SECURITY_READER],
        groups=[staff.id],
        subjects=[clerk.id],
        credential="none",
        minDuration="PT15M",
    )
    ada.put(address(tenant, "lent"), json=lent).raise_for_status()
    codes = {each["code"] for each in check(tenant)["findings"]}
    assert {"groups.usable", "subjects.usable"} <= codes
    staff.synced, clerk.synced = True, True
    report = check(tenant)
    assert wrong(report) == {"groups.synced", "subjects.synced"}
    assert clerk.user_principal_name in the(report, "subjects.synced")["title"]
    del tenant.groups[staff.id]
    del tenant.users[clerk.id]
    assert wrong(check(tenant)) == {"groups.missing", "subjects.missing"}

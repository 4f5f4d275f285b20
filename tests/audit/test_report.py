"""The activity report: what an account did with its access, and what may outlive the grant."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from curfew.errors import NotYet, Throttled, Unavailable
from curfew.ids import new_grant_id, new_mark
from curfew.ledger import AuditQuery
from curfew.model.audit import AuditEvent
from curfew.model.grants import GrantState, Lease, Plan
from curfew.model.profiles import CredentialKind
from curfew.model.reports import ActivityReport
from curfew.model.tenants import Connection
from curfew.reporting import AFTER, PATIENCE, report_activity
from simulator.directory.tenant import Tenant
from tests.lifecycle.engine import Clock
from tests.lifecycle.shared import Shared, running
from tests.lifecycle.world import HOUR, ROLES, START, TECHNICIAN, new_customer

ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with running() as everything:
        yield everything


@dataclass
class Story:
    """A grant of an hour that is over, and the logs of its tenant to write into."""

    shared: Shared
    clock: Clock
    customer: Tenant
    lease: Lease

    def wait(self, awaitable: Any) -> Any:
        return self.shared.loop.run_until_complete(awaitable)

    def report(self) -> ActivityReport:
        """The report as it stands in the history after the step."""
        services = self.shared.services
        self.wait(report_activity(services, self.lease.plan))
        lease: Lease = self.wait(services.leases.find(self.lease.plan.grant_id))
        assert lease.report is not None
        return lease.report

    def did(
        self, activity: str, *, at: timedelta = timedelta(minutes=10), **more: Any
    ) -> dict[str, Any]:
        """Let the account have done something, so long after its activation."""
        entry = {
            "id": f"Directory_{uuid4()}",
            "category": "Policy",
            "correlationId": str(uuid4()),
            "result": "success",
            "activityDisplayName": activity,
            "activityDateTime": f"{START + at:%Y-%m-%dT%H:%M:%SZ}",
            "initiatedBy": {"app": None, "user": {"id": ACCOUNT}},
            "targetResources": [
                {
                    "id": "bbbbbbbb-0000-4000-8000-000000000001",
                    "type": "Other",
                    "displayName": "Something",
                    "modifiedProperties": [
                        {"displayName": "Value", "oldValue": None, "newValue": '["hunter2"]'}
                    ],
                }
            ],
            **more,
        }
        self.customer.directory_audits.append(entry)
        return entry

    def signed_in(self, at: datetime, code: int = 0) -> None:
        self.customer.sign_ins.append(
            {
                "id": str(uuid4()),
                "createdDateTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "userId": ACCOUNT,
                "appDisplayName": "Azure Portal",
                "ipAddress": "192.0.2.7",
                "status": {"errorCode": code, "failureReason": "Other."},
            }
        )

    def audited(self) -> list[AuditEvent]:
        query = AuditQuery(grant=self.lease.plan.grant_id)
        found = self.wait(self.shared.services.audit.events(query, size=100))
        return list(found.events)


@pytest.fixture
def story(shared: Shared) -> Iterator[Story]:
    clock = Clock(START)
    shared.cloud.clock = clock
    shared.services.clock = clock
    customer = new_customer(shared.cloud, shared.demo)
    yield over(shared, clock, customer)
    shared.cloud.faults.clear()
    shared.ledger.trouble = None
    assert shared.cloud.defects == []


def over(shared: Shared, clock: Clock, customer: Tenant, account: str | None = ACCOUNT) -> Story:
    plan = Plan(
        grant_id=new_grant_id(customer.id),
        tenant_id=customer.id,
        connection=Connection(),
        technician_id=TECHNICIAN.id,
        user_principal_name=f"msp-ann@{customer.domain}",
        display_name="Ann Technician (Curfew)",
        mark=new_mark(),
        account_id=account,
        opened=account is not None,
        roles=ROLES,
        credential=CredentialKind.PASSWORD,
        duration=HOUR,
        provision_by=START + timedelta(minutes=15),
    )
    lease = Lease(
        plan=plan,
        tenant_name=customer.name,
        profile="helpdesk",
        technician=TECHNICIAN,
        requested_at=START,
        deadline=START + 2 * HOUR,
        activated_at=START,
    )
    shared.loop.run_until_complete(shared.services.leases.open(lease))
    clock.moment = START + HOUR
    ended = lease.model_copy(update={"state": GrantState.ENDED, "ended_at": clock()})
    shared.loop.run_until_complete(shared.services.leases.close(ended))
    clock.advance(timedelta(minutes=30))
    return Story(shared, clock, customer, ended)


def test_it_tells_what_the_account_did_in_its_time(story: Story) -> None:
    story.did("Update user", at=timedelta(minutes=20))
    story.did("Add group", at=timedelta(minutes=10))
    story.did("Update group", at=timedelta(hours=1, minutes=20))
    story.did("Delete group", at=timedelta(minutes=-30))
    story.did("Add member to group", initiatedBy={"app": None, "user": {"id": str(uuid4())}})
    report = story.report()
    assert report.changes is not None
    told = [change.activity for change in report.changes]
    assert told == ["Add group", "Update user", "Update group"]
    assert (report.changes_unavailable, report.truncated, report.persistence) == (None, False, ())


def test_nothing_done_is_an_empty_list_and_not_an_absence(story: Story) -> None:
    report = story.report()
    assert (report.changes, report.sign_ins) == ((), ())


def test_it_keeps_the_names_of_what_was_set_and_never_the_values(story: Story) -> None:
    story.did("Update group")
    report = story.report()
    assert report.changes is not None
    assert report.changes[0].properties == ("Value",)
    assert "hunter2" not in json.dumps(report.to_json())


def test_it_looks_as_long_after_the_end_as_a_token_can_live(story: Story) -> None:
    story.did("Add group", at=timedelta(minutes=55))
    story.clock.moment = START + HOUR + AFTER + timedelta(hours=1)
    story.did("Update group", at=HOUR + AFTER - timedelta(minutes=1))
    story.did("Delete group", at=HOUR + AFTER + timedelta(minutes=1))
    report = story.report()
    assert report.changes is not None
    assert [change.activity for change in report.changes] == ["Add group", "Update group"]
    assert report.until == START + HOUR + AFTER


def test_sign_ins_are_told_with_their_place_and_result(story: Story) -> None:
    story.signed_in(START + timedelta(minutes=2), code=50126)
    story.signed_in(START + timedelta(minutes=3))
    report = story.report()
    assert report.sign_ins is not None
    told = [(each.app, each.ip, each.result) for each in report.sign_ins]
    assert told == [
        ("Azure Portal", "192.0.2.7", "50126"),
        ("Azure Portal", "192.0.2.7", "success"),
    ]


def test_without_the_licence_for_sign_ins_it_says_so_and_tells_the_rest(story: Story) -> None:
    story.customer.licences = set()
    story.did("Add group")
    report = story.report()
    assert report.changes is not None
    assert len(report.changes) == 1
    assert report.sign_ins is None
    assert report.sign_ins_unavailable is not None
    assert "because the tenant has no licence" in report.sign_ins_unavailable


def test_without_the_right_to_read_the_logs_it_says_so(story: Story) -> None:
    story.shared.cloud.faults.fail_before(
        path="auditLogs", tenant=story.customer.id, status=403, times=None
    )
    report = story.report()
    assert (report.changes, report.sign_ins) == (None, None)
    assert report.changes_unavailable is not None
    assert "AuditLog.Read.All" in report.changes_unavailable


PLANTED = {
    "application": "Add application",
    "app-credential": "Update application \u2013 Certificates and secrets management ",
    "consent": "Consent to application",
    "role": "Add member to role",
    "user": "Add user",
    "password": "Reset user password",
    "sign-in-method": "Admin registered security info",
    "conditional-access": "Update conditional access policy",
    "authentication-policy": "Authentication Methods Policy Update",
    "federation": "Set domain authentication",
    "partner": "Add partner to company",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_may_outlive_the_grant_is_flagged_audited_and_alarmed(
    story: Story, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    story.did(PLANTED[kind])
    story.did("Update group")
    report = story.report()
    assert [finding.kind for finding in report.persistence] == [kind]
    assert report.persistence_counts == {kind: 1}
    (event,) = story.audited()
    assert (event.action, event.after) == (
        "report.attached",
        {"persistence": {kind: 1}, "truncated": False},
    )
    (said,) = [r for r in caplog.records if hasattr(r, "event") and "persistence" in r.event]
    assert (said.levelno, said.fields["kinds"]) == (logging.WARNING, kind)  # type: ignore[attr-defined]


def test_a_new_federated_credential_is_found_in_a_plain_update(story: Story) -> None:
    entry = story.did("Update application")
    entry["targetResources"][0]["modifiedProperties"] = [
        {"displayName": "FederatedIdentityCredentials", "oldValue": "[]", "newValue": "[...]"}
    ]
    assert story.report().persistence_counts == {"app-credential": 1}


def test_it_is_made_once_whatever_happens_afterwards(story: Story) -> None:
    story.did("Add user")
    first = story.report()
    story.did("Add group")
    assert story.report() == first
    assert len(story.audited()) == 1


@pytest.mark.parametrize("applied", [False, True])
def test_a_lost_call_to_the_ledger_is_made_up_for_by_the_next_try(
    story: Story, applied: bool
) -> None:
    from tests.lifecycle.ledger_proxy import Trouble

    story.did("Add user")
    for call in range(12):
        story.shared.ledger.trouble = Trouble(applied=applied, skip=call)
        try:
            story.wait(report_activity(story.shared.services, story.lease.plan))
        except Unavailable:
            continue
        break
    story.shared.ledger.trouble = None
    assert story.report().persistence_counts == {"user": 1}
    assert len(story.audited()) == 1


def test_a_directory_that_asks_for_silence_is_asked_again_later(story: Story) -> None:
    story.did("Add group")
    story.shared.cloud.faults.throttle(
        path="auditLogs", tenant=story.customer.id, retry_after=2, times=1
    )
    with pytest.raises(Throttled):
        story.report()
    assert story.audited() == []
    story.clock.advance(timedelta(seconds=10))
    assert story.report().changes_unavailable is None


def test_a_directory_that_stays_silent_for_hours_is_reported_as_that(story: Story) -> None:
    story.shared.cloud.faults.fail_before(
        path="auditLogs", tenant=story.customer.id, status=503, times=None
    )
    with pytest.raises(Unavailable):
        story.report()
    story.clock.moment = START + HOUR + PATIENCE
    report = story.report()
    assert (report.changes, report.sign_ins) == (None, None)
    assert report.sign_ins_unavailable == report.changes_unavailable
    assert "did not answer" in (report.changes_unavailable or "")


def test_a_very_busy_account_fits_into_its_row(story: Story) -> None:
    for number in range(1100):
        story.did("Add user", at=timedelta(seconds=number))
    story.did("Set domain authentication", at=timedelta(minutes=30))
    for number in range(300):
        story.signed_in(START + timedelta(seconds=number))
    report = story.report()
    assert report.truncated
    assert report.changes
    assert report.changes[-1].activity == "Set domain authentication"
    assert report.persistence_counts == {"user": 999, "federation": 1}
    assert [finding.kind for finding in report.persistence] == ["user"] * 4 + ["federation"]
    assert len(json.dumps(report.to_json())) <= 20_000


def test_a_grant_that_never_had_an_account_gets_none(story: Story) -> None:
    other = over(story.shared, story.clock, story.customer, account=None)
    services = other.shared.services
    other.wait(report_activity(services, other.lease.plan))
    assert other.wait(services.leases.find(other.lease.plan.grant_id)).report is None
    assert other.audited() == []


def test_a_grant_that_is_not_over_waits(story: Story) -> None:
    plan = story.lease.plan.model_copy(update={"grant_id": new_grant_id(story.customer.id)})
    live = Lease(**{**dict(story.lease), "plan": plan, "ended_at": None})
    story.wait(story.shared.services.leases.open(live))
    with pytest.raises(NotYet):
        story.wait(report_activity(story.shared.services, plan))

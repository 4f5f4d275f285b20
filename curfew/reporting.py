"""After a grant: what was done with it, read from the directory's own logs, kept in the history.

The report takes nothing back and holds nothing up. It shows what may outlive the grant: a new
credential of an application, a consent, a role for somebody else.
"""

import json
import logging
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta

from curfew.errors import Denied, NotYet, ServiceError, Unlicensed
from curfew.events import Event, emit
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import Lease, Plan
from curfew.model.reports import ActivityReport, Change, PersistenceFinding, SignIn
from curfew.persistence import persistence_in
from curfew.services import Services

BEFORE = timedelta(minutes=5)
"""How much earlier the logs are read: the directory's clock is not ours."""

AFTER = timedelta(minutes=90)
"""How much longer: tokens that were issued before the end can be good for that long."""

PATIENCE = timedelta(hours=5)
"""After this, logs that could not be read are reported as such."""

KEPT = timedelta(days=29)
"""How far back the logs surely reach; Microsoft refuses an older start."""

# A property of a row in Table Storage has 64 KiB, two bytes a character, for the whole lease.
_LARGEST = 20_000
_OF_A_KIND = 4
_UNLICENSED = "Not available, because the tenant has no licence of Microsoft Entra ID P1."
_DENIED = "Not available, because the tenant does not let Curfew read its logs (AuditLog.Read.All)."
_SILENT = "Not available, because the directory did not answer for hours."


async def report_activity(services: Services, plan: Plan) -> None:
    """Read the logs, attach the report to the grant's history, and write down that it is there.

    A report that is attached already is not made again. What an account did when it never was
    one is nothing: such a grant gets no report.

    Raises:
        NotYet: the grant is not over.
        ServiceError: the logs cannot be read right now. A few hours after the end the report is
            made all the same, and says so.
    """
    lease = await services.leases.find(plan.grant_id)
    if lease.ended_at is None:
        message = "The grant is not over yet."
        raise NotYet(message)
    if lease.plan.account_id is None:
        return
    report = lease.report
    if report is None:
        made = await _report(services, lease, lease.plan.account_id, lease.ended_at)
        report = (await services.leases.attach(plan.grant_id, made)).report or made
    counts = {kind.value: count for kind, count in report.persistence_counts.items()}
    found = {"persistence": counts, "truncated": report.truncated}
    await services.audit.append(AuditEntry.of_grant(lease, Action.REPORT_ATTACHED, after=found))
    if counts:
        emit(
            Event.PERSISTENCE_FOUND,
            level=logging.WARNING,
            grant=plan.grant_id,
            tenant=plan.tenant_id,
            kinds=", ".join(sorted(counts)),
            findings=sum(counts.values()),
        )


async def _report(
    services: Services, lease: Lease, account_id: str, ended_at: datetime
) -> ActivityReport:
    plan, now = lease.plan, services.clock()
    began = lease.activated_at or lease.requested_at
    since, until = max(began - BEFORE, now - KEPT), min(ended_at + AFTER, now)
    logs = services.directory_of(plan).logs
    last_try = now >= ended_at + PATIENCE
    changes, no_changes = await _or_why(
        logs.changes_by(account_id, since, until), last_try=last_try
    )
    sign_ins, no_sign_ins = await _or_why(
        logs.sign_ins_of(account_id, since, until), last_try=last_try
    )
    persistence = persistence_in(changes[0], account_id) if changes else ()
    return _fitting(
        ActivityReport(
            made_at=now,
            since=since,
            until=until,
            changes=tuple(changes[0]) if changes else None,
            changes_unavailable=no_changes,
            sign_ins=tuple(sign_ins[0]) if sign_ins else None,
            sign_ins_unavailable=no_sign_ins,
            truncated=bool((changes and changes[1]) or (sign_ins and sign_ins[1])),
            persistence=_first_of_each_kind(persistence),
            persistence_counts=dict(Counter(finding.kind for finding in persistence)),
        )
    )


async def _or_why[T: Change | SignIn](
    reading: Awaitable[tuple[list[T], bool]], *, last_try: bool
) -> tuple[tuple[list[T], bool] | None, str | None]:
    """What a log says or, in our own words, why that cannot be had."""
    try:
        return await reading, None
    except Unlicensed:
        return None, _UNLICENSED
    except Denied:
        return None, _DENIED
    except ServiceError as error:
        if not getattr(error, "retryable", False):
            return None, f"Not available, because the directory refused (HTTP {error.status})."
        if not last_try:
            raise
        return None, _SILENT


def _first_of_each_kind(
    findings: tuple[PersistenceFinding, ...],
) -> tuple[PersistenceFinding, ...]:
    """A few of each kind: many of one must not push the others out of the report."""
    seen: Counter[str] = Counter()
    kept: list[PersistenceFinding] = []
    for finding in findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= _OF_A_KIND:
            kept.append(finding)
    return tuple(kept)


def _fitting(report: ActivityReport) -> ActivityReport:
    """The report with its oldest entries left out until a row of the history takes it."""
    while len(json.dumps(report.to_json())) > _LARGEST:
        changes, sign_ins = report.changes or (), report.sign_ins or ()
        longer = "changes" if len(changes) >= len(sign_ins) else "sign_ins"
        entries = changes if longer == "changes" else sign_ins
        if not entries:
            return report
        kept = entries[len(entries) // 4 + 1 :]
        report = report.model_copy(update={longer: kept, "truncated": True})
    return report

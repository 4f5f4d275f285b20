"""The log, as events: constant names, constant fields, never a secret, never a whole body.

Exceptions are logged by their types and frames. Their texts are left out unless they are our
own, because a library may quote what it was given, and it is given passwords (rule 7).
"""

import logging
import traceback
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from curfew.errors import CurfewError, Unreadable

_log = logging.getLogger("curfew")


class Event(StrEnum):
    """The names of everything that Curfew reports. Alerts are built on them: never rename one."""

    REQUEST_SERVED = "curfew.request.served"
    REQUEST_FAILED = "curfew.request.failed"
    GRANT_REQUESTED = "curfew.grant.requested"
    GRANT_TRIED = "curfew.grant.tried"
    GRANT_DECIDED = "curfew.grant.decided"
    GRANT_CLOSED = "curfew.grant.closed"
    GRANT_EXTENSION_REQUESTED = "curfew.grant.extension-requested"
    GRANT_EXTENSION_ANSWERED = "curfew.grant.extension-answered"
    GRANT_END_REQUESTED = "curfew.grant.end-requested"
    GRANT_ACTIVE = "curfew.grant.active"
    GRANT_ENDING = "curfew.grant.ending"
    GRANT_STUCK = "curfew.grant.stuck"
    GRANT_ENDED = "curfew.grant.ended"
    ACCOUNT_DELETED = "curfew.account.deleted"
    CREDENTIAL_REVEALED = "curfew.credential.revealed"
    CREDENTIAL_RENEWAL_REQUESTED = "curfew.credential.renewal-requested"
    CREDENTIAL_RENEWED = "curfew.credential.renewed"
    CREDENTIAL_RENEWAL_FAILED = "curfew.credential.renewal-failed"
    STEP_DONE = "curfew.step.done"
    STEP_FAILED = "curfew.step.failed"
    TENANT_INVITED = "curfew.tenant.invited"
    CONSENT_ANSWERED = "curfew.tenant.consent-answered"
    SETTINGS_CHANGED = "curfew.settings.changed"
    SWEEP_DONE = "curfew.sweep.done"
    SWEEP_FAILED = "curfew.sweep.failed"
    GRANT_SWEPT = "curfew.grant.swept"
    WATCH_DONE = "curfew.watch.done"
    WATCH_FAILED = "curfew.watch.failed"
    ACCOUNT_SUSPICIOUS = "curfew.account.suspicious"
    ACCOUNT_UNKNOWN = "curfew.account.unknown"
    ACCOUNT_UNREADABLE = "curfew.account.unreadable"
    ACCOUNT_ADOPTED = "curfew.account.adopted"
    ACCOUNT_RELEASED = "curfew.account.released"
    CHECK_DONE = "curfew.check.done"
    CHECK_FAILED = "curfew.check.failed"
    TENANT_CHECK_CHANGED = "curfew.tenant.check-changed"
    TENANT_LEFT = "curfew.tenant.left"
    TENANT_ACCOUNTS_LEFT = "curfew.tenant.accounts-left"
    TENANT_ACCESS_LEFT = "curfew.tenant.access-left"
    LEDGER_UNREADABLE = "curfew.ledger.unreadable"
    AUDIT_MISSED = "curfew.audit.missed"
    AUDIT_ANCHORED = "curfew.audit.anchored"
    PERSISTENCE_FOUND = "curfew.report.persistence-found"


type Field = str | int | float | bool | None


def emit(event: Event, *, level: int = logging.INFO, **fields: Field) -> None:
    """Report an event. Fields are names and numbers, such as `grant`, `tenant`, `actor`."""
    _log.log(level, _line(event, fields), extra={"event": event.value, "fields": fields})


def report(event: Event, failure: BaseException, **fields: Field) -> None:
    """Report an event that is a failure, with its chain of causes and where each was raised."""
    fields["error"] = _label(failure)
    if isinstance(failure, CurfewError):
        fields["detail"] = failure.detail
    fields["trace"] = " < ".join(_trace(failure))
    level = logging.WARNING if isinstance(failure, CurfewError) else logging.ERROR
    _log.log(level, _line(event, fields), extra={"event": event.value, "fields": fields})


def report_rows(failure: Unreadable) -> None:
    """Report each row that cannot be read by its keys, and nothing of what stands in it."""
    for partition, key in failure.rows:
        about: dict[str, Field] = {"table": failure.table, "tenant": partition, "row": key}
        report(Event.LEDGER_UNREADABLE, failure, **about)


def _line(event: Event, fields: dict[str, Field]) -> str:
    return " ".join([event.value, *(f"{name}={value}" for name, value in fields.items())])


def _label(failure: BaseException) -> str:
    return failure.code if isinstance(failure, CurfewError) else type(failure).__qualname__


def _trace(failure: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    current: BaseException | None = failure
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)
        where = [f"{Path(f.filename).name}:{f.lineno}:{f.name}" for f in frames[-6:]]
        yield f"{type(current).__qualname__}({', '.join(where)})"
        current = current.__cause__ or current.__context__

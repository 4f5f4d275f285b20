"""How the audit trail lies in its table: the rows, their keys, and what they are searched by."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from curfew.chain import BEGINNING, Head, Stored
from curfew.errors import Unavailable
from curfew.ids import tenant_of
from curfew.ledger.tables import Columns, Row
from curfew.model.audit import Action, AuditEvent
from curfew.model.base import Model

AUDIT = "audit"
# Behind every tenant's partitions: a GUID begins with a digit or with a to f.
NEWEST = "newest"
HEAD = "head"
# A dot sorts behind the hyphen, so that events are what lies between the two.
_EVENT, _AFTER_EVENTS = "e-", "e."
_SEARCHED_BY = ("action", "actor", "at", "grant")
_CLOCKS_DIFFER = timedelta(days=1)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC) - _CLOCKS_DIFFER


class HeadRow(Model):
    """The last event of a month; of a month without events, the one before it."""

    sequence: int = 0
    hash: str = BEGINNING
    before: str | None = None
    following: str | None = None


class NewestRow(Model):
    """The month in which a tenant's trail goes on, and the one before it."""

    month: str
    before: str | None = None


class KeyRow(Model):
    """Which event an entry made: found by the entry's key."""

    sequence: int


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which events to list; None is no restriction."""

    tenant: str | None = None
    grant: str | None = None
    action: Action | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass
class Filter:
    """A condition on rows, in Table Storage's language, with its parameters."""

    text: str = ""
    parameters: dict[str, str | bool] = field(default_factory=dict)

    def require(self, condition: str, **parameters: str) -> None:
        """Add a condition that must hold as well."""
        # The client finds a parameter only as a word between blanks.
        self.text = f"{self.text} and ( {condition} )" if self.text else f"( {condition} )"
        self.parameters |= parameters

    def within(self, tenant_id: str | None, first: str = "", last: str = "~") -> None:
        """Stay in a tenant's partitions, by their months. A tilde sorts behind every month."""
        if tenant_id is not None:
            self.require(
                "PartitionKey ge @first and PartitionKey le @last",
                first=f"{tenant_id}_{first}",
                last=f"{tenant_id}_{last}",
            )


def heads_of(tenant_id: str) -> Filter:
    """The heads of all months of a tenant."""
    wanted = Filter()
    wanted.within(tenant_id)
    wanted.require("RowKey eq @head", head=HEAD)
    return wanted


def events_and_heads(tenant_id: str | None) -> Filter:
    """The events and heads of a tenant, or of all."""
    wanted = Filter()
    wanted.within(tenant_id)
    between = "RowKey ge @event and RowKey lt @after"
    wanted.require(f"{between} or RowKey eq @head", event=_EVENT, after=_AFTER_EVENTS, head=HEAD)
    return wanted


def events_that(query: AuditQuery) -> Filter:
    """The events that a query asks for."""
    wanted = Filter()
    tenant = query.tenant or (tenant_of(query.grant) if query.grant else None)
    # A writer whose clock is behind appends to a later month than the one that he believes in.
    last = month_of(min(query.until, _END_OF_TIME) + _CLOCKS_DIFFER) if query.until else "~"
    wanted.within(tenant, month_of(query.since) if query.since else "", last)
    wanted.require("RowKey ge @event and RowKey lt @after", event=_EVENT, after=_AFTER_EVENTS)
    if query.since:
        wanted.require("at ge @since", since=_stamp(query.since))
    if query.until:
        wanted.require("at le @until", until=_stamp(query.until))
    for column in ("grant", "action", "actor"):
        if (value := getattr(query, column)) is not None:
            wanted.require(f"{column} eq @{column}", **{column: str(value)})
    return wanted


def columns_of(event: AuditEvent) -> Columns:
    """What an event is searched by."""
    columns = {
        "action": event.action.value,
        "actor": event.actor.id if event.actor else None,
        "at": _stamp(event.at),
        "grant": event.grant,
    }
    return {name: value for name, value in columns.items() if value is not None}


def event_of(row: Row) -> AuditEvent | None:
    """The event in a row, None when this release cannot read it."""
    try:
        return AuditEvent.read(row.document)
    except ValidationError:
        return None


def stored_in(row: Row) -> tuple[str, Stored | Head]:
    """A row as the checker looks at it, whatever it holds, with its tenant."""
    tenant, _, month = row.partition.partition("_")
    if row.key == HEAD:
        try:
            head = HeadRow.read(row.document)
        except ValidationError:
            head = HeadRow(hash="")
        return tenant, Head(month, head.sequence, head.hash, head.following)
    number = row.key.removeprefix(_EVENT)
    event = event_of(row)
    return tenant, Stored(
        month=month,
        sequence=int(number) if number.isdecimal() else 0,
        document=row.document if isinstance(row.document, dict) else None,
        faithful=event is None or _is_faithful(event, tenant, row.columns),
    )


def read[M: Model](kind: type[M], row: Row) -> M:
    """What is in a row.

    Raises:
        Unavailable: somebody wrote the row by hand. Nothing is appended to such a trail; the
            checker says what is wrong with it.
    """
    try:
        return kind.read(row.document)
    except ValidationError as error:
        operation = "read the audit trail"
        raise Unavailable("ledger", operation, service_code="NotReadable") from error


def key_of(entry_key: str) -> str:
    """The key of the row that remembers an entry by its key."""
    return f"k-{hashlib.sha256(entry_key.encode()).hexdigest()}"


def event_key(sequence: int) -> str:
    """The key of an event's row; in the order of the keys is the order of the events."""
    return f"{_EVENT}{sequence:012}"


def month_of(moment: datetime) -> str:
    """The month of a moment, as it stands in the name of a partition."""
    return f"{moment.year:04}{moment.month:02}"


def _is_faithful(event: AuditEvent, tenant: str, columns: Columns) -> bool:
    expected = columns_of(event)
    same = all(columns.get(name) == expected.get(name) for name in _SEARCHED_BY)
    return same and event.tenant == tenant


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

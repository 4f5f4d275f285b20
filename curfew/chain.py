"""The hash chain of the audit trail: how an event is sealed, and what a broken chain shows.

Hashes are made of the stored document as it stands, not of a model read from it: a later release
knows more fields, and an event must keep its hash through every release.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

type Document = Mapping[str, Any]

BEGINNING = "0" * 64
"""What the first event of a tenant names as the hash of the event before it."""


def hash_of(document: Document) -> str:
    """SHA-256 over the canonical JSON of everything in an event but its own hash."""
    sealed = {name: value for name, value in document.items() if name != "hash"}
    text = json.dumps(sealed, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it lies in the table: where, and what it says."""

    month: str
    sequence: int
    document: Document | None
    faithful: bool = True
    """Whether what the event is searched by agrees with what it says."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a month, by the row that every append rewrites together with its event."""

    month: str
    sequence: int
    hash: str
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """An event that was reported out of the table's reach."""

    sequence: int
    hash: str


class Damage(StrEnum):
    """The ways in which a trail can be broken."""

    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "re-ordered"
    FORKED = "forked"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"


MEANINGS = {
    Damage.CHANGED: "An event does not say any more what it said when it was written.",
    Damage.REMOVED: "Events between two others are gone.",
    Damage.REORDERED: "An event stands where another one was.",
    Damage.FORKED: "Two events, or two chains, claim the same place.",
    Damage.TRUNCATED: "The newest events are gone, or all of them.",
    Damage.REWRITTEN: "The trail is not the one that was reported when it was anchored: somebody "
    "made it anew, hashes and all.",
}
"""What each kind of damage means, for a person."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place at which a trail is broken."""

    damage: Damage
    sequence: int
    detail: str


@dataclass
class Checker:
    """Follows the chain of one tenant, fed with what is stored in the order of the table.

    It keeps the last event and the heads of the months, not the trail: a trail of any length
    can be checked.
    """

    anchors: tuple[Anchor, ...] = ()
    newest: str | None = None
    """The month in which the trail goes on, by the row that names it."""
    events: int = 0
    last: Anchor | None = None
    """The event that was looked at last, by its place and the hash it carries."""
    findings: list[Finding] = field(default_factory=list)
    _lasts: dict[str, Anchor] = field(default_factory=dict)
    _heads: dict[str, Head] = field(default_factory=dict)
    _met: set[int] = field(default_factory=set)
    _linked: bool = True

    def look(self, stored: Stored) -> None:
        """Look at the next event."""
        self.events += 1
        place, document = stored.sequence, stored.document or {}
        claimed = str(document.get("hash", ""))
        in_place = self._look_inside(stored, document)
        before = self.last
        expected = before.sequence + 1 if before else 1
        if place < expected:
            self._find(Damage.FORKED, place, f"Event {place} stands in the trail twice.")
        elif place > expected:
            gone = f"{expected} to {place - 1}" if place - expected > 1 else f"{expected}"
            self._find(Damage.REMOVED, expected, f"Missing before event {place}: {gone}.")
        elif in_place and self._linked and document.get("previous") != self._link:
            detail = (
                f"Event {place} does not follow from the one before it: one of the two was made "
                "anew."
            )
            self._find(Damage.CHANGED, place, detail)
        for anchor in self.anchors:
            if anchor.sequence == place:
                self._met.add(place)
                if anchor.hash != claimed:
                    self._find(Damage.REWRITTEN, place, f"Event {place} is not the anchored one.")
        self.last = Anchor(place, claimed)
        self._linked = in_place
        self._lasts[stored.month] = self.last

    def note_head(self, head: Head) -> None:
        """Note what a month's own row says of its last event."""
        self._heads[head.month] = head

    def finish(self) -> list[Finding]:
        """Everything that is broken, after the last event."""
        for head in self._heads.values():
            self._look_at_head(head)
        for month in self._lasts.keys() - self._heads.keys():
            last = self._lasts[month].sequence
            detail = f"The row that names the last event of {_shown(month)} is gone."
            self._find(Damage.TRUNCATED, last, detail)
        self._look_at_turns()
        for anchor in self.anchors:
            if anchor.sequence not in self._met:
                detail = f"Event {anchor.sequence}, which was anchored, is gone."
                self._find(Damage.TRUNCATED, anchor.sequence, detail)
        return sorted(self.findings, key=lambda finding: finding.sequence)

    @property
    def _link(self) -> str:
        return self.last.hash if self.last else BEGINNING

    def _look_inside(self, stored: Stored, document: Document) -> bool:
        """Look at an event by itself; whether it is the one that belongs in its place."""
        place = stored.sequence
        if not document or document.get("hash") != hash_of(document):
            self._find(Damage.CHANGED, place, f"Event {place} does not agree with its hash.")
        elif document.get("sequence") != place:
            detail = f"In the place of event {place} stands event {document.get('sequence')}."
            self._find(Damage.REORDERED, place, detail)
            return False
        elif not stored.faithful:
            detail = f"Event {place} is searched by other values than it holds."
            self._find(Damage.CHANGED, place, detail)
        return True

    def _look_at_head(self, head: Head) -> None:
        month, last = _shown(head.month), self._last_until(head.month)
        if head.sequence > last.sequence:
            damage = Damage.REMOVED if head.following else Damage.TRUNCATED
            detail = f"{month} ended with event {head.sequence}, and ends with {last.sequence}."
            self._find(damage, last.sequence + 1, detail)
        elif head.sequence < last.sequence:
            detail = f"{month} ends with event {head.sequence}, and more was added behind it."
            self._find(Damage.FORKED, head.sequence, detail)
        elif head.hash != last.hash:
            detail = f"Event {head.sequence}, the last of {month}, is not the one it was."
            self._find(Damage.CHANGED, head.sequence, detail)

    def _look_at_turns(self) -> None:
        """The months must lead from one to the next, up to the one in which the trail goes on."""
        after = self.last.sequence + 1 if self.last else 1
        promised = {head.following for head in self._heads.values()} | {self.newest}
        for month in sorted(filter(None, promised - self._heads.keys() - self._lasts.keys())):
            detail = (
                f"The trail goes on in {_shown(month)}, and nothing is there. (A writer that died "
                "at the turn of the month leaves this until the next event.)"
            )
            self._find(Damage.TRUNCATED, after, detail)
        ends = sorted(head.month for head in self._heads.values() if not head.following)
        if len(ends) > 1:
            detail = f"The trail goes on in several months: {', '.join(map(_shown, ends))}."
            self._find(Damage.FORKED, after, detail)

    def _last_until(self, month: str) -> Anchor:
        """The last event of a month or, where it has none, of those before it."""
        months = [each for each in self._lasts if each <= month]
        return self._lasts[max(months)] if months else Anchor(0, BEGINNING)

    def _find(self, damage: Damage, sequence: int, detail: str) -> None:
        self.findings.append(Finding(damage, sequence, detail))


def _shown(month: str) -> str:
    return f"{month[:4]}-{month[4:]}"


def check(
    stored: Iterable[Stored | Head], anchors: Iterable[Anchor] = (), newest: str | None = None
) -> list[Finding]:
    """Everything that is broken in the trail of one tenant, given in the order of the table."""
    checker = Checker(tuple(anchors), newest)
    for each in stored:
        if isinstance(each, Head):
            checker.note_head(each)
        else:
            checker.look(each)
    return checker.finish()

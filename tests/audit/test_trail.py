"""The audit trail: one chain per tenant, whoever writes, whenever, and whatever fails meanwhile."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime

import pytest

from curfew.errors import AlreadyExists, Unavailable
from curfew.model.audit import AuditEvent
from tests.audit.store import ADA, Clock, Store
from tests.lifecycle.ledger_proxy import Trouble


def test_an_event_tells_who_did_what_when_and_what_was_before(store: Store) -> None:
    entry = store.entry("settings:1", reason="The customer asked for it.")
    event = store.wait(store.trail.append(entry))
    assert (event.sequence, event.at, event.actor) == (1, store.clock.now, ADA)
    assert (event.before, event.after) == ({"hardLimit": "PT8H"}, {"hardLimit": "PT4H"})
    assert AuditEvent.read(store.documents()[0]) == event


def test_each_event_carries_the_hash_of_the_one_before_it(store: Store) -> None:
    first, second, third = store.append(3)
    assert (first.sequence, second.sequence, third.sequence) == (1, 2, 3)
    assert first.previous == "0" * 64
    assert (second.previous, third.previous) == (first.hash, second.hash)


def test_anybody_can_recompute_a_hash_from_the_stored_document(store: Store) -> None:
    store.append(2)
    for document in store.documents():
        claimed = document.pop("hash")
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        assert hashlib.sha256(canonical).hexdigest() == claimed


def test_each_tenant_has_a_chain_of_its_own(store: Store) -> None:
    store.append(2)
    other = store.wait(store.trail.append(store.entry(tenant="0" * 8 + store.tenant[8:])))
    assert (other.sequence, other.previous) == (1, "0" * 64)


@pytest.mark.parametrize("by", ["the same process", "another process"])
def test_the_same_key_is_the_same_event(store: Store, by: str) -> None:
    first = store.wait(store.trail.append(store.entry("grant:active")))
    store.append(2)
    store.clock.advance(minutes=5)
    trail = store.trail if by == "the same process" else store.process()
    assert store.wait(trail.append(store.entry("grant:active", reason="again"))) == first
    assert len(store.rows()) == 3


def test_a_key_of_last_month_is_still_the_same_event(store: Store) -> None:
    first = store.wait(store.trail.append(store.entry("grant:ended")))
    store.clock.advance(days=5)
    assert store.wait(store.trail.append(store.entry("grant:ended"))) == first
    store.append()
    for trail in (store.trail, store.process()):
        assert store.wait(trail.append(store.entry("grant:ended"))) == first
    assert [row["PartitionKey"][-6:] for row in store.rows()] == ["202603", "202604"]


def test_a_key_that_no_table_takes_is_taken(store: Store) -> None:
    entry = store.entry('profile:a/b\\c#d?"e"\n\t')
    assert store.wait(store.trail.append(entry)) == store.wait(store.process().append(entry))


def test_writers_of_two_processes_make_one_chain(store: Store) -> None:
    processes = [store.process() for _ in range(2)]
    keys = [f"{number}" for number in range(24)]

    async def write() -> list[AuditEvent]:
        entries = [(processes[i % 2], store.entry(key)) for i, key in enumerate(keys)]
        return await asyncio.gather(*(trail.append(entry) for trail, entry in entries))

    events = store.wait(write())
    assert sorted(event.sequence for event in events) == list(range(1, 25))
    assert sorted(document["key"] for document in store.documents()) == sorted(keys)
    assert store.verdict().findings == ()


def test_the_same_entry_from_two_processes_at_once_is_one_event(store: Store) -> None:
    processes = [store.process() for _ in range(4)]

    async def write() -> list[AuditEvent]:
        return await asyncio.gather(*(trail.append(store.entry("one")) for trail in processes))

    events = store.wait(write())
    assert events.count(events[0]) == 4
    assert len(store.rows()) == 1


def test_a_new_month_goes_on_where_the_last_one_ended(store: Store) -> None:
    store.append(2)
    store.clock.advance(days=120)
    later = store.append(2)
    assert [event.sequence for event in later] == [3, 4]
    assert [row["PartitionKey"][-6:] for row in store.rows()] == ["202603"] * 2 + ["202607"] * 2
    assert store.verdict().findings == ()


def test_a_writer_whose_clock_is_behind_writes_to_the_newest_month(store: Store) -> None:
    behind = store.process(Clock(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)))
    store.wait(behind.append(store.entry()))
    store.clock.now = datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC)
    store.append()
    late = store.wait(behind.append(store.entry()))
    assert late.sequence == 3
    assert store.rows()[-1]["PartitionKey"].endswith("202604")
    assert store.verdict().findings == ()


def test_writers_that_turn_the_month_together_turn_it_once(store: Store) -> None:
    store.append()
    before = store.process(Clock(store.clock.now))
    store.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    processes = [before, *(store.process() for _ in range(3))]

    async def write() -> list[AuditEvent]:
        entries = [(processes[i % 4], store.entry(str(i))) for i in range(16)]
        return await asyncio.gather(*(trail.append(entry) for trail, entry in entries))

    assert sorted(event.sequence for event in store.wait(write())) == list(range(2, 18))
    assert store.verdict().findings == ()


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after it was applied"])
@pytest.mark.parametrize("moment", ["the first event ever", "in a month", "at the turn of one"])
def test_whatever_call_fails_the_event_is_there_once_and_the_chain_is_whole(
    store: Store, moment: str, applied: bool
) -> None:
    if moment != "the first event ever":
        store.append(2)
    known = 0 if moment == "the first event ever" else 2
    for call in range(12):
        if moment == "the first event ever":
            store.tenant = f"{call:08x}{store.tenant[8:]}"
        elif moment == "at the turn of one":
            store.clock.advance(days=31)
        store.proxy.trouble = Trouble(applied=applied, skip=call)
        trail, entry = store.process(), store.entry(f"{moment}:{call}")
        failed = False
        try:
            store.wait(trail.append(entry))
        except Unavailable:
            failed = True
        store.proxy.trouble = None
        # Somebody else comes first, then the one that failed tries again.
        other = store.wait(store.process().append(store.entry()))
        event = store.wait(trail.append(entry))
        known = 2 if moment == "the first event ever" else known + 2
        assert {event.sequence, other.sequence} == {known - 1, known}
        assert store.verdict().findings == ()
        if not failed:
            assert call > 1
            return
    pytest.fail("it never got through")


def test_a_lost_row_of_the_newest_month_loses_nothing(store: Store) -> None:
    store.append(2)
    with store.table() as table:
        table.delete_entity("newest", store.tenant)
    assert store.wait(store.process().append(store.entry())).sequence == 3
    with store.table() as table:
        table.delete_entity("newest", store.tenant)
    store.clock.advance(days=60)
    assert store.wait(store.process().append(store.entry())).sequence == 4
    assert store.verdict().findings == ()


def test_an_old_reading_of_the_newest_month_forks_nothing(store: Store) -> None:
    behind = store.process(Clock(store.clock.now))
    store.append()
    store.clock.advance(days=31)
    store.append()
    newest = {"PartitionKey": "newest", "RowKey": store.tenant}
    store.write(newest, {"month": "202603", "before": None})
    late = store.wait(behind.append(store.entry()))
    assert late.sequence == 3
    assert store.rows()[-1]["PartitionKey"].endswith("202604")
    assert store.verdict().findings == ()


def test_a_month_that_was_left_before_its_first_event_cannot_be_begun_any_more(
    store: Store,
) -> None:
    store.append()
    slow = store.process(Clock(datetime(2026, 4, 30, 23, 59, tzinfo=UTC)))
    # It turns the month, looks where its event goes, and is held up there.
    assert store.wait(slow._find_place(store.tenant)) is None
    place = store.wait(slow._find_place(store.tenant))
    assert place is not None
    store.clock.now = datetime(2026, 5, 1, tzinfo=UTC)
    assert store.wait(store.process().append(store.entry())).sequence == 2
    with pytest.raises(AlreadyExists):
        store.wait(slow._write(store.entry(), place))
    assert store.wait(slow.append(store.entry())).sequence == 3
    assert [row["PartitionKey"][-6:] for row in store.rows()] == ["202603", "202605", "202605"]
    assert store.verdict().findings == ()


def test_a_note_holds_nobody_up_and_says_that_it_was_missed(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.append()
    store.proxy.trouble = Trouble(times=None)
    assert store.wait(store.process().note(store.entry("grant:ended"))) is False
    (said,) = [r for r in caplog.records if getattr(r, "event", "") == "curfew.audit.missed"]
    fields = said.fields  # type: ignore[attr-defined]
    assert (fields["tenant"], fields["key"]) == (store.tenant, "grant:ended")
    store.proxy.trouble = None
    assert store.wait(store.trail.note(store.entry("grant:ended"))) is True
    assert [document["key"] for document in store.documents()][1:] == ["grant:ended"]


def test_an_append_that_gets_no_answer_says_so(store: Store) -> None:
    store.proxy.trouble = Trouble(times=None)
    with pytest.raises(Unavailable):
        store.wait(store.trail.append(store.entry()))


def test_nothing_is_added_to_a_trail_whose_head_was_written_by_hand(store: Store) -> None:
    store.append()
    (head,) = store.rows("head")
    store.write(head, {"sequence": "many"})
    with pytest.raises(Unavailable):
        store.wait(store.process().append(store.entry()))

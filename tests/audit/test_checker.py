"""Whoever changes, removes, re-orders or cuts off events of the trail is found out."""

import json
from typing import Any

import pytest

from curfew.chain import Anchor, Damage, Finding, Head, Stored, check, hash_of
from tests.audit.store import Store

type Row = dict[str, Any]


def damages(store: Store, *anchors: Anchor) -> list[tuple[Damage, int]]:
    return [(each.damage, each.sequence) for each in store.verdict(*anchors).findings]


def document_of(row: Row) -> Row:
    document: Row = json.loads(row["document"])
    return document


def sealed(document: Row, **changes: Any) -> Row:
    """A document with its hash made anew, as somebody would who knows how it is made."""
    changed = {**document, **changes}
    return {**changed, "hash": hash_of(changed)}


def test_a_trail_that_nobody_touched_is_whole(store: Store) -> None:
    store.append(3)
    store.clock.advance(days=40)
    last = store.append(3)[-1]
    verdict = store.verdict(Anchor(last.sequence, last.hash))
    assert (verdict.events, verdict.findings) == (6, ())
    assert verdict.last == Anchor(last.sequence, last.hash)


@pytest.mark.parametrize(
    "change",
    [{"reason": "nothing"}, {"at": "2026-03-30T09:00:00.001Z"}, {"actor": None}, {"more": 1}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_event_is_found(store: Store, change: Row) -> None:
    store.append(3)
    row = store.rows()[1]
    store.write(row, document_of(row) | change)
    assert (Damage.CHANGED, 2) in damages(store)


def test_a_changed_event_with_a_new_hash_is_found_by_the_next_one(store: Store) -> None:
    store.append(3)
    row = store.rows()[1]
    store.write(row, sealed(document_of(row), reason="nothing"))
    assert damages(store) == [(Damage.CHANGED, 3)]


def test_a_changed_last_event_with_a_new_hash_is_found_by_the_head(store: Store) -> None:
    store.append(3)
    row = store.rows()[2]
    store.write(row, sealed(document_of(row), reason="nothing"))
    assert damages(store) == [(Damage.CHANGED, 3)]


def test_an_event_that_was_hidden_from_searches_is_found(store: Store) -> None:
    store.append(3)
    row = store.rows()[1]
    store.write(row, action="tenant.created")
    assert damages(store) == [(Damage.CHANGED, 2)]


def test_an_event_that_is_no_document_any_more_is_found(store: Store) -> None:
    store.append(3)
    row = store.rows()[1]
    store.write(row | {"document": "gone"})
    assert (Damage.CHANGED, 2) in damages(store)


@pytest.mark.parametrize("gone", [slice(0, 1), slice(1, 2), slice(1, 4)], ids=str)
def test_removed_events_are_found(store: Store, gone: slice) -> None:
    store.append(5)
    store.remove(*store.rows()[gone])
    assert damages(store) == [(Damage.REMOVED, gone.start + 1)]


def test_a_removed_month_is_found(store: Store) -> None:
    for _ in range(3):
        store.append(2)
        store.clock.advance(days=31)
    partitions = sorted({row["PartitionKey"] for row in store.rows()})
    store.remove(*(row for row in store.rows("") if row["PartitionKey"] == partitions[1]))
    assert (Damage.REMOVED, 3) in damages(store)


def test_events_that_changed_places_are_found(store: Store) -> None:
    store.append(4)
    second, third = store.rows()[1:3]
    store.write(second | {"document": third["document"]})
    store.write(third | {"document": second["document"]})
    assert damages(store) == [(Damage.REORDERED, 2), (Damage.REORDERED, 3)]


@pytest.mark.parametrize("gone", [1, 3])
def test_removed_last_events_are_found_by_the_head(store: Store, gone: int) -> None:
    store.append(4)
    store.remove(*store.rows()[-gone:])
    assert damages(store) == [(Damage.TRUNCATED, 5 - gone)]


def test_a_removed_last_month_is_found_by_the_one_before_it(store: Store) -> None:
    store.append(2)
    store.clock.advance(days=31)
    store.append(2)
    newest = store.rows()[-1]["PartitionKey"]
    store.remove(*(row for row in store.rows("") if row["PartitionKey"] == newest))
    assert damages(store) == [(Damage.TRUNCATED, 3)]


def test_a_trail_of_which_nothing_is_left_is_found(store: Store) -> None:
    store.append(2)
    store.remove(*store.rows(""))
    assert damages(store) == [(Damage.TRUNCATED, 1)]


def test_a_removed_head_is_found(store: Store) -> None:
    store.append(2)
    store.remove(*store.rows("head"))
    assert damages(store) == [(Damage.TRUNCATED, 2)]


def test_an_event_that_was_put_behind_the_head_is_found(store: Store) -> None:
    store.append(2)
    row = store.rows()[-1]
    last = document_of(row)
    forged = sealed(last, sequence=3, previous=last["hash"])
    store.write(row | {"RowKey": f"e-{3:012}"}, forged)
    assert damages(store) == [(Damage.FORKED, 2)]


def test_a_second_chain_is_found(store: Store) -> None:
    store.append(3)
    store.clock.advance(days=31)
    other = store.wait(store.process().append(store.entry()))
    row = store.rows()[-1]
    (_, head) = store.rows("head")
    forged = sealed(document_of(row), sequence=1, previous="0" * 64)
    store.remove(row)
    store.write(row | {"RowKey": f"e-{1:012}"}, forged)
    store.write(head, document_of(head) | {"sequence": 1, "hash": forged["hash"]})
    assert other.sequence == 4
    assert damages(store) == [(Damage.FORKED, 1)]


def cut_off_the_last_event(store: Store) -> None:
    """Head included: as somebody would who knows how the trail is kept."""
    before, last = store.rows()[-2:]
    (head,) = store.rows("head")
    kept = document_of(before)
    store.remove(last)
    store.write(head, document_of(head) | {"sequence": kept["sequence"], "hash": kept["hash"]})


def test_only_an_anchor_shows_that_the_trail_was_cut_off_together_with_its_head(
    store: Store,
) -> None:
    last = store.append(3)[-1]
    cut_off_the_last_event(store)
    assert damages(store) == []
    assert damages(store, Anchor(3, last.hash)) == [(Damage.TRUNCATED, 3)]


def test_only_an_anchor_shows_that_the_trail_was_made_anew(store: Store) -> None:
    last = store.append(3)[-1]
    previous = "0" * 64
    for row in store.rows():
        document = sealed(document_of(row), previous=previous, reason="nothing")
        previous = document["hash"]
        store.write(row, document)
    (head,) = store.rows("head")
    store.write(head, document_of(head) | {"hash": previous})
    assert damages(store) == []
    assert damages(store, Anchor(3, last.hash)) == [(Damage.REWRITTEN, 3)]


def test_a_head_that_was_written_by_hand_is_found(store: Store) -> None:
    store.append(2)
    (head,) = store.rows("head")
    store.write(head, {"sequence": "many"})
    assert damages(store) == [(Damage.FORKED, 0)]


def test_an_event_of_a_later_release_is_none_the_worse_for_it(store: Store) -> None:
    store.append(2)
    row, (head,) = store.rows()[1], store.rows("head")
    later = sealed(document_of(row), action="grant.celebrated", confetti=True)
    store.write(row, later, action="grant.celebrated")
    store.write(head, document_of(head) | {"hash": later["hash"]})
    assert damages(store) == []


def test_the_checker_needs_nothing_but_what_is_stored() -> None:
    first = sealed({"sequence": 1, "previous": "0" * 64, "reason": "für Zoë"})
    second = sealed({"sequence": 2, "previous": first["hash"]})
    rows = [Stored("202603", 1, first), Stored("202603", 2, second)]
    head = Head("202603", 2, second["hash"])
    assert check([*rows, head]) == []
    assert check([]) == []
    assert check([rows[1], head]) == [
        Finding(Damage.REMOVED, 1, "Missing before event 2: 1."),
    ]

"""What is counted in parts and added is what is counted at once: expectations, reconciliations, stored events."""

from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.contract import Contract
from simulator.errors import EngineError
from simulator.events import Identity
from simulator.times import Ms
from simulator.verify import feasible, listed, reconcile
from simulator.verify.listed import ListedEvents, Owner, StoredIndex, content_of
from simulator.verify.oracle import Oracle
from simulator.verify.readers.events import StoredEvent
from simulator.verify.reconcile import Case, Reconciliation
from simulator.verify.sighting import Sighting
from tests.verify.histories import DAY_AFTER, MIDNIGHT, RULES, P, examples, view
from tests.verify.test_oracle_bounds import histories


@given(st.lists(histories(), max_size=5), RULES, st.integers(0, 5), st.integers(0, 5))
@examples(60)
def test_an_oracle_in_parts_expects_the_same(
    blocks: list[list[Sighting]], rules: Contract, first: int, second: int
) -> None:
    """Each part counts its blocks by itself, also in another process: what it came to is pickled on its way."""
    whole = Oracle(rules, MIDNIGHT, DAY_AFTER)
    for block in blocks:
        whole.add_block(block)
    added = Oracle(rules, MIDNIGHT, DAY_AFTER)
    low, high = sorted((first, second))
    for some in (blocks[:low], blocks[low:high], blocks[high:]):
        oracle = Oracle(rules, MIDNIGHT, DAY_AFTER)
        for block in some:
            oracle.add_block(block)
        added.add_part(pickle.loads(pickle.dumps(oracle.part())))

    assert added.finish() == whole.finish()


@pytest.mark.parametrize(("most", "few"), [(26, True), (25, False)], ids=["as many as are tried", "one more"])
def test_worlds_of_all_parts_together_are_tried_or_forgotten(
    most: int, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feasible, "MAX_TRIED", most)
    rules = Contract()
    whole = Oracle(rules, MIDNIGHT, DAY_AFTER)
    for names in ("abcdef", "ghijklm"):
        oracle = Oracle(rules, MIDNIGHT, DAY_AFTER)
        for name in names:
            oracle.add_block([view(5, P, device=name, external_id=name)])
        whole.add_part(oracle.part())

    assert len(whole.finish().choices) == (13 if few else 0)


# ---- reconciliations ----

NOTES = st.lists(st.tuples(st.sampled_from(["lost", "absent"]), st.integers(0, 9)), max_size=12)


@given(NOTES, st.integers(0, 12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reconciliations_in_parts_keep_the_same_cases(
    monkeypatch: pytest.MonkeyPatch, notes: list[tuple[str, int]], cut: int
) -> None:
    monkeypatch.setattr(reconcile, "MOST_CASES", 3)
    whole, parts = Reconciliation(), (Reconciliation(), Reconciliation())
    for place, (kind, visitor) in enumerate(notes):
        for found in (whole, parts[place >= cut]):
            found.note(kind, Case(f"n.{visitor}.{place}", visitor, "e", ""))
            found.altered_fields[kind] = found.altered_fields.get(kind, 0) + 1
            changes = found.changes.setdefault(kind, {})
            if len(changes) < 3:
                changes["planned", str(visitor)] = None
    parts[0].merge(parts[1])

    assert parts[0] == whole
    assert [list(changes) for changes in parts[0].changes.values()] == [
        list(changes) for changes in whole.changes.values()
    ]


# ---- stored events ----

VISITORS, COMING = 10, 35  # of a chunk, of the plan


def stored(cursor: int, external_id: str, reason: str = "") -> StoredEvent:
    named = (Identity("applet-wechat", f"o{cursor % 3}"),) if cursor % 2 else ()
    return StoredEvent(cursor, external_id, "e\ud800", Ms(cursor), "d", named, "s", "c", "p", Ms(cursor + 5), reason)


IDS = st.sampled_from(
    ["n.0.0", "n.9.1", "n.10.0", "n.29.5", "n.34.0", "n.35.0", "n.123456789012345678.0", "n.x", "n.1.2.3", "", "m.1.1"]
)


@given(st.lists(st.tuples(IDS, st.booleans()), max_size=40), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_listed_events_of_a_chunk_are_those_of_its_visitors(
    monkeypatch: pytest.MonkeyPatch, given_ids: list[tuple[str, bool]], own: bool
) -> None:
    monkeypatch.setattr(listed, "_WAITING", 3)
    together = StoredIndex("n", own=own)
    events = ListedEvents(Owner("n", own), VISITORS, COMING)
    events.knows_bad = True
    for cursor, (identifier, good) in enumerate(given_ids, 1):
        event = stored(cursor, identifier, "" if good else "why")
        for index in (together, events):
            index.add_good(event) if good else index.add_bad(event)
    shared = pickle.loads(pickle.dumps(events.shared()))
    for chunk, inside in enumerate((["n.0.0", "n.9.1"], ["n.10.0"], ["n.29.5"], ["n.34.0"])):
        index = shared.index_of(chunk)

        assert index.knows_bad
        assert [index.copies(identifier) for identifier in inside] == [
            together.copies(identifier) for identifier in inside
        ]
        assert [index.why_bad(identifier) for identifier in inside] == [
            together.why_bad(identifier) for identifier in inside
        ]
        assert {event.external_id for event in index.others(set())} <= set(inside)
    elsewhere = list(events.elsewhere())
    counts = (events.strangers.foreign_count, events.last_good, events.last_bad)

    asked = {"n.0.0", "n.9.1", "n.10.0", "n.29.5", "n.34.0"}
    assert sorted(elsewhere) == sorted(together.others(asked))
    assert counts == (together.foreign_count, together.last_good, together.last_bad)


def test_when_stored_events_arrived_by_their_cursors() -> None:
    events = ListedEvents(Owner("n", own=False), VISITORS, COMING)
    for event in (stored(3, "n.0.0"), stored(4, "n.99.0"), stored(5, "m.0.0"), stored(6, "n.20.0")):
        events.add_good(event)
    events.add_good(stored(7, "n.1.0")._replace(received=None))

    assert events.received() == {3: 8, 4: 9, 6: 11}


def test_events_without_an_id_belong_to_whom_the_plan_has_to_send_the_like() -> None:
    ours, theirs = (stored(cursor, "")._replace(anonymous_id=device) for cursor, device in ((1, "d"), (2, "x")))
    asked = []

    def contents() -> dict[str, int]:
        asked.append(1)
        return {content_of(ours): 20}

    events = ListedEvents(Owner("n", own=False), VISITORS, COMING, contents)
    events.add_good(stored(3, "n.0.0"))
    assert asked == []  # a plan is looked through only where it is needed
    events.add_good(ours)
    events.add_good(theirs)

    index = events.shared().index_of(2)
    assert [event.cursor for event in index.alike(content_of(ours))] == [1]
    assert [event.cursor for event in index.others(set())] == [1]
    assert list(index.others({content_of(ours)})) == []
    assert (events.unnamed, events.strangers.foreign_count) == (2, 1)
    assert list(events.elsewhere()) == []


def test_no_room_for_stored_events_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(descriptor: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    events = ListedEvents(Owner("n", own=False), VISITORS, COMING)
    events.add_good(stored(1, "n.0.0"))
    monkeypatch.setattr(os, "write", no_space)
    with pytest.raises(EngineError, match=r"cannot be kept while they are compared: No space left .*TMPDIR"):
        events.shared()


def test_copies_of_one_event_stand_in_the_order_of_arrival() -> None:
    first, second = stored(1, "n.0.0"), stored(2, "n.0.0")
    events = ListedEvents(Owner("n", own=False), VISITORS, COMING)
    events.add_good(first)
    events.add_good(second)

    assert list(events.shared().index_of(0).copies("n.0.0")) == [
        replace_reason(first),
        replace_reason(second),
    ]


def replace_reason(event: StoredEvent) -> StoredEvent:
    return event._replace(reason="")


def test_ids_that_name_no_visitor_are_looked_up() -> None:
    known = {"0c1e": 3, "77aa": 31}
    events = ListedEvents(Owner("n", own=False, known=known), VISITORS, COMING)
    for cursor, identifier in enumerate(["0c1e", "77aa", "of-others"], 1):
        events.add_good(stored(cursor, identifier))

    shared = events.shared()

    assert [one.external_id for one in events.strangers.foreign] == ["of-others"]
    for identifier, visitor in known.items():
        assert shared.index_of(visitor // VISITORS).copies(identifier)
        assert events.owner.visitor_of(identifier) == visitor

"""Stored events against the plan: what became of each, and totals that follow from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.contract import Contract, Dedupe
from simulator.events import Identity
from simulator.finding import Verdict
from simulator.times import Ms
from simulator.verify.listed import StoredIndex
from simulator.verify.oracle import Expectations, Oracle, exchanged, widened
from simulator.verify.readers.events import StoredEvent, told_of
from simulator.verify.reconcile import (
    Reconciliation,
    reconcile,
    reconcile_others,
    reconciled_findings,
    row_of,
)
from simulator.verify.rules.instants import what_became
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action, Record
from tests.verify import brute
from tests.verify.histories import (
    DAY_AFTER,
    MIDNIGHT,
    RULES,
    TWICE,
    C,
    P,
    contract,
    custom,
    examples,
    expect,
    opened,
    view,
)
from tests.verify.test_oracle_bounds import histories

ZONE = "Asia/Shanghai"
ABSENT = (0, 0)


def identified(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings of visitor 4, with ids."""
    return [
        replace(one, record=replace(one.record, visitor=4, number=place, external_id=f"run.4.{place}"))
        for place, one in enumerate(sightings)
    ]


def stored(record: Record, cursor: int = 1, **other: Any) -> StoredEvent:
    """The record as an honest collector lists it."""
    return told_of(record, Ms(MIDNIGHT + cursor), cursor=cursor)._replace(**other)


def compared(
    sightings: Sequence[Sighting], events: Sequence[StoredEvent], *, bad: Sequence[StoredEvent] = (), own: bool = False
) -> tuple[Reconciliation, list[Sighting], StoredIndex]:
    index = StoredIndex("run", own=own)
    for event in events:
        index.add_good(event)
    for event in bad:
        index.add_bad(event)
    index.knows_bad = True
    found, asked = Reconciliation(), set[str]()
    rows = reconcile(sightings, index, found, asked, ZONE).rows
    return found, rows + reconcile_others(index, found, asked), index


def kinds(sightings: Sequence[Sighting], copies: Sequence[int], **other: Any) -> dict[str, int]:
    """What is found where each event is stored so many times, the first with other fields."""
    events = [
        stored(one.record, 10 * place + copy, **(other if place == 0 else {}))
        for place, (one, many) in enumerate(zip(sightings, copies, strict=True))
        for copy in range(many)
    ]
    return compared(sightings, events)[0].counts


@pytest.mark.parametrize(
    ("sighting", "copies", "kind"),
    [
        (view(0, C), 1, ""),
        (view(0, C), 0, "lost"),
        (view(0, C), 2, "duplicated"),
        (view(0, TWICE), 2, ""),
        (view(0, TWICE), 1, "lost"),
        (view(0, (1, 2)), 2, ""),
        (view(0, P), 1, "recovered"),
        (view(0, P), 0, "absent"),
        (view(0, P), 2, "duplicated"),
        (view(0, ABSENT), 0, ""),
        (view(0, ABSENT), 1, "unexpected"),
    ],
    ids=[
        "stored", "lost", "stored twice", "each copy counts", "one copy is lost", "a second copy is possible",
        "unknown and stored", "unknown and not stored", "unknown and stored twice", "never sent", "refused and stored",
    ],
)  # fmt: skip
def test_what_became_of_one_event(sighting: Sighting, copies: int, kind: str) -> None:
    assert kinds(identified([sighting]), [copies]) == ({kind: 1} if kind else {})


@pytest.mark.parametrize(
    ("other", "found", "said"),
    [
        ({"source": "AD"}, {"altered": 1, "misplaced": 1}, "source: stored 'AD', sent 'ad'"),
        ({"content": "x"}, {"altered": 1, "misplaced": 1}, "contentName: stored 'x', sent ''"),
        ({"page": "p/b"}, {"altered": 1, "misplaced": 1}, "page: stored 'p/b', sent 'p/a'"),
        ({"date": Ms(MIDNIGHT + 59 * 60_000)}, {"altered": 1}, "date: stored '2026-02-28T16:59:00.000Z', sent"),
        ({"date": Ms(MIDNIGHT + 60 * 60_000)}, {"altered": 1, "misplaced": 1}, "date: stored '2026-02-28T17:00"),
        ({"date": Ms(MIDNIGHT * 1_000)}, {"altered": 1, "misplaced": 1}, f"date: stored '{MIDNIGHT}000 ms since 1970'"),
        ({"anonymous_id": "e"}, {"altered": 1}, "anonymousId: stored 'e', sent 'd'"),
        ({"identities": ()}, {"altered": 1}, "identity applet-wechat: stored '', sent 'oA'"),
        ({"event": "c_buy"}, {"altered": 1}, "event: stored 'c_buy', sent 'mini_program_view'"),
        ({"received": None}, {}, ""),
    ],
    ids=["source", "content", "page", "same hour", "next hour", "no calendar", "device", "identities", "name",
         "arrival"],
)  # fmt: skip
def test_an_event_with_other_fields(other: dict[str, Any], found: dict[str, int], said: str) -> None:
    sightings = identified([view(0, openid="oA", source="ad", page="p/a")])
    result, _, _ = compared(sightings, [stored(sightings[0].record)._replace(**other)])

    assert result.counts == found
    assert all(said in case.what for case in result.cases.get("altered", []))


def nameless(
    copies: int, sightings: Sequence[Sighting], dedupe: Dedupe = "by_id", why_not: str = "", **other: Any
) -> tuple[dict[str, int], int]:
    """What is found where so many copies are listed of events that have no id; how many rows it makes."""
    index = StoredIndex("run", own=True)
    index.why_unnamed = why_not
    for copy in range(copies):
        index.add_good(stored(sightings[copy % len(sightings)].record, copy + 1, **other))
    found, asked = Reconciliation(), set[str]()
    rows = reconcile(sightings, index, found, asked, ZONE, dedupe).rows
    return found.counts, sum(row.high for row in [*rows, *reconcile_others(index, found, asked)])


@pytest.mark.parametrize(
    ("copies", "sightings", "dedupe", "kinds", "rows"),
    [
        (1, [custom(0)], "by_id", {}, 1),
        (0, [custom(0)], "by_id", {"lost": 1}, 0),
        (2, [custom(0)], "by_id", {"duplicated": 1}, 2),
        (1, [custom(0, P)], "by_id", {"recovered": 1}, 1),
        (0, [custom(0, P)], "by_id", {"absent": 1}, 0),
        (1, [custom(0, ABSENT)], "by_id", {"unexpected": 1}, 1),
        (2, [custom(0), custom(0)], "by_id", {}, 2),
        (1, [custom(0), custom(0)], "by_id", {}, 1),  # they say the same, so they may be one to the collector
        (0, [custom(0), custom(0)], "by_id", {"lost": 2}, 0),
        (3, [custom(0), custom(0)], "by_id", {"duplicated": 1}, 3),
        (2, [custom(0), custom(0)], "none", {}, 2),
        (1, [custom(0), custom(0)], "none", {"lost": 1}, 1),
        (1, [custom(0, P), custom(0)], "none", {"absent": 1}, 1),
        (2, [custom(0, P), custom(0)], "none", {"recovered": 1}, 2),
    ],
)
def test_what_became_of_events_without_an_id(
    copies: int, sightings: list[Sighting], dedupe: Dedupe, kinds: dict[str, int], rows: int
) -> None:
    """A wire that gives some records no id: they are known by when, whose and what."""
    assert nameless(copies, sightings, dedupe) == (kinds, rows)


@pytest.mark.parametrize("other", [{"event": "c_x"}, {"date": Ms(MIDNIGHT + 1)}, {"anonymous_id": "x"}])
def test_an_event_without_an_id_that_says_something_else_is_another_one(other: dict[str, Any]) -> None:
    assert nameless(1, [custom(0)], **other) == ({"lost": 1, "unexpected": 1}, 1)


def test_an_event_without_an_id_in_another_cell_is_altered() -> None:
    assert nameless(1, [view(0, source="ad")], source="AD") == ({"altered": 1, "misplaced": 1}, 1)


@pytest.mark.parametrize(("sighting", "rows"), [(view(0), 1), (view(0, P), 1), (view(0, ABSENT), 0)])
def test_events_without_an_id_that_the_list_cannot_tell_stay_as_the_ledger_has_them(
    sighting: Sighting, rows: int
) -> None:
    assert nameless(0, [sighting], why_not="the list has none such") == ({"uncompared": 1}, rows)


def test_a_page_is_compared_for_views_alone() -> None:
    sightings = identified([opened(0), custom(1), view(2, page="p/a")])
    in_sight = [stored(one.record, place)._replace(page="p/a") for place, one in enumerate(sightings, 1)]

    found, rows, _ = compared(sightings, in_sight)

    assert found.counts == {}
    assert [row.record.page for row in rows] == ["", "", "p/a"]


def test_an_open_that_is_stored_as_a_view_is_where_no_view_belongs() -> None:
    (sighting,) = identified([opened(0)])

    found, rows, _ = compared([sighting], [stored(sighting.record, event="mini_program_view", page="p/a")])

    assert found.counts == {"altered": 1, "misplaced": 1}
    assert [row.record.page for row in rows] == ["p/a"]


def test_an_open_of_nobody_counts_on_no_page() -> None:
    assert row_of(stored(opened(0).record, page="p/a")).record.page == ""


WHO = (Identity("applet-wechat", "oA"), Identity("mobile", "13"), Identity("c_card", "7"))


@pytest.mark.parametrize(
    ("kept", "types", "said"),
    [
        (WHO[:2], {"applet-wechat", "mobile"}, None),
        (WHO[::-1], None, None),
        (WHO[:2], None, "identity c_card: stored '', sent '7'"),
        ((WHO[0], Identity("mobile", "14")), {"applet-wechat", "mobile"}, "identity mobile: stored '14', sent '13'"),
        (WHO[:1], {"applet-wechat", "mobile"}, "identity mobile: stored '', sent '13'"),
        ((*WHO, Identity("tel", "1")), None, "identity tel: stored '1', sent ''"),
    ],
    ids=["a type that is not told", "another order", "one is gone", "one is another", "a told one is gone", "one more"],
)
def test_identities_are_compared_type_by_type(
    kept: tuple[Identity, ...], types: set[str] | None, said: str | None
) -> None:
    (sighting,) = identified([view(0)])
    sighting = replace(sighting, record=replace(sighting.record, identities=WHO))
    index = StoredIndex("run", own=False)
    index.identity_types = None if types is None else frozenset(types)
    index.add_good(stored(sighting.record, identities=kept))
    found = Reconciliation()

    reconcile([sighting], index, found, set(), ZONE)

    assert [case.what for case in found.cases.get("altered", [])] == ([] if said is None else [said])


def test_ids_that_nobody_sent_are_told_where_none_is_found() -> None:
    sightings = identified([view(0), view(1)])
    found, _, _ = compared(sightings, [])
    (finding,) = reconciled_findings(found, others=["a-1", "a\n2" + "x" * 100])

    assert finding.text == (
        "2 events are acknowledged, and none is listed with the id that it was sent with: run.4.0 mini_program_view; "
        f"run.4.1 mini_program_view. What is listed has ids such as 'a-1', 'a\\n2{'x' * 57}…'"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: at * 1_000, "1,000 times as many milliseconds since 1970: another unit of time"),
        (lambda at: at // 1_000, "a 1,000th as many milliseconds since 1970: another unit of time"),
        (lambda at: at + 8 * 3_600_000, "8h later"),
        (lambda at: at - 1, "1ms earlier"),
    ],
)
def test_what_became_of_every_instant_is_told(change: Callable[[int], int], said: str) -> None:
    assert what_became([(str(at), str(change(at))) for at in (MIDNIGHT, MIDNIGHT + 5_000)]) == said


def test_instants_that_are_wrong_in_no_one_way_are_left_alone() -> None:
    assert what_became([("5000", "7000"), ("6000", "9000")]) == ""
    assert what_became([("5000", "7000"), ("5000", "None")]) == ""


def test_an_altered_event_counts_as_it_is_stored() -> None:
    (sighting,) = identified([view(0, source="ad", page="p/a")])
    _, rows, _ = compared([sighting], [stored(sighting.record, source="b", event="c_buy")])

    assert [(row.record.source, row.record.action.value, row.low, row.high) for row in rows] == [("b", "custom", 1, 1)]


def test_events_of_nobody() -> None:
    (sighting,) = identified([view(0)])
    known = stored(sighting.record)
    never_planned = known._replace(cursor=2, external_id="run.9.9")
    of_another_run = known._replace(cursor=3, external_id="other.4.0")
    without_an_id = known._replace(cursor=4, external_id="")

    found, _, index = compared([sighting], [known, never_planned, of_another_run, without_an_id])
    alone, _, own = compared([sighting], [known, never_planned, of_another_run, without_an_id], own=True)

    assert (found.counts, index.foreign_count) == ({"unexpected": 1}, 2)
    assert (alone.counts, own.foreign_count) == ({"unexpected": 3}, 0)
    assert [case.visitor for case in found.cases["unexpected"]] == [9]


def test_a_finding_of_events_that_nobody_sends_says_so() -> None:
    without_an_id = stored(view(0).record, external_id="")
    found, _, _ = compared([], [without_an_id], own=True)
    (finding,) = reconciled_findings(found)

    assert (finding.code, finding.visitors) == ("unexpected", ())
    assert finding.text.endswith("Nobody is named: the plan has nobody who sends such events")


def test_malformed_events_are_among_the_bad_ones() -> None:
    good, bad, unknown = identified([view(0), view(1), view(2, P)])
    bad = replace(bad, record=replace(bad.record, bad="date is unreadable"))
    listed = [stored(one.record, place)._replace(reason="date") for place, one in enumerate((good, bad, unknown))]

    honest, rows, _ = compared([good, bad, unknown], [stored(good.record)], bad=listed[1:2])
    too_strict, _, _ = compared([good, bad, unknown], [], bad=listed)
    too_lax, counted, _ = compared([good, bad, unknown], [stored(good.record), stored(bad.record, 2)])
    silent, _, _ = compared([good, bad], [stored(good.record)])

    assert (honest.counts, len(rows)) == ({"absent": 1}, 1)
    assert [case.what for case in too_strict.cases["lost"]] == ["listed as bad: date"] * 2
    assert (too_lax.counts, len(counted)) == ({"unexpected": 1, "absent": 1}, 2)
    assert silent.cases["lost"][0].what == "malformed (date is unreadable), and not among the bad ones"


def test_findings_name_events_and_visitors() -> None:
    sightings = identified([view(0), view(1), view(2)])
    sightings[2] = replace(sightings[2], record=replace(sightings[2].record, visitor=2))
    found, _, _ = compared(sightings, [])

    (finding,) = reconciled_findings(found)

    assert (finding.code, finding.verdict, finding.count, finding.visitors) == ("lost", Verdict.FAIL, 3, (2, 4))
    assert finding.text == (
        "3 events are acknowledged, and none is listed with the id that it was sent with: run.4.0 mini_program_view; "
        "run.4.1 mini_program_view; run.4.2 mini_program_view"
    )


def test_foreign_events_prove_nothing() -> None:
    (finding,) = reconciled_findings(Reconciliation(), foreign=2)

    assert (finding.code, finding.verdict, finding.count) == ("foreign", Verdict.INCONCLUSIVE, 2)


# ---- what follows for the totals ----------------------------------------------------------------------------------


def by_event(sightings: Sequence[Sighting], rows: Sequence[Sighting], rules: Contract) -> Expectations:
    """The expectations with this block's unknowns replaced by what is stored."""
    ledger, stored_rows = Oracle(rules, MIDNIGHT, DAY_AFTER), Oracle(rules, MIDNIGHT, DAY_AFTER)
    ledger.add_block(sightings)
    stored_rows.add_block(rows)
    part = ledger.finish()
    return exchanged(part, part, stored_rows.finish())


@given(histories(ties=True), RULES, st.data())
@examples(300)
def test_every_allowed_world_is_clean_and_comes_to_its_own_totals(
    history: list[Sighting], rules: Contract, data: st.DataObject
) -> None:
    """Whatever a correct collector may hold, its list is clean and each total is the one number of just that world."""
    sightings = identified(history)
    order = data.draw(st.permutations(sightings))
    copies = {one.record.external_id: data.draw(st.integers(one.low, one.high)) for one in sightings}
    arrived = [one.record for one in order for _ in range(copies[one.record.external_id])]
    events = [stored(record, cursor) for cursor, record in enumerate(arrived, 1)]

    found, rows, _ = compared(sightings, events)
    expected = by_event(sightings, rows, rules)

    first = {record.external_id: place for place, record in reversed(list(enumerate(arrived)))}
    by_arrival = rules.order == "arrival"
    in_order = sorted(arrived, key=lambda one: (0 if by_arrival else one.date or 0, first[one.external_id]))
    totals = brute.count(in_order, rules, MIDNIGHT, DAY_AFTER)
    points = {key: (one.low, one.high) for key, one in expected.intervals.items() if one.high}
    knowable = {key: (total, total) for key, total in totals.items() if total and not expected.why(*key)}
    assert found.clean
    assert {key: point for key, point in points.items() if not expected.why(*key)} == knowable


@given(histories(), RULES, st.data())
@examples(200)
def test_a_collector_that_lost_or_doubled_an_event_is_never_clean(
    history: list[Sighting], rules: Contract, data: st.DataObject
) -> None:
    sightings = identified(history)
    victim = data.draw(st.sampled_from(sightings))
    wrong = data.draw(st.sampled_from([victim.high + 1, *([victim.low - 1] if victim.low else [])]))
    copies = [wrong if one is victim else one.low for one in sightings]

    found = kinds(sightings, copies)

    assert found.get("lost", 0) + found.get("duplicated", 0) == 1


def test_the_exchange_leaves_other_blocks_alone() -> None:
    rules = contract()
    whole, part = expect([view(0, device="a"), view(1, P, device="b")], rules), expect([view(1, P, device="b")], rules)
    collapsed = exchanged(whole, part, expect([view(1, device="b")], rules))

    assert [str(one.intervals["pv", "all", ""]) for one in (whole, part, collapsed)] == ["1..2", "0..1", "2"]


@given(histories(), histories(), RULES)
@examples(150)
def test_what_others_sent_may_be_in_the_totals_or_not(
    history: list[Sighting], others: list[Sighting], rules: Contract
) -> None:
    """Events of other devices and people beside ours, stored in full: every total lies in the widened interval.

    By what a list of events tells of them: no session, no page view's id, no ping and no exit.
    """
    rules = replace(rules, sessions="derived", views="each", ping=None)
    ours = [replace(one, low=one.high) for one in history]
    theirs = [_elsewhere(replace(one, low=1, high=1)) for one in others]
    listed = sorted(theirs, key=lambda one: one.arrived)
    rows = [row_of(stored(one.record, place)) for place, one in enumerate(listed)]

    allowed = widened(expect(ours, rules), expect(rows, rules), below=2 * len(theirs))
    together = expect([*ours, *theirs], rules)

    assert all(
        interval.low in (allowed.expected(*key) or interval)
        for key, interval in together.intervals.items()
        if interval.width == 0
    )


def _elsewhere(one: Sighting) -> Sighting:
    record = one.record
    device = record.anonymous_id and f"their {record.anonymous_id}"
    identities = tuple(replace(identity, value=f"their {identity.value}") for identity in record.identities)
    # The list is of a wire on which nothing ends an open or goes on: what others call so is an event like any other.
    action = Action.CUSTOM if record.action in (Action.EXIT, Action.PING) else record.action
    page = record.page if action is Action.VIEW else ""  # and only a view has a page
    return replace(one, record=replace(record, anonymous_id=device, identities=identities, action=action, page=page))


def test_an_unknown_event_that_joins_two_opens() -> None:
    """The model's witness: 0 and 50 certain, 25 unknown. Stored it is one open, absent it is two."""
    sightings = identified([opened(0), custom(25, P), view(50)])
    rules = contract("timeout=30m")
    events = [stored(one.record, place) for place, one in enumerate(sightings)]

    _, with_it, _ = compared(sightings, events)
    _, without_it, _ = compared(sightings, [events[0], events[2]])

    assert str(expect(sightings, rules).intervals["opens", "all", ""]) == "1..2"
    assert str(by_event(sightings, with_it, rules).intervals["opens", "all", ""]) == "1"
    assert str(by_event(sightings, without_it, rules).intervals["opens", "all", ""]) == "2"

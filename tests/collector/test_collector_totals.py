"""The four numbers, by hand: every definition switch, every kind of cell, and the same again by brute force."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.collector.ingest import EventRow, Rules, event_row
from simulator.collector.store import Store, open_store
from simulator.collector.totals import Totals
from simulator.contract import Definitions, Opens, User, parse_opens
from simulator.times import DAY, HOUR, MINUTE, SECOND, Ms, parse_instant

NOON = parse_instant("2026-03-01T12:00:00+08:00")
ARRIVAL = Ms(NOON + 30 * DAY)
Numbers = tuple[int, int, int, int]  # pv, uv, opens, new users


@dataclass(frozen=True)
class Said:
    """One event as a test says it; `at` is in ms after NOON, None without a date."""

    name: str
    device: str
    at: int | None
    ids: tuple[str, ...] = ()  # type=value
    source: str = ""
    content: str = ""
    page: str = ""

    def row(self) -> EventRow:
        fields = {"event": self.name, "anonymousId": self.device, "source": self.source, "contentName": self.content}
        fields["targetName"] = self.page
        for slot, identity in zip(("", "2", "3"), self.ids, strict=False):
            fields["identityType" + slot], _, fields["identityValue" + slot] = identity.partition("=")
        made = event_row(fields, Rules(), ARRIVAL, "")
        assert isinstance(made, EventRow)
        return made if self.at is None else made._replace(at=NOON + self.at)


def opened(device: str = "d", at: int | None = 0, *ids: str, source: str = "", content: str = "") -> Said:
    return Said("mini_program_open", device, at, ids, source, content)


def viewed(device: str = "d", at: int | None = 0, *ids: str, source: str = "", page: str = "pages/a") -> Said:
    return Said("mini_program_view", device, at, ids, source, page=page)


def tracked(device: str = "d", at: int | None = 0, *ids: str, name: str = "c_x", source: str = "") -> Said:
    return Said(name, device, at, ids, source)


class Book:
    """A store with its totals, filled by hand."""

    def __init__(self, path: Path, definitions: Definitions) -> None:
        self._store: Store = open_store(path)
        self._totals = Totals(path, definitions)

    def add(self, events: Sequence[Said]) -> None:
        asyncio.run(self._store.append([event.row() for event in events]))

    def reset(self) -> None:
        asyncio.run(self._store.reset())

    def cells(self, by: str = "all", begin: int | None = None, end: int | None = None) -> dict[str, Numbers]:
        """By default everything; begin and end in ms after NOON."""
        cells = self._totals.cells(
            by, None if begin is None else Ms(NOON + begin), None if end is None else Ms(NOON + end)
        )
        return {
            cell: (figures["pv"], figures["uv"], figures["opens"] or 0, figures["new_users"] or 0)
            for cell, figures in cells.items()
        }

    def close(self) -> None:
        self._totals.close()
        self._store.close()


def count(
    events: Sequence[Said],
    opens: Opens | str = "launch",
    user: User = "openid",
    day: str = "Asia/Shanghai",
    by: str = "all",
    begin: int | None = None,
    end: int | None = None,
) -> dict[str, Numbers]:
    rule = parse_opens(opens) if isinstance(opens, str) else opens
    with tempfile.TemporaryDirectory() as folder:
        book = Book(Path(folder) / "c.db", Definitions(rule, user, day))
        try:
            book.add(events)
            return book.cells(by, begin, end)
        finally:
            book.close()


T = 30 * MINUTE
OPENS = [
    # what happened, events, launch, timeout=30m, every-foreground
    ("nothing", [], 0, 0, 0),
    ("a launch", [opened()], 1, 1, 1),
    ("a launch and its views", [opened(), viewed(at=1), viewed(at=2)], 1, 1, 1),
    ("a view alone", [viewed()], 0, 1, 0),
    ("a custom event alone", [tracked()], 0, 1, 0),
    ("a gap one millisecond below", [opened(), viewed(at=T - 1)], 1, 1, 1),
    ("a gap of exactly the timeout", [opened(), viewed(at=T)], 1, 1, 1),
    ("a gap one millisecond above", [opened(), viewed(at=T + 1)], 1, 2, 1),
    ("a custom event in the gap", [opened(), tracked(at=T), viewed(at=2 * T)], 1, 1, 1),
    ("a custom event after the gap", [opened(), tracked(at=T + 1), viewed(at=T + 2)], 1, 2, 1),
    ("two launches close together", [opened(), opened(at=1)], 2, 2, 2),
    ("a warm return", [opened(), tracked(at=1, name="c_mp_show"), viewed(at=2)], 1, 1, 2),
    ("a warm return after the gap", [opened(), tracked(at=T + 1, name="c_mp_show")], 1, 2, 2),
    ("stored out of order", [viewed(at=2 * T), opened(), viewed(at=T)], 1, 1, 1),
    ("two devices", [opened("d"), opened("e"), viewed("e", T + 1)], 2, 3, 2),
    ("one instant: arrival decides", [viewed(at=0), opened(at=0)], 1, 2, 1),
    ("no device: only a launch begins", [opened("", 0), viewed("", 1), tracked("", 3 * T)], 1, 1, 1),
]


@pytest.mark.parametrize(
    ("events", "launch", "timeout", "foreground"), [case[1:] for case in OPENS], ids=[case[0] for case in OPENS]
)
def test_opens(events: list[Said], launch: int, timeout: int, foreground: int) -> None:
    counted = [count(events, rule)[""][2] for rule in ("launch", "timeout=30m", "every-foreground")]

    assert counted == [launch, timeout, foreground]


def test_an_event_before_the_period_counts_for_the_gap() -> None:
    events = [viewed(at=-T), viewed(at=0), viewed(at=T + 1)]

    assert count(events, "timeout=30m", begin=0) == {"": (2, 1, 1, 0)}


def test_a_bad_event_never_reaches_the_totals() -> None:
    made = event_row({"event": "mini_program_open", "date": "yesterday"}, Rules(), ARRIVAL, "")

    assert not isinstance(made, EventRow)


O1, O2 = "applet-wechat=o1", "applet-wechat=o2"
U1, M1, M2 = "wechat-unionid=u1", "mobile=m1", "mobile=m2"
USERS = [
    # what happened, events, uv by device, openid, customer
    ("an anonymous visitor", [opened(), viewed(at=1)], 1, 1, 1),
    ("two anonymous visitors", [opened("d"), opened("e")], 2, 2, 2),
    ("identified later on one device", [opened(), viewed("d", 1, O1)], 1, 1, 1),
    ("identified before, then without", [opened("d", 0, O1), viewed(at=1)], 1, 1, 1),
    ("one openid on two devices", [opened("d", 0, O1), opened("e", 1, O1)], 2, 1, 1),
    ("both devices anonymous first", [opened("d"), viewed("d", 1, O1), opened("e", 2), viewed("e", 3, O1)], 2, 1, 1),
    ("two openids on one device", [opened("d", 0, O1), opened("d", 1, O2)], 1, 2, 2),
    ("anonymous between two: the earlier", [opened("d", 0, O1), viewed("d", 1), opened("d", 2, O2)], 1, 2, 2),
    ("anonymous before two: the first", [opened("d", 0), viewed("d", 1, O1), viewed("d", 2, O2)], 1, 2, 2),
    ("identified by a custom event only", [opened("d", 0), tracked("d", 1, O1), opened("e", 2, O1)], 2, 1, 1),
    ("a custom event makes no user", [tracked("d", 0, O1)], 0, 0, 0),
    ("a warm return makes no user", [tracked("d", 0, O1, name="c_mp_show")], 0, 0, 0),
    ("open_page makes a user", [tracked("d", name="open_page")], 1, 1, 1),
    ("no device, an openid", [opened("", 0, O1)], 0, 1, 1),
    ("no device, a mobile only", [opened("", 0, M1)], 0, 0, 1),
    ("neither device nor identity", [opened("", 0)], 0, 0, 0),
    ("an openid called like a device", [opened("x"), opened("y", 1, "applet-wechat=x")], 2, 2, 2),
    ("the openid in the third slot", [opened("d", 0, M1, U1, O1), opened("e", 1, O1)], 2, 1, 1),
    ("linked by unionid", [opened("d", 0, O1, U1), opened("e", 1, O2, U1)], 2, 2, 1),
    ("linked by a third event", [opened("d", 0, O1), opened("e", 1, O2), tracked("f", 2, O1, O2)], 2, 2, 1),
    ("linked in the other order", [tracked("f", 0, O1, O2), opened("d", 1, O1), opened("e", 2, O2)], 2, 2, 1),
    ("a shared mobile joins, conflict or not", [opened("d", 0, O1, M1), opened("e", 1, O2, M1)], 2, 2, 1),
    ("chain", [opened("d", 0, O1, M1), opened("e", 1, M2), tracked("f", 2, M2, U1), tracked("f", 3, M1, U1)], 2, 2, 1),
    ("a mobile only, on a device with an openid", [opened("d", 0, O1), opened("d", 1, M1)], 1, 1, 2),
    ("a device joins nobody", [opened("d", 0, M1), opened("d", 1, M2), viewed("d", 2)], 1, 1, 2),
    ("two types, one value", [opened("d", 0, "mobile=1"), opened("e", 1, "c_id=1")], 2, 2, 2),
    ("a colon in a type", [opened("d", 0, "a:b=c"), opened("e", 1, "a=b:c")], 2, 2, 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "device", "openid", "customer"), [case[1:] for case in USERS], ids=[case[0] for case in USERS]
)
def test_users(events: list[Said], device: int, openid: int, customer: int) -> None:
    counted = {user: count(events, user=user)[""] for user in ("device", "openid", "customer")}

    assert {user: numbers[1] for user, numbers in counted.items()} == {
        "device": device,
        "openid": openid,
        "customer": customer,
    }
    assert all(numbers[1] == numbers[3] for numbers in counted.values())  # over all time, everybody was new once


def test_an_anonymous_event_belongs_to_the_nearest_earlier_openid() -> None:
    """Not to the later one, though that is nearer in time."""
    events = [opened("d", 0, O1), viewed("d", HOUR, source="ad"), viewed("d", HOUR + 1, O2)]
    again = [viewed("e", HOUR + 2, O1, source="ad")]

    assert count([*events, *again], by="source")["ad"][:2] == (2, 1)


PERIOD = [
    ("the first millisecond is in", [viewed(at=0)], (1, 1, 0, 1)),
    ("the millisecond before is not", [viewed(at=-1)], (0, 0, 0, 0)),
    ("the last millisecond is in", [viewed(at=HOUR - 1)], (1, 1, 0, 1)),
    ("the end is not", [viewed(at=HOUR)], (0, 0, 0, 0)),
    ("known from before the period", [viewed(at=-DAY), viewed(at=0)], (1, 1, 0, 0)),
    ("before it only by a custom event", [tracked(at=-DAY), viewed(at=0)], (1, 1, 0, 1)),
    ("known by openid from another device", [viewed("e", -DAY, O1), viewed("d", 0, O1)], (1, 1, 0, 0)),
    ("known by a later openid", [viewed("e", -DAY, O1), viewed("d", 0), viewed("d", DAY, O1)], (1, 1, 0, 0)),
    ("coming back after it", [viewed(at=0), viewed(at=DAY)], (1, 1, 0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("events", "numbers"), [case[1:] for case in PERIOD], ids=[case[0] for case in PERIOD])
def test_a_period(events: list[Said], numbers: Numbers) -> None:
    assert count(events, begin=0, end=HOUR)[""] == numbers


VISIT = [
    opened("d", 0, source="ad", content="spring"),
    viewed("d", 1, source="ad", page="pages/a"),
    viewed("d", 2, O1, source="ad", page="/pages/b?id=1"),
    tracked("d", 3, O1, source="ad"),
    opened("d", 2 * HOUR, O1),
    viewed("d", 2 * HOUR + 1, O1, page="pages/a"),
    opened("e", HOUR, source="春"),
    viewed("e", HOUR + 1, source="AD", page=""),
]
CELLS = [
    ("all", {"": (4, 2, 3, 2)}),
    ("source", {"(none)": (1, 1, 1, 0), "AD": (1, 1, 0, 0), "ad": (2, 1, 1, 1), "春": (0, 1, 1, 1)}),
    ("content", {"(none)": (4, 2, 2, 1), "spring": (0, 1, 1, 1)}),
    (
        "hour",
        {
            "2026-03-01T12:00+08:00": (2, 1, 1, 1),
            "2026-03-01T13:00+08:00": (1, 1, 1, 1),
            "2026-03-01T14:00+08:00": (1, 1, 1, 0),
        },
    ),
    ("day", {"2026-03-01": (4, 2, 3, 2)}),
    ("page", {"(none)": (1, 1, 0, 0), "pages/a": (2, 1, 0, 0), "pages/b": (1, 1, 0, 0)}),
]


@pytest.mark.parametrize(("by", "cells"), CELLS, ids=[case[0] for case in CELLS])
def test_cells(by: str, cells: dict[str, Numbers]) -> None:
    assert count(VISIT, by=by) == cells


def test_pages_have_neither_opens_nor_new_users(tmp_path: Path) -> None:
    book = Book(tmp_path / "c.db", Definitions())
    book.add(VISIT)

    assert book._totals.cells("page")["pages/b"] == {"pv": 1, "uv": 1, "opens": None, "new_users": None}

    book.close()


def test_an_open_by_timeout_is_in_the_cell_of_the_event_that_begins_it() -> None:
    events = [opened("d", 0, source="ad"), tracked("d", T + 1, source="late"), viewed("d", T + 2, source="later")]

    assert count(events, "timeout=30m", by="source") == {
        "ad": (0, 1, 1, 1),
        "late": (0, 0, 1, 0),  # an open without a user: a custom event makes none
        "later": (1, 1, 0, 0),
    }


def test_a_custom_event_alone_makes_no_cell() -> None:
    assert count([tracked(source="ad")], by="source") == {}
    assert count([tracked(source="ad")]) == {"": (0, 0, 0, 0)}


def test_without_a_date_the_arrival_counts() -> None:
    assert count([viewed(at=None)], by="day") == {"2026-03-31": (1, 1, 0, 1)}


SPRING = parse_instant("2026-03-29T00:30:00Z") - NOON  # Berlin: 01:30+01:00, an hour later 03:30+02:00
AUTUMN = parse_instant("2026-10-25T00:30:00Z") - NOON  # Berlin: 02:30+02:00, an hour later 02:30+01:00
ZONES = [
    ("an hour that the clock skips", "Europe/Berlin", SPRING, ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]),
    ("an hour that comes twice", "Europe/Berlin", AUTUMN, ["2026-10-25T02:00+01:00", "2026-10-25T02:00+02:00"]),
    ("a zone of three quarters", "Asia/Kathmandu", -15 * MINUTE, ["2026-03-01T09:00+05:45", "2026-03-01T10:00+05:45"]),
]


@pytest.mark.parametrize(("zone", "at", "hours"), [case[1:] for case in ZONES], ids=[case[0] for case in ZONES])
def test_hours_are_those_of_the_zone(zone: str, at: int, hours: list[str]) -> None:
    assert list(count([viewed(at=at), viewed(at=at + HOUR)], day=zone, by="hour")) == hours


@pytest.mark.parametrize(
    ("zone", "day"), [("Asia/Shanghai", "2026-03-02"), ("UTC", "2026-03-01"), ("America/New_York", "2026-03-01")]
)
def test_midnight_is_that_of_the_zone(zone: str, day: str) -> None:
    assert list(count([viewed(at=12 * HOUR)], day=zone, by="day")) == [day]


def test_totals_follow_what_is_stored(tmp_path: Path) -> None:
    """A later event may change what was counted before, and a reset forgets identities too."""
    book = Book(tmp_path / "c.db", Definitions(user="customer"))

    book.add([opened("d", 0, O1), opened("e", 1, O2)])
    assert book.cells() == {"": (0, 2, 2, 2)}
    book.add([tracked("f", 2, O1, O2)])
    assert book.cells() == {"": (0, 1, 2, 1)}
    book.reset()
    assert book.cells() == {"": (0, 0, 0, 0)}
    book.add([opened("d", 0, O1), opened("e", 1, O2)])
    assert book.cells() == {"": (0, 2, 2, 2)}

    book.close()


# By brute force: the definitions once more, as loops over events in order.


def ordered(events: Sequence[Said]) -> list[Said]:
    return sorted(events, key=lambda event: event.at or 0)  # stable: arrival decides among equals


def naive_openings(events: Sequence[Said], timeout: int) -> list[bool]:
    openings = []
    for here, event in enumerate(events):
        before = [other for other in events[:here] if other.device == event.device]
        gap = not before or (event.at or 0) - (before[-1].at or 0) > timeout
        openings.append(event.name == "mini_program_open" or (event.device != "" and gap))
    return openings


def naive_openid(events: Sequence[Said], here: int) -> str | None:
    def own(event: Said) -> str | None:
        return next((identity for identity in event.ids if identity.startswith("applet-wechat=")), None)

    event = events[here]
    mine = own(event)
    if mine or not event.device:
        return mine
    same = [(place, own(other)) for place, other in enumerate(events) if other.device == event.device and own(other)]
    earlier = [openid for place, openid in same if place < here]
    later = [openid for place, openid in same if place > here]
    return earlier[-1] if earlier else later[0] if later else ":" + event.device


def naive_customer(events: Sequence[Said], here: int) -> str | frozenset[str] | None:
    def component(start: tuple[str, ...]) -> frozenset[str]:
        found = set(start)
        for _ in events:
            for other in events:
                if found & set(other.ids):
                    found |= set(other.ids)
        return frozenset(found)

    event = events[here]
    if event.ids:
        return component(event.ids)
    if not event.device:
        return None
    same = [place for place, other in enumerate(events) if other.device == event.device and other.ids]
    earlier = [place for place in same if place < here]
    later = [place for place in same if place > here]
    if earlier:
        return component(events[earlier[-1]].ids)
    return component(events[later[0]].ids) if later else ":" + event.device


def naive(events: Sequence[Said], user: User, begin: int, end: int) -> dict[str, Numbers]:
    events = ordered(events)
    openings = naive_openings(events, 2)
    seen: set[object] = set()
    cells: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    users: dict[str, set[object]] = defaultdict(set)
    for here, event in enumerate(events):
        who: object = {
            "device": ":" + event.device if event.device else None,
            "openid": naive_openid(events, here),
            "customer": naive_customer(events, here),
        }[user]
        visits = who is not None and event.name in {"mini_program_open", "mini_program_view"}
        new = visits and who not in seen
        if visits:
            seen.add(who)
        if begin <= (event.at or 0) < end:
            cell = cells[event.source or "(none)"]
            cell[0] += event.name == "mini_program_view"
            cell[2] += openings[here]
            cell[3] += new
            if visits:
                users[event.source or "(none)"].add(who)
    for name, cell in cells.items():
        cell[1] = len(users[name])
    return {name: (cell[0], cell[1], cell[2], cell[3]) for name, cell in cells.items() if any(cell)}


says = st.builds(
    Said,
    name=st.sampled_from(["mini_program_open", "mini_program_view", "c_x"]),
    device=st.sampled_from(["d", "e", ""]),
    at=st.integers(0, 12),
    ids=st.lists(
        st.sampled_from(["applet-wechat=1", "applet-wechat=2", "mobile=1", "mobile=2", "c_id=1"]),
        max_size=2,
        unique=True,
    ).map(tuple),
    source=st.sampled_from(["", "a", "b"]),
)


@pytest.mark.parametrize("user", ["device", "openid", "customer"])
@given(events=st.lists(says, max_size=9), begin=st.integers(0, 6), length=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_sql_agrees_with_loops(user: User, events: list[Said], begin: int, length: int) -> None:
    counted = count(events, Opens("timeout", Ms(2)), user, by="source", begin=begin, end=begin + length)

    assert counted == naive(events, user, begin, begin + length)


@given(events=st.lists(says, max_size=8))
@settings(max_examples=30, deadline=None)
def test_the_hours_of_arrival_change_nothing_but_ties(events: list[Said]) -> None:
    """Events at distinct instants may be stored in any order."""
    apart = [replace(event, at=here * SECOND) for here, event in enumerate(events)]

    assert count(apart, "timeout=30m", "customer", by="source") == count(
        list(reversed(apart)), "timeout=30m", "customer", by="source"
    )

"""Running totals of a listening: counted by hand."""

from __future__ import annotations

import pytest

from simulator.events import Identity
from simulator.inspect.listening import figures as module
from simulator.inspect.listening.figures import Figures, Row
from simulator.times import Ms
from simulator.wire.request import Action, Record

OPEN, VIEW, CUSTOM = Action.OPEN, Action.VIEW, Action.CUSTOM


def event(
    action: Action, device: str = "", openid: str = "", source: str = "", *, number: str = "", bad: str = ""
) -> Record:
    who = (Identity("applet-wechat", openid),) if openid else ()
    return Record(-1, -1, number, action, "e", None, device, who, source, bad=bad)


def counted(*records: Record) -> dict[str, tuple[int, int, int, int]]:
    figures = Figures()
    for record in records:
        figures.add([record], "dmhub")
    return {row.source: (row.pv, row.uv, row.opens, row.new_users) for row in figures.rows()}


CASES = [
    # what came                                   the records                                              expected
    ("nothing", [], {"": (0, 0, 0, 0)}),
    ("an open and a view", [event(OPEN, "d"), event(VIEW, "d")], {"": (1, 1, 1, 1), "(none)": (1, 1, 1, 1)}),
    ("two devices", [event(VIEW, "d"), event(VIEW, "e")], {"": (2, 2, 0, 2), "(none)": (2, 2, 0, 2)}),
    (
        "anonymous, then known: one user",
        [event(VIEW, "d"), event(VIEW, "d", "o")],
        {"": (2, 1, 0, 1), "(none)": (2, 1, 0, 1)},
    ),
    (
        "known, then anonymous on the same device",
        [event(VIEW, "d", "o"), event(VIEW, "d")],
        {"": (2, 1, 0, 1), "(none)": (2, 1, 0, 1)},
    ),
    (
        "two openids on one device are two users",
        [event(VIEW, "d", "o"), event(VIEW, "d", "p")],
        {"": (2, 2, 0, 2), "(none)": (2, 2, 0, 2)},
    ),
    (
        "one openid on two devices is one user",
        [event(VIEW, "d", "o"), event(VIEW, "e", "o")],
        {"": (2, 1, 0, 1), "(none)": (2, 1, 0, 1)},
    ),
    (
        "new in the source of the first visit only",
        [event(OPEN, "d", source="ad"), event(OPEN, "d", source="poster")],
        {"": (0, 1, 2, 1), "ad": (0, 1, 1, 1), "poster": (0, 1, 1, 0)},
    ),
    (
        "a custom event makes no user, and tells who the device is",
        [event(CUSTOM, "d", "o", "ad"), event(VIEW, "d", source="ad"), event(VIEW, "", "o", "ad")],
        {"": (2, 1, 0, 1), "ad": (2, 1, 0, 1)},
    ),
    (
        "a copy counts once",
        [event(VIEW, "d", number="1"), event(VIEW, "d", number="1"), event(VIEW, "d", number="2")],
        {"": (2, 1, 0, 1), "(none)": (2, 1, 0, 1)},
    ),
    (
        "a bad event counts nowhere",
        [event(VIEW, "d", bad="event is missing"), event(VIEW, "d")],
        {"": (1, 1, 0, 1), "(none)": (1, 1, 0, 1)},
    ),
    ("who is nobody makes no user", [event(VIEW)], {"": (1, 0, 0, 0), "(none)": (1, 0, 0, 0)}),
]  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_four_numbers(records: list[Record], expected: dict[str, tuple[int, int, int, int]]) -> None:
    assert counted(*records) == expected


def test_without_an_id_the_same_instant_sender_and_name_is_a_copy() -> None:
    one = Record(-1, -1, "", VIEW, "e", Ms(5), "d", ())
    figures = Figures()

    figures.add([one, one, Record(-1, -1, "", VIEW, "e", Ms(6), "d", ())], "dmhub")

    assert (figures.rows()[0].pv, figures.repeated) == (2, 1)


def test_ids_of_two_wires_have_nothing_in_common() -> None:
    figures = Figures()

    figures.add([event(VIEW, "d", number="1")], "dmhub")
    figures.add([event(VIEW, "d", number="1")], "segment")

    assert figures.rows()[0].pv == 2


def test_sources_are_in_the_order_of_their_views() -> None:
    figures = Figures()
    figures.add([event(VIEW, "d", source=name) for name in ("b", "a", "c", "c")], "dmhub")

    assert [row.source for row in figures.rows()] == ["", "c", "a", "b"]


def test_memory_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("_USERS", 3), ("_SOURCES", 2), ("_EVENTS", 4)):
        monkeypatch.setattr(module, name, most)
    figures = Figures()

    figures.add([event(VIEW, f"d{k}", f"o{k}", f"s{k}", number=str(k)) for k in range(9)], "dmhub")

    assert figures.rows()[0] == Row("", 9, 3, 0, 3)
    assert [row.source for row in figures.rows()] == ["", "(others)", "s0", "s1"]
    assert figures.is_full
    assert (len(figures._seen), len(figures._last_openid)) == (4, 3)


def test_a_dear_count_is_not_done_for_every_look() -> None:
    figures = Figures()
    figures.add([event(VIEW, "d")], "dmhub")
    figures.rows()
    figures._cost = 60.0

    figures.add([event(VIEW, "e")], "dmhub")

    assert (figures.rows_of_late()[0].pv, figures.is_counted) == (1, False)
    assert (figures.rows()[0].pv, figures.rows_of_late()[0].pv, figures.is_counted) == (2, 2, True)

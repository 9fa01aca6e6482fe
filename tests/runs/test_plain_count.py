"""The plain count of a run: by hand where it is small, and every definition once more by another plain engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.contract import Contract, Definitions, parse_opens
from simulator.events import Identity
from simulator.runs.plain_count import MOST_UNKNOWN, PlainCount, _add_block, _Counter, plain_count
from simulator.runs.plain_count import Row as PlainRow
from simulator.wire.request import Action, Outcome, Request
from tests.runs.sent_runs import requests_of, sent_run
from tests.verify import brute
from tests.verify.histories import DAY_AFTER, MIDNIGHT, C, happened

ACKED, REFUSED, UNKNOWN = Outcome.ACKED, Outcome.REFUSED, Outcome.UNKNOWN
Fate = Callable[[Request], Outcome]


def of_first(*unknown: str, outcome: Outcome = UNKNOWN) -> Fate:
    """The first visitor's events of these pages ("": the launch) have this outcome, all others are acked."""

    def fate(request: Request) -> Outcome:
        (record,) = request.records
        return outcome if request.visitor == 0 and record.page in unknown else ACKED

    return fate


def totals(plain: PlainCount) -> dict[str, tuple[int, int] | None]:
    return {metric: plain.of((metric, "all", "")) for metric in ("pv", "uv", "opens", "new_users")}


# Each of two visitors: a launch with its view of pages/a, then a view of pages/b.
RUNS: list[tuple[str, Fate, dict[str, tuple[int, int]]]] = [
    ("all acked", of_first(), {"pv": (4, 4), "uv": (2, 2), "opens": (2, 2), "new_users": (2, 2)}),
    ("a view unknown", of_first("pages/b"), {"pv": (3, 4), "uv": (2, 2), "opens": (2, 2), "new_users": (2, 2)}),
    ("a launch unknown", of_first(""), {"pv": (4, 4), "uv": (2, 2), "opens": (1, 2), "new_users": (2, 2)}),
    ("all of one unknown", of_first("", "pages/a", "pages/b"),
     {"pv": (2, 4), "uv": (1, 2), "opens": (1, 2), "new_users": (1, 2)}),
    ("all of one refused", of_first("", "pages/a", "pages/b", outcome=REFUSED),
     {"pv": (2, 2), "uv": (1, 1), "opens": (1, 1), "new_users": (1, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("fate", "expected"), [row[1:] for row in RUNS], ids=[row[0] for row in RUNS])
def test_the_totals_of_a_small_run(fate: Fate, expected: dict[str, tuple[int, int]], tmp_path: Path) -> None:
    assert totals(plain_count(sent_run(tmp_path, outcome_of=fate))) == expected


def test_the_cells_of_a_small_run(tmp_path: Path) -> None:
    plain = plain_count(sent_run(tmp_path, outcome_of=of_first("pages/b")))

    assert {cell: plain.of(("pv", "page", cell)) for cell in ("pages/a", "pages/b", "pages/c")} == {
        "pages/a": (2, 2), "pages/b": (1, 2), "pages/c": (0, 0),
    }  # fmt: skip
    assert plain.of(("uv", "page", "pages/b")) == (1, 2)
    assert plain.of(("pv", "source", "(none)")) == plain.of(("pv", "day", "2026-03-01")) == (3, 4)
    assert plain.of(("opens", "hour", "2026-03-01T00:00+08:00")) == (2, 2)


def test_what_is_stored_decides_what_was_unknown(tmp_path: Path) -> None:
    opened = sent_run(tmp_path, outcome_of=of_first("", "pages/b"))
    stored = {record.external_id for one in requests_of(opened) for record in one.records if record.page != "pages/b"}

    assert totals(plain_count(opened, stored)) == {"pv": (2, 2), "uv": (2, 2), "opens": (2, 2), "new_users": (2, 2)}


def row(place: int, action: Action = Action.VIEW) -> PlainRow:
    return PlainRow(happened(action, place, external_id=f"e{place}").record, certain=False)


def test_what_is_too_much_to_try_is_counted_one_by_one_or_not_at_all() -> None:
    tried, untried = PlainCount(), PlainCount()
    counter = _Counter(Definitions(), MIDNIGHT, DAY_AFTER)
    rows = [row(0, Action.OPEN), *(row(place) for place in range(1, MOST_UNKNOWN + 1))]
    _add_block(tried, rows[1:], counter)
    _add_block(untried, rows, counter)

    assert totals(tried) == {"pv": (0, MOST_UNKNOWN), "uv": (0, 1), "opens": (0, 0), "new_users": (0, 1)}
    assert totals(untried) == {"pv": (0, MOST_UNKNOWN), "uv": None, "opens": (0, 1), "new_users": None}


def test_where_only_the_arrival_tells_what_was_first_nothing_is_said_of_it() -> None:
    plain = PlainCount()
    first, second = row(5), row(5)
    _add_block(plain, [first, second], _Counter(Definitions(), MIDNIGHT, DAY_AFTER))

    assert totals(plain) == {"pv": (0, 2), "uv": None, "opens": (0, 0), "new_users": None}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Action, int, str, tuple[Identity, ...], str]]:
    minutes = draw(st.lists(st.integers(-60, 1500), min_size=1, max_size=14, unique=True))
    names = [(), (Identity("applet-wechat", "X"),), (Identity("applet-wechat", "Y"), Identity("mobile", "1")),
             (Identity("mobile", "1"),), (Identity("mobile", "2"),)]  # fmt: skip
    return [
        (
            draw(st.sampled_from([Action.OPEN, Action.VIEW, Action.VIEW, Action.SHOW, Action.CUSTOM])),
            minute,
            draw(st.sampled_from("abc")),
            draw(st.sampled_from(names)),
            draw(st.sampled_from(["", "ad"])),
        )
        for minute in sorted(minutes)
    ]


@given(histories(), st.sampled_from(["launch", "timeout=30m", "every-foreground"]),
       st.sampled_from(["device", "openid", "customer"]))  # fmt: skip
@settings(deadline=None)
def test_it_counts_as_the_other_plain_engine_does(history: list, opens: str, user: str) -> None:  # type: ignore[type-arg]
    definitions = Definitions(parse_opens(opens), user)  # type: ignore[arg-type]
    records = [
        happened(action, minute, C, device=device, others=identities, source=source, external_id=f"e{place}").record
        for place, (action, minute, device, identities, source) in enumerate(history)
    ]

    assert _Counter(definitions, MIDNIGHT, DAY_AFTER).count(records) == brute.count(
        records, Contract(definitions=definitions), MIDNIGHT, DAY_AFTER
    )

"""What a finding says of stored sources that nobody sent: each pattern planted by hand, and told by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.verify.rules.origins import Origins, note_origins, what_origin
from simulator.verify.sighting import Sighting
from tests.verify.histories import examples, opened, view

DAY = 24 * 60


def with_ids(*rows: Sighting) -> list[Sighting]:
    return [
        replace(row, record=replace(row.record, number=place, external_id=f"run.0.{place}"))
        for place, row in enumerate(rows)
    ]


def sentence(rows: list[Sighting], stored: list[str]) -> str:
    """What is told where the events are stored with these sources, in their order."""
    wrong = {
        row.record.external_id: source for row, source in zip(rows, stored, strict=True) if source != row.record.source
    }
    found: Origins = {}
    note_origins(rows, wrong, found)
    return what_origin(found, len(wrong))


FIRST = "the stored source is that of its device's first visit that had one (first touch)"
VISITS = with_ids(
    opened(0, source="ad"),
    view(1, source="ad"),
    opened(60, source="card"),
    view(61, source="card"),
    opened(120),
    view(121),
    opened(180, source="card"),
    opened(DAY + 10, source="mail"),
)


@pytest.mark.parametrize(
    ("rows", "stored", "told"),
    [
        (VISITS, ["ad"] * 8, f"In 6 of 6 {FIRST}"),
        (
            VISITS,
            ["ad"] * 7 + ["mail"],
            "In 5 of 5 the stored source is that of an earlier visit of its device, which sticks for 1d "
            "(first touch with a window)",
        ),
        (
            VISITS,
            ["ad", "ad", "card", "card", "card", "card", "card", "mail"],
            "In 2 of 2 the stored source is the last one that its device had before, and it was sent without one "
            "(the source sticks)",
        ),
        (VISITS, ["mail"] * 8, "In 7 of 7 the stored source is that of its device's last visit (last touch)"),
        (
            with_ids(opened(0, source="ad"), view(1, source="ad"), view(30, source="card"), view(31, source="card")),
            ["ad", "ad", "", ""],
            "In 2 of 2 the stored source is none, as if the return from the background had lost it",
        ),
        (VISITS, ["ad", "ad", "x", "y", "", "", "card", "mail"], ""),
        (VISITS, ["ad", "ad", "ad", "ad", "", "", "x", "mail"], f"In 2 of 3 {FIRST}; 3 others of these devices kept"),
        (VISITS, ["AD", "AD", "CARD", "CARD", "", "", "CARD", "MAIL"], ""),
    ],
    ids=[
        "first touch", "first touch for a day", "the last one sticks", "last touch", "lost on a return",
        "no pattern", "most of them", "upper case",
    ],
)  # fmt: skip
def test_where_a_stored_source_comes_from(rows: list[Sighting], stored: list[str], told: str) -> None:
    assert sentence(rows, stored).startswith(told)
    assert bool(sentence(rows, stored)) is bool(told)


def test_devices_do_not_lend_each_other_a_source() -> None:
    rows = with_ids(
        opened(0, source="ad", device="a"), opened(1, source="card", device="b"), opened(2, source="x", device="b")
    )

    assert sentence(rows, ["ad", "card", "ad"]) == ""


def test_a_source_that_was_sent_in_no_request_is_nobodys() -> None:
    lost, late = with_ids(opened(0, (0, 0), source="ad"), opened(60, source="card"))

    assert sentence([lost, late], ["ad", "ad"]) == ""


def test_what_is_found_of_several_devices_is_added() -> None:
    both: Origins = {}
    for device in ("a", "b"):
        rows = with_ids(opened(0, source="ad", device=device), opened(60, source="card", device=device))
        own: Origins = {}
        note_origins(rows, {"run.0.1": "ad"}, own)
        for told, origin in own.items():
            both.setdefault(told, type(origin)()).merge(origin)

    assert what_origin(both, 2) == f"In 2 of 2 {FIRST}"


@given(st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from(["", "ad", "card", "mail"])), min_size=1, max_size=12))
@examples(150)
def test_first_touch_is_always_told_as_that(visits: list[tuple[int, str]]) -> None:
    """However the visits lie: whoever stores the device's first source has it told, and of all that are wrong."""
    rows = with_ids(*(opened(minute, source=source) for minute, source in sorted(dict(visits).items())))
    first = next((row.record.source for row in rows if row.record.source), "")
    begun = [any(row.record.source for row in rows[: place + 1]) for place in range(len(rows))]
    stored = [first if has else "" for has in begun]
    wrong = sum(source != row.record.source for row, source in zip(rows, stored, strict=True))

    assert sentence(rows, stored) == (f"In {wrong} of {wrong} {FIRST}" if wrong else "")

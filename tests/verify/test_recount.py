"""Counting unit by unit comes to what counting cell by cell does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from simulator.contract import METRICS, Contract
from simulator.verify.cells import CellBook
from simulator.verify.recount import in_order, place_in, units
from simulator.verify.sighting import Sighting
from tests.verify.histories import DAY_AFTER, MIDNIGHT, RULES, contract, examples, expect, opened, view
from tests.verify.test_oracle_bounds import histories


def recounted(rows: list[Sighting], rules: Contract) -> dict[tuple[str, str, str], int]:
    book = CellBook(rules.definitions.day, MIDNIGHT, DAY_AFTER)
    found: dict[tuple[str, str, str], int] = {}
    for unit in units(in_order(rows, rules), rules, place_in(book)):
        for cell in unit.cells:
            key = (unit.metric, *book.names[cell])
            found[key] = found.get(key, 0) + unit.times
    return found


@given(histories(), RULES)
@examples(300)
def test_units_add_up_to_the_totals(history: list[Sighting], rules: Contract) -> None:
    certain = [replace(one, low=one.high) for one in history]
    expected = expect(certain, rules)

    counted = recounted(certain, rules)

    assert counted == {key: interval.low for key, interval in expected.intervals.items() if interval.low}


def test_a_user_counts_with_the_first_row_in_each_cell() -> None:
    rows = [opened(0, device="a"), view(1, device="a", page="p/a"), view(2, device="a", page="p/a")]
    book = CellBook("Asia/Shanghai", MIDNIGHT, DAY_AFTER)

    found = [
        (unit.row.record.action.value, [book.names[cell][0] for cell in unit.cells])
        for unit in units(rows, contract(), place_in(book), metrics=("uv",))
    ]

    assert found == [("open", ["all", "source", "content", "hour", "day"]), ("view", ["page"])]
    assert set(METRICS) == {"pv", "uv", "opens", "new_users"}

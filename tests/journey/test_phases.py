"""The phases of a plan, and its blocks cut where another phase begins."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.journey.phases import PlannedPhase, pieces_of, planned_phases
from simulator.journey.plan import Plan, arrival_offset_us
from simulator.scenario.load import load_scenario_text
from tests.builders import plan


def planned(rates: list[tuple[int, int]], *, share: bool = True, spacing: str = "even") -> Plan:
    """A plan of phases, each (visitors per second, seconds); its blocks have two visitors where phones are shared."""
    phases = ", ".join(f"{{rate: {rate}/s, for: {seconds}s}}" for rate, seconds in rates)
    text = (
        f"scenario: s\napp: {{pages: [a]}}\nvisitors: {{share_device: {10 if share else 0}%}}\n"
        f"journeys: {{a: {{steps: [launch, exit]}}}}\nload: {{spacing: {spacing}, arrivals: [{phases}]}}\n"
    )
    return plan(load_scenario_text(text, "s.yaml", Path()), seed=3)


def test_a_phase_knows_its_visitors_and_when_the_last_of_them_arrives() -> None:
    assert planned_phases(planned([(2, 2), (0, 1), (1, 3)])) == (
        PlannedPhase("", "2/s", 0, 2_000_000, range(4), 1_500_000),
        PlannedPhase("", "0/s", 2_000_000, 1_000_000, range(4, 4), 2_000_000),
        PlannedPhase("", "1/s", 3_000_000, 3_000_000, range(4, 7), 5_000_000),
    )


def test_a_block_of_two_phases_is_a_piece_of_its_own() -> None:
    of = planned([(3, 1), (4, 1), (1, 1)])  # visitors 0..2, 3..6, 7; blocks 01 23 45 67
    pieces = list(pieces_of(of, planned_phases(of), of.blocks))

    assert [(piece.blocks, piece.phase, piece.shares) for piece in pieces] == [
        (range(1), 0, ()),
        ((1,), None, ((0, range(2, 3)), (1, range(3, 4)))),
        (range(2, 3), 1, ()),
        ((3,), None, ((1, range(6, 7)), (2, range(7, 8)))),
    ]


def test_an_empty_phase_between_two_visitors_of_a_block_has_no_share() -> None:
    of = planned([(1, 1), (0, 1), (1, 1)])
    (piece,) = pieces_of(of, planned_phases(of), of.blocks)

    assert piece.shares == ((0, range(1)), (2, range(1, 2)))


def test_without_phases_everything_is_one_piece() -> None:
    of = planned([(3, 1), (4, 1)])

    assert [(piece.blocks, piece.phase) for piece in pieces_of(of, (), of.blocks)] == [(of.blocks, None)]


@pytest.mark.parametrize("spacing", ["even", "poisson"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=5), st.booleans(), st.data())
def test_pieces_are_all_blocks_in_their_order_and_every_visitor_is_in_its_phase(
    spacing: str, rates: list[tuple[int, int]], share: bool, data: st.DataObject
) -> None:
    rates[0] = (max(rates[0][0], 1), rates[0][1])
    of = planned(rates, share=share, spacing=spacing)
    phases = planned_phases(of)
    blocks = sorted(data.draw(st.sets(st.sampled_from(list(of.blocks)), min_size=1)))
    pieces = list(pieces_of(of, phases, blocks))

    assert list(chain.from_iterable(piece.blocks for piece in pieces)) == blocks
    found: dict[int, int] = {}
    for piece in pieces:
        members = [k for block in piece.blocks for k in range(block * of.block, (block + 1) * of.block) if k < of.count]
        if piece.phase is not None:
            found |= dict.fromkeys(members, piece.phase)
        for place, visitors in piece.shares:
            found |= dict.fromkeys(visitors, place)
    assert sorted(found) == [
        k for block in blocks for k in range(block * of.block, (block + 1) * of.block) if k < of.count
    ]
    for visitor, place in found.items():
        phase = phases[place]
        assert phase.begin_us <= arrival_offset_us(of, visitor) < phase.begin_us + phase.length_us

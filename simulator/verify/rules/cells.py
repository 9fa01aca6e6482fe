"""Other hours and days, other names of sources, contents and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from simulator.contract import METRICS, NO_CELL
from simulator.times import DAY, HOUR, MINUTE, Ms, zone_offset
from simulator.verify.rules.changes import relabelled
from simulator.verify.rules.origins import SOURCE_RULES
from simulator.verify.rules.rule import Rows, Rule, Scene, alternative
from simulator.verify.rules.text import TEXTS
from simulator.verify.sighting import Sighting
from simulator.wire.request import Action

_CELLS = ("source", "content", "page")


@alternative(*METRICS)
def other_days(scene: Scene) -> Iterator[Rule]:
    zone = scene.contract.definitions.day
    if zone != "UTC":
        yield Rule("let the day begin at midnight in UTC", "attribution", ("day",), zone="UTC")
    standard = min(zone_offset(Ms(scene.begin + month * 30 * DAY), zone) for month in range(12))
    for kinds in (("day",), ("hour", "day")):
        yield Rule(
            f"had one offset for {zone} all year, without summer time",
            "attribution",
            kinds,
            label=lambda row: Ms(row.earliest - zone_offset(row.earliest, zone) + standard),
        )


@alternative(*METRICS)
def other_hours(scene: Scene) -> Iterator[Rule]:
    zone = scene.contract.definitions.day
    yield Rule(
        "rounded to the nearest hour instead of down",
        "attribution",
        ("hour",),
        label=lambda row: Ms(row.earliest + 30 * MINUTE),
    )
    yield Rule(
        "counted the second of two hours of one name as the first",
        "attribution",
        ("hour",),
        label=lambda row: _first_of_its_name(row.earliest, zone),
    )


@alternative(*METRICS)
def arrival_cells(scene: Scene) -> Iterator[Rule]:
    if all(row.arrived in scene.received for row in scene.rows):
        for kinds in (("hour", "day"), ("hour",), ("day",)):
            yield Rule(
                f"counted an event in the {' and the '.join(kinds)} in which it arrived, not in which it happened",
                "attribution",
                kinds,
                label=lambda row: scene.received[row.arrived],
            )


@alternative(*METRICS)
def source_of_another_visit(scene: Scene) -> Iterator[Rule]:
    if len({row.record.source for row in scene.rows}) < 2:
        return
    for rule in SOURCE_RULES:
        for kinds in (("source",), ("source", "content")):
            yield Rule(rule.says, "attribution", kinds, rows=rule.change)


@alternative(*METRICS)
def texts_changed(scene: Scene) -> Iterator[Rule]:
    for kind in _CELLS:
        if scene.observed.get(kind) != scene.right.get(kind):
            for text, change in TEXTS:
                yield Rule(
                    f"counted by {kind} {text}",
                    "attribution",
                    (kind,),
                    rows=partial(_renamed, kind=kind, change=change),
                )


@alternative(*METRICS)
def cells_exchanged(scene: Scene) -> Iterator[Rule]:
    """Two cells swapped, cells merged into one, or a cell that is not listed: read off the wrong ones."""
    for kind in _CELLS:
        observed, right = scene.observed.get(kind), scene.right.get(kind, {})
        if observed is None:
            continue
        wrong = sorted(cell for cell in observed.keys() | right.keys() if observed.get(cell, 0) != right.get(cell, 0))
        gone = [cell for cell in wrong if not observed.get(cell)]
        grown = [cell for cell in wrong if observed.get(cell, 0) > right.get(cell, 0)]
        if len(wrong) == 2 and not gone and all(right.get(cell) for cell in wrong):
            one, other = wrong
            text = f"counted {_told(one)} and {_told(other)} under each other's name by {kind}"
            yield _renaming(text, kind, {one: other, other: one})
        if gone and len(grown) == 1 and len(gone) + 1 == len(wrong):
            text = f"counted {_listed(gone)} as {_told(grown[0])} by {kind}"
            yield _renaming(text, kind, dict.fromkeys(gone, grown[0]))
        if gone and gone == wrong:
            yield Rule(
                f"listed no cell {_listed(gone)} by {kind}",
                "attribution",
                (kind,),
                rows=partial(_unlisted, kind=kind, cells=set(gone)),
                last_resort=True,
            )


def _listed(cells: Sequence[str]) -> str:
    return ", ".join(map(_told, cells[:3])) + (" …" if len(cells) > 3 else "")


def _renaming(text: str, kind: str, names: dict[str, str]) -> Rule:
    return Rule(
        text,
        "attribution",
        (kind,),
        rows=lambda rows: _renamed(rows, kind, lambda name: _uncelled(names.get(name or NO_CELL, name))),
        last_resort=True,
    )


def _renamed(rows: Rows, kind: str, change: Callable[[str], str]) -> Iterator[Sighting]:
    field = kind
    for row in rows:
        name = getattr(row.record, field)
        if kind == "page" and row.record.action is not Action.VIEW:
            yield row
        else:
            yield relabelled(row, **{field: change(name)})


def _cell(row: Sighting, kind: str) -> str:
    return str(getattr(row.record, kind)) or NO_CELL


def _uncelled(cell: str) -> str:
    return "" if cell == NO_CELL else cell


def _told(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


def _first_of_its_name(at: Ms, zone: str) -> Ms:
    """The instant an hour earlier where the clock shows the same hour as it did then."""
    earlier = Ms(at - HOUR)
    again = earlier + zone_offset(earlier, zone) == at + zone_offset(at, zone)
    return earlier if again else at


def _unlisted(rows: Rows, kind: str, cells: set[str]) -> Iterator[Sighting]:
    return (row for row in rows if _cell(row, kind) not in cells)

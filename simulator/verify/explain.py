"""What one visitor adds to one of the four numbers, event by event, and why.

The counts are those of recount.py, so of the engine that judges; here they only get words. Why an event begins an open
is asked of the rule itself, with all but one of its reasons switched off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simulator.contract import Contract
from simulator.times import Ms, format_duration, iso_local
from simulator.verify.cells import CellBook
from simulator.verify.identity import users
from simulator.verify.metrics import makes_user
from simulator.verify.opening import admitted_places, begins_by_timeout, opening_actions, view_id
from simulator.verify.recount import Unit, place_in, units
from simulator.verify.sighting import Sighting
from simulator.verify.storing import stored_rows
from simulator.wire.request import Action

_HIDDEN = ("all", "")


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the visitor."""

    at: str  # local, with the zone's offset; empty where the wire carries no time
    event: str  # name, and the page of a view
    counts: int
    why: str
    cells: tuple[tuple[str, str], ...] = ()  # in which it counts, the total aside


@dataclass(frozen=True, slots=True)
class Derivation:
    """Why a metric has what it has of one visitor."""

    metric: str
    visitor: int
    count: int  # in total
    summary: str  # such as "opens of visitor 12: 3 = 2 launches + 1 event more than 30m after the one before"
    lines: tuple[Line, ...]


def derive(metric: str, visitor: int, block: Sequence[Sighting], contract: Contract, begin: Ms, end: Ms) -> Derivation:
    """The derivation of a visitor's part of a metric, from the sightings of its whole block, each stored for certain.

    A user that several visitors are counts with the first of them in each cell.
    """
    stored = stored_rows(block, contract)
    admitted = admitted_places(stored, contract)
    rows = [row for _, row in admitted]
    book = CellBook(contract.definitions.day, begin, end)
    teller = _Teller(rows, contract, book, begin, end)
    found = {id(unit.row): unit for unit in units(rows, contract, place_in(book), metrics=(metric,))}
    lines: list[tuple[Ms, Line]] = []
    kept, are_stored = {id(stored[place]) for place, _ in admitted}, {id(row) for row in stored}
    reasons: Counter[str] = Counter()
    total = 0
    number = book.number("all", "")
    for place, row in enumerate(rows):
        if row.record.visitor != visitor:
            continue
        unit = found.get(id(row))
        why, category = teller.why(metric, place, unit)
        counts = unit.times if unit is not None and number in unit.cells else 0
        if counts:
            total += counts
            reasons[category] += counts
        if why:
            lines.append((row.earliest, _line(row, counts, why, unit, book)))
    for one in block:
        if one.record.visitor == visitor and id(one) not in kept:
            why = "counts nowhere, its session does not count" if id(one) in are_stored else _not_kept(one)
            lines.append((one.earliest, _line(one, 0, why, None, book)))
    lines.sort(key=lambda entry: entry[0])
    summary = f"{metric} of visitor {visitor}: {total}{_sum(reasons)}"
    return Derivation(metric, visitor, total, summary, tuple(line for _, line in lines))


def _sum(reasons: Counter[str]) -> str:
    if not reasons:
        return ""
    return " = " + " + ".join(f"{times} {_plural(words, times)}" for words, times in reasons.items())


def _plural(words: str, times: int) -> str:
    noun, space, rest = words.partition(" ")
    return words if times == 1 else f"{noun}{'es' if noun.endswith('ch') else 's'}{space}{rest}"


def _line(row: Sighting, counts: int, why: str, unit: Unit | None, book: CellBook) -> Line:
    record = row.record
    cells = tuple(book.names[number] for number in unit.cells) if unit is not None else ()
    # Where the wire carries no time, neither the instant nor its cells mean anything.
    shown = tuple(cell for cell in cells if cell != _HIDDEN and (row.dated or cell[0] not in ("hour", "day")))
    at = iso_local(row.earliest, book.zone) if row.dated else ""
    return Line(at, f"{record.event} {record.page}".strip(), counts, why, shown)


def _not_kept(row: Sighting) -> str:
    if row.record.bad:
        return f"counts nowhere, it is malformed: {row.record.bad}"
    return (
        "counts nowhere, it is a copy of another event" if row.high else "counts nowhere, it is too old when it comes"
    )


class _Teller:
    """Words for the rows of one block."""

    def __init__(self, rows: Sequence[Sighting], contract: Contract, book: CellBook, begin: Ms, end: Ms) -> None:
        self._rows, self._contract, self._book = rows, contract, book
        self._begin, self._end = begin, end
        self._names = users(rows, contract)

    def why(self, metric: str, place: int, unit: Unit | None) -> tuple[str, str]:
        """(why the row counts or does not, what it is called in the sum); empty where it is not worth a line."""
        row = self._rows[place]
        if metric == "opens":
            why, category = self._opening(place, unit is not None)
        elif metric == "pv":
            why, category = self._view(row)
        else:
            why, category = self._user(metric, place, unit)
        outside = "" if self._begin <= row.earliest < self._end else "; outside the period"
        copies = f", stored {row.low} times" if why and unit is not None and unit.times > 1 else ""
        return (f"{why}{copies}{outside}" if why else ""), category

    def _view(self, row: Sighting) -> tuple[str, str]:
        if view_id(row, self._contract) is None:
            return "", ""
        return f"a view of {row.record.page or 'a page without a name'}", "view"

    # ---- opens

    def _opening(self, place: int, counts: bool) -> tuple[str, str]:
        row = self._rows[place]
        actions = opening_actions(self._contract)
        if actions is not None:
            word = {Action.OPEN: "launch", Action.SHOW: "return to the foreground"}.get(row.record.action, "event")
            return (f"a {word}", word) if row.record.action in actions else ("", "")
        if self._contract.sessions == "given":
            return ("the first event of its session", "session") if counts else ("", "")
        return self._gap(place)

    def _gap(self, place: int) -> tuple[str, str]:
        """Under `timeout`: the one reason that makes the row begin an open, or why none does."""
        row, contract = self._rows[place], self._contract
        if row.record.action is Action.EXIT:
            return "an exit ends the open", ""
        if contract.launch_opens and row.record.action is Action.OPEN:
            return "a launch", "launch"
        last, source = self._running(place)
        if last is None:
            before = any(one.record.anonymous_id == row.record.anonymous_id for one in self._rows[:place])
            words = "event after an exit" if before else "first event of the device"
            return ("the " if not before else "an ") + words, words
        gap = format_duration(Ms(row.earliest - last.earliest))
        timeout = format_duration(contract.definitions.opens.timeout or Ms(0))
        bare = replace(contract, launch_opens=False, midnight=False, source_change=False)
        longer = "at least" if contract.timeout_inclusive else "more than"
        for alone, words in (
            (bare, f"event {longer} {timeout} after the one before"),
            (replace(bare, midnight=contract.midnight), "event on another day"),
            (replace(bare, source_change=contract.source_change), "event with another source"),
        ):
            if begins_by_timeout(alone)(last, source, row)[0]:
                return f"{gap} after the event before: an {words}", words
        return f"{gap} after the event before, not {longer} {timeout}: the open goes on", ""

    def _running(self, place: int) -> tuple[Sighting | None, str]:
        """The device's event before, None after an exit, and the source that its open last named."""
        device = self._rows[place].record.anonymous_id
        last, source = None, ""
        for row in self._rows[:place]:
            if row.record.anonymous_id == device:
                last = None if row.record.action is Action.EXIT else row
                source = "" if last is None else row.record.source or source
        return last, source

    # ---- users

    def _user(self, metric: str, place: int, unit: Unit | None) -> tuple[str, str]:
        row, name = self._rows[place], self._names[place]
        if not makes_user(row, self._contract):
            return "", ""
        if name is None:
            return "makes no user: it carries neither an anonymousId nor the identity of the definition", ""
        who = f"user {_told(name)}"
        first = next(
            other
            for at, other in enumerate(self._rows)
            if self._names[at] == name and makes_user(other, self._contract)
        )
        word = "user"
        if metric == "new_users":
            if unit is not None:
                return f"the first open or view ever of {who}", "new user"
            if first is row:
                return f"the first open or view ever of {who}, so they are known from then on", ""
            return f"{who} is known since {self._when(first)}", ""
        if unit is not None and self._book.number("all", "") in unit.cells:
            return f"{who}, for the first time in the period", word
        if unit is not None:
            return f"{who}, for the first time in these cells", ""
        if first.record.visitor != row.record.visitor:
            return f"{who}, who counts here already as visitor {first.record.visitor}", ""
        return f"{who}, who counts here already", ""

    def _when(self, row: Sighting) -> str:
        whose = "" if row.record.setup is False else ", an earlier visit"
        return (iso_local(row.earliest, self._book.zone) if row.dated else "an event before") + whose


def _told(name: str) -> str:
    """A user's name: its identity's type and value, or the device."""
    kind, separator, value = name.partition("\0")
    if not separator:
        return name
    return f"{kind} {value}" if kind else f"of device {value}"


def told(derivation: Derivation) -> Iterator[str]:
    """The derivation as lines of text."""
    yield derivation.summary
    width = max((len(line.at) for line in derivation.lines), default=0)
    for line in derivation.lines:
        cells = "".join(f"; {by} {cell}" for by, cell in line.cells)
        counts = f"+{line.counts}" if line.counts else "0"
        yield f"  {line.at:<{width}}  {counts:>2}  {line.event}: {line.why}{cells}"

"""A recorded capture as what the rules look at: the same values as a run of the headless program leaves, without marks.

Rules that need the program's life or source find nothing to say of a capture; what was sent, by whom and how often is
all there.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simulator.finding import ExitCode, Verdict
from simulator.immutable import immutable
from simulator.inspect.capture import Capture, Meaning, Recogniser
from simulator.inspect.case import Case, Facts, Seen
from simulator.inspect.inspection import Inspection, inspect
from simulator.inspect.listening.figures import Figures, Row
from simulator.inspect.listening.noting import Judged, levels_of_capture
from simulator.inspect.listening.reading import Format, aside, without_packing
from simulator.inspect.listening.recording import read_capture
from simulator.inspect.rule import Level


@immutable(frozen=True, slots=True)
class Recorded:
    """What a capture file holds."""

    seen: Seen  # as of one visitor whose number nobody knows; events name their devices
    rows: tuple[Row, ...]  # the totals, in all and by source

    @property
    def requests(self) -> int:
        return len(self.seen.captures)

    @property
    def events(self) -> int:
        return sum(len(capture.records) for capture in self.seen.captures)

    @property
    def unknown(self) -> int:
        """Requests that nobody here can read."""
        return sum(1 for capture in self.seen.captures if capture.meaning is Meaning.UNKNOWN)

    def inspected(self, by: Judged) -> Inspection:
        """What the rules say of it."""
        return inspect(Case(by.facts or Facts(""), (self.seen,)), levels_of_capture(by))

    def exit_code(self, inspection: Inspection, fails: Level) -> ExitCode:
        """Fail by a finding so grave; incomplete where there was no event, or a request that nobody reads."""
        if inspection.verdict(fails) is not Verdict.PASS:
            return ExitCode.FAIL
        return ExitCode.PASS if self.events and not self.unknown else ExitCode.INCOMPLETE


def read_recorded(path: Path, form: Format) -> Recorded:
    """A capture file, read.

    Raises:
        UsageError: no such file, no capture, damaged; or a format that there is not.
    """
    recogniser = Recogniser(form.options, format_name=form.name, own=form.own, everything=True)
    trace = read_capture(path)
    captures = tuple([_aside(recogniser.read(without_packing(exchange)[0])) for exchange in trace.exchanges])
    figures = Figures()
    for capture in captures:
        figures.add(capture.records, capture.format)
    return Recorded(Seen(trace, captures), figures.rows())


def _aside(capture: Capture) -> Capture:
    """A request for settings is no encoding that nobody reads."""
    is_aside = capture.meaning is Meaning.UNKNOWN and aside(capture.exchange)
    return replace(capture, meaning=Meaning.OTHER, why="") if is_aside else capture

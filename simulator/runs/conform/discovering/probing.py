"""A few probes sent at once, and what each alone came to.

A probe is a case without an expectation: visits at given instants, under sources of its own. It is read in the cells of
these sources or, where the reader has none, in the totals of a stretch of days in which nothing else of ours lies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from simulator.contract import METRICS, Opens
from simulator.runs.conform.days import Need, place
from simulator.runs.conform.exchanging import Exchanged, exchange_all
from simulator.runs.conform.staging import Ground, Staged, local_instant, stage
from simulator.runs.reading import Readers
from simulator.scenario.case_file import CaseSection, probe_section
from simulator.times import DAY, HOUR, Ms, utc
from simulator.verify.readers.reading import Reading
from simulator.wire.outcome import describe
from simulator.wire.request import Action, Outcome

_NS = 1_000_000
_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds
_RECENT = 3  # days ago lies the newest probe
_APART = 2  # days between two of them, in which the days of any zone lie

Steps = list[Any]
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a probe."""

    at: Ms
    steps: Steps
    source: str = "own"
    device: str = ""  # visits with one name are on one phone
    has: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """A journey that tells two definitions apart."""

    name: str
    visits: Sequence[Visit]
    shows: bool = False  # the tracker tells of each return
    view_on_return: bool = True
    events: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("own",)


@dataclass(frozen=True, slots=True)
class Answer:
    """The four numbers of a probe by its sources; None: not read. "" is the whole probe."""

    figures: Mapping[tuple[str, str], int | None]  # metric, source
    refusal: str  # what the first request that was not acked was answered; empty: all were

    def of(self, metric: str, source: str = "own") -> int | None:
        """One figure."""
        return self.figures.get((metric, source))


class Bench:
    """One collector under discovery, with what is known of it so far."""

    def __init__(self, ground: Ground, readers: Readers) -> None:
        # Returns are told only where a probe says so.
        definitions = replace(ground.contract.definitions, opens=Opens())
        self.ground = replace(ground, contract=replace(ground.contract, definitions=definitions))
        self.readers = readers
        self.now = Ms(time.time_ns() // _NS)
        self.oldest: Ms | None = None  # instant that was still counted; None: not known
        self._numbers = count(1)
        self._free: date | None = None  # the day before which no probe lies, where each needs days of its own
        self.given = readers.totals.read(self.now, Ms(self.now + 1))

    @property
    def zone(self) -> str:
        return self.ground.contract.definitions.day

    def use_zone(self, zone: str) -> None:
        """From now on days are those of this zone."""
        definitions = replace(self.ground.contract.definitions, day=zone)
        self.ground = replace(self.ground, contract=replace(self.ground.contract, definitions=definitions))

    def use_arrival(self) -> None:
        """From now on everything is read at the time of its arrival."""
        self.ground = replace(self.ground, contract=replace(self.ground.contract, time="arrival"))

    @property
    def by_event(self) -> bool:
        return self.ground.contract.time == "event"

    def midnight(self, days: int = 1) -> Ms:
        """The first instant of so many local days in the near past on which no clock jumps.

        Probes that are told apart by their sources may share days; others get days of their own.
        """
        if not self.by_event:
            return self.now
        newest = self._free or datetime.fromtimestamp(self.now / 1000, ZoneInfo(self.zone)).date() - timedelta(_RECENT)
        first = place(newest, Need("", days), self.zone, None)
        assert first is not None  # there is no limit
        if not self.by_source:
            self._free = first - timedelta(1 + _APART)
        return local_instant(first, (1, 0), self.zone)

    def reads(self, metric: str, by: str) -> bool:
        """Whether the reader gives a figure."""
        return self.given.gives(metric, by)

    @property
    def by_source(self) -> bool:
        """Whether probes can be told apart by their sources."""
        return self.reads("pv", "source")

    def own(self) -> str:
        """A name that nothing else has."""
        return f"{self.ground.namespace}.d{next(self._numbers)}"

    def staged(self, probe: Probe, own: str = "") -> Staged:
        """A probe ready to be sent."""
        own = own or self.own()
        return stage(self.ground, _section(probe, own), own, None, self.now, [visit.at for visit in probe.visits])

    def ask(self, probes: Sequence[Probe]) -> list[Answer]:
        """Send some probes, and read what each came to."""
        return self.ask_staged([(probe, self.staged(probe)) for probe in probes])

    def ask_staged(self, probes: Sequence[tuple[Probe, Staged]], views: int | None = None) -> list[Answer]:
        """The same for probes that are staged already.

        Args:
            views: that each will come to, where it is not what it sends.
        """
        windows = [self._window(staged) for _, staged in probes]
        kind = "source" if self.by_source else "all"
        before = [self.readers.totals.read(*window, kinds=(kind,)) for window in windows]
        exchanged = exchange_all(self.ground.url, [staged for _, staged in probes])
        wanted = [_views(staged) if views is None else views for _, staged in probes]

        def answers() -> list[Answer]:
            after = [self.readers.totals.read(*window, kinds=(kind,)) for window in windows]
            return [
                _answer(staged, kind, *pair, each)
                for (_, staged), pair, each in zip(probes, zip(before, after, strict=True), exchanged, strict=True)
            ]

        return self.rest(
            answers, lambda found: all(_total(one) == views for one, views in zip(found, wanted, strict=True))
        )

    def send(self, probes: Sequence[Probe]) -> None:
        """Send some probes that somebody else reads."""
        exchange_all(self.ground.url, [self.staged(probe) for probe in probes])

    def day_of(self, staged: Staged) -> str | None:
        """The one day on which a probe is counted, of the cells of its stretch of time; None where that is not told."""
        if not self.reads("pv", "day"):
            return None
        cells = self.readers.totals.read(*self._window(staged), kinds=("day",)).cells.get("day", {})
        days = [day for day, values in cells.items() if values.get("pv")]
        return days[0][:10] if len(days) == 1 else None

    def today(self) -> str:
        """Today's date where it is earliest, twelve hours behind UTC."""
        return f"{utc(Ms(self.now - 12 * HOUR)):%Y-%m-%d}"

    def views_now(self, staged: Staged) -> int | None:
        """The views of a probe that are counted today, whenever they were."""
        kind, cell = ("source", next(iter(staged.carried))) if self.by_source else ("all", "")
        reading = self.readers.totals.read(Ms(self.now - HOUR), Ms(self.now + DAY), kinds=(kind,))
        return reading.cells[kind].get(cell, {}).get("pv", 0) if reading.gives("pv", kind) else None

    def _window(self, staged: Staged) -> tuple[Ms, Ms]:
        """The stretch of days in which a probe is counted, in any zone."""
        dates = [record.date for one in staged.requests for record in one.records if record.date is not None]
        if not dates or not self.by_event:
            dates = [self.now]
        return Ms(min(dates) // DAY * DAY - DAY), Ms((max(dates) // DAY + 2) * DAY)

    def rest(self, look: Callable[[], Seen], complete: Callable[[Seen], bool]) -> Seen:
        """Look until all is there and at rest for the quiet time; what never comes is waited for until the deadline."""
        contract = self.ground.contract
        began = time.monotonic()
        last, unchanged, pause = look(), time.monotonic(), _PAUSE
        while True:
            there = complete(last)
            left = contract.deadline / 1000 - (time.monotonic() - began)
            if there and (time.monotonic() - unchanged) * 1000 >= contract.quiet:
                return last
            if left <= 0:
                return last
            wait = contract.quiet / 1000 - (time.monotonic() - unchanged) if there else pause
            time.sleep(max(min(wait, left), 0.001))
            pause = min(pause * 2, _LONGEST_PAUSE)
            looked = look()
            if looked != last:
                last, unchanged = looked, time.monotonic()


def _section(probe: Probe, own: str) -> CaseSection:
    return probe_section(
        {
            "case": "probe",
            "since": 1,
            "title": probe.name,
            "about": probe.name,
            "says": {"document": "discovery", "text": probe.name},
            "shows": probe.shows,
            "app": {"view_on_return": probe.view_on_return, "events": list(probe.events)},
            "sources": {name: {"name": f"{own}-{name}"} for name in probe.sources},
            "visits": [
                {
                    "steps": visit.steps,
                    "source": visit.source,
                    "device": visit.device or None,
                    "has": dict(visit.has),
                }
                for visit in probe.visits
            ],
            "decides": ["pv"],
            "expect": {},
        }
    )


def _views(staged: Staged) -> int:
    return sum(record.action is Action.VIEW and not record.bad for one in staged.requests for record in one.records)


def _total(answer: Answer) -> int:
    return sum(value or 0 for (metric, _), value in answer.figures.items() if metric == "pv")


def _answer(staged: Staged, kind: str, before: Reading, after: Reading, exchanged: Sequence[Exchanged]) -> Answer:
    odd = next((one for one in exchanged if one.is_good and one.outcome is not Outcome.ACKED), None)
    refusal = "" if odd is None else describe(odd.answer)
    cells = {name: staged.sources[name] for name in staged.case.sources} if kind == "source" else {"own": ""}
    figures = {
        (metric, name): _more(before, after, metric, kind, cell) for name, cell in cells.items() for metric in METRICS
    }
    return Answer(figures, refusal)


def _more(before: Reading, after: Reading, metric: str, kind: str, cell: str) -> int | None:
    if not (before.gives(metric, kind) and after.gives(metric, kind)) or kind in after.errors:
        return None
    first = before.cells[kind].get(cell, {}).get(metric, 0)
    last = after.cells[kind].get(cell, {}).get(metric, 0)
    return None if first is None or last is None else last - first


def joined(first: Staged, second: Staged) -> Staged:
    """Two stagings as one, sent one after the other."""
    return replace(first, requests=(*first.requests, *second.requests))

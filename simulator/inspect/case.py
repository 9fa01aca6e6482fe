"""What the rules look at: the source of the program, what every visitor's run left behind, and what is known beside.

A capture of a real phone has no source and no marks; a rule that needs them then finds nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from simulator.events import NO_SOURCE, Source, Visit
from simulator.immutable import immutable
from simulator.inspect.capture import DMHUB, Capture, Meaning
from simulator.inspect.rule import Breach
from simulator.inspect.source import SourceCode
from simulator.journey.lifecycle import source_of
from simulator.runtime.program import Problem
from simulator.runtime.trace import Exchange, Mark, Moment, Reply, Trace
from simulator.times import Ms, format_duration
from simulator.wechat import SUSPEND_AFTER
from simulator.wire.request import Record

INTERRUPTED = "interrupted"  # in what WeChat says of a request that the background ended
_LONGEST_REQUEST = 300  # characters of a request that evidence shows


@immutable(frozen=True, slots=True)
class Facts:
    """What is known of the mini program beside its source and its traffic."""

    appid: str
    events: frozenset[str] = frozenset()  # custom events that are registered in the system
    identity_types: frozenset[str] = frozenset()  # custom ones that are declared
    domains: frozenset[str] | None = None  # on the list of legal domains, lower case; None: nobody told
    links: Mapping[str, str] = field(default_factory=dict)  # complete path by code (method 2)
    view_on_return: bool = True  # a return from the background shows the page again, and counts


@immutable(frozen=True, slots=True)
class Seen:
    """One visitor's run."""

    trace: Trace
    captures: tuple[Capture, ...]  # of every exchange of the trace, in their order
    visit: Visit | None = None  # what was planned for them

    @property
    def visitor(self) -> int:
        return self.trace.visitor

    def timeline(self) -> Iterator[Mark | Capture]:
        """Everything in its order."""
        captures = iter(self.captures)
        for entry in self.trace.entries:
            yield next(captures) if isinstance(entry, Exchange) else entry

    def events(self) -> Iterator[tuple[Capture, Record]]:
        """Every event that was sent, in the order of sending, copies too."""
        for capture in self.captures:
            for record in capture.records:
                yield capture, record

    def others(self) -> Iterator[tuple[Capture, Reply]]:
        """What the application itself asked for and was told."""
        for capture in self.captures:
            if capture.meaning is Meaning.OTHER and capture.exchange.reply is not None:
                yield capture, capture.exchange.reply


class Trouble(StrEnum):
    """What the collector does to one visitor on purpose, for a while."""

    ERROR = "500"  # it answers 500
    SLOW = "slow"  # it answers late
    SILENT = "silent"  # it does not answer


@immutable(frozen=True, slots=True)
class Trial:
    """A run against a collector in trouble, which is well again before the run ends."""

    trouble: Trouble
    seen: Seen


@immutable(frozen=True, slots=True)
class Case:
    """What one inspection is about."""

    facts: Facts
    visitors: tuple[Seen, ...] = ()
    code: SourceCode | None = None
    problems: tuple[Problem, ...] = ()  # with the program's files
    trials: tuple[Trial, ...] = ()

    def is_dmhub(self) -> bool:
        """Whether the tracker is of the source document's kind: by what it sent, else by what it says of itself."""
        formats = {capture.format for seen in self.visitors for capture in seen.captures if capture.records}
        if formats:
            return DMHUB in formats
        code = self.code
        text = b"" if code is None or not code.tracker else code.files.get(code.tracker, b"")
        return not text or b"onAppLaunch" in text or b"cl_tracker" in text

    def dmhub_events(self) -> Iterator[tuple[Seen, Capture, Record]]:
        """Every event in the format of the source document."""
        for seen in self.visitors:
            for capture, record in seen.events():
                if capture.format == DMHUB:
                    yield seen, capture, record


@immutable(frozen=True, slots=True)
class Life:
    """One life of the program: from a launch to the next."""

    seen: Seen
    launch: Mark
    marks: tuple[Mark, ...]  # the launch first
    captures: tuple[Capture, ...]  # sent in it, of events only


def lives(seen: Seen) -> Iterator[Life]:
    """The lives of a visitor's program, in their order; what came before a launch is in none."""
    launch: Mark | None = None
    marks: list[Mark] = []
    captures: list[Capture] = []
    for entry in seen.timeline():
        if isinstance(entry, Capture):
            if entry.meaning is Meaning.EVENTS:
                captures.append(entry)
            continue
        if entry.moment is Moment.APP_LAUNCH:
            if launch is not None:
                yield Life(seen, launch, tuple(marks), tuple(captures))
            launch, marks, captures = entry, [], []
        marks.append(entry)
    if launch is not None:
        yield Life(seen, launch, tuple(marks), tuple(captures))


@immutable(frozen=True, slots=True)
class Stay:
    """From one entry, cold or warm, to the next: the stretch in which one source is in force."""

    entry: Mark
    source: Source
    code: str  # of method 2; empty: none

    @property
    def begin(self) -> Ms:
        return self.entry.at


def stays(seen: Seen, facts: Facts) -> list[Stay]:
    """The entries of a visitor with the source that is in force from each on (CONTRACT section 1).

    Set by each launch, none without parameters; replaced as a whole by a show whose query has cl_sr or a code.
    """
    found: list[Stay] = []
    source = NO_SOURCE
    for mark in seen.trace.marks:
        cold = mark.moment is Moment.APP_LAUNCH
        if not cold and mark.moment is not Moment.APP_SHOW:
            continue
        if not cold and found and found[-1].entry.moment is Moment.APP_LAUNCH and found[-1].entry.at == mark.at:
            continue  # the show that belongs to the launch
        query = query_of(mark)
        code = query.get("scene", "") if query.get("scene", "") in facts.links else ""
        named = named_source(query, facts.links.get(code, ""))
        if cold or named.name or code:
            source = named
        found.append(Stay(mark, source, code))
    return found


def named_source(query: Mapping[str, str], link: str) -> Source:
    """The source that an entry names, by its own parameters or by those of the complete path behind its code."""
    if link:
        return source_of(link.partition("?")[2])
    others = [(key.removeprefix("cl_"), value) for key, value in query.items() if _is_other(key)]
    return Source(query.get("cl_sr", ""), query.get("cl_ctnm", ""), tuple(others))


def _is_other(key: str) -> bool:
    return key.startswith("cl_source") and key[9:].isdecimal()


def query_of(mark: Mark) -> dict[str, str]:
    """The query of an entry's options, decoded."""
    options = mark.data if isinstance(mark.data, dict) else {}
    query = options.get("query")
    return {key: value for key, value in query.items() if isinstance(value, str)} if isinstance(query, dict) else {}


def interrupted_how(exchange: Exchange) -> str:
    """How the background ended a request while the program lived; empty where it did not."""
    if exchange.after_hide is not None and exchange.after_hide >= SUSPEND_AFTER:
        return f"begun {format_duration(exchange.after_hide)} after it"
    if INTERRUPTED in exchange.failed:
        return "unfinished when the program was suspended"
    return ""


def told(seen: Seen, capture: Capture, text: str, key: str) -> Breach:
    """A breach with a request as its evidence."""
    exchange = capture.exchange
    return Breach(text, key, seen.visitor, exchange.at, exchange.page, shown_request(exchange), exchange.place)


def shown_request(exchange: Exchange) -> str:
    """A request as evidence shows it."""
    text = f"{exchange.method} {exchange.url}"
    return text if len(text) <= _LONGEST_REQUEST else f"{text[: _LONGEST_REQUEST - 1]}…"

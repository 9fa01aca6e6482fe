"""What the conformance suite found, as a value: cases by targets. Nothing here judges; runs/conform/ fills it in.

Texts from outside are as they came, and secrets are hidden already; whoever prints a text makes it visible
(visible.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.finding import ExitCode


class Standing(StrEnum):
    """What became of a case on a target."""

    OK = "ok"
    INFORMATIONAL = "informational"  # another outcome that can be accepted, or a case that is too new to fail
    NOT_SUPPORTED = "not supported"  # the wire, the contract or the reader cannot tell
    FAILED = "failed"
    ENGINE_ERROR = "engine error"  # no reply, unreadable totals: nothing can be said


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its reply, as text."""

    events: str  # what it tells of, such as "mini_program_view at 2026-03-01T10:00:00.001+08:00"
    request: str  # request line, headers, body
    reply: str  # status and the begin of the body, or why there is none
    outcome: str  # acked, refused, unknown


@dataclass(frozen=True, slots=True)
class Number:
    """One figure of a case."""

    name: str  # such as "pv by source ad"
    expected: int
    before: int | None  # as it was read; None: not read
    after: int | None
    why: str = ""  # it could not be read

    @property
    def got(self) -> int | None:
        """How much there is more."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def right(self) -> bool:
        return self.got == self.expected


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one case on one target, with all that led to it."""

    case: str
    standing: Standing
    why: str
    stands_for: str = ""  # the definition that the outcome is right under, where that is another
    numbers: tuple[Number, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a case is."""

    id: str
    area: str
    since: int
    title: str
    about: str
    document: str
    section: str
    sentence: str
    journeys: tuple[str, ...]  # a line each


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition by which a target was judged."""

    name: str  # as in a contract file
    value: str
    known: str  # stated, found, assumed


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """A target, and how it was judged."""

    name: str
    url: str
    adapter: str
    definitions: tuple[Definition, ...]
    remarks: tuple[str, ...] = ()  # what discovery could not find out, and the like


@dataclass(frozen=True, slots=True)
class Matrix:
    """Cases by targets."""

    version: int  # of the suite
    mpsim: str
    created: str  # ISO 8601, UTC
    command: str
    cases: tuple[CaseFacts, ...]
    targets: tuple[TargetFacts, ...]
    judgements: Mapping[str, tuple[Judgement, ...]] = field(default_factory=dict)  # by target's name, in cases' order

    def all(self) -> Iterator[Judgement]:
        """Every cell."""
        for target in self.targets:
            yield from self.judgements[target.name]

    def count(self, standing: Standing, target: str | None = None) -> int:
        """How many cells, of one target or of all."""
        some = self.all() if target is None else self.judgements[target]
        return sum(one.standing is standing for one in some)

    @property
    def exit_code(self) -> ExitCode:
        """1 where a case failed; 3 where one could not be judged, or none was; else 0."""
        standings = {one.standing for one in self.all()}
        if Standing.FAILED in standings:
            return ExitCode.FAIL
        if Standing.ENGINE_ERROR in standings or any(not self.count(Standing.OK, one.name) for one in self.targets):
            return ExitCode.INCOMPLETE
        return ExitCode.PASS

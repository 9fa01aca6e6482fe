"""What a rule is, what breaks it, and the finding that comes of that.

A rule is a function from a case (case.py) to breaches, with the words that tell a developer what was expected, where
that is written, and how to mend it. The rules themselves are in rules/, which of them are in force and how severely is
inspection.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

from simulator.immutable import immutable
from simulator.runtime.trace import Place
from simulator.times import Ms

if TYPE_CHECKING:
    from simulator.inspect.case import Case


class Level(StrEnum):
    """How much a finding of a rule matters."""

    OFF = "off"  # the rule is not asked
    INFO = "info"  # worth knowing
    WARNING = "warning"  # events may be lost or told wrongly
    ERROR = "error"  # events are lost or told wrongly

    def is_at_least(self, other: Level) -> bool:
        """Whether this is as grave as another, or graver."""
        order = list(Level)
        return order.index(self) >= order.index(other)


@immutable(frozen=True, slots=True)
class Document:
    """Where something is written."""

    name: str
    url: str
    section: str = ""

    def __str__(self) -> str:
        return f"{self.name}, {self.section}" if self.section else self.name

    def at(self, section: str) -> Document:
        """A section of the same document."""
        return Document(self.name, self.url, section)


@immutable(frozen=True, slots=True)
class Breach:
    """One place where a rule is broken."""

    seen: str  # a sentence
    key: str  # what is broken, the same for every visitor and in every run, such as the event's name
    visitor: int = -1  # -1: of nobody in particular
    at: Ms | None = None  # of the visitor's clock
    page: str = ""  # route in sight
    request: str = ""  # method and URL, bounded
    place: Place | None = None  # in the source


@immutable(frozen=True, slots=True)
class Rule:
    """One thing that the documents ask of an integration."""

    code: str  # in words with hyphens; never changes, since baselines and switches name it
    level: Level  # where nobody says otherwise
    title: str  # what holds where the rule is kept
    expected: str
    document: Document
    says: str  # what it says, in its own words where they are short
    mend: str
    check: Callable[[Case], Iterable[Breach]]
    follows: tuple[str, ...] = ()  # rules whose breach explains one of this, which then is not told as well


def rule(
    code: str,
    level: Level,
    *,
    title: str,
    expected: str,
    document: Document,
    says: str,
    mend: str,
    follows: tuple[str, ...] = (),
) -> Callable[[Callable[[Case], Iterable[Breach]]], Rule]:
    """Make a check a rule."""

    def made(check: Callable[[Case], Iterable[Breach]]) -> Rule:
        return Rule(code, level, title, expected, document, says, mend, check, follows)

    return made


@immutable(frozen=True, slots=True)
class RuleFinding:
    """Everything that breaks one rule in one way."""

    rule: Rule
    level: Level  # in force
    key: str
    breaches: tuple[Breach, ...]  # one at least; those of the source first, then by visitor and time
    known: bool = False  # the baseline has it

    @property
    def fingerprint(self) -> str:
        """The same in every run in which the same is broken, whoever shows it and on whatever line it stands."""
        return fingerprint(self.rule.code, self.key)

    @property
    def first(self) -> Breach:
        return self.breaches[0]

    @property
    def count(self) -> int:
        return len(self.breaches)

    @property
    def visitors(self) -> tuple[int, ...]:
        """Everybody who shows it, lowest first."""
        return tuple(sorted({breach.visitor for breach in self.breaches if breach.visitor >= 0}))

    @property
    def places(self) -> tuple[Place, ...]:
        """The lines of the source at which it stands, each once, in the order of the breaches."""
        return tuple(dict.fromkeys(breach.place for breach in self.breaches if breach.place is not None))


def fingerprint(code: str, key: str) -> str:
    """Sixteen hexadecimal digits that stand for one way of breaking one rule."""
    return blake2b(f"{code}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

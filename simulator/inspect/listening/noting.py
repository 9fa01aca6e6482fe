"""What the rules say of one request by itself, beside it as it comes.

Only rules that one request of the DM Hub wire decides are asked. What takes several requests (sent twice, a slot that
changes its type), the program's life or its source is told afterwards, of the recorded capture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from simulator.immutable import immutable
from simulator.inspect.capture import Capture
from simulator.inspect.case import Case, Facts, Seen
from simulator.inspect.listening.entry import Note
from simulator.inspect.rule import Level, Rule
from simulator.inspect.rules import BY_CODE
from simulator.runtime.trace import Trace

# What a collector itself calls bad (no event, a long name, a date) is said with the event and needs no rule here.
_ALWAYS = ("event-prefix", "identity-slots", "identity-literal", "identity-size", "value-size", "value-literal")
_BY_THE_SCENARIO = ("event-registered", "identity-type", "open-target")  # which says what is registered and declared
# A capture server is not the collector: where it is and how it is spoken to says nothing of the program.
_NOT_HERE = ("domain-https", "domain-legal")
_MOST = 8  # notes of one request


@immutable(frozen=True, slots=True)
class Judged:
    """By what a request is judged."""

    facts: Facts | None = None  # of a scenario; None: nobody told
    levels: Mapping[str, Level] = field(default_factory=dict)  # where they are not the rules' own


def notes_of(capture: Capture, by: Judged) -> tuple[Note, ...]:
    """What is wrong with a request, the gravest first."""
    case = Case(by.facts or Facts(""), (Seen(Trace(-1, (capture.exchange,)), (capture,)),))
    found = [note for rule in _asked(by) for note in _of_rule(rule, by.levels.get(rule.code, rule.level), case)]
    order = [Level.ERROR.value, Level.WARNING.value, Level.INFO.value]
    return tuple(sorted(found, key=lambda note: order.index(note.level))[:_MOST])


def levels_of_capture(by: Judged) -> dict[str, Level]:
    """The levels for a whole capture, without the rules that it can say nothing of."""
    unknowable = (*_NOT_HERE, *(() if by.facts is not None else _BY_THE_SCENARIO))
    return {**by.levels, **dict.fromkeys(unknowable, Level.OFF)}


def _asked(by: Judged) -> Iterator[Rule]:
    for code in (*_ALWAYS, *(_BY_THE_SCENARIO if by.facts is not None else ())):
        yield BY_CODE[code]


def _of_rule(rule: Rule, level: Level, case: Case) -> Iterator[Note]:
    if level is not Level.OFF:
        for breach in rule.check(case):
            yield Note(rule.code, level.value, breach.seen[:300])

"""A case held against the rules in force: findings, each with everything that shows it.

What breaks one rule in one way is one finding, however many visitors show it. A finding that another one explains is
not told as well (`Rule.follows`); which rules fell silent so is. Not here: the totals (runs/), how it looks (report/).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from simulator.errors import UsageError
from simulator.finding import Verdict
from simulator.immutable import immutable
from simulator.inspect.case import Case
from simulator.inspect.rule import Breach, Level, Rule, RuleFinding
from simulator.inspect.rules import BY_CODE, RULES
from simulator.scenario.nearest import nearest

MOST_BREACHES = 1_000  # of one finding that are kept
_LONGEST = 400  # characters of a sentence or key; what it quotes comes from the program under test
_GRAVITY = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}


@immutable(frozen=True, slots=True)
class Inspection:
    """What the rules say."""

    findings: tuple[RuleFinding, ...]  # the gravest first, then in the order of the rules
    silent: tuple[tuple[str, str], ...] = ()  # (rule that has more to say, rule whose finding explains it)
    mended: tuple[str, ...] = ()  # what the baseline knows and nobody showed any more
    off: tuple[str, ...] = ()  # rules that were not asked

    def verdict(self, fails: Level) -> Verdict:
        """FAIL where a finding that the baseline does not know is at least so grave."""
        grave = any(not one.known and one.level.is_at_least(fails) for one in self.findings)
        return Verdict.FAIL if grave else Verdict.PASS


def read_levels(options: Collection[str]) -> dict[str, Level]:
    """`CODE=off|info|warning|error`, as a command line gives them; a later one wins.

    Raises:
        UsageError: no such rule, or no such level.
    """
    levels: dict[str, Level] = {}
    for option in options:
        code, _, level = option.partition("=")
        levels[checked_code(code)] = checked_level(code, level)
    return levels


def checked_code(code: str) -> str:
    """The code of a rule.

    Raises:
        UsageError: there is none of that name.
    """
    if code not in BY_CODE:
        near = nearest(code, BY_CODE)
        hint = f"; did you mean {near}?" if near else "; mpsim inspect --rules lists them"
        raise UsageError(f"there is no rule {code!r}{hint}")
    return code


def checked_level(code: str, level: str) -> Level:
    """A level as it is written.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return Level(level)
    except ValueError:
        raise UsageError(f"the rule {code} cannot be {level!r}; expected off, info, warning or error") from None


def inspect(case: Case, levels: Mapping[str, Level] | None = None) -> Inspection:
    """Ask every rule that is in force."""
    levels = levels or {}
    found: list[RuleFinding] = []
    off: list[str] = []
    for rule in RULES:
        level = levels.get(rule.code, rule.level)
        if level is Level.OFF:
            off.append(rule.code)
        else:
            found += _findings(rule, level, case)
    broken = {one.rule.code for one in found}
    silent = [
        (one.rule.code, cause) for one in found if (cause := next((c for c in one.rule.follows if c in broken), ""))
    ]
    quiet = {code for code, _ in silent}
    told = [one for one in found if one.rule.code not in quiet]
    told.sort(key=lambda one: _GRAVITY[one.level])
    return Inspection(tuple(told), tuple(dict.fromkeys(silent)), off=tuple(off))


def _findings(rule: Rule, level: Level, case: Case) -> list[RuleFinding]:
    by_key: dict[str, list[Breach]] = {}
    for breach in rule.check(case):
        kept = by_key.setdefault(breach.key[:_LONGEST], [])
        if len(kept) < MOST_BREACHES:
            kept.append(replace(breach, seen=breach.seen[:_LONGEST]))
    return [
        RuleFinding(rule, level, key, tuple(sorted(breaches, key=_source_first))) for key, breaches in by_key.items()
    ]


def _source_first(breach: Breach) -> bool:
    """The order of a finding's evidence: a line of the source says most; the sort is stable."""
    return breach.visitor >= 0

"""What begins an open: the rule, the timeout by bisection, its boundary, and what else ends an open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.contract import Opens
from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.probing import Answer, Bench, Probe, Visit
from simulator.times import DAY, HOUR, MINUTE, SECOND, Ms, format_duration

# Timeouts that products use, each asked about from both sides, so that most are found in one round.
_USUAL = (
    SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE, 10 * MINUTE,
    15 * MINUTE, 20 * MINUTE, 30 * MINUTE, 45 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, 23 * HOUR,
)  # fmt: skip
_LONG = (DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 360 * DAY)  # which reach over midnight
_SHORTEST = Ms(3)  # ms between two views; a tracker's own events are 1 ms apart
_STEPS = 30  # probes of one round of the search
_GRAINS = (DAY, HOUR, MINUTE, SECOND, 100, 10, 1)
_NEAR = Ms(5 * MINUTE)  # after midnight begins what may be a day long


@dataclass(frozen=True, slots=True)
class _Seen:
    """How many opens each journey came to."""

    launch: int | None
    twice: int | None  # launched, left, and launched again at once
    hot: int | None  # back from the background at once, which the tracker tells of
    source: int | None  # back from the background at once, by another source, which the tracker does not tell of
    midnight: int | None  # two views around midnight
    gap: int | None  # two views with nearly a day between them


def find_opens(bench: Bench, found: Found) -> None:
    """What begins an open."""
    if not bench.reads("opens", "source" if bench.by_source else "all"):
        found.leave("opens", "the reader gives no opens")
        return
    seen = _look(bench)
    if seen.launch != 1:
        found.leave("opens", f"a launch came to {_text(seen.launch)} opens")
        return
    if not bench.by_event:
        _by_arrival(found, seen)
        return
    longest = _longest(bench, seen)
    if seen.hot == 2:
        _every_foreground(found, seen, longest)
    elif longest is not None:
        _timeout(bench, found, seen, longest)
    else:
        _launch(found, seen)


def _look(bench: Bench) -> _Seen:
    day = bench.midnight(2)
    noon = Ms(day + 12 * HOUR)
    probes = [
        Probe("a launch", [Visit(noon, ["launch", "exit"])]),
        Probe("left, and launched again at once", [Visit(noon, ["launch", "exit", "launch", "exit"])]),
        Probe(
            "back from the background at once", [Visit(noon, ["launch", {"hide": "2ms"}, "show", "exit"])], shows=True
        ),
        Probe(
            "back at once by another source",
            [Visit(noon, ["launch", {"hide": "2ms"}, {"show": "other"}, "exit"])],
            sources=("own", "other"),
        ),
    ]
    if bench.by_event:
        probes += [_over_midnight(day), _gap(day, Ms(23 * HOUR))]
    answers = bench.ask(probes) if bench.by_source else [bench.ask([one])[0] for one in probes]
    numbers = [*map(_opens, answers), None, None]
    return _Seen(*numbers[:6])


def _over_midnight(day: Ms) -> Probe:
    return Probe(
        "two views around midnight", [Visit(Ms(day + DAY - 100), ["launch", {"wait": "200ms"}, _VIEW, "exit"])]
    )


_VIEW = {"view": "pages/<own>/detail"}


def _gap(day: Ms, gap: Ms) -> Probe:
    steps = ["launch", {"wait": format_duration(gap)}, _VIEW, "exit"]
    return Probe(f"two views {format_duration(gap)} apart", [Visit(Ms(day + _NEAR), steps)])


def _opens(answer: Answer) -> int | None:
    """Opens of a whole probe, whatever the sources."""
    numbers = [value for (metric, _), value in answer.figures.items() if metric == "opens"]
    return None if not numbers or None in numbers else sum(number or 0 for number in numbers)


# ---- rules --------------------------------------------------------------------------------------------------------


def _longest(bench: Bench, seen: _Seen) -> Ms | None:
    """A gap that begins an open; None where none does."""
    if seen.gap == 2:
        return Ms(23 * HOUR)
    if seen.midnight == 2:
        return None  # a longer gap reaches over midnight, which ends opens by itself
    for gap, begins in zip(_LONG, _split(bench, _LONG), strict=True):
        if begins:
            return Ms(gap)
    return None


def _every_foreground(found: Found, seen: _Seen, longest: Ms | None) -> None:
    if seen.twice == 2 and longest is None and seen.midnight == 1 and seen.source in (1, None):
        found.set("opens", str(Opens("every-foreground")))
        return
    beside = [
        text
        for text, other in (
            ("a gap", longest is not None),
            ("midnight", seen.midnight == 2),
            ("another source", seen.source == 2),
            ("no launch after an exit", seen.twice != 2),
        )
        if other
    ]
    found.leave("opens", f"each return begins an open, and beside it {' and '.join(beside)}: mpsim has no such rule")


def _launch(found: Found, seen: _Seen) -> None:
    odd = [
        text
        for text, other in (
            ("a launch right after an exit does not begin one", seen.twice != 2),
            ("midnight begins one", seen.midnight == 2),
            ("another source begins one", seen.source == 2),
        )
        if other
    ]
    if odd:
        found.leave("opens", f"no gap begins an open, and {' and '.join(odd)}: mpsim has no such rule")
    else:
        found.set("opens", "launch")


def _by_arrival(found: Found, seen: _Seen) -> None:
    """Without the events' own time nobody can wait for a timeout."""
    if seen.hot == 2 and seen.twice == 2:
        found.set("opens", "every-foreground")
    else:
        found.leave(
            "opens", "a return at once begins none; whether a gap does could only be found out by waiting for it"
        )


def _timeout(bench: Bench, found: Found, seen: _Seen, longest: Ms) -> None:
    if seen.hot != 1:
        found.leave("opens", f"a return at once came to {_text(seen.hot)} opens")
        return
    shortest = _search(bench, longest)
    if shortest is None:
        found.leave("opens", "a longer gap began no open where a shorter one did")
        return
    # In whole milliseconds, "more than T" and "at least T + 1 ms" are one rule: it is told as the rounder of the two.
    inclusive = _grain(shortest) > _grain(Ms(shortest - 1))
    timeout = shortest if inclusive else Ms(shortest - 1)
    found.set("opens", f"timeout={format_duration(timeout)}")
    found.set("timeout_inclusive", _yes(inclusive))
    _set(found, "midnight", seen.midnight, {1: "false", 2: "true"})
    _set(found, "source_change", seen.source, {1: "false", 2: "true"})
    _set(found, "launch_opens", seen.twice, {1: "false", 2: "true"})


def _set(found: Found, key: str, seen: int | None, meaning: dict[int, str]) -> None:
    if seen in meaning:
        found.set(key, meaning[seen])
    else:
        found.leave(key, f"the journey for it came to {_text(seen)} opens")


# ---- the timeout --------------------------------------------------------------------------------------------------


def _search(bench: Bench, longest: Ms) -> Ms | None:
    """The shortest gap that begins an open; None where the answers contradict one another."""
    gaps = sorted({Ms(gap + more) for gap in _USUAL for more in (0, 1) if _SHORTEST <= gap + more < longest})
    low, high = _SHORTEST, longest  # which begins none, and which does
    gaps = [_SHORTEST, *gaps]
    while True:
        begins = _split(bench, gaps)
        none = [gap for gap, one in zip(gaps, begins, strict=True) if not one]
        some = [gap for gap, one in zip(gaps, begins, strict=True) if one]
        if none and some and max(none) > min(some):
            return None
        if some and not none and low == _SHORTEST:
            return None  # the shortest gap there is begins one
        low, high = max([low, *none]), min([high, *some])
        if high - low <= 1:
            return high
        step = max((high - low) // _STEPS, 1)
        gaps = [Ms(gap) for gap in range(low + step, high, step)]


def _split(bench: Bench, gaps: Sequence[int]) -> list[bool]:
    """Whether a gap of each length begins an open."""
    days = max(gaps) // DAY + 2
    if bench.by_source:
        day = bench.midnight(days)
        probes = [_gap(day, Ms(gap)) for gap in gaps]
        return [_opens(answer) == 2 for answer in bench.ask(probes)]
    return [_opens(answer) == 2 for answer in bench.ask([_gap(bench.midnight(days), Ms(gap)) for gap in gaps])]


def _grain(duration: Ms) -> int:
    return next(grain for grain in _GRAINS if duration % grain == 0)


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _text(number: int | None) -> str:
    return "no readable number of" if number is None else str(number)

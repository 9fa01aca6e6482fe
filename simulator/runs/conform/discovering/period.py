"""Whether events count by their own time or by that of their arrival, and how old they may be."""

from __future__ import annotations

from simulator.runs.conform.discovering.found import Found
from simulator.runs.conform.discovering.probing import Answer, Bench, Probe, Visit
from simulator.times import DAY, HOUR, MINUTE, Ms, format_duration, iso_utc, parse_instant, utc

OLDEST = parse_instant("1971-01-02T00:00:00Z")  # the oldest instant that is asked about
_AGES = (HOUR, DAY, 7 * DAY, 31 * DAY, 92 * DAY, 366 * DAY, 1_100 * DAY, 3_660 * DAY, 9_000 * DAY)
_STEPS = 30  # probes of one round of the search
_FINE = MINUTE  # so exactly an age is found out
_ROUND = (DAY, HOUR, MINUTE)


def find_time(bench: Bench, found: Found) -> bool:
    """By which time a launch of three days ago is counted; False where it is not, and nothing else can be found out."""
    at = Ms(bench.midnight() + 12 * HOUR)
    probe = _launch("a launch three days ago", at)
    staged = bench.staged(probe)
    before = bench.views_now(staged)
    answer = bench.ask_staged([(probe, staged)])[0]
    if answer.refusal:
        found.leave("time", f"a launch was not taken: {answer.refusal}")
        return False
    then = answer.of("pv")
    today = bench.views_now(staged)
    now = None if before is None or today is None else today - before
    if then == 1 and now == 0:
        day = bench.day_of(staged)
        if day is not None and day >= bench.today():
            when = f"{utc(at):%Y-%m-%d}"
            found.leave("time", f"periods go by the events' own time, and days by arrival: {day} for {when}")
        else:
            found.set("time", "event")
        return True
    if then == 0 and now == 1:
        found.set("time", "arrival")
        bench.use_arrival()
        return True
    if then == 1 and now == 1:
        found.leave("time", "its totals are the same for every period, so nobody can tell when something was counted")
        return True
    found.leave("time", "a launch three days ago was counted neither on its day nor today")
    return False


def find_age(bench: Bench, found: Found) -> None:
    """How old an event may be."""
    if not bench.by_source:
        found.leave("max_age", "the reader has no cells by source, by which events of all ages could be told apart")
        return
    oldest_possible = Ms(bench.now - OLDEST)
    ages = [Ms(age) for age in (*_AGES, oldest_possible) if age <= oldest_possible]
    counted = _counted(bench, ages)
    if all(counted):
        bench.oldest = OLDEST
        found.remark(f"events are counted however old they are: one of {iso_utc(OLDEST)[:10]} is")
        return
    first_missing = counted.index(False)
    if any(counted[first_missing:]) or first_missing == 0:
        found.leave("max_age", "an older event was counted, and a younger one was not")
        return
    low, high = ages[first_missing - 1], ages[first_missing]
    while high - low > _FINE:
        step = max((high - low) // _STEPS, _FINE // 2)
        tried = [Ms(age) for age in range(low + step, high, step)]
        answers = _counted(bench, tried)
        low = max([low, *(age for age, one in zip(tried, answers, strict=True) if one)])
        high = min([high, *(age for age, one in zip(tried, answers, strict=True) if not one and age > low)])
    bench.oldest = Ms(bench.now - low)
    limit = next((Ms(high // unit * unit) for unit in _ROUND if high // unit * unit >= low - _FINE), high)
    found.set("max_age", format_duration(limit))


def _counted(bench: Bench, ages: list[Ms]) -> list[bool]:
    answers: list[Answer] = bench.ask(
        [_launch(f"a launch {format_duration(age)} ago", Ms(bench.now - age)) for age in ages]
    )
    return [answer.of("pv") == 1 for answer in answers]


def _launch(name: str, at: Ms) -> Probe:
    return Probe(name, [Visit(at, ["launch", "exit"])])

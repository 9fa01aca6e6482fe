"""How late visitors start, at 70 % of the highest rate that one core holds: the open model, in real time.

A rate is held when 95 of 100 visitors start within 100 ms of their instant: above what a core can do, every visitor
is later than the one before. The highest one is found by halving the interval in which it must lie.
"""

from __future__ import annotations

from math import ceil

from simulator.ledger.read import read_ledger
from simulator.wire.request import Purpose
from tests.bench.figures import Figure, Row
from tests.bench.generators import Bench, mpsim_command, send_flood
from tests.bench.processes import BenchError, last_words, running, wait_end
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import EVENTS, paced, traffic

_HELD_MS, _HELD_PART = 100.0, 0.95
_SHARE = 0.7
_LOWEST, _HIGHEST = 0.2, 1.2  # of the rate of a flood: where the search begins
_BOOT_SECONDS = 120.0
# Seconds, unless small. A visit takes four, and only then do as many end as begin; and what is a hundredth too much
# takes ten more to be late by as much as is not held.
_LEAST_TRIAL = 20.0
_HOW = (
    "Open model, evenly spaced visits of ten events with pauses of 0.2 to 0.5 s, nginx on one core and mpsim on "
    f"another. A rate is held when {_HELD_PART:.0%} of the visitors of {_LEAST_TRIAL:g} s start within "
    f"{_HELD_MS:g} ms of their instant. Lateness is a visitor's first byte after the planned instant, from the ledger."
)
_TITLE = f"lateness at {_SHARE:.0%} of the highest rate"


def lateness(setting: Setting) -> Row:
    """Find the highest rate that is held, then measure below it."""
    missing = why_not()
    if missing:
        return Row("lateness", _TITLE, _HOW, unavailable=missing)
    folder = setting.of("lateness")
    with sink(folder / "sink", setting.cores, access_log=setting.access_log) as running_sink:
        bench = Bench(folder, running_sink, traffic(folder), setting.cores, setting.seconds)
        highest = _highest_held(setting, bench)
        below = max(1, int(highest * _SHARE))
        setting.say(f"lateness: {highest * EVENTS:,} events/s are held; now {below * EVENTS:,}")
        rounds = [_late_ms(bench, below, _trial_seconds(setting)) for _ in range(setting.rounds)]
    figures = (
        Figure("highest rate that is held", "events/s", (float(highest * EVENTS),)),
        Figure("rate of the measurement", "events/s", (float(below * EVENTS),)),
        Figure("lateness, p50", "ms", tuple(_percentile(late, 50) for late in rounds)),
        Figure("lateness, p99", "ms", tuple(_percentile(late, 99) for late in rounds), aim="at most 20 ms"),
        Figure("lateness, most", "ms", tuple(late[-1] for late in rounds)),
    )
    return Row("lateness", _TITLE, _HOW, figures)


def _highest_held(setting: Setting, bench: Bench) -> int:
    """Visitors per second, the most of those tried that were held.

    Raises:
        BenchError: not even a very low rate is held.
    """
    ledger, _, _ = send_flood(bench, setting.warm_up)
    flood = ledger.rate / EVENTS
    low, high = max(1, int(flood * _LOWEST)), max(2, int(flood * _HIGHEST))
    seconds = _trial_seconds(setting)
    while not _is_held(setting, bench, low, seconds):
        high, low = low, low // 2
        if not low:
            raise BenchError("not even one visitor a second starts in time; is the machine busy with something else?")
    for _ in range(setting.search):
        middle = (low + high) // 2
        if _is_held(setting, bench, middle, seconds):
            low = middle
        else:
            high = middle
    return low


def _trial_seconds(setting: Setting) -> float:
    return setting.seconds if setting.small else max(setting.seconds, _LEAST_TRIAL)


def _is_held(setting: Setting, bench: Bench, per_second: int, seconds: float) -> bool:
    late = _late_ms(bench, per_second, seconds)
    held = sum(one <= _HELD_MS for one in late) >= _HELD_PART * len(late)
    setting.say(f"lateness: {per_second * EVENTS:,} events/s are {'held' if held else 'too many'}")
    return held


def _late_ms(bench: Bench, per_second: int, seconds: float) -> list[float]:
    """How late each visitor of a run started, ascending."""
    folder = bench.fresh("paced")
    visitors = ceil(per_second * seconds)
    scenario, out, log = folder / "scenario.yaml", folder / "run", folder / "locust.out"
    scenario.write_text(paced(visitors, per_second), encoding="utf-8")
    with running(mpsim_command(scenario, bench.sink.url, out), log, core=bench.cores.generator) as process:
        # Where the rate is far too high, what was not sent in time is sent afterwards.
        if code := wait_end(process, _BOOT_SECONDS + 20 * seconds, "mpsim", log):
            raise BenchError(f"mpsim ended with {code}: {last_words(log)}")
    late = [
        (attempt.sent_ns - attempt.intended_ns) / 1e6
        for attempt in read_ledger(out)
        if attempt.purpose is Purpose.EVENT and attempt.request == 0 and attempt.attempt == 0
    ]
    if len(late) != visitors:
        raise BenchError(f"{len(late)} of {visitors} visitors started")
    return sorted(late)


def _percentile(ascending: list[float], percent: int) -> float:
    """The least value that so many percent do not exceed."""
    return ascending[ceil(len(ascending) * percent / 100) - 1]

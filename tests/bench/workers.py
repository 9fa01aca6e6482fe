"""One, two and four workers: `mpsim run --workers N` on one machine, which is the sink's machine too."""

from __future__ import annotations

from tests.bench.figures import Figure, Row, ratios
from tests.bench.generators import Bench, send_flood, sent
from tests.bench.judged import run
from tests.bench.machine import usable_cores
from tests.bench.processes import BenchError
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import EVENTS, flood, traffic

COUNTS = (1, 2, 4)
_HOW = (
    "`mpsim run --workers N --speed flood` against nginx; nobody is pinned, so on a machine of two cores two workers "
    "already share them with nginx. Events in all ledgers, from the first request to the last reply."
)
_TITLE = "1, 2 and 4 workers"


def workers(setting: Setting) -> Row:
    """The same flood with more and more workers."""
    missing = why_not()
    if missing:
        return Row("workers", _TITLE, _HOW, unavailable=missing)
    folder = setting.of("workers")
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    with sink(folder / "sink", setting.cores, access_log=setting.access_log) as running_sink:
        bench = Bench(folder, running_sink, traffic(folder), setting.cores, setting.seconds)
        ledger, _, _ = send_flood(bench, setting.warm_up)
        visitors = max(40, int(ledger.rate * setting.seconds / EVENTS))
        for turn in range(setting.rounds):
            setting.say(f"workers: round {turn + 1} of {setting.rounds}")
            for count in COUNTS:
                rates[count].append(_rate(bench, visitors, count))
    figures = [Figure("events/s", "", tuple(rates[count]), _subject(count)) for count in COUNTS]
    figures += [
        Figure("÷ 1 worker", "×", ratios(rates[count], rates[1]), _subject(count)) for count in COUNTS if count > 1
    ]
    return Row("workers", _TITLE, _HOW, tuple(figures), (f"{len(usable_cores())} cores for workers, master and nginx",))


def _rate(bench: Bench, visitors: int, count: int) -> float:
    folder = bench.fresh(f"workers{count}")
    before = bench.sink.events()
    done = run(folder, flood(visitors), bench.sink, options=["--workers", count], judged=False)
    ledger = sent(folder / "run")
    arrived = bench.sink.events() - before
    if arrived != ledger.attempts or ledger.events != visitors * EVENTS:
        raise BenchError(
            f"{visitors * EVENTS} events were planned, the ledgers have {ledger.attempts} attempts, and {arrived} "
            f"arrived at nginx: {done.said}"
        )
    return ledger.rate


def _subject(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"

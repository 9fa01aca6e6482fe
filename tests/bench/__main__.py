"""The benchmarks: `python -m tests.bench` measures, and writes reports/bench/benchmarks.json and .md.

    machine.py       what they ran on, and which core is whose
    processes.py     processes: pinned, watched, ended
    sink.py          nginx, against which everything is sent; tally.py counts what its log says
    visits.py        the scenarios, and their requests for other generators; json_events.py: the same as JSON
    generators.py    mpsim, FastHttpUser (fast_http.py), wrk, hey, Tsung: how each is started and measured
    throughput.py … ingest.py   the rows, of the sizes in setting.py; judged.py: `mpsim run` and `verify` for them
    figures.py, table.py, quote.py   what they come to, how it is written, and the README's copy
    ten_million.py   the long proof, a command of its own

Every row is a ratio of things measured in turns in the same minutes, because absolute figures move by tens of percent
with the hour on a machine that is shared. Nothing here is a timed test: test_bench.py only holds that they run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import ingest, lateness, planning, throughput, verifying, waiting, workers
from tests.bench.figures import Row, dated
from tests.bench.machine import pinned_cores, this_machine
from tests.bench.processes import BenchError
from tests.bench.setting import Measure, Setting, small
from tests.bench.table import COMMITTED, NAME, README, earlier_rows, quoted, write

ROWS: dict[str, Measure] = {
    "get": throughput.get,
    "post": throughput.post,
    "tls": throughput.tls,
    "lateness": lateness.lateness,
    "waiting": waiting.wait,
    "workers": workers.workers,
    "planning": planning.planning,
    "verify": verifying.verifying,
    "ingest": ingest.ingest,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; exit 1 where a row failed, 0 where all were measured or could not be here."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="mpsim-bench-") as temporary:
        setting = Setting(Path(temporary), pinned_cores(), _say, access_log=options.access_log)
        if options.small:
            setting = small(setting)
        setting = replace(
            setting,
            rounds=options.rounds or setting.rounds,
            seconds=options.seconds or setting.seconds,
            waiting=options.waiting or setting.waiting,
        )
        machine = this_machine()
        _say(machine.sentence())
        measured = {name: _measure(name, setting) for name in options.only or ROWS}
        if options.only:
            earlier = {row.name: row for row in earlier_rows(options.out, machine, small=options.small)}
            measured = {name: row for name in ROWS if (row := measured.get(name, earlier.get(name))) is not None}
        write(options.out, machine, list(measured.values()), small=options.small, rounds=setting.rounds)
    text = (options.out / f"{NAME}.md").read_text(encoding="utf-8")
    print(text)
    if options.quote:
        README.write_text(quoted(README.read_text(encoding="utf-8"), NAME, text), encoding="utf-8")
    return 1 if any(measured[name].failed for name in options.only or ROWS) else 0


def _measure(name: str, setting: Setting) -> Row:
    """One row; what goes wrong with it is its result, and the others are measured all the same."""
    _say(f"== {name}")
    try:
        row = ROWS[name](setting)
    except BenchError as wrong:
        row = Row(name, name, "", failed=str(wrong))
    if row.unavailable or row.failed:
        _say(f"{name}: {row.unavailable or row.failed}")
    return dated(row)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench", description="Measure mpsim beside other load generators.")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="NAME", help=f"of {', '.join(ROWS)}; others stay")
    parser.add_argument("--small", action="store_true", help="only to see that they run")
    parser.add_argument("--out", type=Path, default=COMMITTED, help="folder of the results")
    parser.add_argument("--rounds", type=_count, help="of each measurement; 5")
    parser.add_argument("--seconds", type=_length, help="of a measurement; 6")
    parser.add_argument("--waiting", type=_count, help="visitors who wait; 1,000,000")
    parser.add_argument("--access-log", action="store_true", help="nginx writes one meanwhile")
    parser.add_argument("--quote", action="store_true", help="put the table into the README")
    options = parser.parse_args(arguments)
    if options.quote and options.small:
        parser.error("--quote would put figures that mean nothing into the README; leave out --small")
    return options


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _length(text: str) -> float:
    number = float(text)
    if not 0 < number <= 3_600:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())

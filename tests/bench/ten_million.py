"""The long proof: `python -m tests.bench.ten_million [--events N]` sends ten million events and judges them.

`mpsim run --speed flood` against nginx, with every event in its access log; what the log comes to is the collector's
totals (tally.py). The run must pass: every total in every kind of cell is exactly what was planned. And no process may
have had more than 400 MiB resident at any time, neither load nor verification; the sink's are told as well.

It writes ten_million.json and ten_million.md, and ends with 0 if both hold, else with 1. With fewer events than that it
says that they hold for so many, and proves nothing of ten million.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.finding import ExitCode
from tests.bench.figures import now
from tests.bench.generators import sent
from tests.bench.judged import Command, result_of, run
from tests.bench.machine import Machine, pinned_cores, this_machine
from tests.bench.processes import BenchError
from tests.bench.sink import sink, why_not
from tests.bench.table import COMMITTED, README, number, quoted
from tests.bench.visits import EVENTS, flood

NAME = "ten_million"
MOST_MIB = 400.0
_EVENTS = 10_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Send, judge, tell."""
    options = _options(arguments)
    missing = why_not()
    if missing:
        print(f"ten_million: {missing}", file=sys.stderr)
        return 1
    machine = this_machine()
    visitors = max(1, options.events // EVENTS)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mpsim-bench-", dir=options.temporary) as temporary:
        folder = Path(temporary)
        workers = ["--workers", options.workers] if options.workers is not None else []
        with sink(folder / "sink", pinned_cores(), tally=True) as counting:
            before = counting.events()
            done = run(folder, flood(visitors), counting, options=workers)
            arrived = counting.events() - before
        try:
            document = _document(folder, machine, visitors, arrived, done)
        except (BenchError, OSError) as wrong:
            print(f"ten_million: {wrong}\n{done.said}", file=sys.stderr)
            return 1
    text = markdown(document)
    (options.out / f"{NAME}.json").write_text(
        json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (options.out / f"{NAME}.md").write_text(text, encoding="utf-8")
    print(text)
    if document["verdict"] != "pass":
        print(f"ten_million: the verdict is {document['verdict']}:\n{done.said}", file=sys.stderr)
    if options.quote:
        README.write_text(quoted(README.read_text(encoding="utf-8"), NAME, text), encoding="utf-8")
    return 0 if document["holds"] else 1


def _document(folder: Path, machine: Machine, visitors: int, arrived: int, done: Command) -> dict[str, Any]:
    """What the run came to.

    Raises:
        BenchError: not every attempt was acked.
        OSError: the run left no result.
    """
    ledger, result = sent(folder / "run"), result_of(folder)
    seconds = (ledger.last_ns - ledger.first_ns) / 1e9
    # From the last reply to the end of the command; what came before the first request is neither.
    rest = done.seconds - seconds
    totals = result["metrics"]
    exact = sum(one["expected"][0] == one["expected"][1] == one["observed"] for one in totals if one["expected"])
    same = ledger.attempts == arrived == ledger.events == visitors * EVENTS
    return {
        "version": 1,
        "measured": now(),
        "machine": machine.as_json(),
        "sentence": machine.sentence(),
        "events": ledger.events,
        "visitors": visitors,
        "arrived_at_nginx": arrived,
        "workers": result["load"]["workers"],
        "seconds_of_load": round(seconds, 1),
        "events_per_second": round(ledger.rate, 1),
        "seconds_of_all_else": round(rest, 1),
        "verdict": result["verdict"],
        "totals_judged": len(totals),
        "totals_exact": exact,
        "peak_mib": {name: round(peak, 1) for name, peak in sorted(done.peaks.items())},
        "most_mib": MOST_MIB,
        "holds": (
            done.exit_code == ExitCode.PASS
            and same
            and exact == len(totals) > 0
            and max(done.peaks.values()) <= MOST_MIB
        ),
    }


def markdown(document: Mapping[str, Any]) -> str:
    """The result for people."""
    peaks: Mapping[str, float] = document["peak_mib"]
    workers = "1 worker" if document["workers"] == 1 else f"{document['workers']} workers"
    lines = [
        f"{document['measured']}: {_outcome(document)}.\n{document['sentence']}.",
        "",
        "| a run, sent and judged | |",
        "|---|---|",
        f"| events in the ledger | {document['events']:,} |",
        f"| events in nginx's own count | {document['arrived_at_nginx']:,} |",
        f"| sent, {workers} | {document['seconds_of_load']:,} s, {number(document['events_per_second'])} events/s |",
        f"| start, verification and report | {document['seconds_of_all_else']:,} s |",
        f"| verdict | {document['verdict']}: {document['totals_exact']} of {document['totals_judged']} totals exact |",
        f"| wanted of every process | at most {document['most_mib']:g} MiB |",
        *(f"| peak of memory, {name} | {peak:,} MiB |" for name, peak in peaks.items()),
    ]
    return "\n".join(lines) + "\n"


def _outcome(document: Mapping[str, Any]) -> str:
    if not document["holds"]:
        return "**NOT PROVED**"
    return "**proved**" if document["events"] >= _EVENTS else f"holds for {document['events']:,} events, not the proof"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m tests.bench.ten_million", description="Send and judge a very large run."
    )
    parser.add_argument("--events", type=int, default=_EVENTS, help=f"{_EVENTS:,}")
    parser.add_argument("--workers", type=int, default=None, help="of `mpsim run`")
    parser.add_argument("--out", type=Path, default=COMMITTED, help="folder of the results")
    parser.add_argument("--temporary", type=Path, default=None, help="a folder with 100 bytes of space for each event")
    parser.add_argument("--quote", action="store_true", help="put the result into the README")
    options = parser.parse_args(arguments)
    if options.events < EVENTS:
        parser.error(f"--events: a visit has {EVENTS} events, so at least so many")
    return options


if __name__ == "__main__":
    sys.exit(main())

"""What a waiting visitor costs: a million have come, opened the mini program, and now wait for an hour.

The whole product is measured: its load process sends everybody's open and first view, and is asked for its peak when
nothing is left to send. Then it is interrupted, as by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from simulator.ledger.manifest import PROGRESS_FILE
from tests.bench.figures import Figure, Row
from tests.bench.generators import Bench, mpsim_command, send_flood
from tests.bench.processes import BenchError, last_words, peak_mib, resident_mib, running, wait_end, wait_for
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import traffic, waiting

_SHARE = 0.7  # of a flood's rate: so they come as fast as they can without being late
_SENT = 2  # events of a visitor before the wait
_BOOT_SECONDS = 120.0
_STOP_SECONDS = 120.0
_STUCK_SECONDS = 60.0  # without one more visitor
_LOOK = 0.1
_HOW = (
    "Open model: everybody sends an open and a view, one core, and waits an hour for the next step. Peak of resident "
    "memory (VmHWM) of the process that sends, once all of them wait; the part above what it had before the first came "
    "is theirs."
)


def wait(setting: Setting) -> Row:
    """Let them come, and ask the kernel for the peak."""
    title = f"{setting.waiting:,} visitors waiting"
    missing = why_not()
    if missing:
        return Row("waiting", title, _HOW, unavailable=missing)
    folder = setting.of("waiting")
    with sink(folder / "sink", setting.cores, access_log=setting.access_log) as running_sink:
        bench = Bench(folder, running_sink, traffic(folder), setting.cores, setting.seconds)
        ledger, _, _ = send_flood(bench, setting.warm_up)
        per_second = max(1, int(ledger.rate * _SHARE / _SENT))
        setting.say(f"waiting: {setting.waiting:,} visitors come within {setting.waiting / per_second:,.0f} s")
        come, before, peak = _let_them_come(setting, bench, per_second)
    notes = []
    if come < setting.waiting:
        notes.append(f"given up at {peak:,.0f} MiB with {come:,} visitors")
    figures = (
        Figure("visitors waiting", "", (float(come),)),
        Figure("peak of memory", "MiB", (peak,), aim="at most 1,024 MiB for 1,000,000"),
        Figure("visitors per MiB", "", (come / max(peak - before, 0.01),)),
    )
    return Row("waiting", title, _HOW, figures, tuple(notes))


def _let_them_come(setting: Setting, bench: Bench, per_second: int) -> tuple[int, float, float]:
    """(visitors who came, MiB before the first, MiB at the peak)"""
    folder = bench.fresh("waiting")
    scenario, out, log = folder / "scenario.yaml", folder / "run", folder / "locust.out"
    scenario.write_text(waiting(setting.waiting, per_second), encoding="utf-8")
    with running(mpsim_command(scenario, bench.sink.url, out), log, core=bench.cores.generator) as process:
        wait_for(lambda: bool(_progress(out)), _BOOT_SECONDS, "mpsim does not begin", process, log)
        before = resident_mib(process.pid)
        last, last_change = 0, time.monotonic()
        while True:
            done = int(_progress(out).get("attempts", {}).get("sent", 0))
            if done != last:
                last, last_change = done, time.monotonic()
            if done >= _SENT * setting.waiting or peak_mib(process.pid) > setting.most_mib:
                break
            if process.poll() is not None or time.monotonic() - last_change > _STUCK_SECONDS:
                raise BenchError(f"mpsim stops at {done:,} events: {last_words(log)}")
            time.sleep(_LOOK)
        peak = peak_mib(process.pid)
        os.kill(process.pid, signal.SIGINT)
        wait_end(process, _STOP_SECONDS, "mpsim after Ctrl-C", log)
    return min(done // _SENT, setting.waiting), before, peak


def _progress(out: Path) -> dict[str, Any]:
    try:
        document = json.loads((out / PROGRESS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}

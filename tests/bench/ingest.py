"""How fast the embedded collector stores: it answers an event only after its commit, so an answer is a stored row."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import Figure, Row, ratios
from tests.bench.generators import Bench, send_flood
from tests.bench.processes import BenchError, ProcessorWatch, python, running
from tests.bench.setting import Setting
from tests.bench.sink import sink, why_not
from tests.bench.visits import EVENTS, traffic

_TITLE = "the embedded collector's durable ingest"
_HOW = (
    "`mpsim serve` on one core, mpsim's flood on another, every event a new one. Acked events per second, which must "
    "be as many as the collector has stored then; beside them what the same generator reaches against nginx."
)
_SECONDS = 30.0
_BUSY = 0.9


def ingest(setting: Setting) -> Row:
    """Floods of the collector and of nginx in turns."""
    missing = why_not()
    if missing:
        return Row("ingest", _TITLE, _HOW, unavailable=missing)
    folder = setting.of("ingest")
    stored, sent, busy = [], [], []
    with sink(folder / "sink", setting.cores, access_log=setting.access_log) as nginx:
        bench = Bench(folder, nginx, traffic(folder), setting.cores, setting.seconds)
        ledger, _, _ = send_flood(bench, setting.warm_up)
        visitors = max(20, int(ledger.rate * setting.seconds / EVENTS))
        for turn in range(setting.rounds):
            setting.say(f"ingest: round {turn + 1} of {setting.rounds}")
            rate, part = _into_collector(setting, bench, visitors)
            stored.append(rate)
            busy.append(part)
            sent.append(send_flood(bench, visitors)[0].rate)
    figures = (
        Figure("stored", "events/s", tuple(stored)),
        Figure("÷ the same flood of nginx", "×", ratios(stored, sent)),
        Figure("part of a core that the collector used", "", tuple(busy)),
    )
    notes = () if min(busy) > _BUSY else ("the collector had time left in some round: the generator was the limit",)
    return Row("ingest", _TITLE, _HOW, figures, notes)


def _into_collector(setting: Setting, bench: Bench, visitors: int) -> tuple[float, float]:
    """(events per second, part of a core that the collector used)"""
    folder = bench.fresh("collector")
    with _collector(setting, folder) as (url, process), ProcessorWatch(process.pid) as watch:
        ledger, _, _ = send_flood(bench, visitors, url)
        with urllib.request.urlopen(f"{url}/events/all", timeout=_SECONDS) as reply:
            good = json.load(reply)["good"]
    if good != ledger.events:
        raise BenchError(f"{ledger.events} events were acked, and the collector has stored {good}")
    length = (ledger.last_ns - ledger.first_ns) / 1e9
    return ledger.rate, watch.between(ledger.first_ns, ledger.last_ns) / length


@contextmanager
def _collector(setting: Setting, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    command = python("-m", "simulator", "serve", "--port", 0, "--db", folder / "collector.db")
    log = folder / "collector.out"
    with running(command, log, core=setting.cores.sink, say=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        if not line.startswith("listening on "):
            raise BenchError(f"the collector does not start: {log.read_text(encoding='utf-8')}")
        yield line.removeprefix("listening on "), process

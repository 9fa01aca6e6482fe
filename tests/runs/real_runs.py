"""Runs that are really sent: Locust, a fault proxy, and the embedded collector behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.contract import Definitions
from simulator.report.result import Result
from simulator.runs.before import take_baseline
from simulator.runs.collector_process import embedded_collector
from simulator.runs.fault_proxy import Running, Weather, fault_proxy, parse_mix
from simulator.runs.judging import judge_run
from simulator.runs.sender_process import Sender
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun

LOOKS = """\
scenario: looks
app: {name: 测试小程序, pages: [pages/a, pages/b]}
visitors: {count: 30, identities: {applet-wechat: 100%}}
sources:
  ads: {weight: 50, scene: 1045, path: "pages/a?cl_sr=ads"}
  share: {weight: 50, scene: 1007, path: "pages/b?cl_sr=share"}
journeys:
  look: {steps: [launch, {push: [applet-wechat]}, {view: pages/b, think: 5s}, {view: pages/a, think: 5s}, exit]}
load: {users: 30, each: 1m, timeouts: {reply: 300ms}, clock: {start: 2026-03-01T09:00:00+08:00, speed: flood}}
expect: {max_failed: 100%}
"""


FEW = LOOKS.replace("count: 30", "count: 4")


@dataclass(frozen=True, slots=True)
class Bench:
    """A sender, and a collector behind a proxy."""

    folder: Path
    sender: Sender
    collector: str  # its own URL
    proxy: Running

    def change(self, mix: str, seed: int = 1, *, lists: bool = True) -> None:
        """From now on these things go wrong."""
        self.proxy.change(Weather(seed, parse_mix(mix), lists=lists))

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def prepare(self, name: str, *, scenario: str = LOOKS, contract: str = "", **options: object) -> OpenedRun:
        """A run directory against the proxy, with its baseline.

        Args:
            options: of `Wanted`.
        """
        wanted = Wanted(
            self.write(f"{name}.yaml", scenario),
            target=self.proxy.url,
            contract=str(self.write(f"{name}-contract.yaml", contract)) if contract else None,
            out=self.folder / name,
            command=("mpsim", "run"),
            **options,  # type: ignore[arg-type]  # names are checked by Wanted
        )
        checked = draft(wanted)
        opened = write_run(checked, make_folder(checked), self.proxy.url)
        take_baseline(opened)
        return opened

    def judged(self, opened: OpenedRun) -> Result:
        """Send a prepared run and judge it at once."""
        self.sender.send(opened.folder)
        return judge_run(opened, self.proxy.url)


@contextmanager
def bench(folder: Path, *, fault: str = "") -> Iterator[Bench]:
    """A sender, and an empty collector behind a proxy, an honest one unless a fault is named."""
    sender = Sender()
    try:
        with (
            embedded_collector(folder / "collector.db", Definitions(), fault=fault) as collector,
            fault_proxy(collector) as proxy,
        ):
            yield Bench(folder, sender, collector, proxy)
    finally:
        sender.close()


def wrong(result: Result) -> list[str]:
    """What a result calls wrong."""
    cells = [f"{one.metric} by {one.by} {one.cell}: {one.why}" for one in result.metrics if one.verdict.word == "fail"]
    return cells + [f"{one.code}: {one.text}" for one in result.findings if one.verdict.word == "fail"]

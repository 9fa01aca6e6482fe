"""How far a run is, while it is sent: some lines that change on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from simulator.contract import METRICS
from simulator.report import words

_LINE_SECONDS = 5.0  # between two progress lines where there is no terminal


class Progress:
    """What `run` is told of a load, on standard error.

    Args:
        quiet: says nothing at all.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._shown_at = time.monotonic()
        self._visitors = 0
        self._workers = 1
        self._live: Live | None = None

    def begin(self, facts: dict[str, Any]) -> None:
        """The run directory is made; nothing is sent yet."""
        self._visitors, self._workers = int(facts["visitors"]), int(facts["workers"])
        if self._quiet:
            return
        target, folder = facts["target"], facts["folder"]
        self._console.print(f"{words.plural(self._visitors, 'visitor')} to {target}, into {folder}", highlight=False)
        if "metrics" in facts:
            self._console.print(f"metrics at {facts['metrics']}", highlight=False)
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def show(self, facts: dict[str, Any]) -> None:
        """Told a few times a second."""
        if self._quiet or not facts:
            return
        lines = progress_lines(facts, self._visitors, self._workers)
        if self._live is not None:
            self._live.update(Text("\n  ".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
        elif time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown_at = time.monotonic()
            self._console.print("; ".join(lines), highlight=False, soft_wrap=True)

    def end(self) -> None:
        """The load is over, or the command is; the terminal is as it was. May be said twice."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def progress_lines(facts: dict[str, Any], visitors: int, workers: int) -> list[str]:
    """What progress.json and live.json say, in up to four lines.

    Args:
        facts: what is there of them; the second as `live`.
        visitors, workers: as planned.
    """
    phase = facts.get("phase", "")
    if phase == "joining":
        return [f"{facts.get('workers', 0)} of {words.plural(workers, 'worker')} ready"]
    left = facts.get("left")
    time_left = f", about {_clock(left)} left" if left is not None else ""
    started = facts.get("visitors_started", 0)
    lost = f", {words.plural(int(facts['workers_lost']), 'worker')} lost" if facts.get("workers_lost") else ""
    lines = [f"{phase}: {started:,} of {words.plural(visitors, 'visitor')}{time_left}{lost}"]
    if phase != "setup":
        lines.append(_rates(facts))
    # Of earlier visits, until the judged ones begin.
    counts = facts.get("setup" if phase == "setup" else "attempts") or {}
    outcomes = ", ".join(f"{counts.get(name, 0):,} {name}" for name in ("acked", "refused", "unknown"))
    lines.append(f"{outcomes}, {facts.get('in_flight', 0):,} visitors being served")
    live = facts.get("live")
    if live:
        lines.append(_expected(live))
    return lines


def _rates(facts: dict[str, Any]) -> str:
    offered = f"offered {facts.get('offered_rate', 0.0):,.1f}/s"
    wanted = facts.get("wanted_rate")
    rates = f"wanted {wanted:,.1f}/s, {offered}" if wanted else offered
    late = facts.get("late_p99_ms")
    return f"{rates}, p99 of late starts {late:,.1f} ms" if late is not None else rates


def _expected(live: dict[str, Any]) -> str:
    totals = {one["metric"]: one["expected"] for one in live["totals"] if one["source"] is None}
    said = ", ".join(f"{words.METRIC_NAMES[metric]} {_interval(totals.get(metric))}" for metric in METRICS)
    behind = f" ({live['over']})" if live["over"] else " (counting is behind)" if live["waiting"] else ""
    return f"expected so far: {said}{behind}"


def _interval(bounds: list[int] | None) -> str:
    if bounds is None:
        return "not checkable"
    low, high = bounds
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _clock(seconds: float) -> str:
    """1:05, or 2:01:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

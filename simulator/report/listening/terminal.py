"""A listening in the terminal: a line for each event as it comes, and below them the totals, where it is a terminal.

Lines scroll as in any log, so that they can be searched and copied; without a terminal there are only lines. Words and
signs carry the meaning, colour only repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from simulator.finding import ExitCode
from simulator.inspect.listening.application import State
from simulator.inspect.listening.entry import Entry, Kind, Said
from simulator.inspect.listening.figures import NO_SOURCE, Row
from simulator.inspect.listening.session import Summary, Where
from simulator.report.visible import visible, visible_lines
from simulator.report.words import METRIC_NAMES, plural, whole

_SOURCES = 6  # in the standing summary
_EVENTS = 12  # of one request that have a line of their own
_LINES_A_TICK = 200  # more than anybody reads; the rest of a flood is counted, not printed
_LOOK = 48  # bytes of a body that nobody reads
_SIGNS = {"good": "✓", "bad": "✕", "odd": "?", "calm": "·"}
_ASCII = {"good": "ok", "bad": "BAD", "odd": "?", "calm": "-"}
_STYLES = {"good": "green", "bad": "bold red", "odd": "yellow", "calm": "dim"}


class Terminal:
    """The face of a listening in a terminal or a pipe; call `end` when it is over."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._where: Where | None = None
        self._live: Live | None = None
        self._printed = 0  # lines since the last tick
        self._held_back = 0
        self._drawn: object = None
        self._signs = _SIGNS if console.is_terminal and console.encoding.lower().startswith("utf") else _ASCII

    # ---- what the listening tells ---------------------------------------------------------------------------------

    def begins(self, where: Where) -> None:
        """Say where to send, where to look, and what that means."""
        self._where = where
        for line in beginning(where):
            self._say(Text(line))
        if self._console.is_terminal and not self._quiet:
            self._live = Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop")
            self._live.start()

    def came(self, entry: Entry) -> None:
        """A line for each event of a request, or one that says what it is instead."""
        if not self._quiet:
            for line in self._lines(entry):
                self._line(line)

    def was_answered(self, entry: Entry) -> None:
        """A line where the collector did not take what was passed on."""
        answered = entry.answered
        if answered is None or entry.kind is Kind.ASIDE or (not answered.failed and 200 <= answered.status < 300):
            return
        told = f"not passed on: {answered.failed}" if answered.failed else f"the collector answered {answered.status}"
        what = f"{entry.method} {visible(entry.path, 60)}"
        self._line(self._row(entry.at, "bad", "reply", f"{what}  {visible_lines(told, 300)}"))

    def goes_on(self, state: State) -> None:
        """The standing summary again, where something changed."""
        if self._held_back and self._printed < _LINES_A_TICK:
            self._say(Text(f"{self._held_back:,} lines not printed: they came too fast", style="yellow"))
            self._held_back = 0
        self._printed = 0
        drawn = (state.kept.version, self._console.width, state.figures.is_counted)
        if self._live is not None and self._drawn != drawn:
            self._drawn = drawn
            self._live.update(self._summary(state), refresh=True)

    def end(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    # ---- lines ----------------------------------------------------------------------------------------------------

    def _line(self, line: Text) -> None:
        if self._printed >= _LINES_A_TICK:
            self._held_back += 1
            return
        self._printed += 1
        self._say(line)

    def _say(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _lines(self, entry: Entry) -> Iterator[Text]:
        if entry.kind is not Kind.EVENTS:
            yield self._other(entry)
            return
        for said in entry.said[:_EVENTS]:
            yield self._event(entry, said)
        left = entry.events - min(len(entry.said), _EVENTS)
        if left:
            bad = entry.bad - sum(1 for one in entry.said[:_EVENTS] if one.is_bad)
            wrong = f", {bad:,} of them bad" if bad > 0 else ""
            yield self._row(
                entry.at, "bad" if bad > 0 else "good", entry.format, f"and {left:,} more of this request{wrong}"
            )

    def _event(self, entry: Entry, said: Said) -> Text:
        tone = "bad" if said.is_bad else "good"
        line = self._row(entry.at, tone, entry.format, f"{visible(said.event, 60) or '(no event)':<20}")
        for label, value in (("", said.page), ("visitor", said.visitor), ("source", _source(said))):
            if value:
                line.append(f"  {label} " if label else "  ", "dim")
                line.append(visible(value, 60))
        for told in (said.bad, *[f"{note.code}: {note.text}" for note in said.notes]):
            if told:
                line.append("  ")
                line.append(visible(told, 200), _STYLES["bad"] if said.is_bad else _STYLES["odd"])
        return line

    def _other(self, entry: Entry) -> Text:
        what = " ".join(
            filter(None, [entry.method, visible(entry.path, 60) if entry.path else "", f"from {entry.client}"])
        )
        if entry.kind in (Kind.LOOKUP, Kind.ASIDE):
            return self._row(entry.at, "calm", entry.kind.value, f"{what}  {visible_lines(entry.why, 200)}")
        kind = f", {visible(entry.content_type, 40)}" if entry.content_type else ""
        size = f"  {entry.size:,} bytes{kind}" if entry.kind is Kind.UNKNOWN else ""
        look = visible(entry.body[:_LOOK].decode("utf-8", "backslashreplace"), _LOOK) if entry.body else ""
        told = f"{what}{size}  {visible_lines(entry.why, 300)}"
        return self._row(entry.at, "odd", entry.kind.value, f"{told}  {look}" if look and look not in told else told)

    def _row(self, at: int, tone: str, name: str, rest: str) -> Text:
        clock = datetime.fromtimestamp(at / 1000).astimezone().strftime("%H:%M:%S")
        sign = self._signs[tone]
        pad = " " * (max(map(len, self._signs.values())) - len(sign))
        return Text.assemble((clock, "dim"), " ", (f"{sign}{pad}", _STYLES[tone]), " ", (f"{name:<10} ", "dim"), rest)

    # ---- the standing summary -------------------------------------------------------------------------------------

    def _summary(self, state: State) -> RenderableType:
        counts = [plural(state.events, "event")]
        for number, word in (
            (state.bad, "bad"),
            (state.unknown, "unknown"),
            (state.refused, "refused"),
            (state.not_passed, "not passed on"),
            (state.not_taken, "not taken by the collector"),
        ):
            if number:
                counts.append(f"{whole(number)} {word}")
        where = self._where.page if self._where else ""
        head = Text(f"{', '.join(counts)}   {where}   Ctrl-C ends", style="bold", no_wrap=True, overflow="ellipsis")
        parts: list[RenderableType] = [Rule(style="dim"), head]
        if state.events:
            parts.append(totals(state.figures.rows_of_late(), _SOURCES))
        return Group(*parts)


def _source(said: Said) -> str:
    return f"{said.source or NO_SOURCE} / {said.content}" if said.content else said.source


def totals(rows: tuple[Row, ...], most: int) -> Table:
    """The four numbers by source, all of them first."""
    grid = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    grid.add_column("Source", style="", max_width=40, no_wrap=True, overflow="ellipsis")
    for metric in ("pv", "uv", "opens", "new_users"):
        grid.add_column(METRIC_NAMES[metric], justify="right")
    for row in rows[: most + 1]:
        name = visible(row.source, 60) if row.source else "all"
        grid.add_row(Text(name), *map(whole, (row.pv, row.uv, row.opens, row.new_users)))
    if len(rows) > most + 1:
        grid.add_row(Text(f"and {plural(len(rows) - most - 1, 'source')} more", style="dim"))
    return grid


def beginning(where: Where) -> Iterator[str]:
    """What a person must know before the first event comes."""
    yield f"listening on {where.url}"
    yield f"watch it in a browser: {where.page}"
    if where.is_loopback:
        yield "only this machine can reach it; for a phone in the same network: --listen 0.0.0.0:8001"
    else:
        if where.phone:
            yield f"for the phone: {where.phone}"
        yield (
            "anybody who can reach this address can send to it, and can see on its page what phones sent; "
            "stop it when you are done"
        )
    if where.pass_on:
        yield f"every request is passed on to {where.pass_on}, whose reply goes back"
    else:
        yield "every request is answered with 200 and passed on to nobody"
    if where.out:
        yield f"recorded in {visible(where.out)}"


def print_summary(console: Console, summary: Summary) -> None:
    """How it ended, and the totals."""
    for line in ending(summary):
        console.print(Text(line), soft_wrap=True, highlight=False)
    if summary.events:
        console.print()
        console.print(totals(summary.rows, 50))


def ending(summary: Summary) -> Iterator[str]:
    """The sentences at the end, the verdict first."""
    yield f"{_verdict(summary)}  {_why(summary)}"
    yield (
        f"{plural(summary.events, 'event')} in {plural(summary.requests, 'request')}, "
        f"{summary.seconds:,.0f} s"
        + (f"; {plural(summary.repeated, 'event')} came more than once and count once" if summary.repeated else "")
        + (f"; opens and views that name nobody, so make no UV: {whole(summary.nobodys)}" if summary.nobodys else "")
    )
    if summary.out:
        yield f"recorded in {visible(summary.out)}; judge it again with: mpsim inspect --capture {visible(summary.out)}"


def _verdict(summary: Summary) -> str:
    words = {ExitCode.PASS: "PASS", ExitCode.FAIL: "FAIL", ExitCode.OWN_FAULT: "ERROR"}
    return words.get(summary.exit_code, "INCOMPLETE")


def _why(summary: Summary) -> str:
    told = []
    if summary.faults:
        told.append(f"mpsim itself failed on {plural(summary.faults, 'request')}: a bug, please report it")
    if summary.bad:
        told.append(f"{plural(summary.bad, 'bad event')}")
    if summary.not_taken:
        told.append(f"{plural(summary.not_taken, 'request')} answered by the collector with another status than 2xx")
    if summary.unknown:
        told.append(f"{plural(summary.unknown, 'request')} in an encoding that nobody here reads")
    if summary.refused:
        told.append(f"{plural(summary.refused, 'request')} refused: no HTTP, or too large")
    if summary.not_passed:
        told.append(f"{plural(summary.not_passed, 'request')} not passed on")
    if not summary.events:
        told.append("no event came")
    elif summary.wanted is not None and summary.events < summary.wanted:
        told.append(f"{whole(summary.events)} of {plural(summary.wanted, 'event')} came")
    return f"{'; '.join(told)}." if told else "Every event could be read, and none is bad."


__all__ = ["Terminal", "beginning", "ending", "print_summary"]

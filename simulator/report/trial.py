"""What `mpsim target check` prints: each event with its reply, the totals before and after, and what was not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from simulator.contract import BY
from simulator.finding import ExitCode, Finding, Judged, Verdict
from simulator.report.visible import visible, visible_lines
from simulator.report.words import BY_NAMES, finding_status, metric_name, told, whole

_WORDS = {
    ExitCode.PASS: ("PASS", "Every event was acked, and every total that is read went up by what was sent."),
    ExitCode.FAIL: ("FAIL", "Every event was acked, and a total or a stored event is not what was sent."),
    ExitCode.INCOMPLETE: ("INCOMPLETE", "Not everything could be tried."),
}
_MOST = 6  # cells that are named

EventRow = tuple[str, str, str]  # events, outcome, reply
TotalRow = tuple[str, int | None, int | None, Judged | None]  # metric, before, after, what it has more


def trial_lines(
    target: str,
    exit_code: ExitCode,
    events: Sequence[EventRow],
    totals: Sequence[TotalRow],
    cells: Sequence[Judged],
    findings: Sequence[Finding],
    notes: Iterable[str],
    *,
    acked: bool,
) -> Iterator[str]:
    """The lines of a trial.

    Args:
        target: its name and URL.
        cells: judged cells of every kind but "all".
        findings: of the stored events.
        acked: whether every event was; else nobody knows what the totals must be.
        notes: what else is worth knowing.
    """
    word, sentence = _WORDS[exit_code]
    yield f"{word}  {sentence}"
    yield f"against {visible(target)}"
    yield ""
    yield from _table(["Events", "outcome", "reply"], [[visible(part) for part in row] for row in events])
    yield ""
    rows = [
        [metric_name(metric), _number(before), _number(after), _expected(judged), _status(judged) if acked else ""]
        for metric, before, after, judged in totals
    ]
    yield from _table(["Totals", "before", "after", "expected", ""], rows, right=(1, 2, 3))
    yield ""
    if acked:
        yield from _cells(cells)
    if findings:
        yield "Stored events"
        yield from (f"  {finding_status(one)}  {one.code} x {one.count}: {visible_lines(one.text)}" for one in findings)
        yield ""
    yield "Notes"
    yield from (f"  {visible_lines(note)}" for note in notes)


def _cells(cells: Sequence[Judged]) -> Iterator[str]:
    yield from _table(["Cells", "right", ""], list(_kinds(cells)), right=(1,))
    wrong = [one for one in cells if one.verdict is Verdict.FAIL]
    yield from (f"  {told(one)}" for one in wrong[:_MOST])
    if len(wrong) > _MOST:
        yield f"  … and {len(wrong) - _MOST} more"
    yield ""


def _kinds(cells: Sequence[Judged]) -> Iterator[list[str]]:
    for by in BY[1:]:
        some = [one for one in cells if one.by == by and one.expected is not None]
        if not some:
            continue
        right = sum(one.verdict is Verdict.PASS for one in some)
        unread = [one for one in some if one.observed is None]
        said = ""
        if unread:
            metrics = dict.fromkeys(metric_name(one.metric) for one in unread)
            said = f"not read: {', '.join(metrics)} ({visible(unread[0].why)})"
        yield [BY_NAMES[by], f"{right} of {len(some)}", said]


def _expected(judged: Judged | None) -> str:
    if judged is None or judged.expected is None:
        return ""
    return f"+{judged.expected}"


def _status(judged: Judged | None) -> str:
    if judged is None:
        return "left out"
    if judged.expected is None:
        return "not checkable"
    if judged.observed is None:
        return f"not read: {visible(judged.why)}"
    return "right" if judged.verdict is Verdict.PASS else f"wrong: {visible(judged.why)}"


def _number(value: int | None) -> str:
    return "not read" if value is None else whole(value)


def _table(head: list[str], rows: Sequence[Sequence[str]], right: tuple[int, ...] = ()) -> Iterator[str]:
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for number, row in enumerate([head, *rows]):
        cells = [
            part.rjust(width) if place in right else part.ljust(width)
            for place, (part, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))

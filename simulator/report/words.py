"""The words that people read: names, definitions in words, the sentence above a report, and numbers as text.

One place, so that the console, the page and junit.xml say the same, and so that another language is one more of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulator.contract import Definitions
from simulator.finding import Finding, Interval, Judged, Slo, Verdict
from simulator.report.result import Attempts, Convergence, Load, Result, RunVerdict
from simulator.report.visible import visible, visible_lines
from simulator.times import format_duration

Status = Literal["pass", "fail", "inconclusive", "not read", "not checkable", "error"]

METRIC_NAMES = {"pv": "PV", "uv": "UV", "opens": "Opens", "new_users": "New users"}
# WeChat's own terms: visit_pv, visit_uv, session_cnt and visit_uv_new of its data API.
CHINESE_NAMES = {"pv": "访问次数", "uv": "访问人数", "opens": "打开次数", "new_users": "新用户数"}
BY_NAMES = {
    "all": "in total",
    "source": "by source",
    "content": "by content",
    "hour": "by hour",
    "day": "by day",
    "page": "by page",
}
VERDICT_WORDS: dict[RunVerdict, str] = {
    "pass": "PASS",
    "fail": "FAIL",
    "incomplete": "INCOMPLETE",
    "slo": "SLO MISSED",
    "underload": "UNDERLOAD",
    "error": "ERROR",
}
# What each verdict means, said when the run gave no reason of its own.
_MEANINGS: dict[RunVerdict, str] = {
    "pass": "Nothing was judged.",
    "fail": "Something that was judged is wrong.",
    "incomplete": "Not enough was seen to call the totals right.",
    "slo": "A service level was missed.",
    "underload": "Too few visitors started in time for the load to be the one asked for.",
    "error": "Nothing can be said about the collector: the fault is our own.",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The first thing that anybody reads."""

    word: str  # PASS, FAIL …
    sentence: str


def headline(result: Result) -> Headline:
    """The verdict in a word and a sentence: the weightiest reason, else what the totals say."""
    if result.verdict == "pass":
        sentence = _passing(result) + _not_read(result)
    elif result.reasons:
        sentence = visible_lines(result.reasons[0])
    else:
        sentence = _first_wrong(result) or _MEANINGS[result.verdict]
    return Headline(VERDICT_WORDS[result.verdict], sentence)


def _passing(result: Result) -> str:
    exact, cells = result.widths.exact, result.widths.cells
    if not cells:
        return _MEANINGS["pass"]
    if cells == 1:
        return "The one judged total is right."
    if exact == cells:
        return f"All {whole(cells)} judged totals are right, each against one exact number."
    return (
        f"All {whole(cells)} judged totals are right: {whole(exact)} against one exact number, "
        f"{whole(cells - exact)} within a range."
    )


def _not_read(result: Result) -> str:
    """What a pass says nothing of."""
    names = [visible(figure) for figure in result.not_read]
    return f" Not read, so not judged: {', '.join(names)}." if names else ""


def _first_wrong(result: Result) -> str:
    wrong = [judged for judged in result.metrics if judged.verdict >= Verdict.FAIL]
    if result.verdict == "fail" and wrong:
        verb = "is" if len(wrong) == 1 else "are"
        return f"{whole(len(wrong))} of {plural(len(result.metrics), 'total')} {verb} wrong: {told(wrong[0])}."
    missed = [slo for slo in result.slo if not slo.met]
    if result.verdict == "slo" and missed:
        return f"The totals are right, and {visible(missed[0].expression)} was missed: {slo_value(missed[0])}."
    return ""


def told(judged: Judged) -> str:
    """One cell in a sentence, without its full stop: "PV of source poster: expected 3,012, observed 3,010"."""
    expected = "cannot be known" if judged.expected is None else f"expected {interval(judged.expected)}"
    observed = "not read" if judged.observed is None else f"observed {whole(judged.observed)}"
    return f"{cell_title(judged)}: {expected}, {observed}"


def cell_title(judged: Judged) -> str:
    """Metric and cell: "PV in total", "Opens of source wechat_ad"."""
    metric = metric_name(judged.metric)
    return f"{metric} in total" if judged.by == "all" else f"{metric} of {judged.by} {visible(judged.cell)}"


def unknowable_title(metric: str, cells: int) -> str:
    """ "New users, 48 cells"."""
    return f"{metric_name(metric)}, {plural(cells, 'cell')}"


def metric_name(metric: str) -> str:
    """PV, UV, Opens or New users; a metric that nobody here knows keeps its own name."""
    return METRIC_NAMES.get(metric, visible(metric))


def status(judged: Judged) -> Status:
    """What a cell came to, for people: one that cannot be known is kept apart from one that could not be read."""
    if judged.verdict is Verdict.FAIL:
        return "fail"
    if judged.verdict is Verdict.ERROR:
        return "error"
    if judged.expected is None:
        return "not checkable"
    if judged.verdict is Verdict.PASS:
        return "pass"
    return "not read" if judged.observed is None else "inconclusive"


def finding_status(finding: Finding) -> str:
    """The word beside a finding; one that changes no verdict is a remark."""
    return "remark" if finding.verdict is Verdict.PASS else finding.verdict.word


def definitions_in_words(definitions: Definitions) -> tuple[tuple[str, str], ...]:
    """(metric, sentence) for each of the four numbers, then ("user", …) and ("day", …), under these switches."""
    first_visit = (
        "Users whose first open or page view ever lies in the period, counted in the cell of that first event."
    )
    return (
        ("pv", "Every stored page view, the same page again included, in the cell of the view."),
        ("uv", "Distinct users with at least one open or page view in the cell; no other event makes a user."),
        ("opens", _opens_in_words(definitions)),
        ("new_users", first_visit),
        ("user", _user_in_words(definitions)),
        ("day", f"Days and hours are those of {definitions.day}, and an event belongs to the one it happened in."),
    )


def _opens_in_words(definitions: Definitions) -> str:
    opens = definitions.opens
    if opens.timeout is not None:
        length = format_duration(opens.timeout)
        return (
            f"A device's first event, every launch, and every event more than {length} after the device's previous "
            f"one begin an open (exactly {length} does not)."
        )
    if opens.rule == "every-foreground":
        return "Every time the mini program comes to the foreground: each launch, and each return from background."
    return (
        "Every launch: one open for each stored mini_program_open. A return from background begins none, unless the "
        "mini program was destroyed meanwhile: that return is a launch."
    )


def _user_in_words(definitions: Definitions) -> str:
    return {
        "device": "A user is a device: one anonymousId, whoever holds it.",
        "openid": (
            "A user is an openid: the event's own, else the nearest earlier one on the same device, else the first "
            "later one, else the device itself. So anonymous and later identified is one user."
        ),
        "customer": (
            "A user is a customer: all identities that ever occurred together in one stored event are one, whatever "
            "the order; anonymous events go to the customer of their device."
        ),
    }[definitions.user]


def period_text(period: tuple[str, str]) -> str:
    """From when to when, the end exclusive."""
    begin, end = map(instant_text, period)
    return f"{begin} to {end}"


def instant_text(iso: str) -> str:
    """ "2026-03-01T00:00:00+08:00" as "2026-03-01 00:00 +08:00"; seconds only where there are some."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return visible(iso)
    clock = at.strftime("%H:%M:%S" if at.second else "%H:%M")
    zone = at.isoformat()[19:] if not at.microsecond else at.isoformat(timespec="milliseconds")[23:]
    return f"{at:%Y-%m-%d} {clock} {'UTC' if zone == '+00:00' else zone}".rstrip()


def sentence(text: str) -> str:
    """A capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}."


# ---- numbers ------------------------------------------------------------------------------------------------------


def whole(number: int) -> str:
    """12345 as "12,345"."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """ "1 total", "2 totals"."""
    return f"{whole(number)} {noun}" if number == 1 else f"{whole(number)} {noun}s"


def interval(expected: Interval, joint: str = "..") -> str:
    """ "3,012", or "3,010..3,014" when it has a width."""
    return whole(expected.low) if not expected.width else f"{whole(expected.low)}{joint}{whole(expected.high)}"


def expected_text(judged: Judged) -> str:
    """What is allowed in a cell, in text."""
    return "unknown" if judged.expected is None else interval(judged.expected)


def observed_text(judged: Judged) -> str:
    """What the collector said of a cell, in text."""
    return "not read" if judged.observed is None else whole(judged.observed)


def agrees(judged: Judged) -> bool:
    """Whether one number tells both sides: expected exactly, and observed so."""
    return judged.expected is not None and not judged.expected.width and judged.observed == judged.expected.low


def milliseconds(value: float) -> str:
    """ "0.4 ms", "31 ms", "1.2 s", "2 min 5 s": short enough for a table, never finer than it was measured."""
    if value < 10:
        return f"{value:.1f} ms"
    if value < 1_000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{value / 1_000:.2f} s"
    minutes, seconds = divmod(round(value / 1_000), 60)
    return f"{minutes} min {seconds} s"


def seconds(value: float) -> str:
    """The same for seconds."""
    return milliseconds(value * 1_000)


def share(part: int, total: int) -> str:
    """A part of a total: "0 %", "0.4 %", "97 %"; never 100 % or 0 % unless it is all or nothing."""
    if not total:
        return "0 %"
    percent = 100 * part / total
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %" if percent not in (0, 100) else f"{percent:.0f} %"


def slo_value(slo: Slo) -> str:
    """What was measured: a share for `failed`, else a time."""
    if slo.value is None:
        return "no samples"
    if slo.expression.split("<")[0].strip() == "failed":
        return f"{100 * slo.value:.2f} %"
    return milliseconds(slo.value)


def examples(visitors: Sequence[int], limit: int = 10) -> str:
    """Some visitor numbers of a finding: "12, 90, 91, …"."""
    shown = ", ".join(map(str, visitors[:limit]))
    return f"{shown}, …" if len(visitors) > limit else shown


def load_sentence(load: Load) -> str:
    """What was asked for and what was driven, in a sentence without its full stop. A closed load wants no rate."""
    wanted = f" (wanted {load.wanted_rate:,.1f}/s)" if load.wanted_rate else ""
    lost = f", {whole(load.workers_lost)} of them lost" if load.workers_lost else ""
    return (
        f"visitors started at {load.offered_rate:,.1f}/s{wanted}; {seconds(load.seconds)} to the last reply, "
        f"{plural(load.workers, 'worker')}{lost}"
    )


def attempts_sentence(attempts: Attempts) -> str:
    """What was sent and what became of it, in a sentence without its full stop."""
    return (
        f"{plural(attempts.visitors, 'visitor')}, {plural(attempts.events, 'event')}, "
        f"{plural(attempts.sent, 'attempt')}: {whole(attempts.acked)} acked, "
        f"{whole(attempts.refused)} refused, {whole(attempts.unknown)} unknown"
    )


def outside_sentence(events: int) -> str:
    """What becomes of events that clocks put outside the period."""
    lie, they, count = ("lies", "it", "counts") if events == 1 else ("lie", "they", "count")
    return f"{plural(events, 'event')} {lie} outside the period because of planned clock skew; {they} {count} nowhere."


def malformed_sentence(events: Interval) -> str:
    """What becomes of events that are wrong on purpose."""
    noun, be, they, count = ("event", "is", "it", "counts") if events.high == 1 else ("events", "are", "they", "count")
    return f"{interval(events)} malformed {noun} {be} sent on purpose; {they} {count} nowhere."


def convergence_sentence(convergence: Convergence) -> str:
    """How the totals came to rest, in a sentence without its full stop."""
    times = ", ".join(
        f"{metric_name(metric)} {'never' if value is None else 'after ' + seconds(value)}"
        for metric, value in convergence.seconds
    )
    settled = "totals settled" if convergence.settled else "totals did not settle"
    said = f"{settled} within {seconds(convergence.waited_seconds)}, {plural(convergence.readings, 'reading')}"
    return f"{said} (right for good: {times})" if times else said

"""Everything that was found out about a run → one word and one exit code: the only table of its kind.

    exit  word         when
    7     error        our own fault: an error verdict, nothing judged at all
    5     error        a wrong scenario, option or file
    6     error        no connection before the first event
    1     fail         a judged cell or a finding fails
    3     incomplete   cut short, a worker lost, a cell or finding inconclusive, an event that is planned or declared
                       and of which none was acked, nothing sent, or more refused and unknown than `max_failed`
    4     underload    under 95 % of the visitors started within 1 s of their instant
    2     slo          a service-level expression is missed
    0     pass         none of these

When several apply, the first of them in this order. Nothing else decides: what is not in the table cannot be green.

Source: CONTRACT section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.finding import ExitCode, Finding, Judged, Slo, Verdict
from simulator.scenario.model import PPM
from simulator.verify.sighting import AttemptSummary

Word = Literal["pass", "fail", "slo", "incomplete", "underload", "error"]

PASS, FAIL, SLO, INCOMPLETE, UNDERLOAD, USAGE, NO_CONNECTION, OWN_FAULT = ExitCode
PRECEDENCE = (OWN_FAULT, USAGE, NO_CONNECTION, FAIL, INCOMPLETE, UNDERLOAD, SLO, PASS)
WORDS: dict[int, Word] = {
    OWN_FAULT: "error",
    USAGE: "error",
    NO_CONNECTION: "error",
    FAIL: "fail",
    INCOMPLETE: "incomplete",
    UNDERLOAD: "underload",
    SLO: "slo",
    PASS: "pass",
}
PUNCTUAL = 0.95  # of the visitors, at least


def first_exit_code(*exit_codes: int) -> ExitCode:
    """The one that a command ends with where several apply: the first in the order of precedence."""
    return ExitCode(min(exit_codes, key=lambda code: PRECEDENCE.index(ExitCode(code))))


@dataclass(frozen=True, slots=True)
class LoadFacts:
    """How the load went."""

    finished: bool = True  # every visitor was sent to the end
    reason: str = ""  # why not
    by_hand: bool = False  # somebody wanted it to end
    started: int = 0  # visitors, when it ended
    planned: int = 0  # visitors; 0: not known
    connected: bool = True  # somebody answered before the first event
    workers_lost: int = 0
    punctual: float | None = None  # part of the visitors that started within 1 s; None: not open model, or flood
    late: int = 0  # visitors that started later than that
    held: int | None = None  # of these: they waited while all requests in flight waited for replies; None: not known
    in_flight: int = 0  # so many, of one process
    offered: str = ""  # what was offered and what was wanted, in words


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The run's verdict."""

    verdict: Word
    exit_code: int
    reasons: tuple[str, ...] = ()  # sentences, the weightiest first; none for a pass


def conclude(
    judged: Sequence[Judged],
    findings: Sequence[Finding],
    slos: Sequence[Slo],
    attempts: AttemptSummary,
    load: LoadFacts,
    *,
    max_failed: int,
    unacked: Sequence[str] = (),
    undrawn: Sequence[str] = (),
) -> Conclusion:
    """The verdict of a run.

    Of a run that was cut short nothing is said of events that were not acked: their turn may not have come. Of a lost
    worker the finding `worker_lost` says all.

    Args:
        max_failed: most of the sends that may be refused or unknown, in millionths (exactly so many may).
        unacked: names of events that were planned and of which none was acked.
        undrawn: names of events that the scenario declares and to which no visitor came.
    """
    causes = sorted(
        (
            *_of_totals(judged),
            *_of_findings(findings),
            *_of_nothing(judged, load),
            *_of_load(attempts, load, max_failed),
            *_of_lost(findings, load),
            *_of_kinds(attempts, unacked if load.finished else (), undrawn),
            *((SLO, f"{missed_text(slo)}.") for slo in slos if not slo.met),
        ),
        key=lambda cause: PRECEDENCE.index(cause[0]),  # stable: within one exit code in the order found
    )
    exit_code = causes[0][0] if causes else PASS
    return Conclusion(WORDS[exit_code], exit_code, tuple(text for _, text in causes))


Cause = tuple[int, str]


def _of_totals(judged: Sequence[Judged]) -> Iterator[Cause]:
    errors = [one for one in judged if one.verdict is Verdict.ERROR]
    if errors:
        yield OWN_FAULT, f"{_totals(len(errors))} could not be judged: {errors[0].why}."
    wrong = [one for one in judged if one.verdict is Verdict.FAIL]
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        yield FAIL, f"{len(wrong):,} of {_totals(len(judged))} {verb} wrong: {_told(wrong[0])}."
    open_ones = [one for one in judged if one.verdict is Verdict.INCONCLUSIVE]
    for reason, text in _UNDECIDED:
        some = [one for one in open_ones if _undecided(one) == reason]
        if some:
            yield INCOMPLETE, f"{_totals(len(some))} {text}: {_told(some[0])}."


_UNDECIDED = (
    ("unread", "could not be read"),
    ("unknowable", "cannot be known"),
    ("wide", "proved nothing"),
)


def _undecided(one: Judged) -> str:
    if one.expected is None:
        return "unknowable"
    return "unread" if one.observed is None else "wide"


def _of_findings(findings: Sequence[Finding]) -> Iterator[Cause]:
    exit_codes = {Verdict.ERROR: OWN_FAULT, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: INCOMPLETE}
    for finding in findings:
        if finding.verdict in exit_codes:
            yield exit_codes[finding.verdict], f"{finding.text[:1].upper()}{finding.text[1:]}."


def _of_nothing(judged: Sequence[Judged], load: LoadFacts) -> Iterator[Cause]:
    if not judged and load.connected:
        yield OWN_FAULT, "Nothing was judged."


def _of_load(attempts: AttemptSummary, load: LoadFacts, max_failed: int) -> Iterator[Cause]:
    if not load.connected:
        yield NO_CONNECTION, f"No collector answered before the first event: {load.reason or 'no connection'}."
        return
    if not load.finished:
        how = "stopped by hand" if load.by_hand else "cut short"
        after = f" after {load.started:,} of {load.planned:,} visitors" if load.planned else ""
        why = "" if load.by_hand else f": {load.reason or 'no reason is known'}"
        yield INCOMPLETE, f"The run was {how}{after}{why}."
    if not attempts.sent:
        yield INCOMPLETE, "Nothing was sent."
    elif attempts.failed * PPM > max_failed * attempts.sent:
        share = attempts.failed * 100 / attempts.sent
        yield (
            INCOMPLETE,
            f"{attempts.failed:,} of {attempts.sent:,} sends ({share:.3g} %) were refused or unknown; "
            f"at most {max_failed / 10_000:g} % may be.",
        )
    if load.punctual is not None and load.punctual < PUNCTUAL:
        yield (
            UNDERLOAD,
            f"Only {load.punctual * 100:.3g} % of the visitors started within 1 s of their instant; "
            f"{PUNCTUAL:.0%} must for the load to be the one asked for{load.offered and f': {load.offered}'}. "
            f"{_whose_fault(load)}".rstrip(),
        )


def _of_lost(findings: Sequence[Finding], load: LoadFacts) -> Iterator[Cause]:
    if load.workers_lost and not any(one.code == "worker_lost" for one in findings):
        workers = "1 worker was" if load.workers_lost == 1 else f"{load.workers_lost:,} workers were"
        yield INCOMPLETE, f"{workers} lost."
    if load.workers_lost and load.finished and load.started < load.planned:
        yield INCOMPLETE, f"Only {load.started:,} of {load.planned:,} visitors are known to have started."


def _whose_fault(load: LoadFacts) -> str:
    """Why visitors started late: the collector was slow, or we were; empty where that is not known."""
    if load.held is None or not load.late:
        return ""
    if 2 * load.held >= load.late:
        return (
            f"It was the collector that was slow: {load.held:,} of the {load.late:,} late visitors waited because it "
            f"left {load.in_flight:,} requests without a reply, and load.in_flight lets a process send no more at once."
        )
    but = f", though {load.held:,} of the {load.late:,} late visitors waited for the collector" if load.held else ""
    return f"The sending side was too slow{but}: more workers, or a faster machine, may offer it."


def _of_kinds(attempts: AttemptSummary, unacked: Sequence[str], undrawn: Sequence[str]) -> Iterator[Cause]:
    """Events of which nothing is known, since none was ever acked."""
    if not attempts.sent:
        return  # which is said already
    if unacked:
        yield INCOMPLETE, f"Not one of these events was acknowledged: {', '.join(unacked)}."
    if undrawn:
        yield (
            INCOMPLETE,
            f"No visitor came to these events, which the journeys declare: {', '.join(undrawn)}. "
            "More visitors, or another seed, may.",
        )


def _totals(count: int) -> str:
    return "1 total" if count == 1 else f"{count:,} totals"


def _told(one: Judged) -> str:
    where = "in total" if one.by == "all" else f"by {one.by} {one.cell[:80]}"
    return f"{one.metric} {where}" + (f", {one.why}" if one.why else "")


def missed_text(slo: Slo) -> str:
    """A service level that was missed, and by what: a sentence without its full stop."""
    if slo.value is None:
        return f"{slo.expression} was missed: no samples"
    if slo.expression.startswith("failed"):
        return f"{slo.expression} was missed: {slo.value:.2%}"
    milliseconds = f"{slo.value:,.0f}" if slo.value >= 1_000 else f"{slo.value:.4g}"
    return f"{slo.expression} was missed: {milliseconds} ms"

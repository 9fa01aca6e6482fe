"""Two judged runs of one scenario → what changed from the earlier to the later, beyond noise.

    totals          a cell is worse where its verdict is; where both are wrong, where it is further off. What a width
                    allows is no change
    findings        a kind is worse where it is new; where both have it, where it was found more often
    service levels  worse where it was met and is missed
    latencies       by slices of the run, as verify/noise.py says; only where the same load was offered
    the verdict     worse where the later run's code is weightier, whatever the reason

How far a wrong total is off, and how often something was found, are counts of what a faulty collector or a network did
by chance: counts a and b differ where |a - b| > 3 · sqrt(a + b), three standard deviations of two equal Poisson rates.

The exit code is the first, in the order of verify/verdict.py, of what became worse: 1 totals and findings, 3 what can
no longer be known, 4 underload, 2 a service level or a latency, 7 a fault of our own. Nothing is sent or read but the
two run directories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path

from simulator.contract import BY, METRICS
from simulator.errors import UsageError
from simulator.finding import ExitCode, Finding, Interval, Judged, Slo, Verdict
from simulator.ledger.manifest import SCENARIO_FOLDER, Manifest
from simulator.report import words
from simulator.report.comparison import (
    CellChange,
    Change,
    Comparison,
    Difference,
    FindingChange,
    LatencyChange,
    Outcome,
    Side,
    SloChange,
)
from simulator.report.result import Result, highest_that_held
from simulator.runs.latency_slices import LATENCIES_FILE, MEASURES, Slices, read_latencies
from simulator.traffic.opened import open_run
from simulator.verify.noise import MARGIN, Shift, shift
from simulator.verify.verdict import PRECEDENCE

_PERCENTILES = (50, 95, 99)
_BY_VERDICT = {
    Verdict.INCONCLUSIVE: ExitCode.INCOMPLETE,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.ERROR: ExitCode.OWN_FAULT,
}
# What decides how a run is loaded; where one of these differs, latencies say nothing of the collector.
_OF_THE_LOAD = frozenset({"scenario file", "visitors", "users", "rate", "speed", "adapter"})

Cause = tuple[ExitCode, str]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run directory as far as a comparison needs it."""

    folder: Path
    manifest: Manifest
    result: Result
    slices: Slices | None  # None: judged before they were kept
    flood: bool = False  # nobody waited


def judged_run(folder: Path, result: Result) -> JudgedRun:
    """A run directory whose result is read.

    Raises:
        UsageError: run.json, the scenario or latencies.json cannot be read.
    """
    opened = open_run(folder)
    return JudgedRun(folder, opened.manifest, result, read_latencies(folder), opened.plan.flood)


def compare(before: JudgedRun, after: JudgedRun, margin: float = MARGIN) -> Comparison:
    """What changed.

    Args:
        margin: a latency that changed by less is the same.

    Raises:
        UsageError: they are runs of different scenarios.
    """
    first, second = before.result, after.result
    check_same_scenario((str(before.folder), first.scenario), (str(after.folder), second.scenario))
    unjudged = [run for run in (before, after) if not run.result.metrics]
    differences = tuple(_differences(before, after))
    cells, notes = _cells(first, second)
    findings, slos = tuple(_findings(first, second)), tuple(_slos(first, second))
    latency, why_not = _latencies(before, after, differences, margin)
    causes = sorted(
        (
            *_of_cells(cells),
            *_of_findings(findings, second),
            *_of_service(slos, latency),
            *(_nothing_judged(run) for run in unjudged),
        ),
        key=lambda cause: _weight(cause[0]),
    )
    causes = _with_verdict(causes, first, second)
    better = any(one.change == "better" for some in (cells, findings, slos, latency) for one in some)
    outcome: Outcome = "same"
    if unjudged:
        outcome = "not comparable"
    elif causes:
        outcome = "worse"
    elif better or _weight(second.exit_code) > _weight(first.exit_code):
        outcome = "better"
    reasons = tuple(words.sentence(text) for _, text in causes)
    return Comparison(
        scenario=first.scenario,
        before=_side(before),
        after=_side(after),
        outcome=outcome,
        exit_code=causes[0][0] if causes else ExitCode.PASS,
        sentence=reasons[0] if reasons else _calm(outcome, first, second, cells, latency),
        reasons=reasons,
        differences=differences,
        cells=cells,
        latency=latency,
        findings=findings,
        slo=slos,
        highest_phase=_phases(first, second),
        notes=(*notes, *why_not),
    )


def check_same_scenario(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Whether two things can be compared at all.

    Args:
        first, second: what it is, and the name of its scenario.

    Raises:
        UsageError: they are of different scenarios.
    """
    if first[1] != second[1]:
        raise UsageError(
            f"{first[0]} is of the scenario {first[1]} and {second[0]} of {second[1]}: "
            "only runs of one scenario can be compared"
        )


# ---- what was asked for ---------------------------------------------------------------------------------------------


def _differences(before: JudgedRun, after: JudgedRun) -> Iterator[Difference]:
    facts: list[tuple[str, Callable[[JudgedRun], object]]] = [
        ("scenario file", lambda run: _digest(run.folder)),
        ("seed", lambda run: run.manifest.seed),
        *((name, lambda run, name=name: getattr(run.manifest.options, name)) for name in ("visitors", "users", "rate")),
        ("speed", lambda run: "flood" if run.manifest.options.flood else run.manifest.options.speed),
        ("workers", lambda run: run.manifest.options.workers),
        ("replayed visitors", lambda run: ", ".join(map(str, run.manifest.options.only[:10]))),
        ("target", lambda run: "embedded collector" if run.manifest.target.embedded else run.manifest.target.url),
        ("adapter", lambda run: run.manifest.target.adapter),
        *((name, lambda run, name=name: run.result.definitions.as_json()[name]) for name in ("opens", "user", "day")),
        ("mpsim", lambda run: run.result.mpsim),
        ("libraries", lambda run: ", ".join(f"{name} {value}" for name, value in run.manifest.versions)),
    ]
    for what, fact in facts:
        first, second = (_told(fact(run)) for run in (before, after))
        if first != second:
            yield Difference(what, first, second)


def _told(value: object) -> str:
    return "as the file says" if value is None else str(value)


def _digest(folder: Path) -> str:
    """Of the scenario with its includes and lists; runs that were asked for the same have the same."""
    digest = hashlib.sha256()
    root = folder / SCENARIO_FOLDER
    try:
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            digest.update(f"{file.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    except OSError as failed:
        raise UsageError(f"{root} cannot be read ({failed.strerror})") from failed
    return digest.hexdigest()[:12]


# ---- totals ---------------------------------------------------------------------------------------------------------


def _cells(first: Result, second: Result) -> tuple[tuple[CellChange, ...], list[str]]:
    """Every cell of either run, in the order of the report; hours and days only of one period."""
    kinds = [by for by in BY if first.period == second.period or by not in {"hour", "day"}]
    notes = []
    if first.period != second.period:
        notes.append(
            f"Hours and days are not compared: one run is of {words.period_text(first.period)}, "
            f"the other of {words.period_text(second.period)}."
        )
    known = [{(one.by, one.metric, one.cell): one for one in result.metrics} for result in (first, second)]
    keys = [key for key in {**known[0], **known[1]} if key[0] in kinds]
    keys.sort(key=lambda key: (BY.index(key[0]), METRICS.index(key[1]) if key[1] in METRICS else len(METRICS)))
    return tuple(_cell(known[0].get(key), known[1].get(key)) for key in keys), notes


def _cell(before: Judged | None, after: Judged | None) -> CellChange:
    # A cell that a run does not have is one in which nothing was expected and nothing observed.
    was = Verdict.PASS if before is None else before.verdict
    now = Verdict.PASS if after is None else after.verdict
    if now is not was:
        change: Change = "worse" if now > was else "better"
        return CellChange(before, after, change, f"was {_word(before)}, is {_word(after)}")
    if now is Verdict.FAIL and before is not None and after is not None:
        off, still = _off(before), _off(after)
        if differ(off, still):
            further = still > off
            why = f"wrong by {words.whole(off)}, now by {words.whole(still)}"
            return CellChange(before, after, "worse" if further else "better", why)
        return CellChange(before, after, "same", "wrong as before")
    if _apart(_expected(before), _expected(after)):
        return CellChange(before, after, "changed", "another plan, or another definition")
    return CellChange(before, after, "same")


def differ(first: int, second: int) -> bool:
    """Whether two counts of chance differ: by more than three standard deviations (exactly three do not)."""
    return abs(first - second) > 3 * sqrt(first + second)


def _word(judged: Judged | None) -> str:
    return "not there" if judged is None else words.status(judged)


def _off(judged: Judged) -> int:
    """How far an observed total lies outside of what is allowed."""
    if judged.expected is None or judged.observed is None:
        return 0
    return max(judged.expected.low - judged.observed, judged.observed - judged.expected.high, 0)


def _expected(judged: Judged | None) -> Interval | None:
    return Interval(0, 0) if judged is None else judged.expected


def _apart(first: Interval | None, second: Interval | None) -> bool:
    """Whether what is allowed moved: widths come from the network, and change from run to run."""
    return first is not None and second is not None and (first.high < second.low or second.high < first.low)


def _of_cells(cells: Sequence[CellChange]) -> Iterator[Cause]:
    for verdict, code in _BY_VERDICT.items():
        worse = [one for one in cells if one.change == "worse" and one.either.verdict is verdict]
        if worse:
            became = {
                Verdict.FAIL: "became wrong, or more wrong than before",
                Verdict.INCONCLUSIVE: "can no longer be known, read or told exactly",
                Verdict.ERROR: "could not be judged by a fault of our own",
            }[verdict]
            count = words.plural(len(worse), "total")
            yield code, f"{count} of {words.whole(len(cells))} {became}: {words.told(worse[0].either)}"


# ---- findings, service levels, latencies ----------------------------------------------------------------------------


def _findings(first: Result, second: Result) -> Iterator[FindingChange]:
    """Kinds of findings that change a verdict, in the order of the later run."""
    found = [_by_code(result.findings) for result in (second, first)]
    for code in {**found[0], **found[1]}:
        after, before = (some.get(code, (0, "")) for some in found)
        if not before[0] or not after[0]:
            change: Change = "worse" if after[0] else "better"
        elif differ(before[0], after[0]):
            change = "worse" if after[0] > before[0] else "better"
        else:
            change = "same"
        yield FindingChange(code, before[0], after[0], change, after[1] or before[1])


def _by_code(findings: Iterable[Finding]) -> dict[str, tuple[int, str]]:
    """Code → how often, and the first text."""
    found: dict[str, tuple[int, str]] = {}
    for one in findings:
        if one.verdict is not Verdict.PASS:
            count, text = found.get(one.code, (0, one.text))
            found[one.code] = (count + one.count, text)
    return found


def _of_findings(changes: Sequence[FindingChange], second: Result) -> Iterator[Cause]:
    for one in changes:
        if one.change == "worse":
            verdict = max(found.verdict for found in second.findings if found.code == one.code)
            how = f"{words.whole(one.before)} before, {words.whole(one.after)} now" if one.before else "new"
            yield _BY_VERDICT[verdict], f"{one.code} ({how}): {one.text}"


def _slos(first: Result, second: Result) -> Iterator[SloChange]:
    known: list[dict[str, Slo]] = [{one.expression: one for one in result.slo} for result in (first, second)]
    for expression in {**known[0], **known[1]}:
        before, after = (some.get(expression) for some in known)
        change: Change = "changed"
        if before is not None and after is not None:
            change = "same" if before.met is after.met else "better" if after.met else "worse"
        yield SloChange(expression, before, after, change)


def _latencies(
    before: JudgedRun, after: JudgedRun, differences: Sequence[Difference], margin: float
) -> tuple[tuple[LatencyChange, ...], list[str]]:
    other = [one.what for one in differences if one.what in _OF_THE_LOAD]
    if other:
        return (), [f"Latencies are not compared: the load is another one ({', '.join(other)})."]
    if before.flood or after.flood:
        return (), ["Latencies are not compared: in a flood they say how fast the machine is."]
    for run in (before, after):
        if run.result.verdict == "underload":
            return (), [f"Latencies are not compared: {run.folder} was not offered the load that it should have been."]
        if run.slices is None:
            again = f"mpsim verify {run.folder} makes it"
            return (), [f"Latencies are not compared: {run.folder} has no {LATENCIES_FILE}; {again}."]
    assert before.slices is not None
    assert after.slices is not None
    changes = tuple(
        _latency(measure, percent, shift(before.slices[measure], after.slices[measure], Fraction(percent), margin))
        for measure in MEASURES
        for percent in _PERCENTILES
    )
    return changes, []


def _latency(measure: str, percent: int, found: Shift) -> LatencyChange:
    change: dict[str, Change] = {"slower": "worse", "faster": "better", "same": "same", "too few": "not compared"}
    ratio = None if found.low is None or found.high is None else (round(found.low, 3), round(found.high, 3))
    why = "too few samples in slices of the run" if found.standing == "too few" else ""
    before, after = (None if value is None else value / 1_000 for value in (found.before, found.after))
    return LatencyChange(measure, f"p{percent}", before, after, ratio, change[found.standing], why)


def _of_service(slos: Sequence[SloChange], latency: Sequence[LatencyChange]) -> Iterator[Cause]:
    for slo in slos:
        if slo.change == "worse":
            yield ExitCode.SLO_MISSED, f"{slo.expression} was met and is missed"
    for one in latency:
        if one.change == "worse":
            yield ExitCode.SLO_MISSED, _slower(one)


def _slower(one: LatencyChange) -> str:
    assert one.before_ms is not None
    assert one.after_ms is not None
    assert one.ratio is not None
    before, after = map(words.milliseconds, (one.before_ms, one.after_ms))
    low, high = one.ratio
    return f"{one.percentile} of the {one.measure} time grew from {before} to {after}, {low:.2f} to {high:.2f} times"


# ---- the whole ------------------------------------------------------------------------------------------------------


def _with_verdict(causes: list[Cause], first: Result, second: Result) -> list[Cause]:
    """The causes, with the verdict itself where it is weightier than before and no cause says why."""
    weight = _weight(second.exit_code)
    if weight >= _weight(first.exit_code) or any(_weight(code) <= weight for code, _ in causes):
        return causes
    was, now = words.headline(first).word, words.headline(second)
    text = f"it was {was} and is {now.word}: {now.sentence.removesuffix('.')}"
    return [(ExitCode(second.exit_code), text), *causes]


def _weight(exit_code: int) -> int:
    """The place in the order of precedence: lower is weightier."""
    return PRECEDENCE.index(ExitCode(exit_code))


def _nothing_judged(run: JudgedRun) -> Cause:
    return ExitCode.INCOMPLETE, f"{run.folder} judged no total, so there is nothing to compare"


def _calm(
    outcome: Outcome,
    first: Result,
    second: Result,
    cells: Sequence[CellChange],
    latency: Sequence[LatencyChange],
) -> str:
    """The sentence where nothing became worse."""
    compared = sum(one.change != "not compared" for one in latency)
    what = f"{words.plural(len(cells), 'total')}, {words.plural(compared, 'latency percentile')}"
    if outcome == "better":
        was, now = words.headline(first).word, words.headline(second).word
        return f"Nothing became worse, and something better, of {what}; it was {was} and is {now}."
    if second.verdict != "pass":
        return f"Nothing changed beyond noise, of {what}; both runs are {words.headline(second).word}."
    return f"Nothing changed beyond noise, of {what}."


def _phases(first: Result, second: Result) -> tuple[str, str] | None:
    if not first.phases or not second.phases:
        return None
    before, after = (_highest(result) for result in (first, second))
    return before, after


def _highest(result: Result) -> str:
    number = highest_that_held(result.phases)
    if number is None:
        return "none"
    phase = result.phases[number - 1]
    return f"{phase.name or f'phase {number}'}, {phase.wanted_rate:,.1f}/s"


def _side(run: JudgedRun) -> Side:
    result = run.result
    head = words.headline(result)
    return Side(
        str(run.folder),
        result.run_id,
        result.verdict,
        result.exit_code,
        result.seed,
        result.target,
        result.created,
        f"{head.word}: {head.sentence}",
    )

"""result.json: what a run came to, in the shape that is read from outside.

CONTRACT section 6 names the fields; those after `slo` are additions, and a file without them is read with their
defaults. The other writers of report/ read nothing but a `Result`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from simulator.contract import Definitions, parse_opens
from simulator.errors import UsageError
from simulator.finding import ExitCode, Finding, Interval, Judged, Slo, Verdict
from simulator.report.disk import write_whole

VERSION = 1
RESULT_FILE = "result.json"

RunVerdict = Literal["pass", "fail", "slo", "incomplete", "underload", "error"]
Standing = Literal["held", "did not hold", "not judged"]

Value = TypeVar("Value")
Counts = TypeVar("Counts", "Attempts", "Widths")


@dataclass(frozen=True, slots=True)
class Attempts:
    """Physical sends of judged events, planned duplicates and retries included; sent = acked + refused + unknown."""

    sent: int = 0
    acked: int = 0
    refused: int = 0
    unknown: int = 0
    events: int = 0  # distinct good events planned
    visitors: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """How the run was driven. Rates are visitors started per wall second."""

    wanted_rate: float = 0.0
    offered_rate: float = 0.0
    seconds: float = 0.0  # wall time of the sending
    workers: int = 1
    workers_lost: int = 0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one kind of latency, in milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Three ways to look at time, in milliseconds; None: no samples."""

    response_ms: Percentiles | None = None  # from the intended instant: what a visitor would have felt
    service_ms: Percentiles | None = None  # from the actual send
    late_ms: Percentiles | None = None  # start of a visitor after its instant


@dataclass(frozen=True, slots=True)
class Convergence:
    """How the totals came to rest after the last reply."""

    settled: bool = False  # unchanged and quiet before the deadline
    readings: int = 0  # how often the totals were read
    waited_seconds: float = 0.0  # from the last reply to the judged reading
    seconds: tuple[tuple[str, float | None], ...] = ()  # per metric, until right for good; None: never


@dataclass(frozen=True, slots=True)
class Widths:
    """How many cells were judged, and how many of them against one number instead of a range."""

    exact: int = 0
    cells: int = 0


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One phase of the open model with its visitors, their attempts (whenever these were made) and their totals."""

    name: str  # as the scenario calls it; empty: not at all
    rate: str  # as the scenario has it, such as 20/s..100/s; empty: a list of instants
    begin: float  # wall seconds after the start of the load
    seconds: float  # its length
    started: int  # of its visitors; `attempts` has how many were planned
    wanted_rate: float  # visitors planned per second of its length
    offered_rate: float  # started, per second from its begin to its end or, where that is later, to the last start
    attempts: Attempts
    latency: Latency
    metrics: tuple[Judged, ...]  # the four totals of its visitors; `by` is phase, the cell its label
    slo: tuple[Slo, ...]
    verdict: Standing
    why: str = ""  # a sentence without its full stop; empty for one that held


@dataclass(frozen=True, slots=True)
class Result:
    """One run, judged."""

    run_id: str
    scenario: str
    seed: int
    namespace: str
    period: tuple[str, str]  # ISO 8601 with the day zone's offset; the end is exclusive
    target: str
    definitions: Definitions
    verdict: RunVerdict
    exit_code: int
    attempts: Attempts
    load: Load
    metrics: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    slo: tuple[Slo, ...]
    about: str = ""  # the scenario's sentence about itself
    latency: Latency = Latency()
    convergence: Convergence | None = None  # None: the totals were never read
    widths: Widths = Widths()
    reasons: tuple[str, ...] = ()  # sentences why the verdict is what it is, the weightiest first
    command: str = ""  # does the same run again
    created: str = ""  # ISO 8601, UTC: when this was judged
    mpsim: str = ""  # version that judged
    environment: tuple[tuple[str, str], ...] = ()  # what else the run depended on: adapter, Python, Locust …
    notes: tuple[str, ...] = ()  # worth knowing, changes no verdict
    not_read: tuple[str, ...] = ()  # figures that the collector does not have, as the target file says: not judged
    phases: tuple[PhaseResult, ...] = ()  # of the open model, in their order; none: closed model, flood, a replay


def highest_that_held(phases: Sequence[PhaseResult]) -> int | None:
    """Number, from 1, of the phase with the highest wanted rate that held, the last of equal ones; None: none did."""
    held = [(phase.wanted_rate, number) for number, phase in enumerate(phases, 1) if phase.verdict == "held"]
    return max(held)[1] if held else None


def widths_of(metrics: Iterable[Judged]) -> Widths:
    """How exactly these cells could be judged; those that cannot be known are none of them."""
    intervals = [judged.expected for judged in metrics if judged.expected is not None]
    return Widths(exact=sum(not interval.width for interval in intervals), cells=len(intervals))


def to_json(result: Result) -> dict[str, Any]:
    """The document of result.json, as CONTRACT section 6 shows it."""
    return {
        "version": VERSION,
        "run_id": result.run_id,
        "scenario": result.scenario,
        "about": result.about,
        "seed": result.seed,
        "namespace": result.namespace,
        "period": list(result.period),
        "target": result.target,
        "definitions": result.definitions.as_json(),
        "verdict": result.verdict,
        "exit_code": result.exit_code,
        "attempts": asdict(result.attempts),
        "load": asdict(result.load),
        "metrics": metrics_json(result.metrics),
        "findings": [_finding_json(finding) for finding in result.findings],
        "slo": [_slo_json(slo) for slo in result.slo],
        "latency": asdict(result.latency),
        "convergence": _convergence_json(result.convergence),
        "widths": asdict(result.widths),
        "reasons": list(result.reasons),
        "command": result.command,
        "created": result.created,
        "mpsim": result.mpsim,
        "environment": dict(result.environment),
        "notes": list(result.notes),
        "not_read": list(result.not_read),
        "phases": [_phase_json(number, phase) for number, phase in enumerate(result.phases, 1)],
        "highest_phase": highest_that_held(result.phases),
    }


def metrics_json(metrics: Iterable[Judged]) -> list[dict[str, Any]]:
    """The rows of `metrics`, which `mpsim plan --json` prints too."""
    return [
        {
            "metric": judged.metric,
            "by": judged.by,
            "cell": judged.cell,
            "expected": None if judged.expected is None else [judged.expected.low, judged.expected.high],
            "observed": judged.observed,
            "verdict": judged.verdict.word,
            "why": judged.why,
        }
        for judged in metrics
    ]


def from_json(document: object) -> Result:
    """The inverse of `to_json`. Keys that it does not know are passed over.

    Raises:
        UsageError: another version of the format, a field missing or of the wrong kind, or a word for a verdict that
            nobody knows (it must never count as a pass).
    """
    given = document.get("version") if isinstance(document, dict) else None
    if not isinstance(document, dict) or given != VERSION or isinstance(given, bool):
        raise UsageError(f"this result has version {given!r}; this mpsim reads version {VERSION}")
    try:
        return _result(document)
    except (ValueError, KeyError, TypeError, AttributeError) as damaged:
        raise UsageError(f"this result is damaged: {type(damaged).__name__} {damaged}") from damaged


def dump_result(result: Result) -> bytes:
    """The bytes of result.json.

    A lone surrogate, which a collector can smuggle into a name, has no UTF-8; its escape is the same text in JSON.
    """
    text = json.dumps(to_json(result), ensure_ascii=False, indent=2, allow_nan=False)
    return (text + "\n").encode("utf-8", "backslashreplace")


def write_result(path: Path, result: Result) -> None:
    """Write result.json, whole or not at all.

    Raises:
        OSError: as `write_whole`.
    """
    write_whole(path, dump_result(result))


def read_result(path: Path) -> Result:
    """Read result.json.

    Raises:
        UsageError: no such file, no JSON, or as `from_json`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise UsageError(f"{path} cannot be read ({missing.strerror})") from missing
    except ValueError as damaged:
        raise UsageError(f"{path} is damaged: {damaged}") from damaged
    try:
        return from_json(document)
    except UsageError as unusable:
        raise UsageError(f"{path}: {unusable}") from unusable


def _result(document: Mapping[str, Any]) -> Result:
    definitions = document["definitions"]
    begin, end = document["period"]
    return Result(
        run_id=_text(document["run_id"]),
        scenario=_text(document["scenario"]),
        seed=_whole(document["seed"]),
        namespace=_text(document["namespace"]),
        period=(_text(begin), _text(end)),
        target=_text(document["target"]),
        definitions=Definitions(parse_opens(definitions["opens"]), definitions["user"], definitions["day"]),
        verdict=_run_verdict(document["verdict"]),
        exit_code=int(ExitCode(_whole(document["exit_code"]))),
        attempts=_counts(Attempts, document["attempts"]),
        load=_load(document["load"]),
        metrics=tuple(map(_judged, document["metrics"])),
        findings=tuple(map(_finding, document["findings"])),
        slo=tuple(map(_slo, document["slo"])),
        about=_text(document.get("about", "")),
        latency=_latency(document.get("latency", {})),
        convergence=_optional(_convergence, document.get("convergence")),
        widths=_counts(Widths, document["widths"]) if "widths" in document else Widths(),
        reasons=tuple(map(_text, document.get("reasons", []))),
        command=_text(document.get("command", "")),
        created=_text(document.get("created", "")),
        mpsim=_text(document.get("mpsim", "")),
        environment=tuple((name, _text(value)) for name, value in document.get("environment", {}).items()),
        notes=tuple(map(_text, document.get("notes", []))),
        not_read=tuple(map(_text, document.get("not_read", []))),
        phases=tuple(map(_phase, document.get("phases", []))),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {value!r}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a whole number, not {value!r}")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number, not {value!r}")
    return float(value)


def _optional(read: Callable[[Any], Value], value: object) -> Value | None:
    return None if value is None else read(value)


def _counts(kind: type[Counts], row: Mapping[str, Any]) -> Counts:
    return kind(*(_whole(row[field.name]) for field in fields(kind)))


def _run_verdict(word: object) -> RunVerdict:
    if word not in get_args(RunVerdict):
        raise ValueError(f"no verdict {word!r}; expected one of {', '.join(get_args(RunVerdict))}")
    return cast("RunVerdict", word)


def _verdict(word: object) -> Verdict:
    for verdict in Verdict:
        if verdict.word == word:
            return verdict
    raise ValueError(f"no verdict {word!r}; expected one of {', '.join(verdict.word for verdict in Verdict)}")


def _load(row: Mapping[str, Any]) -> Load:
    return Load(
        wanted_rate=_number(row["wanted_rate"]),
        offered_rate=_number(row["offered_rate"]),
        seconds=_number(row["seconds"]),
        workers=_whole(row["workers"]),
        workers_lost=_whole(row["workers_lost"]),
    )


def _judged(row: Mapping[str, Any]) -> Judged:
    return Judged(
        metric=_text(row["metric"]),
        by=_text(row["by"]),
        cell=_text(row["cell"]),
        expected=_optional(_interval, row["expected"]),
        observed=_optional(_whole, row["observed"]),
        verdict=_verdict(row["verdict"]),
        why=_text(row["why"]),
    )


def _interval(ends: Iterable[object]) -> Interval:
    low, high = ends
    return Interval(_whole(low), _whole(high))


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        code=_text(row["code"]),
        verdict=_verdict(row["verdict"]),
        text=_text(row["text"]),
        count=_whole(row["count"]),
        visitors=tuple(map(_whole, row["visitors"])),
        metrics=tuple(map(_text, row.get("metrics", []))),
    )


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "count": finding.count,
        "text": finding.text,
        "visitors": list(finding.visitors),
        "metrics": list(finding.metrics),
        "verdict": finding.verdict.word,
    }


def _slo(row: Mapping[str, Any]) -> Slo:
    met = {"pass": True, "fail": False}[row["verdict"]]
    return Slo(_text(row["expression"]), _optional(_number, row["value"]), met)


def _slo_json(slo: Slo) -> dict[str, Any]:
    return {"expression": slo.expression, "value": slo.value, "verdict": "pass" if slo.met else "fail"}


def _latency(row: Mapping[str, Any]) -> Latency:
    return Latency(*(_optional(_percentiles, row.get(field.name)) for field in fields(Latency)))


def _percentiles(row: Mapping[str, Any]) -> Percentiles:
    return Percentiles(*(_number(row[field.name]) for field in fields(Percentiles)))


def _convergence(row: Mapping[str, Any]) -> Convergence:
    return Convergence(
        settled=row["settled"] is True,
        readings=_whole(row["readings"]),
        waited_seconds=_number(row["waited_seconds"]),
        seconds=tuple((metric, _optional(_number, value)) for metric, value in row["seconds"].items()),
    )


def _convergence_json(convergence: Convergence | None) -> dict[str, Any] | None:
    if convergence is None:
        return None
    return {**asdict(convergence), "seconds": dict(convergence.seconds)}


def _phase(row: Mapping[str, Any]) -> PhaseResult:
    return PhaseResult(
        name=_text(row["name"]),
        rate=_text(row["rate"]),
        begin=_number(row["begin"]),
        seconds=_number(row["seconds"]),
        started=_whole(row["started"]),
        wanted_rate=_number(row["wanted_rate"]),
        offered_rate=_number(row["offered_rate"]),
        attempts=_counts(Attempts, row["attempts"]),
        latency=_latency(row["latency"]),
        metrics=tuple(map(_judged, row["metrics"])),
        slo=tuple(map(_slo, row["slo"])),
        verdict=_standing(row["verdict"]),
        why=_text(row["why"]),
    )


def _standing(word: object) -> Standing:
    if word not in get_args(Standing):
        raise ValueError(f"no verdict of a phase {word!r}; expected one of {', '.join(get_args(Standing))}")
    return cast("Standing", word)


def _phase_json(number: int, phase: PhaseResult) -> dict[str, Any]:
    rows = {"metrics": metrics_json(phase.metrics), "slo": [_slo_json(slo) for slo in phase.slo]}
    return {"number": number, **asdict(phase), **rows}

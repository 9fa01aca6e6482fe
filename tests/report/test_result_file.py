"""result.json: the shape that CONTRACT section 6 shows, there and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.contract import Definitions, Opens
from simulator.errors import UsageError
from simulator.finding import Finding, Interval, Judged, Slo, Verdict
from simulator.report.result import (
    Attempts,
    Convergence,
    Latency,
    Load,
    Percentiles,
    PhaseResult,
    Result,
    Widths,
    dump_result,
    from_json,
    read_result,
    to_json,
    widths_of,
    write_result,
)
from simulator.times import Ms

SMALL = Result(
    run_id="r1",
    scenario="campaign-day",
    seed=7,
    namespace="",
    period=("2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"),
    target="http://127.0.0.1:8000",
    definitions=Definitions(Opens("timeout", Ms(1_800_000)), "customer", "Asia/Shanghai"),
    verdict="fail",
    exit_code=1,
    attempts=Attempts(sent=5, acked=3, refused=1, unknown=1, events=4, visitors=2),
    load=Load(wanted_rate=2.0, offered_rate=1.9, seconds=1.1, workers=2, workers_lost=1),
    metrics=(
        Judged("pv", "all", "", Interval(2, 3), 4, Verdict.FAIL, "1 too many"),
        Judged("uv", "source", "春", None, None, Verdict.INCONCLUSIVE, "nothing carries an id"),
    ),
    findings=(Finding("lost", Verdict.FAIL, "gone", 3, (12, 90), ("pv", "uv")),),
    slo=(Slo("p95 < 200ms", 31.0, True), Slo("late p99 < 1s", None, False)),
)

# CONTRACT section 6, field by field.
CONTRACTED: dict[str, Any] = {
    "version": 1,
    "run_id": "r1",
    "scenario": "campaign-day",
    "seed": 7,
    "namespace": "",
    "period": ["2026-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"],
    "target": "http://127.0.0.1:8000",
    "definitions": {"opens": "timeout=30m", "user": "customer", "day": "Asia/Shanghai"},
    "verdict": "fail",
    "exit_code": 1,
    "attempts": {"sent": 5, "acked": 3, "refused": 1, "unknown": 1, "events": 4, "visitors": 2},
    "load": {"wanted_rate": 2.0, "offered_rate": 1.9, "seconds": 1.1, "workers": 2, "workers_lost": 1},
    "metrics": [
        {
            "metric": "pv",
            "by": "all",
            "cell": "",
            "expected": [2, 3],
            "observed": 4,
            "verdict": "fail",
            "why": "1 too many",
        },
        {
            "metric": "uv",
            "by": "source",
            "cell": "春",
            "expected": None,
            "observed": None,
            "verdict": "inconclusive",
            "why": "nothing carries an id",
        },
    ],
    "findings": [
        {"code": "lost", "count": 3, "text": "gone", "visitors": [12, 90], "metrics": ["pv", "uv"], "verdict": "fail"}
    ],
    "slo": [
        {"expression": "p95 < 200ms", "value": 31.0, "verdict": "pass"},
        {"expression": "late p99 < 1s", "value": None, "verdict": "fail"},
    ],
}


def test_the_document_has_the_contracted_fields() -> None:
    document = to_json(SMALL)

    assert {key: document[key] for key in CONTRACTED} == CONTRACTED


def test_a_document_without_the_additions_is_read_with_their_defaults() -> None:
    assert from_json(CONTRACTED) == SMALL


def test_unknown_keys_are_passed_over() -> None:
    document = {**CONTRACTED, "later": 1, "attempts": {**CONTRACTED["attempts"], "later": 1}}

    assert from_json(document) == SMALL


def test_widths_count_what_can_be_known() -> None:
    wide = Judged("pv", "all", "", Interval(2, 3), 3, Verdict.PASS)
    exact = Judged("uv", "all", "", Interval(2, 2), None, Verdict.INCONCLUSIVE)
    unknowable = Judged("opens", "all", "", None, 3, Verdict.INCONCLUSIVE)

    assert widths_of([wide, exact, unknowable]) == Widths(exact=1, cells=2)


numbers = st.floats(min_value=0, max_value=1e9, allow_nan=False)
counts = st.integers(min_value=0, max_value=10**12)
texts = st.text(max_size=20)
verdicts = st.sampled_from(Verdict)
intervals = st.tuples(counts, counts).map(lambda ends: Interval(min(ends), max(ends)))
percentiles = st.none() | st.builds(Percentiles, numbers, numbers, numbers, numbers)
by_name = st.dictionaries(texts, st.none() | numbers, max_size=3).map(lambda named: tuple(named.items()))
definitions = st.builds(
    Definitions,
    st.sampled_from([Opens("launch"), Opens("every-foreground"), Opens("timeout", Ms(1_799_999))]),
    st.sampled_from(["device", "openid", "customer"]),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]),
)
judged = st.lists(
    st.builds(Judged, texts, texts, texts, st.none() | intervals, st.none() | st.integers(), verdicts, texts),
    max_size=3,
).map(tuple)
slos = st.lists(st.builds(Slo, texts, st.none() | numbers, st.booleans()), max_size=3).map(tuple)
sends = st.builds(Attempts, counts, counts, counts, counts, counts, counts)
latencies = st.builds(Latency, percentiles, percentiles, percentiles)
phases = st.builds(
    PhaseResult,
    name=texts,
    rate=texts,
    begin=numbers,
    seconds=numbers,
    started=counts,
    wanted_rate=numbers,
    offered_rate=numbers,
    attempts=sends,
    latency=latencies,
    metrics=judged,
    slo=slos,
    verdict=st.sampled_from(["held", "did not hold", "not judged"]),
    why=texts,
)
results = st.builds(
    Result,
    run_id=texts,
    scenario=texts,
    seed=st.integers(),
    namespace=texts,
    period=st.tuples(texts, texts),
    target=texts,
    definitions=definitions,
    verdict=st.sampled_from(["pass", "fail", "slo", "incomplete", "underload", "error"]),
    exit_code=st.integers(0, 7),
    attempts=sends,
    load=st.builds(Load, numbers, numbers, numbers, counts, counts),
    metrics=judged,
    findings=st.lists(
        st.builds(Finding, texts, verdicts, texts, counts, st.lists(counts, max_size=3).map(tuple)), max_size=3
    ).map(tuple),
    slo=slos,
    about=texts,
    latency=latencies,
    convergence=st.none() | st.builds(Convergence, st.booleans(), counts, numbers, by_name),
    widths=st.builds(Widths, counts, counts),
    reasons=st.lists(texts, max_size=3).map(tuple),
    command=texts,
    created=texts,
    mpsim=texts,
    environment=st.dictionaries(texts, texts, max_size=3).map(lambda named: tuple(named.items())),
    notes=st.lists(texts, max_size=3).map(tuple),
    phases=st.lists(phases, max_size=2).map(tuple),
)


@given(results)
@settings(max_examples=100, deadline=None)
def test_a_result_comes_back_as_it_was(result: Result) -> None:
    assert from_json(json.loads(dump_result(result))) == result


def test_a_file_comes_back_as_it_was(samples: dict[str, Result], tmp_path: Path) -> None:
    for name, result in samples.items():
        write_result(tmp_path / f"{name}.json", result)

    assert {name: read_result(tmp_path / f"{name}.json") for name in samples} == samples
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.json" for name in samples)


PHASE: dict[str, Any] = {
    "number": 1,
    "name": "quiet",
    "rate": "2/s",
    "begin": 0.0,
    "seconds": 1.5,
    "started": 3,
    "wanted_rate": 2.0,
    "offered_rate": 2.0,
    "attempts": CONTRACTED["attempts"],
    "latency": {"response_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}, "service_ms": None, "late_ms": None},
    "metrics": [CONTRACTED["metrics"][0]],
    "slo": [CONTRACTED["slo"][0]],
    "verdict": "held",
    "why": "",
}


def test_a_phase_in_the_document() -> None:
    result = replace(
        SMALL,
        phases=(
            PhaseResult(
                "quiet", "2/s", 0.0, 1.5, 3, 2.0, 2.0, SMALL.attempts, Latency(Percentiles(1.0, 2.0, 3.0, 4.0)),
                SMALL.metrics[:1], SMALL.slo[:1], "held",
            ),
        ),
    )  # fmt: skip
    document = to_json(result)

    assert (document["phases"], document["highest_phase"]) == ([PHASE], 1)
    assert from_json({**CONTRACTED, "phases": [PHASE]}) == result
    assert to_json(SMALL)["highest_phase"] is None


UNUSABLE = [
    ("no document", []),
    ("no version", {}),
    ("a later version", {**CONTRACTED, "version": 2}),
    ("a version as text", {**CONTRACTED, "version": "1"}),
    ("a version that is only equal to one", {**CONTRACTED, "version": True}),
    ("a field missing", {key: value for key, value in CONTRACTED.items() if key != "attempts"}),
    ("a verdict that nobody knows", {**CONTRACTED, "verdict": "ok"}),
    ("a cell verdict that nobody knows", {**CONTRACTED, "metrics": [{**CONTRACTED["metrics"][0], "verdict": "ok"}]}),
    ("an SLO verdict that nobody knows", {**CONTRACTED, "slo": [{**CONTRACTED["slo"][0], "verdict": "inconclusive"}]}),
    ("an empty interval", {**CONTRACTED, "metrics": [{**CONTRACTED["metrics"][0], "expected": [3, 2]}]}),
    ("a count as text", {**CONTRACTED, "attempts": {**CONTRACTED["attempts"], "sent": "5"}}),
    ("a phase's verdict that nobody knows", {**CONTRACTED, "phases": [{**PHASE, "verdict": "pass"}]}),
    ("a phase with half a latency", {**CONTRACTED, "phases": [{**PHASE, "latency": {"late_ms": {"p50": 1.0}}}]}),
    ("an unknown zone", {**CONTRACTED, "definitions": {**CONTRACTED["definitions"], "day": "Mars/Olympus"}}),
]


@pytest.mark.parametrize("document", [row[1] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_what_is_not_a_result_is_refused(document: object) -> None:
    with pytest.raises(UsageError):
        from_json(document)


FILES = [
    ("no file", None, "cannot be read"),
    ("no JSON", b"{", "is damaged"),
    ("no UTF-8", b"\xff\xfe", "is damaged"),
    ("another version", b'{"version": 2}', "this result has version 2; this mpsim reads version 1"),
]


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_an_unusable_file_is_named(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=said) as raised:
        read_result(path)

    assert str(path) in str(raised.value)


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "result.json"
    folder.mkdir()

    with pytest.raises(OSError, match=r"result\.json"):
        write_result(folder, SMALL)

    assert list(tmp_path.iterdir()) == [folder]

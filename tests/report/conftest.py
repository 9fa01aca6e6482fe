"""Sample results: a passing, a failing, an incomplete and a hostile run, written down rather than computed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.contract import Definitions, Opens
from simulator.finding import Finding, Interval, Judged, Slo, Verdict
from simulator.report.result import (
    Attempts,
    Convergence,
    Latency,
    Load,
    Percentiles,
    PhaseResult,
    Result,
    Standing,
    Widths,
)
from simulator.times import Ms

METRICS = ("pv", "uv", "opens", "new_users")
HOSTILE = '</td><script>alert(1)</script><img src=//evil.example/x onerror="a()">[red]\x1b[31m\u202e&\ud800\ufffe'

SOURCES = {
    "wechat_ad": (6_120, 1_204, 1_381, 903),
    "春季海报": (3_012, 598, 640, 455),
    "(none)": (2_207, 488, 541, 342),
}
PAGES = {
    "pages/product/detail": (7_205, 2_101),
    "pages/index/index": (3_102, 2_290),
    "pages/cart/cart": (1_032, 870),
}
# PV, UV, opens and new users of the hours from 00:00.
HOURS = [
    (120, 40, 46, 38),
    (80, 26, 29, 22),
    (44, 15, 16, 12),
    (31, 10, 11, 8),
    (28, 9, 10, 7),
    (52, 18, 20, 14),
    (140, 46, 52, 39),
    (310, 98, 110, 80),
    (520, 166, 185, 130),
    (610, 190, 212, 142),
    (640, 201, 224, 140),
    (700, 222, 246, 151),
    (910, 288, 318, 190),
    (840, 262, 290, 161),
    (620, 195, 214, 115),
    (590, 186, 205, 104),
    (600, 190, 208, 101),
    (640, 200, 220, 100),
    (780, 246, 270, 116),
    (930, 292, 320, 130),
    (910, 287, 315, 118),
    (700, 221, 242, 84),
    (384, 121, 132, 41),
    (160, 52, 57, 17),
]
TOTAL = (11_339, 2_290, 2_562, 1_700)


def cell(by: str, name: str, numbers: tuple[int, ...]) -> list[Judged]:
    """The metrics of one cell, all exact and right."""
    return [
        Judged(metric, by, name, Interval(number, number), number, Verdict.PASS)
        for metric, number in zip(METRICS, numbers, strict=False)
    ]


def right_cells() -> tuple[Judged, ...]:
    cells = cell("all", "", TOTAL)
    for source, numbers in SOURCES.items():
        cells += cell("source", source, numbers)
    cells += cell("content", "spring", (9_132, 1_802, 2_021, 1_358))
    cells += cell("content", "(none)", (2_207, 488, 541, 342))
    for hour, numbers in enumerate(HOURS):
        cells += cell("hour", f"2026-03-01T{hour:02}:00+08:00", numbers)
    cells += cell("day", "2026-03-01", TOTAL)
    for page, views in PAGES.items():
        cells += cell("page", page, views)
    return tuple(cells)


def passing() -> Result:
    cells = right_cells()
    return Result(
        run_id="0301000000abcdef12",
        scenario="campaign-day",
        seed=7,
        namespace="",
        period=("2026-03-01T00:00:00+08:00", "2026-03-02T03:00:00+08:00"),
        target="embedded collector, http://127.0.0.1:41873",
        definitions=Definitions(),
        verdict="pass",
        exit_code=0,
        attempts=Attempts(14_903, 14_903, 0, 0, 14_903, 2_400),
        load=Load(40.0, 39.9, 60.2, 1, 0),
        metrics=cells,
        findings=(),
        slo=(Slo("p95 < 200ms", 31.0, True), Slo("failed < 1%", 0.0, True)),
        about="First day of a spring campaign, with ads, posters and word of mouth.",
        latency=Latency(
            Percentiles(9.1, 31.0, 74.5, 212.0),
            Percentiles(8.8, 29.6, 71.0, 208.0),
            Percentiles(0.4, 2.1, 6.0, 18.2),
        ),
        convergence=Convergence(True, 4, 1.4, (("pv", 0.2), ("uv", 0.2), ("opens", 0.2), ("new_users", 0.3))),
        widths=Widths(len(cells), len(cells)),
        command="mpsim run scenarios/campaign_day.yaml --seed 7",
        created="2026-03-01T00:01:07Z",
        mpsim="0.1.0",
        environment=(("adapter", "dmhub"), ("Python", "3.11.2"), ("Locust", "2.47.0")),
    )


def judged_again(result: Result, changes: dict[tuple[str, str, str], Judged]) -> tuple[Judged, ...]:
    """The cells with some of them replaced, by (metric, by, cell)."""
    return tuple(changes.get((judged.metric, judged.by, judged.cell), judged) for judged in result.metrics)


def failing() -> Result:
    """One event lost, and two sources swapped for one open."""
    fine = passing()
    wrong = [
        Judged("pv", "all", "", Interval(11_339, 11_339), 11_338, Verdict.FAIL, "1 missing"),
        Judged("pv", "source", "春季海报", Interval(3_012, 3_012), 3_011, Verdict.FAIL, "1 missing"),
        Judged("opens", "source", "春季海报", Interval(640, 640), 639, Verdict.FAIL, "1 missing"),
        Judged("opens", "source", "wechat_ad", Interval(1_381, 1_381), 1_382, Verdict.FAIL, "1 too many"),
        Judged("pv", "hour", "2026-03-01T12:00+08:00", Interval(910, 910), 700, Verdict.FAIL, "210 missing"),
    ]
    return replace(
        fine,
        verdict="fail",
        exit_code=1,
        metrics=judged_again(fine, {(judged.metric, judged.by, judged.cell): judged for judged in wrong}),
        findings=(
            Finding(
                "attribution",
                Verdict.FAIL,
                "1 open is counted under wechat_ad and belongs to 春季海报; the sum over sources is right.",
                1,
                (1_204,),
            ),
            Finding("lost", Verdict.FAIL, "1 acked event is not in the totals.", 1, (12, 90, 91)),
            Finding("misplaced", Verdict.PASS, "3 events were planned outside the period.", 3, (5, 6, 7)),
        ),
        slo=(Slo("p95 < 200ms", 231.0, False), Slo("failed < 1%", 0.0, True)),
    )


def incomplete() -> Result:
    """Three in ten attempts refused, some unknown: ranges; opens could not be read, one cell cannot be known."""
    fine = passing()
    cells = judged_again(
        fine,
        {
            ("pv", "all", ""): Judged("pv", "all", "", Interval(7_910, 7_958), 7_938, Verdict.PASS),
            ("uv", "all", ""): Judged(
                "uv", "all", "", Interval(2_001, 2_290), 2_100, Verdict.INCONCLUSIVE, "289 wide, 22 allowed"
            ),
            ("opens", "all", ""): Judged(
                "opens", "all", "", Interval(1_790, 1_801), None, Verdict.INCONCLUSIVE, "HTTP 503"
            ),
            ("new_users", "all", ""): Judged(
                "new_users", "all", "", None, 1_700, Verdict.INCONCLUSIVE, "the wire carries no visitor"
            ),
            ("pv", "source", "wechat_ad"): Judged(
                "pv", "source", "wechat_ad", Interval(6_101, 6_120), 6_120, Verdict.PASS
            ),
        },
    )
    return replace(
        fine,
        verdict="incomplete",
        exit_code=3,
        definitions=Definitions(Opens("timeout", Ms(1_800_000)), "customer", "Europe/Berlin"),
        metrics=cells,
        attempts=Attempts(14_903, 10_401, 4_454, 48, 14_903, 2_400),
        load=Load(40.0, 31.2, 76.9, 4, 1),
        findings=(Finding("worker_lost", Verdict.INCONCLUSIVE, "Worker 3 stopped answering after 41 s."),),
        convergence=Convergence(False, 31, 30.0, (("pv", 12.5), ("opens", None))),
        widths=Widths(130, 133),
        slo=(Slo("late p99 < 1s", None, False),),
        latency=Latency(Percentiles(95.0, 1_250.0, 30_000.0, 95_000.0), None, None),
        reasons=(
            "30.2 % of the attempts were refused or unknown, and 5 % are allowed.",
            "One of 4 workers was lost.",
        ),
        notes=("The target's own definition of opens is launch; timeout=30m was judged.",),
    )


def hostile() -> Result:
    """Every text that comes from outside tries to be more than text."""
    fine = passing()
    long = "pages/" + "很长的名字" * 200
    return replace(
        fine,
        scenario=HOSTILE,
        about=HOSTILE,
        target=HOSTILE,
        namespace=HOSTILE,
        command=HOSTILE,
        verdict="fail",
        exit_code=1,
        reasons=(HOSTILE,),
        notes=(HOSTILE,),
        environment=((HOSTILE, HOSTILE),),
        findings=(Finding(HOSTILE, Verdict.FAIL, HOSTILE),),
        slo=(Slo(HOSTILE, 1.0, False),),
        phases=(phase(HOSTILE, 1.0), phase(HOSTILE, 2.0, "did not hold", HOSTILE)),
        metrics=(
            *fine.metrics,
            *cell("source", HOSTILE, (1, 1, 1, 1)),
            *cell("hour", HOSTILE, (1, 1, 1, 1)),
            *cell("page", long, (1, 1)),
            *cell("page", "trailing ", (1, 1)),
            Judged("pv", "page", HOSTILE, Interval(0, 0), 10**15, Verdict.FAIL, HOSTILE),
            Judged(HOSTILE, "all", "", Interval(0, 0), 1, Verdict.FAIL, HOSTILE),
        ),
    )


def phase(
    name: str,
    rate: float,
    verdict: Standing = "held",
    why: str = "",
    *,
    p95: float = 31.0,
    failed: int = 0,
    offered: float | None = None,
    metrics: tuple[Judged, ...] = (),
) -> PhaseResult:
    """A phase of ten seconds at a whole rate; every visitor is one PV."""
    visitors = round(rate * 10)
    return PhaseResult(
        name=name,
        rate=f"{rate:g}/s",
        begin=0.0,
        seconds=10.0,
        started=visitors,
        wanted_rate=rate,
        offered_rate=rate if offered is None else offered,
        attempts=Attempts(visitors, visitors - failed, failed, 0, visitors, visitors),
        latency=Latency(
            Percentiles(9.1, p95, p95 * 2, p95 * 3),
            Percentiles(8.8, 29.6, 71.0, 208.0),
            Percentiles(0.4, 2.1, 6.0, 18.2),
        ),
        metrics=metrics or tuple(cell("phase", name, (visitors,) * 4)),
        slo=(Slo("p95 < 200ms", p95, p95 < 200),),
        verdict=verdict,
        why=why,
    )


def staircase() -> Result:
    """Five steps, of which three held; the last was not offered."""
    missed = "p95 < 200ms was missed: 812 ms"
    late = "the load was not offered: only 71 % of its visitors started within 1 s of their instant"
    unread = Judged("pv", "phase", "", Interval(200, 204), None, Verdict.PASS, "by its attempts alone")
    return replace(
        passing(),
        verdict="slo",
        exit_code=2,
        slo=(Slo("p95 < 200ms", 640.0, False),),
        reasons=("p95 < 200ms was missed: 640 ms.",),
        phases=(
            phase("warm-up", 20.0, metrics=(unread, *cell("phase", "", (200,) * 4)[1:])),
            phase("", 40.0),
            phase("campaign", 60.0, p95=120.0),
            phase("rush hour of the first day of a long campaign", 80.0, "did not hold", missed, p95=812.0, failed=3),
            phase("twice that", 1_160.0, "not judged", late, p95=2_000.0, offered=412.3),
        ),
    )


def small() -> Result:
    """Every status once."""
    fine = passing()
    return replace(
        fine,
        verdict="fail",
        exit_code=1,
        metrics=(
            Judged("pv", "all", "", Interval(12, 12), 12, Verdict.PASS),
            Judged("uv", "all", "", Interval(4, 4), 3, Verdict.FAIL, "1 missing"),
            Judged("opens", "all", "", Interval(4, 9), 6, Verdict.INCONCLUSIVE, "5 wide, 0 allowed"),
            Judged("new_users", "all", "", None, 3, Verdict.INCONCLUSIVE, "the wire carries no visitor"),
            Judged("pv", "source", "春季 & Co.", Interval(5, 5), None, Verdict.INCONCLUSIVE, "HTTP 503"),
            Judged("pv", "day", "2026-03-01", Interval(12, 12), 12, Verdict.ERROR, "two engines disagree"),
        ),
        findings=(
            Finding("lost", Verdict.FAIL, "1 acked event is not in the totals.", 1, (12,)),
            Finding("lost", Verdict.FAIL, "2 acked events were forgotten later.", 2),
            Finding("worker_lost", Verdict.INCONCLUSIVE, "Worker 3 stopped answering."),
            Finding("boundary", Verdict.PASS, "A remark changes nothing."),
        ),
        slo=(Slo("p95 < 200ms", 31.0, True), Slo("failed < 1%", 0.02, False), Slo("max < 1s", None, False)),
        reasons=("UV in total is 3 and must be 4.",),
        widths=Widths(4, 5),
    )


@pytest.fixture
def samples() -> dict[str, Result]:
    return {
        "passing": passing(),
        "failing": failing(),
        "incomplete": incomplete(),
        "hostile": hostile(),
        "small": small(),
        "staircase": staircase(),
    }


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with the file of that name in golden/; REFRESH_GOLDEN=1 writes it instead, to be read as prose."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).with_name("golden") / name
        if os.environ.get("REFRESH_GOLDEN") == "1":
            path.write_text(text, encoding="utf-8")

        assert text == path.read_text(encoding="utf-8")

    return compare

"""Service-level and abort expressions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from simulator.scenario.slo import AbortRule, SloExpression, parse_abort, parse_slo
from simulator.times import Ms

OBJECTIVES = [
    ("p95 < 200ms", SloExpression("p95 < 200ms", "response", Fraction(95), "<", Fraction(200))),
    ("p99.9 <= 1s", SloExpression("p99.9 <= 1s", "response", Fraction(999, 10), "<=", Fraction(1000))),
    (" p50<1m ", SloExpression("p50<1m", "response", Fraction(50), "<", Fraction(60_000))),
    ("max < 5s", SloExpression("max < 5s", "response", Fraction(100), "<", Fraction(5000))),
    ("service p95 < 200ms", SloExpression("service p95 < 200ms", "service", Fraction(95), "<", Fraction(200))),
    ("late p99 < 1s", SloExpression("late p99 < 1s", "late", Fraction(99), "<", Fraction(1000))),
    ("failed < 1%", SloExpression("failed < 1%", "failed", None, "<", Fraction(1, 100))),
    ("failed <= 0.25%", SloExpression("failed <= 0.25%", "failed", None, "<=", Fraction(1, 400))),
]


@pytest.mark.parametrize(("text", "meant"), OBJECTIVES, ids=[text for text, _ in OBJECTIVES])
def test_objectives(text: str, meant: SloExpression) -> None:
    assert parse_slo(text) == meant


NO_OBJECTIVES = [
    "", "p95", "p95 200ms", "p95 > 200ms", "p95 < 200", "p95 < 5%", "p100 < 1s", "p0 < 1s", "failed < 1s",
    "failed < 101%", "failed < 100.1%", "service failed < 1%", "mean < 1s", "p95 < 1s or more", "late < 1s",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_OBJECTIVES)
def test_what_is_no_objective(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|stands alone"):
        parse_slo(text)


MEASURED = [
    ("below the limit", "p95 < 200ms", 199.9, True),
    ("at the limit, less", "p95 < 200ms", 200.0, False),
    ("at the limit, less or equal", "p95 <= 200ms", 200.0, True),
    ("above the limit", "p95 <= 200ms", 200.1, False),
    ("no samples", "p95 <= 200ms", None, False),
    ("a part at its limit", "failed <= 5%", 5 / 100, True),
    ("a part at its limit, less", "failed < 5%", 5 / 100, False),
    ("nothing failed", "failed < 1%", 0.0, True),
]


@pytest.mark.parametrize(("text", "value", "met"), [case[1:] for case in MEASURED], ids=[case[0] for case in MEASURED])
def test_met(text: str, value: float | None, met: bool) -> None:
    assert parse_slo(text).met(value) is met


def test_an_abort_rule() -> None:
    rule = parse_abort("failed > 50% for 10s")

    assert rule == AbortRule("failed > 50% for 10s", ">", Fraction(1, 2), Ms(10_000))
    assert [rule.broken(failed) for failed in (0.49, 0.5, 0.51)] == [False, False, True]
    assert [parse_abort("failed >= 50% for 10s").broken(failed) for failed in (0.49, 0.5)] == [False, True]


@pytest.mark.parametrize("text", ["failed > 50%", "failed > 50 for 10s", "failed < 5% for 10s", "p95 > 1s for 10s", ""])
def test_what_is_no_abort_rule(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_abort(text)

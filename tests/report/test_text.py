"""What the console shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from simulator.finding import Interval, Judged, Verdict
from simulator.report.result import Result
from simulator.report.text import EventRow, plan_text, print_result, print_verdict, result_text

REPORT = "reports/campaign-day-0301/report.html"


@pytest.mark.parametrize("name", ["passing", "failing", "incomplete", "hostile", "staircase"])
def test_a_run_without_a_terminal(name: str, samples: dict[str, Result], golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.txt", result_text(samples[name], REPORT))


def planned(metric: str, by: str, cell: str, low: int, high: int | None = None) -> Judged:
    return Judged(metric, by, cell, Interval(low, low if high is None else high), None, Verdict.PASS)


def test_a_plan_without_a_terminal(golden: Callable[[str, str], None]) -> None:
    expected = [
        planned("pv", "all", "", 6),
        planned("uv", "all", "", 2),
        planned("opens", "all", "", 2, 3),
        Judged("new_users", "all", "", None, None, Verdict.INCONCLUSIVE, "the wire carries no visitor"),
        *(planned("pv", "source", cell, count) for cell, count in (("wechat_ad", 4), ("春季海报", 2))),
        *(planned("pv", "hour", f"2026-03-01T{hour:02}:00+08:00", 1) for hour in range(10)),
        planned("pv", "page", "pages/index/index", 6),
    ]
    events = [
        EventRow("00:00:00.000", 0, "mini_program_open", "", "wechat_ad", "applet-wechat=oI_M5x"),
        EventRow("00:00:00.001", 0, "mini_program_view", "pages/index/index", "wechat_ad"),
    ]

    text = plan_text("first-open, seed 7", expected, events, ["3 events fall outside the period."])

    golden("plan.txt", text)


def test_lines_fit_but_for_what_is_copied(samples: dict[str, Result]) -> None:
    copied = ("Report ", "Again ")
    lines = [line for result in samples.values() for line in result_text(result, REPORT).splitlines()]

    assert [line for line in lines if cell_len(line) > 80 and not line.startswith(copied)] == []


def test_without_names_from_outside_the_text_is_ascii(samples: dict[str, Result]) -> None:
    result = samples["failing"]
    ours = replace(
        result,
        metrics=tuple(judged for judged in result.metrics if judged.cell.isascii()),
        findings=tuple(finding for finding in result.findings if finding.text.isascii()),
    )

    assert result_text(ours, REPORT).isascii()


def test_nothing_from_outside_reaches_the_terminal_as_a_command(samples: dict[str, Result]) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_result(console, samples["hostile"])
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]" in text  # nor as markup


def test_a_terminal_gets_the_same_words_in_colour(samples: dict[str, Result]) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", _environ={})
    print_result(console, samples["failing"], REPORT)
    assert isinstance(console.file, io.StringIO)
    coloured = console.file.getvalue()

    assert "\x1b[1;31mFAIL" in coloured
    assert [line.rstrip() for line in _without_colour(coloured)] == result_text(samples["failing"], REPORT).splitlines()


def _without_colour(text: str) -> list[str]:
    plain = "".join(part.split("m", 1)[-1] if number else part for number, part in enumerate(text.split("\x1b[")))
    return plain.split("\n")[:-1]


def test_long_tables_show_what_is_wrong_and_say_what_they_leave_out(samples: dict[str, Result]) -> None:
    lines = result_text(samples["failing"]).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("By hour"))

    assert lines[begin + 2].split() == ["2026-03-01", "12:00+08:00", "700", "288", "318", "190", "FAIL"]
    assert lines[begin + 3].split() == ["not", "910"]
    assert "... 16 more, all pass" in lines


def test_a_run_that_judged_nothing_still_says_what_it_came_to(samples: dict[str, Result]) -> None:
    nothing = replace(
        samples["passing"], verdict="error", exit_code=7, metrics=(), slo=(), reasons=("The self-check failed.",)
    )

    text = result_text(nothing)

    assert text.startswith("ERROR  The self-check failed.\n")
    assert text.endswith("Verdict  ERROR (exit code 7)\n")


def test_the_verdict_alone_is_the_beginning_of_the_result(samples: dict[str, Result]) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=False, _environ={})
    print_verdict(console, samples["failing"])
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    assert text.startswith("FAIL  ")
    assert result_text(samples["failing"]).startswith(text)
    assert "Totals" not in text
    assert "Report" not in text
    assert all(" ".join(reason.split()) in " ".join(text.split()) for reason in samples["failing"].reasons)


def test_values_of_a_plan_are_not_broken() -> None:
    event = EventRow(
        "2026-03-04T20:00:48.565+08:00", 7, "mini_program_view", "pages/product/detail", "wechat_ad", "a=b"
    )

    assert plan_text("a plan", [], [event], width=80).splitlines()[-5:] == [
        "First events",
        "2026-03-04T20:00:48.565+08:00  visitor 7  mini_program_view",
        "  page pages/product/detail, source wechat_ad",
        "  a=b",
        "",
    ]
    wide = plan_text("a plan", [], [event], width=120)
    assert "2026-03-04T20:00:48.565+08:00         7   mini_program_view   pages/product/detail   wechat_ad\n" in wide


def test_an_instant_of_a_plan_stays_on_one_line() -> None:
    instant = "2026-03-04T20:00:48.565+08:00"
    events = [EventRow(instant, 1_000_000, "mini_program_view", "pages/product/detail", "wechat_ad", "a=" + "b" * 90)]

    lines = plan_text("a plan", [], events, width=80).splitlines()

    assert [line[: len(instant)] for line in lines if "2026" in line] == [instant]
    assert max(map(cell_len, lines)) <= 80


@pytest.mark.parametrize(("observed", "joint"), [(152, "in 150..171"), (149, "not 150..171")])
def test_a_total_that_is_too_wide_to_be_judged_is_not_said_to_lie_outside(
    observed: int, joint: str, samples: dict[str, Result]
) -> None:
    cell = Judged("pv", "source", "share", Interval(150, 171), observed, Verdict.INCONCLUSIVE, "wider than 5 %")

    assert joint in result_text(replace(samples["passing"], metrics=(cell,)))

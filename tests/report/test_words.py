"""The words that people read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simulator.contract import Definitions, Opens
from simulator.finding import Interval, Judged, Slo, Verdict
from simulator.report import words
from simulator.report.result import Result, Widths
from simulator.times import Ms

OPENS = [
    (
        "launch",
        Opens("launch"),
        "Every launch: one open for each stored mini_program_open. A return from background begins none, unless the "
        "mini program was destroyed meanwhile: that return is a launch.",
    ),
    (
        "timeout",
        Opens("timeout", Ms(1_800_000)),
        "A device's first event, every launch, and every event more than 30m after the device's previous one begin an "
        "open (exactly 30m does not).",
    ),
    (
        "every foreground",
        Opens("every-foreground"),
        "Every time the mini program comes to the foreground: each launch, and each return from background.",
    ),
]


@pytest.mark.parametrize(("opens", "sentence"), [row[1:] for row in OPENS], ids=[row[0] for row in OPENS])
def test_the_definition_of_opens_is_said_in_words(opens: Opens, sentence: str) -> None:
    assert dict(words.definitions_in_words(Definitions(opens)))["opens"] == sentence


USERS = [
    ("device", "A user is a device: "),
    ("openid", "A user is an openid: "),
    ("customer", "A user is a customer: "),
]


@pytest.mark.parametrize(("user", "beginning"), USERS, ids=[row[0] for row in USERS])
def test_the_definition_of_a_user_is_said_in_words(user: str, beginning: str) -> None:
    definitions = Definitions(user=user)  # type: ignore[arg-type]  # the table holds its words

    assert dict(words.definitions_in_words(definitions))["user"].startswith(beginning)


def test_every_definition_has_its_sentence() -> None:
    told = words.definitions_in_words(Definitions(day="Europe/Berlin"))

    assert [name for name, _ in told] == ["pv", "uv", "opens", "new_users", "user", "day"]
    assert all(sentence.endswith(".") for _, sentence in told)
    assert "Europe/Berlin" in dict(told)["day"]


def test_the_sentence_of_a_pass_says_how_exact_it_is(samples: dict[str, Result]) -> None:
    result = samples["passing"]

    assert words.headline(result) == words.Headline(
        "PASS", "All 130 judged totals are right, each against one exact number."
    )
    assert words.headline(replace(result, widths=Widths(120, 130))).sentence == (
        "All 130 judged totals are right: 120 against one exact number, 10 within a range."
    )


HEADLINES = [
    ("a reason goes first", {"verdict": "fail", "reasons": ("Because.",)}, "FAIL", "Because."),
    (
        "a missed level",
        {"verdict": "slo", "slo": (Slo("p95 < 200ms", 231.0, False),)},
        "SLO MISSED",
        "The totals are right, and p95 < 200ms was missed: 231 ms.",
    ),
    (
        "a pass that says nothing of some figures",
        {"not_read": ("opens", "uv by page")},
        "PASS",
        "All 130 judged totals are right, each against one exact number. Not read, so not judged: opens, uv by page.",
    ),
    ("nothing judged", {"verdict": "pass", "widths": Widths()}, "PASS", "Nothing was judged."),
    (
        "underload without a reason",
        {"verdict": "underload"},
        "UNDERLOAD",
        "Too few visitors started in time for the load to be the one asked for.",
    ),
    (
        "error without a reason",
        {"verdict": "error"},
        "ERROR",
        "Nothing can be said about the collector: the fault is our own.",
    ),
    (
        "incomplete without a reason",
        {"verdict": "incomplete"},
        "INCOMPLETE",
        "Not enough was seen to call the totals right.",
    ),
]


@pytest.mark.parametrize(
    ("changes", "word", "sentence"), [row[1:] for row in HEADLINES], ids=[row[0] for row in HEADLINES]
)
def test_the_headline(changes: dict[str, object], word: str, sentence: str, samples: dict[str, Result]) -> None:
    result = replace(samples["passing"], **changes)  # type: ignore[arg-type]  # fields by name

    assert words.headline(result) == words.Headline(word, sentence)


STATUSES = [
    ("right", Interval(1, 1), 1, Verdict.PASS, "pass"),
    ("wrong", Interval(1, 1), 2, Verdict.FAIL, "fail"),
    ("too wide", Interval(1, 9), 2, Verdict.INCONCLUSIVE, "inconclusive"),
    ("not read", Interval(1, 1), None, Verdict.INCONCLUSIVE, "not read"),
    ("cannot be known", None, 2, Verdict.INCONCLUSIVE, "not checkable"),
    ("cannot be known, said as a pass", None, None, Verdict.PASS, "not checkable"),
    ("must be nothing and is something", None, 2, Verdict.FAIL, "fail"),
    ("our own fault", Interval(1, 1), 1, Verdict.ERROR, "error"),
]


@pytest.mark.parametrize(
    ("expected", "observed", "verdict", "status"), [row[1:] for row in STATUSES], ids=[row[0] for row in STATUSES]
)
def test_the_status_of_a_cell(expected: Interval | None, observed: int | None, verdict: Verdict, status: str) -> None:
    assert words.status(Judged("pv", "all", "", expected, observed, verdict)) == status


NUMBERS = [
    ("whole", words.whole(12_345), "12,345"),
    ("interval of one number", words.interval(Interval(3_012, 3_012)), "3,012"),
    ("interval", words.interval(Interval(3_010, 3_014)), "3,010..3,014"),
    ("under a millisecond", words.milliseconds(0.44), "0.4 ms"),
    ("milliseconds", words.milliseconds(31.4), "31 ms"),
    ("a millisecond under a second", words.milliseconds(999), "999 ms"),
    ("a second", words.milliseconds(1_000), "1.00 s"),
    ("a minute", words.milliseconds(60_000), "1 min 0 s"),
    ("minutes", words.milliseconds(125_400), "2 min 5 s"),
    ("all", words.share(7, 7), "100 %"),
    ("nothing", words.share(0, 7), "0 %"),
    ("of nothing", words.share(0, 0), "0 %"),
    ("nearly all", words.share(99_999, 100_000), "over 99.9 %"),
    ("hardly any", words.share(1, 100_000), "under 0.1 %"),
    ("a part", words.share(1, 3), "33.3 %"),
    ("a share as SLO", words.slo_value(Slo("failed < 1%", 0.0123, False)), "1.23 %"),
    ("a time as SLO", words.slo_value(Slo("service p95 < 1s", 1_200.0, False)), "1.20 s"),
    ("no samples", words.slo_value(Slo("max < 1s", None, False)), "no samples"),
    ("an instant", words.instant_text("2026-03-01T00:00:00+08:00"), "2026-03-01 00:00 +08:00"),
    ("an instant in UTC", words.instant_text("2026-03-01T00:01:07Z"), "2026-03-01 00:01:07 UTC"),
    (
        "an instant with a fraction",
        words.instant_text("2026-03-01T00:00:07.250000+08:00"),
        "2026-03-01 00:00:07 +08:00",
    ),
    ("no instant", words.instant_text("soon"), "soon"),
    ("few examples", words.examples((1, 2)), "1, 2"),
    ("many examples", words.examples(range(12), 3), "0, 1, 2, …"),
]


@pytest.mark.parametrize(("said", "expected"), [row[1:] for row in NUMBERS], ids=[row[0] for row in NUMBERS])
def test_numbers_as_text(said: str, expected: str) -> None:
    assert said == expected


def test_one_event_outside_the_period_is_told_as_one() -> None:
    assert words.outside_sentence(1).startswith("1 event lies outside the period")
    assert words.outside_sentence(1).endswith("; it counts nowhere.")
    assert words.outside_sentence(1_200).startswith("1,200 events lie outside the period")

"""Rules switched and weighed, findings kept in a baseline and told as mended, variants put together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simulator.errors import UsageError
from simulator.finding import Verdict
from simulator.inspect.baseline import against, read_baseline, write_baseline
from simulator.inspect.inspection import inspect, read_levels
from simulator.inspect.rule import Level
from simulator.inspect.variant import whole_program
from tests.inspect.stories import Story, case, good, program


def broken(*more: str) -> Story:
    story = Story().launch().open().view()
    for event in ("add_to_cart", *more):
        story.sent(event)
    return story


def test_a_rule_can_be_switched_off_and_another_be_made_lighter() -> None:
    levels = read_levels(["event-prefix=off", "open-target=info"])

    inspection = inspect(case(broken()), levels)

    assert (inspection.findings, inspection.off) == ((), ("event-prefix",))


@pytest.mark.parametrize(
    ("level", "fails", "verdict"),
    [
        ("error", Level.ERROR, Verdict.FAIL),
        ("warning", Level.ERROR, Verdict.PASS),
        ("warning", Level.WARNING, Verdict.FAIL),
        ("info", Level.WARNING, Verdict.PASS),
        ("info", Level.INFO, Verdict.FAIL),
    ],
)
def test_a_finding_fails_from_the_level_on_that_is_asked_for(level: str, fails: Level, verdict: Verdict) -> None:
    inspection = inspect(case(broken()), read_levels([f"event-prefix={level}"]))

    assert inspection.verdict(fails) is verdict


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("evnt-prefix=off", "there is no rule 'evnt-prefix'; did you mean event-prefix?"),
        ("event-prefix=quiet", "the rule event-prefix cannot be 'quiet'"),
        ("event-prefix", "the rule event-prefix cannot be ''"),
    ],
)
def test_a_rule_or_level_that_there_is_not_is_said(option: str, told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("?", r"\?")):
        read_levels([option])


def test_a_known_finding_does_not_fail_and_a_new_one_does(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write_baseline(file, inspect(case(broken())).findings)
    known = read_baseline(file)

    before = against(inspect(case(broken())), known)
    after = against(inspect(case(broken("remove_from_cart"))), known)

    assert before.verdict(Level.INFO) is Verdict.PASS
    assert [(one.key, one.known) for one in after.findings] == [("add_to_cart", True), ("remove_from_cart", False)]
    assert after.verdict(Level.ERROR) is Verdict.FAIL


def test_a_finding_that_is_gone_is_told_as_mended(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write_baseline(file, inspect(case(broken())).findings)

    (mended,) = against(inspect(case(good())), read_baseline(file)).mended

    assert mended.startswith("event-prefix: the event add_to_cart is neither")


def test_a_finding_of_a_rule_that_was_not_asked_is_not_mended(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write_baseline(file, inspect(case(broken())).findings)

    off = inspect(case(good()), read_levels(["event-prefix=off"]))

    assert against(off, read_baseline(file)).mended == ()


def test_a_fingerprint_does_not_depend_on_lines_or_visitors() -> None:
    call = "getApp().cl_tracker.track('add_to_cart');"
    here = inspect(case(source=program(utils__a_js=call)))
    there = inspect(case(replace_visitor(broken(), 7), source=program(utils__a_js=f"\n\n// moved\n{call}")))

    assert [one.fingerprint for one in here.findings] == [one.fingerprint for one in there.findings]


def replace_visitor(story: Story, visitor: int) -> Story:
    story.visitor = visitor
    return story


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}'])
def test_a_baseline_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(text)

    with pytest.raises(UsageError, match=r"the baseline .*baseline\.json"):
        read_baseline(file)


def test_what_a_tracker_quotes_is_bounded_in_a_finding() -> None:
    (finding,) = inspect(case(broken("x" * 5_000)), read_levels(["event-size=off"])).findings[1:]

    assert len(finding.first.seen) <= 400
    assert len(finding.first.request) <= 300


# ---- variants ------------------------------------------------------------------------------------------------------


def variant(folder: Path, text: str) -> Path:
    (folder / "base").mkdir()
    (folder / "base" / "app.js").write_text("var a = 1;\nApp({});\n")
    own = folder / "own"
    own.mkdir()
    (own / "variant.toml").write_text(text)
    return own


def test_a_variant_is_its_base_with_the_changes(tmp_path: Path) -> None:
    own = variant(tmp_path, 'base = "../base"\n[[replace]]\nfile = "app.js"\nold = "a = 1"\nnew = "a = 2"\n')
    (own / "more.js").write_text("// added")

    with whole_program(own) as whole:
        found = {file.name: file.read_text() for file in whole.iterdir()}

    assert found == {"app.js": "var a = 2;\nApp({});\n", "more.js": "// added"}
    assert not whole.exists()


def test_a_folder_without_the_file_is_itself(tmp_path: Path) -> None:
    with whole_program(tmp_path) as whole:
        assert whole == tmp_path


WRONG = [
    ('base = "../none"', "base: expected the folder"),
    ('base = "../base"\n[[replace]]\nfile = "app.js"\nold = "b"\nnew = ""', "'b' occurs 0 times in app.js, not once"),
    ('base = "../base"\n[[replace]]\nfile = "../own/variant.toml"\nold = "b"\nnew = ""', "the base has no file"),
    ('base = "../base"\n[[replace]]\nfile = "app.js"', "expected file, old and new"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_variant_that_cannot_be_put_together_is_said(tmp_path: Path, text: str, told: str) -> None:
    own = variant(tmp_path, text)

    with pytest.raises(UsageError) as wrong, whole_program(own):
        pass

    assert told in str(wrong.value)


def test_findings_are_values() -> None:
    (finding,) = inspect(case(broken())).findings

    assert replace(finding, known=True).fingerprint == finding.fingerprint

"""Figures that nobody gives: never 0, told as not read, and not judged only where the target file says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simulator.contract import METRICS, Contract
from simulator.finding import Verdict
from simulator.runs.baseline import read_baseline, since, write_baseline
from simulator.scenario.load import load_scenario
from simulator.scenario.model import Expect
from simulator.verify.diagnose import contradictions
from simulator.verify.judging import in_range, judge
from simulator.verify.listed import StoredIndex
from simulator.verify.oracle import Expectations, Oracle
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.figures import Figures
from simulator.verify.readers.reading import Reading
from simulator.verify.reconcile import Reconciliation, reconcile, row_of
from tests.e2e.commands import SCENARIOS
from tests.targets.settings import BEGIN, END, setting
from tests.targets.test_tally import stored

EXPECT: Expect = load_scenario(SCENARIOS / "first_open.yaml").expect
EVENTS = [stored(1, 0, "mini_program_open", source="ad"), stored(2, 1, source="ad"), stored(3, 61, source="poster")]


def expected() -> Expectations:
    oracle = Oracle(Contract(), BEGIN, END)
    oracle.add_block([row_of(event) for event in EVENTS])
    return oracle.finish()


def reading(left_out: frozenset[tuple[str, str]] = frozenset()) -> Reading:
    """Views in total and by source, and nothing else."""
    figures = Figures(setting(left_out=left_out))
    figures.add("all", [("", {"pv": 2})], ["pv"])
    figures.add("source", [("ad", {"pv": 1}), ("poster", {"pv": 1})], ["pv"])
    return figures.reading_of_all()


def test_what_is_not_given_is_inconclusive_with_its_reason() -> None:
    judged = {(one.metric, one.by, one.cell): one for one in judge(expected(), reading(), EXPECT)}

    assert judged["pv", "all", ""].verdict is Verdict.PASS
    assert judged["pv", "source", "ad"].verdict is Verdict.PASS
    missing = [one for key, one in judged.items() if key[:2] not in (("pv", "all"), ("pv", "source"))]
    assert {one.verdict for one in missing} == {Verdict.INCONCLUSIVE}
    assert {one.observed for one in missing} == {None}
    assert {one.why for one in missing} == {"the target file does not say where it stands"}


def refuse() -> None:
    raise Unreadable("HTTP 500")


def test_each_figure_has_its_own_reason() -> None:
    """One that is no number is no reason why another one is not read, of which the file says nothing."""
    figures = Figures(setting())
    with figures.reading("all", "GET /stats", ["pv", "opens"]):
        figures.add("all", [("", {"pv": "many", "opens": 1.5})], ["pv", "opens"])
    with figures.reading("all", "GET /people", ["new_users"]):
        refuse()

    found = {one.metric: one.why for one in judge(expected(), figures.reading_of_all(), EXPECT) if one.by == "all"}

    assert found["pv"].endswith("GET /stats: pv is expected to be a whole number from 0 on, not 'many'")
    assert found["opens"].endswith("GET /stats: opens is expected to be a whole number from 0 on, not 1.5")
    assert found["uv"] == "the target file does not say where it stands"
    assert found["new_users"] == "GET /people: HTTP 500"


def test_what_could_not_be_read_before_the_run_keeps_its_own_reason(tmp_path: Path) -> None:
    figures = Figures(setting())
    figures.add("all", [("", {"pv": "many", "uv": -1})], ["pv", "uv"])
    write_baseline(tmp_path, figures.reading_of_all())
    before = read_baseline(tmp_path)
    assert before is not None

    now = since(reading(), before)

    assert now.why_no_value("uv", "all") == "before the run: uv is expected to be a whole number from 0 on, not -1"


def test_what_the_file_says_is_not_there_is_not_judged() -> None:
    every_other = frozenset(
        (metric, by)
        for metric in METRICS
        for by in ("all", "source", "content", "hour", "day", "page")
        if (metric, by) not in (("pv", "all"), ("pv", "source"))
    )

    found = reading(every_other)

    assert {(one.metric, one.by, one.verdict) for one in judge(expected(), found, EXPECT)} == {
        ("pv", "all", Verdict.PASS),
        ("pv", "source", Verdict.PASS),
    }
    assert found.error == ""


def test_waiting_is_not_for_what_nobody_gives() -> None:
    assert in_range(expected(), reading(), EXPECT) == {"pv": True}


def test_a_collector_does_not_contradict_itself_by_what_it_does_not_say() -> None:
    assert list(contradictions(reading(), Contract(), EXPECT)) == []


def test_what_was_not_read_before_the_run_cannot_be_told_after_it(tmp_path: Path) -> None:
    write_baseline(tmp_path, reading())
    before = read_baseline(tmp_path)
    assert before is not None
    figures = Figures(setting())
    figures.add("all", [("", {"pv": 5, "uv": 3})], ["pv", "uv"])

    now = since(figures.reading_of_all(), before)

    assert now.cells["all"][""]["pv"] == 3
    assert not now.gives("uv", "all")
    assert now.missing["uv", "all"] == "before the run: the target file does not say where it stands"


def test_sources_of_others_are_outside_of_the_scope() -> None:
    scope = setting().scope.model_copy(update={"source": "mp"})
    figures = Figures(replace(setting(), scope=scope))

    figures.add("source", [("mp1", {"pv": 1}), ("theirs", {"pv": 7}), ("", {"pv": 2})], ["pv"])

    assert set(figures.reading_of_all().cells["source"]) == {"mp1", "(none)"}


def test_fields_that_are_not_listed_are_not_compared() -> None:
    sighting = row_of(EVENTS[1], 0)
    sighting = replace(sighting, record=replace(sighting.record, number=1))
    index = StoredIndex("n", own=False)
    index.add_good(EVENTS[1]._replace(anonymous_id="", source="", page="", date=None, identities=()))

    index.given = frozenset({"external_id", "event"})
    found = Reconciliation()
    rows = reconcile([sighting], index, found, set(), "UTC")
    index.given = frozenset({"external_id", "event", "source"})
    altered = Reconciliation()
    reconcile([sighting], index, altered, set(), "UTC")

    assert found.clean
    assert rows.rows[0].record.source == "ad"
    assert altered.altered_fields == {"source": 1}

"""An honest collector behind a network that is late, or shared with others, is never called wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from simulator.errors import UsageError
from simulator.finding import Verdict
from simulator.report.folder import write_reports
from simulator.runs.fault_proxy import Weather
from simulator.runs.replaying import replay
from tests.runs.real_runs import FEW, LOOKS, Bench, bench, wrong

pytestmark = pytest.mark.slow

RETURNING = LOOKS.replace("count: 30", "count: 8, returning: 50%, share_mobile: 20%")
QUICK = "quiet: 100ms\ndeadline: 1s\n"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("late")) as made:
        yield made


@pytest.mark.parametrize(
    ("mix", "contract"),
    [
        ("late=60%:1s..6s", "quiet: 200ms\ndeadline: 1s\n"),
        ("late=60%:1s..6s", "quiet: 400ms\ndeadline: 3s\n"),
        ("late=90%:500ms..4s", "quiet: 100ms\ndeadline: 300ms\n"),
    ],
    ids=["long after the deadline", "rather long after it", "nearly all of it"],
)
def test_events_that_come_long_after_the_deadline_are_nobodys_fault(mix: str, contract: str, behind: Bench) -> None:
    opened = behind.prepare(f"late-{len(list(behind.folder.iterdir()))}", contract=contract)
    behind.change(mix)
    result = behind.judged(opened)
    behind.change("")  # waits until nothing is held

    assert wrong(result) == []
    assert result.exit_code in {0, 3}, result.reasons


# ---- others on the same collector ----


class Others(threading.Thread):
    """Somebody else who sends to the collector: a view every few milliseconds, each of another user or all of one."""

    def __init__(self, url: str, *, users: int) -> None:
        super().__init__(daemon=True)
        self._url, self._users = url, users
        self._over = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self._url, trust_env=False) as client:
            for number in count():
                send_view(client, f"other{number % self._users}", number, source=f"elsewhere{number % 3}")
                if self._over.wait(0.005):
                    return

    def __enter__(self) -> Others:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def send_view(client: httpx.Client, user: str, number: int, source: str = "", at: str = "2026-03-01T09:00") -> None:
    fields = {
        "event": "mini_program_view",
        "date": f"{at}:{number % 60:02}.{number // 60 % 1_000:03}+08:00",
        "anonymousId": user,
        "externalId": f"somebody-{user}-{number}",
        "targetName": "pages/a",
        "source": source,
    }
    client.get("/cbe/__utm", params=fields).raise_for_status()


@pytest.mark.parametrize("lists", [True, False], ids=["events listed", "totals alone"])
def test_somebody_who_sends_all_the_time_is_no_fault_of_the_collector(lists: bool, behind: Bench) -> None:
    behind.change("")
    opened = behind.prepare(f"steady-{lists}", contract=QUICK)
    behind.change("error_after=30%", lists=lists)
    with Others(behind.collector, users=7):
        result = behind.judged(opened)

    if lists:
        assert wrong(result) == []
        assert result.exit_code == 3
        assert "foreign" in {one.code for one in result.findings}
    else:
        # Nobody can know whose events they are; but nothing is said of totals that were read one after another.
        assert not [text for text in wrong(result) if "contradicts itself" in text]


def test_a_stranger_known_before_who_comes_again_is_no_contradiction(behind: Bench) -> None:
    behind.change("")
    with httpx.Client(base_url=behind.collector, trust_env=False) as client:
        send_view(client, "stranger", 1, source="first", at="2026-03-01T08:00")
        opened = behind.prepare("again", contract=QUICK, scenario=FEW)
        for number in range(2, 9):
            send_view(client, "stranger", number, source="second", at="2026-03-01T09:00")
        result = behind.judged(opened)

    assert wrong(result) == []
    assert [one.count for one in result.findings if one.code == "foreign"] == [7]
    assert result.exit_code == 3


def test_others_are_no_excuse_for_acked_views_that_are_not_counted(behind: Bench) -> None:
    """Nobody's events make views fewer."""
    behind.change("")
    opened = behind.prepare("less", contract=QUICK, scenario=FEW)
    behind.proxy.change(Weather(1, lose=4))
    with httpx.Client(base_url=behind.collector, trust_env=False) as client:
        send_view(client, "stranger", 100)
    result = behind.judged(opened)

    assert result.exit_code == 1
    assert {"foreign", "lost"} <= {one.code for one in result.findings}
    assert any(one.verdict is Verdict.FAIL for one in result.metrics if (one.metric, one.by) == ("pv", "all"))


# ---- the same namespace again ----


@pytest.mark.parametrize("dates", ["2026-03-01T09:00:00+08:00", "2026-03-05T09:00:00+08:00"])
def test_a_run_of_the_same_namespace_again_is_judged_by_all_that_is_stored(dates: str, behind: Bench) -> None:
    behind.change("")
    scenario = RETURNING.replace("2026-03-01T09:00:00+08:00", dates)
    name = f"twice-{dates[:10]}"
    for turn in ("first", "again"):
        opened = behind.prepare(f"{name}-{turn}", scenario=scenario, contract=QUICK, namespace=name)
        result = behind.judged(opened)

        assert (result.exit_code, wrong(result)) == (0, [])
        assert {one.observed for one in result.metrics if (one.metric, one.by) == ("opens", "all")} == {8}
        assert not [one for one in result.metrics if one.expected is None or one.expected.width]


def test_what_the_first_run_could_not_store_the_second_does(behind: Bench) -> None:
    behind.change("refuse_before=30%,drop_before=20%,drop_reply=20%")
    first = behind.judged(behind.prepare("halves-1", scenario=RETURNING, contract=QUICK, namespace="halves"))
    behind.change("refuse_before=20%,error_after=20%", 2)
    second = behind.judged(behind.prepare("halves-2", scenario=RETURNING, contract=QUICK, namespace="halves"))

    assert wrong(first) == wrong(second) == []
    assert first.attempts.refused > 0
    assert not [one for one in second.metrics if one.expected is None or one.expected.width]


def test_totals_that_were_wrong_before_are_wrong_again(tmp_path: Path) -> None:
    """Nothing new is stored by the second run, and what was there is held against its events all the same."""
    with bench(tmp_path, fault="anonymous-apart") as faulty:
        results = [
            faulty.judged(faulty.prepare(f"faulty-{turn}", contract=QUICK, namespace="faulty")) for turn in range(2)
        ]
        beside = [
            faulty.judged(faulty.prepare(f"beside-{turn}", contract=QUICK, namespace="beside")) for turn in range(2)
        ]

    assert [one.exit_code for one in results] == [1, 1]
    failing = [{one.metric for one in found.metrics if one.verdict is Verdict.FAIL} for found in results]
    assert failing == [{"uv", "new_users"}] * 2
    # Of a second namespace in the same hours nobody can tell any more whose part is wrong.
    assert [one.exit_code for one in beside] == [1, 3]
    assert "it is not known what they count for" in beside[1].reasons[0]


def test_another_plan_under_a_known_namespace_is_refused_before_anything_is_sent(behind: Bench) -> None:
    behind.change("")
    behind.judged(behind.prepare("plan-1", scenario=FEW, contract=QUICK, namespace="plan"))

    with pytest.raises(UsageError, match=r"the namespace plan is in use on this collector.*plan\.\d\.0 .*--namespace"):
        behind.prepare("plan-2", scenario=FEW, contract=QUICK, namespace="plan", seed=2)


def test_where_no_list_tells_what_a_namespace_held_missing_totals_prove_nothing(behind: Bench) -> None:
    behind.change("", lists=False)
    first = behind.judged(behind.prepare("blind-1", scenario=FEW, contract=QUICK, namespace="blind"))
    second = behind.judged(behind.prepare("blind-2", scenario=FEW, contract=QUICK, namespace="blind"))

    assert (wrong(first), wrong(second)) == ([], [])
    assert second.exit_code == 3
    assert any("blind" in note for note in second.notes)


def test_the_same_visitors_again_on_a_correct_target_are_fixed(behind: Bench) -> None:
    behind.change("")
    opened = behind.prepare("same", scenario=RETURNING, contract=QUICK)
    write_reports(opened.folder, behind.judged(opened))
    replayed = replay(opened.folder, (1, 3), lambda _: None, same=True)

    assert wrong(replayed.done.result) == []
    assert replayed.outcome == "FIXED"

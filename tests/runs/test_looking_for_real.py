"""An honest collector behind a network that is late, or shared with others, is never called wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from simulator.finding import Verdict
from simulator.runs.fault_proxy import Weather
from tests.runs.real_runs import LOOKS, Bench, bench, wrong

pytestmark = pytest.mark.slow

FEW = LOOKS.replace("count: 30", "count: 4")


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
    contract = "quiet: 100ms\ndeadline: 1s\n"
    behind.change("")
    opened = behind.prepare(f"steady-{lists}", contract=contract)
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
        opened = behind.prepare("again", contract="quiet: 100ms\ndeadline: 1s\n", scenario=FEW)
        for number in range(2, 9):
            send_view(client, "stranger", number, source="second", at="2026-03-01T09:00")
        result = behind.judged(opened)

    assert wrong(result) == []
    assert [one.count for one in result.findings if one.code == "foreign"] == [7]
    assert result.exit_code == 3


def test_others_are_no_excuse_for_acked_views_that_are_not_counted(behind: Bench) -> None:
    """Nobody's events make views fewer."""
    behind.change("")
    opened = behind.prepare("less", contract="quiet: 100ms\ndeadline: 1s\n", scenario=FEW)
    behind.proxy.change(Weather(1, lose=4))
    with httpx.Client(base_url=behind.collector, trust_env=False) as client:
        send_view(client, "stranger", 100)
    result = behind.judged(opened)

    assert result.exit_code == 1
    assert {"foreign", "lost"} <= {one.code for one in result.findings}
    assert any(one.verdict is Verdict.FAIL for one in result.metrics if (one.metric, one.by) == ("pv", "all"))

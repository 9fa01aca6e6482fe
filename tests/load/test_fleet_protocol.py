"""A master and its workers: whatever is lost on the way and whoever goes, each visitor is begun by one of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulator.ledger.leases import read_leases
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.read import is_being_written, read_ledger
from simulator.load.master import Master
from tests.load.pretend_fleet import CLOSED, OPEN, SECOND, PretendFleet, make

EVERYBODY = list(range(90))


def fleet_of(
    folder: Path, *, here: int = 0, elsewhere: int = 0, load: str = OPEN, count: int = 90, seed: int = 0
) -> PretendFleet:
    fleet = PretendFleet(make(folder, load, count), Random(seed))
    for number in range(here + elsewhere):
        fleet.hire(folder, here=number < here, skew_ns=0 if number < here else 90 * SECOND * (number + 1))
    fleet.master.expected = here + elsewhere
    fleet.master.begin()
    return fleet


@pytest.mark.parametrize("load", [OPEN, CLOSED], ids=["open", "closed"])
@pytest.mark.parametrize(("here", "elsewhere"), [(2, 0), (0, 3), (1, 1)])
def test_everybody_is_begun_once_and_earlier_visits_before_all_others(
    tmp_path: Path, here: int, elsewhere: int, load: str
) -> None:
    fleet = fleet_of(tmp_path, here=here, elsewhere=elsewhere, load=load)
    fleet.until_over()

    assert (fleet.begun("setup"), fleet.begun("load")) == (EVERYBODY, EVERYBODY)
    assert (fleet.master.exit_code, fleet.master.reason) == (0, "")
    assert max(one.at for one in fleet.sent if one.course == "setup") < min(
        one.at for one in fleet.sent if one.course == "load"
    )
    assert set(Counter(one.worker for one in fleet.sent)) == {f"worker-{n + 1}" for n in range(here + elsewhere)}
    assert not is_being_written(fleet.opened.folder)


def test_the_open_model_is_shared_evenly_and_starts_at_one_instant(tmp_path: Path) -> None:
    """Clocks that are minutes apart do not matter: each visitor begins at their instant of the master's clock."""
    fleet = fleet_of(tmp_path, elsewhere=3)
    fleet.until_over()
    shares = Counter(one.worker for one in fleet.sent if one.course == "load")
    first = min(one.at for one in fleet.sent if one.course == "load")
    late = [one.at - first - one.visitor * SECOND // 20 for one in fleet.sent if one.course == "load"]

    assert all(25 <= share <= 35 for share in shares.values()), shares
    assert max(map(abs, late)) < SECOND // 4


def test_a_ledger_comes_home_to_the_byte(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, elsewhere=2)
    fleet.until_over()

    for number, (name, hand) in enumerate(fleet.hands.items(), 1):
        home = fleet.opened.folder / LEDGER_FOLDER / f"worker-{number}.attempts"
        kept = next((tmp_path / name / LEDGER_FOLDER).iterdir())
        assert home.read_bytes() == kept.read_bytes()
        assert hand.job is not None
        assert hand.job.forgotten


def test_a_worker_that_is_told_to_go_gives_back_whom_it_has_not_begun(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=2)
    fleet.until(lambda: len(fleet.begun("load")) > 30)
    fleet.leave("host_0")
    fleet.until_over()

    assert fleet.begun("load") == EVERYBODY
    cut = fleet.master.progress()["fleet"][0]["visitors_cut"]
    assert fleet.master.exit_code == (3 if cut else 0)
    assert fleet.master.progress()["workers_lost"] == 0


def test_whom_a_dead_worker_has_not_begun_is_sent_by_the_others(tmp_path: Path) -> None:
    """Its ledger lies in the run directory and says so."""
    fleet = fleet_of(tmp_path, here=2)
    fleet.until(lambda: len(fleet.begun("load")) > 30)
    fleet.kill("host_1")
    fleet.until_over()

    assert fleet.begun("load") == EVERYBODY
    assert (fleet.master.exit_code, fleet.master.reason) == (3, "worker-2 on host_1 was lost")
    assert fleet.master.progress()["workers_lost"] == 1


def test_a_worker_of_another_machine_that_is_lost_leaves_a_hole_that_is_known(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, elsewhere=1)
    fleet.until(lambda: len(fleet.begun("load")) > 30)
    fleet.kill("host_1")
    fleet.until_over()
    leases = read_leases(fleet.opened.folder, fleet.opened.manifest.run_id)
    hole = {k for k in EVERYBODY if leases.hole_of("load", k) is not None}
    begun_by_it = {one.visitor for one in fleet.sent if one.course == "load" and one.worker == "worker-2"}

    assert len(fleet.begun("load")) == len(set(fleet.begun("load")))
    assert begun_by_it <= hole
    assert set(EVERYBODY) - set(fleet.begun("load")) <= hole - begun_by_it
    assert {record.name: (record.lost, record.is_whole) for record in leases.workers} == {
        "worker-1": (False, True),
        "worker-2": (True, False),
    }
    assert fleet.master.exit_code == 3


def test_a_worker_that_comes_back_goes_on_and_nothing_is_missing(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, elsewhere=1, count=400)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.hands["host_1"].cut_off = True
    fleet.until(lambda: fleet.master.progress()["workers_lost"] == 1)
    fleet.hands["host_1"].cut_off = False
    fleet.until_over()

    assert fleet.begun("load") == list(range(400))
    assert (fleet.master.exit_code, fleet.master.reason) == (0, "")


def test_a_worker_that_is_cut_off_for_good_ends_by_itself(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, elsewhere=1)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    hand = fleet.hands["host_1"]
    hand.cut_off = True
    fleet.until(lambda: hand.worker.is_idle)

    assert hand.worker.exit_code == 3
    assert hand.worker.reason.startswith("the master was not heard of for 15 seconds; the ledger is kept in ")
    assert hand.job is not None
    assert not hand.job.forgotten


@pytest.mark.parametrize("here", [True, False], ids=["here", "elsewhere"])
@pytest.mark.parametrize("phase", ["load", "draining"])
def test_a_master_that_did_not_run_blames_nobody_for_it(tmp_path: Path, here: bool, phase: str) -> None:
    """SIGSTOP, a laptop that sleeps, a disk: it heard nobody for 12 s, and its workers were there."""
    fleet = fleet_of(tmp_path, here=2 * here, elsewhere=2 * (not here), load=CLOSED, count=400)
    fleet.until(lambda: fleet.master.phase == phase)
    fleet.asleep, wakes = True, fleet.now + 12 * SECOND
    fleet.until(lambda: fleet.now >= wakes)
    fleet.asleep = False
    fleet.until_over()

    assert fleet.begun("load") == list(range(400))
    assert (fleet.master.exit_code, fleet.master.reason) == (0, "")


def test_a_disk_that_is_slow_with_one_ledger_loses_no_worker(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, elsewhere=2)
    fleet.disk_ns = 20 * SECOND
    fleet.until_over()

    assert fleet.begun("load") == EVERYBODY
    assert (fleet.master.exit_code, fleet.master.reason) == (0, "")
    assert [one["ledger"] for one in fleet.master.progress()["fleet"]] == ["elsewhere", "elsewhere"]


def test_a_report_of_a_dead_worker_that_arrives_late_brings_it_no_visitors(tmp_path: Path) -> None:
    """It was said before the process died, and heard while the master reads the ledger of it."""
    fleet = fleet_of(tmp_path, here=2, count=200)
    fleet.until(lambda: len(fleet.begun("load")) > 30)
    late: list[dict[str, object]] = []
    worker = fleet.hands["host_1"].worker
    worker._send_message = late.append
    worker.report()
    fleet.kill("host_1")
    reading = iter([True])

    def pause() -> None:
        if next(reading, False):
            fleet.master.hear("host_1", late[0])

    fleet.master._pause = pause
    fleet.until_over()

    assert next(reading, False) is False
    assert fleet.begun("load") == list(range(200))
    assert (fleet.master.exit_code, fleet.master.reason) == (3, "worker-2 on host_1 was lost")


def test_what_a_worker_had_that_says_hello_again_is_sent_by_others(tmp_path: Path) -> None:
    """Its process went on, its run did not: the ledger of that is closed, and says whom it has begun."""
    fleet = fleet_of(tmp_path, here=2, count=200)
    fleet.until(lambda: len(fleet.begun("load")) > 30)
    hand = fleet.hands["host_1"]
    assert hand.job is not None
    hand.job.writer.close()
    hand.job, hand.worker._said_ns = None, 0
    hand.worker._part()
    fleet.until_over()

    assert fleet.begun("load") == list(range(200))
    assert fleet.master.exit_code == 3
    assert [one["state"] for one in fleet.master.progress()["fleet"]] == ["left", "lost", "left"]


def test_a_worker_that_comes_late_takes_part(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, count=200)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.hire(tmp_path, here=True)
    fleet.until_over()

    assert fleet.begun("load") == list(range(200))
    assert {one.worker for one in fleet.sent} == {"worker-1", "worker-2"}
    assert fleet.master.exit_code == 0


def test_without_any_worker_left_the_run_ends(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=2)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.kill("host_0")
    fleet.kill("host_1")
    fleet.until_over()

    assert fleet.master.exit_code == 3
    assert fleet.master.reason == "no worker is left; worker-1 on host_0 was lost; worker-2 on host_1 was lost"
    assert len(fleet.begun("load")) == len(set(fleet.begun("load"))) < 90


def test_a_run_that_is_stopped_waits_for_every_last_word(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, elsewhere=1)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.master.stop("stopped by a test")
    fleet.until_over()
    progress = fleet.master.progress()

    assert (fleet.master.exit_code, fleet.master.reason) == (3, "stopped by a test")
    assert [one["state"] for one in progress["fleet"]] == ["left", "left"]
    assert progress["visitors_started"] == len(fleet.begun("load"))
    assert len(list(read_ledger(fleet.opened.folder))) == len(fleet.sent)


def test_a_message_of_another_run_is_refused(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    before = fleet.master.progress()["visitors_started"]
    stale = {"run": "yesterday", "kind": "report", "seq": 99, "told": {}, "final": True}
    fleet.master.hear("host_0", stale)
    fleet.step()

    assert fleet.refused == [f"this master sends run {fleet.opened.manifest.run_id}, to workers that have joined it"]
    assert fleet.master.progress()["visitors_started"] >= before
    fleet.until_over()
    assert fleet.master.exit_code == 0


def test_a_worker_that_plans_other_visitors_has_no_part(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1)
    fleet.fingerprint = "other"
    fleet.hire(tmp_path, here=False)
    fleet.until(lambda: bool(fleet.refused))

    assert "plans other visitors than the master does (mpsim 1 there" in fleet.refused[0]
    assert fleet.hands["host_1"].worker.exit_code == 5 or fleet.hands["host_0"].worker.exit_code == 5


@pytest.mark.parametrize("here", [2, 0], ids=["here", "elsewhere"])
def test_a_fault_of_a_worker_before_the_start_ends_the_run_with_its_exit_code(tmp_path: Path, here: int) -> None:
    fleet = fleet_of(tmp_path, here=here, elsewhere=2 - here)
    fleet.until(lambda: fleet.hands["host_0"].job is not None)
    job = fleet.hands["host_0"].job
    assert job is not None
    job.fail(6, "no connection to http://192.0.2.1:80")
    fleet.until_over()
    fleet.until(lambda: fleet.hands["host_0"].dead)

    assert fleet.master.exit_code == fleet.hands["host_0"].worker.exit_code == 6
    assert fleet.master.reason == "worker-1 on host_0: no connection to http://192.0.2.1:80"
    assert fleet.sent == []


def test_a_fault_of_a_worker_in_the_middle_ends_the_run_and_all_it_sent_is_known(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, elsewhere=1)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    job = fleet.hands["host_1"].job
    assert job is not None
    job.fail(7, "the ledger cannot grow")
    fleet.until_over()

    assert (fleet.master.exit_code, fleet.master.reason) == (7, "worker-2 on host_1: the ledger cannot grow")
    assert len(list(read_ledger(fleet.opened.folder))) == len(fleet.sent)
    assert not any(read_leases(fleet.opened.folder).holes.values())


def test_a_fault_of_one_that_comes_late_is_its_own(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=1, count=200)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    name = fleet.hire(tmp_path, here=False)
    fleet.until(lambda: fleet.hands[name].job is not None)
    job = fleet.hands[name].job
    assert job is not None
    job.fail(6, "no connection")
    fleet.until_over()

    assert (fleet.master.exit_code, fleet.begun("load")) == (0, list(range(200)))
    assert fleet.hands[name].worker.exit_code == 6


def test_a_worker_of_a_run_that_is_gone_joins_the_next_one(tmp_path: Path) -> None:
    """A new master at the same place refuses what is said to the old one."""
    fleet = fleet_of(tmp_path / "old", elsewhere=1)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.master.end()
    fleet.opened = make(tmp_path / "new")
    fleet.master = Master(fleet.opened, fleet._to_worker, lambda: fleet.now, expected=1)
    fleet.master.begin()
    fleet.until(lambda: fleet.hands["host_0"].worker.is_idle)
    before = len(fleet.sent)
    fleet.until_over()

    assert fleet.master.exit_code == 0
    assert sorted(one.visitor for one in fleet.sent[before:] if one.course == "load") == EVERYBODY


def test_a_second_wish_to_stop_waits_for_nobody_who_says_nothing(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, elsewhere=2)
    fleet.until(lambda: len(fleet.begun("load")) > 20)
    fleet.hands["host_0"].cut_off = True
    fleet.master.stop("interrupted")
    began = fleet.now
    fleet.master.stop("interrupted", grace=0)
    fleet.until_over()

    assert fleet.now - began < 3 * SECOND
    assert fleet.master.reason == "interrupted; worker-1 on host_0 was lost"


def test_the_lease_table_names_every_visitor(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, here=2)
    fleet.until_over()
    lines = [
        json.loads(line)
        for line in (fleet.opened.folder / LEDGER_FOLDER / "leases.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    leased = [
        visitor
        for line in lines
        if line["what"] == "leased" and line["course"] == "load"
        for first, stop in line["visitors"]
        for visitor in range(first, stop)
    ]

    assert sorted(leased) == EVERYBODY
    assert [line["what"] for line in lines[:3]] == ["run", "joined", "joined"]
    assert [line["what"] for line in lines[-2:]] == ["left", "left"]


FATES = some.tuples(some.sampled_from(["kill", "leave", "cut off", "hire"]), some.integers(0, 2), some.integers(1, 200))


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 1 << 32), some.lists(FATES, max_size=3), some.booleans(), some.sampled_from([0.0, 0.1, 0.3]))
def test_no_visitor_is_begun_by_two_workers_and_a_green_run_has_begun_all(
    tmp_path_factory: pytest.TempPathFactory, seed: int, fates: list[tuple[str, int, int]], closed: bool, loss: float
) -> None:
    """Messages get lost, come twice and out of order; workers die, leave, are cut off and come, at any time."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet = fleet_of(folder, here=2, elsewhere=1, load=CLOSED if closed else OPEN, seed=seed)
    fleet.loss, fleet.master.expected = loss, 1
    steps = sorted((at, what, who) for what, who, at in fates)
    for number in range(2_000):
        if fleet.master.phase == "over":
            break
        while steps and steps[0][0] <= number:
            _, what, who = steps.pop(0)
            name = f"host_{who}"
            if what == "kill":
                fleet.kill(name)
            elif what == "leave":
                fleet.leave(name)
            elif what == "cut off":
                fleet.hands[name].cut_off = True
            else:
                fleet.hire(folder, here=True)
        fleet.step()
    leases = read_leases(fleet.opened.folder, fleet.opened.manifest.run_id)

    assert fleet.master.phase == "over", fleet.master.progress()
    for course in ("setup", "load"):
        begun = fleet.begun(course)
        assert len(begun) == len(set(begun))
        if fleet.master.exit_code == 0:
            assert begun == EVERYBODY
    recorded = Counter((attempt.visitor, attempt.purpose) for attempt in read_ledger(fleet.opened.folder))
    assert set(recorded.values()) <= {1}
    for one in fleet.sent:
        known = (one.visitor, 1 if one.course == "setup" else 0) in recorded
        assert known or leases.hole_of("setup" if one.course == "setup" else "load", one.visitor) is not None

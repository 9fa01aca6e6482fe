"""A run counted by one process or by several, and in chunks of any size: the same answer to the last figure."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import EngineError, UsageError
from simulator.journey.phases import pieces_of, planned_phases
from simulator.journey.plan import Plan
from simulator.ledger.index import AttemptIndex
from simulator.ledger.leases import LeaseLog
from simulator.ledger.write import PARTIAL, SLOT, SUFFIX
from simulator.runs import chunks as cutting
from simulator.runs import dividing
from simulator.runs.chunks import chunks_of
from simulator.runs.counting import Counted, count_run, rows_of_run
from simulator.runs.dividing import processes_for
from simulator.runs.replaying import MOST_VISITORS
from simulator.traffic.opened import OpenedRun
from simulator.verify.listed import ListedEvents, Owner
from simulator.verify.readers.events import StoredEvent
from tests.builders import plan, scenario
from tests.e2e.commands import SCENARIOS
from tests.runs.ledgers import all_stored, messy_run, sent_run


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> OpenedRun:
    """Phases, shared phones, duplicates, retries, lateness, wrong clocks, malformed events, and failed sends."""
    return messy_run(tmp_path_factory.mktemp("messy"))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "_MOST_VISITORS", 12)


def listed(opened: OpenedRun, attempts: int, events: list[StoredEvent], own: bool = False) -> ListedEvents:
    found = ListedEvents(Owner("n", own), chunks_of(opened.plan, attempts).visitors, opened.plan.count)
    for event in events:
        found.add_good(event)
    for event in all_stored(opened, bad=True):
        found.add_bad(event)
    found.knows_bad = True
    return found


def wrongly_stored(opened: OpenedRun) -> list[StoredEvent]:
    """Some events lost, some twice, some altered, some of nobody, and one of a visitor whom no plan knows."""
    events = all_stored(opened)
    for place, event in enumerate(events):
        if place % 41 == 0:
            events[place] = event._replace(source=event.source.upper() + "X")
    events = [event for place, event in enumerate(events) if place % 37]
    events += [event._replace(cursor=10_000 + place) for place, event in enumerate(events) if place % 29 == 0]
    events.append(events[0]._replace(cursor=20_000, external_id="n.99999.0"))
    events.append(events[0]._replace(cursor=20_001, external_id="n.3.777"))
    return [*events, events[0]._replace(cursor=20_002, external_id="somebody.0.1")]


def counted(
    opened: OpenedRun, events: list[StoredEvent] | None = None, processes: int = 1, own: bool = False
) -> Counted:
    with AttemptIndex(opened.folder, opened.manifest.run_id) as attempts:
        if events is None:
            return count_run(opened, attempts, opened.plan.start, opened.plan.end, None, processes)
        stored = listed(opened, len(attempts), events, own)
        return count_run(opened, attempts, opened.plan.start, opened.plan.end, stored, processes)


def told(one: Counted) -> dict[str, Any]:
    """Everything that a pass came to."""
    latencies = one.gathered.latencies
    histograms = (latencies.response, latencies.service, latencies.late)
    return {
        "summary": one.gathered.summary,
        "failures": (list(one.gathered.failures.items()), list(one.gathered.lookups.items())),
        "latencies": [(h.count, h.total, h.largest, h.percentile(50), h.percentile(99)) for h in histograms],
        "on time": (latencies.on_time, latencies.last_late, one.gathered.silent),
        "phases": [(phase.summary, phase.started, phase.totals, phase.latencies.last_late) for phase in one.phases],
        "by ledger": one.by_ledger,
        "by event": one.by_event,
        "found": None if one.found is None else (one.found.counts, one.found.cases, one.found.changes),
    }


def test_chunks_of_any_size_add_up_to_the_whole(messy: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(counted(messy))
    for visitors in (2, 14, 150):
        monkeypatch.setattr(cutting, "_MOST_VISITORS", visitors)

        assert told(counted(messy)) == whole
    shared = [piece for piece in pieces_of(messy.plan, planned_phases(messy.plan), messy.plan.blocks) if piece.shares]
    assert len(shared) == 1  # a block of two phases
    assert whole["by ledger"].unknown > 20
    assert whole["summary"].refused > 10


def test_stored_events_in_chunks_of_any_size_are_the_same(messy: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    events = wrongly_stored(messy)
    whole = told(counted(messy, events))
    for visitors in (2, 14, 150):
        monkeypatch.setattr(cutting, "_MOST_VISITORS", visitors)

        assert told(counted(messy, events)) == whole
    counts = whole["found"][0]
    assert min(counts[kind] for kind in ("lost", "duplicated", "unexpected", "altered", "recovered")) > 1
    assert whole["by event"] is None


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("stage", ["the ledger alone", "with stored events", "with wrong stored events"])
def test_several_processes_count_what_one_counts(
    messy: OpenedRun, stage: str, processes: int, small_chunks: None
) -> None:
    events = None
    if stage == "with stored events":
        kept = kept_ids(messy)
        events = [event for event in all_stored(messy) if event.external_id in kept]
    elif stage == "with wrong stored events":
        events = wrongly_stored(messy)

    alone = told(counted(messy, events))
    assert told(counted(messy, events, processes)) == alone
    assert (alone["by event"] is not None) == (stage == "with stored events")


def kept_ids(opened: OpenedRun) -> set[str]:
    """Of the events that some attempt may have brought to the collector."""
    found = counted(opened, []).found
    assert found is not None
    return {case.external_id for kind in ("lost", "absent") for case in found.cases[kind]}


@pytest.mark.slow
def test_a_hole_widens_what_is_allowed_whoever_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's ledger was on its way home when the worker was lost: half of it came."""
    opened = messy_run(tmp_path)
    known = counted(opened)
    whole = opened.folder / "ledger" / f"w1{SUFFIX}"
    leases = LeaseLog(opened.folder, opened.manifest.run_id, opened.plan.count)
    leases.joined("w1", "elsewhere.example", "elsewhere", 1)
    leases.leased("w1", "load", [(0, 60), (100, 120)], 2)
    leases.close()
    os.truncate(whole, whole.stat().st_size // SLOT // 2 * SLOT)
    whole.rename(whole.with_suffix(PARTIAL))
    alone = counted(opened)
    monkeypatch.setattr(cutting, "_MOST_VISITORS", 12)

    assert told(counted(opened)) == told(alone)
    assert told(counted(opened, processes=2)) == told(alone)
    assert alone.by_ledger.unknown > known.by_ledger.unknown + 20
    assert alone.gathered.summary.sent < known.gathered.summary.sent


@pytest.mark.slow
def test_a_damaged_ledger_is_told_by_whoever_meets_it(tmp_path: Path, small_chunks: None) -> None:
    opened = sent_run(tmp_path / "run", SCENARIOS / "first_open.yaml", 60, fails=False)
    with AttemptIndex(opened.folder) as attempts:
        path = opened.folder / "ledger" / "w0.attempts"
        os.truncate(path, path.stat().st_size - 4 * SLOT)
        with pytest.raises(UsageError, match=r"w0\.attempts: damaged at byte \d+"):
            count_run(opened, attempts, opened.plan.start, opened.plan.end, None, 2)


@pytest.mark.slow
def test_a_process_that_dies_is_our_own_fault_and_takes_the_others_with_it(
    messy: OpenedRun, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dividing._Counter] = []
    begin = dividing._Counter.begin

    def killed(counter: dividing._Counter, number: int) -> None:
        started.append(counter)
        begin(counter, number)
        if number == 5:
            os.kill(counter.process.pid, signal.SIGKILL)

    monkeypatch.setattr(dividing._Counter, "begin", killed)
    with pytest.raises(EngineError, match="a process that counts the run ended with -9"):
        counted(messy, processes=2)

    assert {counter.process.returncode for counter in started} == {-signal.SIGKILL}


@pytest.mark.parametrize(
    ("attempts", "most"), [(0, 1), (99_999, 1), (100_000, 2)], ids=["nothing", "a small run", "a large one"]
)
def test_a_small_run_is_counted_by_one_process(attempts: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dividing, "cores", lambda: 64)
    monkeypatch.setattr(dividing, "memory", lambda: None)

    assert processes_for(attempts) == most


@pytest.mark.parametrize(
    ("cores", "mib", "most"),
    [(2, None, 2), (64, None, 64), (64, 1_024, 4), (64, 300, 1), (2, 1_024, 2)],
    ids=["two cores", "many", "many in a container of 1 GiB", "in a very small one", "two in one of 1 GiB"],
)
def test_a_large_run_takes_no_more_cores_and_memory_than_it_may(
    cores: int, mib: int | None, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "cores", lambda: cores)
    monkeypatch.setattr(dividing, "memory", lambda: None if mib is None else mib << 20)

    assert processes_for(10_000_000) == most


@pytest.mark.parametrize("only", [(), (3,), (0, 7, 8, 39), tuple(range(0, 40, 2))], ids=str)
@pytest.mark.parametrize("attempts", [1, 40, 400, 1_000_000])
def test_every_block_is_in_one_chunk(
    only: tuple[int, ...], attempts: int, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = scenario("- launch", count=41, visitors="share_device: 10%")
    for of_plan in (plan(shared, only=only), plan(scenario("- launch", count=41), only=only)):
        chunks = chunks_of(of_plan, attempts)
        parts = [chunks.blocks_of(of_plan, number) for number in chunks.of_plan(of_plan)]

        assert [block for part in parts for block in part] == list(of_plan.blocks)
        assert all(parts)
        assert all(visitor // chunks.visitors == number for number, visitor in visitors_of(of_plan, parts, chunks))


def visitors_of(of_plan: Plan, parts: list[Sequence[int]], chunks: cutting.Chunks) -> Iterator[tuple[int, int]]:
    for number, part in zip(chunks.of_plan(of_plan), parts, strict=True):
        for block in part:
            for visitor in range(block * of_plan.block, min((block + 1) * of_plan.block, of_plan.count)):
                yield number, visitor


def test_a_replay_of_many_visitors_is_cut_in_time_that_does_not_grow_with_their_square() -> None:
    of_plan = plan(scenario("- launch", count=MOST_VISITORS), only=tuple(range(MOST_VISITORS)))
    chunks = chunks_of(of_plan, 10 * MOST_VISITORS)

    assert sum(len(chunks.blocks_of(of_plan, number)) for number in chunks.of_plan(of_plan)) == MOST_VISITORS


def test_rows_are_given_up_where_they_are_more_than_are_wanted(messy: OpenedRun, small_chunks: None) -> None:
    events = all_stored(messy)
    with AttemptIndex(messy.folder) as attempts:
        stored = listed(messy, len(attempts), events)
        found = [rows_of_run(messy, attempts, stored, most) for most in (len(events), len(events) - 1)]
        alone = rows_of_run(messy, attempts, None, 10**6)

    assert [len(one.rows) for one in found] == [len(events), 0]
    assert found[1].why_none == f"more than {len(events) - 1:,} events are stored"
    assert (alone.rows, alone.why_none[:25]) == ([], "some outcomes are unknown")


def test_a_visitor_whom_no_plan_knows_is_unexpected_and_in_the_rows(messy: OpenedRun) -> None:
    events = all_stored(messy)[:1]
    events.append(events[0]._replace(cursor=2, external_id="n.5000000000.1"))
    with AttemptIndex(messy.folder) as attempts:
        rows = rows_of_run(messy, attempts, listed(messy, len(attempts), events), 10).rows

    assert sorted(row.record.external_id for row in rows) == sorted(event.external_id for event in events)

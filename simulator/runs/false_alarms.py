"""The other half of the kill matrix: a collector that counts rightly never fails, however its network behaves.

    python -m simulator.runs.false_alarms --seeds 300    every kind with 300 seeds; exit 0, or 7 where one is wrong

Each run goes through Locust and a fault proxy (fault_proxy.py) with a mix of faults drawn from its seed, under one of
several definitions, and is judged like any other run. The kinds, and what must hold:

    correct-totals  the collector is honest, and shows nothing but totals: no total and no finding fails, the verdict is
                    pass or incomplete
    correct-listed  the same of an honest one that lists its raw events; every total is exact, and passes
    lossy-totals    it acks some events and loses them, and shows nothing but totals: a total fails if and only if it
                    lies outside the interval of the plain count, and the run fails where a total does, or where some
                    cannot be together
    lossy-listed    it loses some and lists its raw events: FAIL with the finding `lost`, of exactly the lost events

In every run each expectation is just what a plain count of plan and ledger says (plain_count.py, which shares nothing
with verify/); of a correct collector that lists, what it says of the stored events. A total that passes and is not
exact says its width, and judged again with `max_width: 0` it proves nothing and the run is incomplete. Over some runs,
lossy collectors do fail by their totals, and correct ones do pass.

The truth about what was lost is the proxy's own journal, which the verdict never sees. A collector stays up for as many
runs as have its definitions, and is emptied between two; so a run costs about a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, pairwise, product
from pathlib import Path
from typing import Any

import httpx

from simulator.contract import Definitions, parse_opens
from simulator.entry import Parser, tell
from simulator.errors import EngineError, MpsimError
from simulator.finding import ExitCode, Interval, Judged, Verdict
from simulator.ledger.index import AttemptIndex
from simulator.rand import Stream
from simulator.report.folder import write_reports
from simulator.report.result import Result
from simulator.runs.before import take_baseline
from simulator.runs.collector_process import embedded_collector
from simulator.runs.fault_proxy import FAULTS, PPM, TIMED, Mix, Running, Share, Weather, fault_proxy
from simulator.runs.judging import judge_run
from simulator.runs.plain_count import PlainCount, plain_count
from simulator.runs.reconciliation import lost_events
from simulator.runs.sender_process import Sender
from simulator.scenario.load import load_scenario
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.wire.request import Outcome, Request

SCENARIO = Path(__file__).with_suffix(".yaml")
MOST_BETWEEN_LOSSES = 500  # requests of a lossy collector
FEWEST_LOST = 5  # events a run
_ENOUGH = 9  # runs of a kind of which some must do what the kind is for
_RULES = ("launch", "timeout=30m", "every-foreground")
_USERS = ("openid", "customer", "device")
_ZONES = ("Asia/Shanghai", "Europe/Berlin")  # the scenario crosses the night in which Berlin's clocks change
_SEVERITIES = (40_000, 120_000, 400_000)  # millionths of the requests that something befalls
# The collector has counted what it answered; what the proxy holds back comes within a second.
_CONTRACT = "opens: {opens}\nuser: {user}\nday: {day}\nquiet: 150ms\ndeadline: {deadline}\n"
# A wrong total is waited for until the deadline, a right one only until it rests, however busy the machine is.
_DEADLINES = {True: "500ms", False: "5s"}  # of those that lose events, and of the others
_CONTRACT_FILE = "contract.yaml"
_COLLECTOR = "collector"  # name of its files
_WAIT = 300.0  # seconds without any news from the worker processes


class Kind(StrEnum):
    """What is behind the proxy, and what can be seen of it."""

    CORRECT_TOTALS = "correct-totals"
    CORRECT_LISTED = "correct-listed"
    LOSSY_TOTALS = "lossy-totals"
    LOSSY_LISTED = "lossy-listed"

    @property
    def loses(self) -> bool:
        """Whether some acked events are never stored."""
        return self in {Kind.LOSSY_TOTALS, Kind.LOSSY_LISTED}

    @property
    def lists(self) -> bool:
        """Whether raw events can be listed."""
        return self in {Kind.CORRECT_LISTED, Kind.LOSSY_LISTED}


@dataclass(frozen=True, slots=True)
class Trial:
    """One run to be made."""

    kind: Kind
    seed: int
    definitions: Definitions


@dataclass(frozen=True, slots=True)
class Tried:
    """What a run came to."""

    trial: Trial
    exit_code: int  # -1: it came to no verdict
    wrong: tuple[str, ...]  # what must not be; empty for a good one
    lost: int = 0  # events that were acked and never stored
    unknown: int = 0  # attempts of which nobody knows
    passed: int = 0  # totals
    exact: int = 0  # of these: against one number
    failed: int = 0  # totals
    totals: int = 0
    held: int = 0  # totals of which the plain count knows the interval, and it was the same
    seconds: float = 0.0
    folder: str = ""  # kept for a wrong one

    @property
    def is_good(self) -> bool:
        return not self.wrong


Watch = Callable[[Tried], None]


def definitions_of(seed: int) -> Definitions:
    """The definitions of a seed: any nine seeds in a row have every pair of an opens rule and a user."""
    rules = list(product(_RULES, _USERS))
    opens, user = rules[seed % len(rules)]
    return Definitions(parse_opens(opens), user, _ZONES[seed // len(rules) % len(_ZONES)])  # type: ignore[arg-type]


def mix_of(seed: int) -> Mix:
    """The faults of a seed: light, middling or heavy, some kinds of fault left out."""
    stream = Stream(seed, "mix")
    severity = _SEVERITIES[stream.below(len(_SEVERITIES))]
    weights = [max(0, stream.between(-3, 6)) for _ in FAULTS]
    total = sum(weights) or 1
    shares = []
    for fault, weight in zip(FAULTS, weights, strict=True):
        low = stream.between(1, 200) if fault in TIMED else 0
        high = low + stream.between(0, 600) if fault in TIMED else 0  # ms; the client waits for 300
        if weight:
            shares.append(Share(fault, severity * weight // total, Ms(low), Ms(high)))
    return tuple(shares)


def trials(seeds: Iterable[int], kinds: Iterable[Kind] = tuple(Kind)) -> list[Trial]:
    """Every kind with every seed, those with equal definitions together."""
    made = [Trial(kind, seed, definitions_of(seed)) for seed in seeds for kind in kinds]
    return sorted(made, key=lambda trial: (str(trial.definitions), trial.seed, trial.kind))


def false_alarms(
    seeds: Iterable[int],
    folder: Path,
    *,
    kinds: Iterable[Kind] = tuple(Kind),
    workers: int = 1,
    watch: Watch = lambda _: None,
) -> list[Tried]:
    """Make the runs of some seeds.

    Args:
        folder: run directories of wrong runs stay there.
        workers: processes that make runs, each with a collector, a proxy and a Locust of its own.
        watch: told of each run as it ends.

    Raises:
        EngineError: a worker process died.
    """
    wanted = trials(seeds, kinds)
    if workers <= 1 or len(wanted) < 2:
        return list(_made_here(wanted, folder, watch))
    return list(_made_by_workers(wanted, folder, min(workers, len(wanted)), watch))


def _made_here(wanted: Sequence[Trial], folder: Path, watch: Watch) -> Iterator[Tried]:
    with Bench(folder) as bench:
        for trial in wanted:
            tried = bench.make(trial)
            watch(tried)
            yield tried


def _made_by_workers(wanted: Sequence[Trial], folder: Path, workers: int, watch: Watch) -> Iterator[Tried]:
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    # Whole stretches of equal definitions, so that each worker starts few collectors.
    ends = [len(wanted) * number // workers for number in range(workers + 1)]
    parts = [list(wanted[begin:end]) for begin, end in pairwise(ends)]
    processes = [
        context.Process(target=_work, args=(part, folder / f"worker-{number}", news), daemon=True)
        for number, part in enumerate(parts)
    ]
    for process in processes:
        process.start()
    try:
        for _ in wanted:
            tried: Tried = news.get(timeout=_WAIT)
            watch(tried)
            yield tried
        for process in processes:
            process.join(_WAIT)
    except queue.Empty as silence:
        raise EngineError(f"the processes that make the runs say nothing any more; see {folder}") from silence
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
            process.join()


def _work(part: Sequence[Trial], folder: Path, news: Any) -> None:
    for _ in _made_here(part, folder, news.put):
        pass


class Bench:
    """A Locust, and a collector behind a proxy for as long as the definitions stay the same."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sender = Sender()
        self._behind = ExitStack()
        self._definitions: Definitions | None = None
        self.collector = ""  # its URL, behind the proxy
        self.proxy: Running
        self._made = 0

    def __enter__(self) -> Bench:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._behind.close()
        self._sender.close()
        for left in (*self._folder.glob(f"*-{_COLLECTOR}.*"), self._folder / _CONTRACT_FILE):
            left.unlink(missing_ok=True)

    def make(self, trial: Trial) -> Tried:
        """Make one run. Never raises for what goes wrong in it."""
        began = time.monotonic()
        self._made += 1
        folder = self._folder / f"{self._made:04}-{trial.kind}-{trial.seed}"
        try:
            self._prepare(trial.definitions)
            return self._run(trial, folder, began)
        except (MpsimError, httpx.HTTPError) as broken:
            said = f"no verdict: {broken}"
            return Tried(trial, -1, (said,), seconds=time.monotonic() - began, folder=str(folder))

    def _prepare(self, definitions: Definitions) -> None:
        """An empty collector with these definitions behind the proxy."""
        if self._definitions == definitions:
            self.proxy.change(Weather())  # what was held has come through, and belongs to the run before
            httpx.post(f"{self.collector}/events/reset", timeout=30, trust_env=False).raise_for_status()
            return
        self._behind.close()
        self._definitions = None
        app = load_scenario(SCENARIO).app
        database = self._folder / f"{self._made:04}-{_COLLECTOR}.db"
        self.collector = self._behind.enter_context(
            embedded_collector(database, definitions, app.tenant, app.events, fsync=False)
        )
        self.proxy = self._behind.enter_context(fault_proxy(self.collector))
        self._definitions = definitions

    def _run(self, trial: Trial, folder: Path, began: float) -> Tried:
        contract = self._folder / _CONTRACT_FILE
        said = {**trial.definitions.as_json(), "deadline": _DEADLINES[trial.kind.loses]}
        contract.write_text(_CONTRACT.format_map(said), encoding="utf-8")
        command = ("python", "-m", "simulator.runs.false_alarms", "--first", str(trial.seed), "--kind", trial.kind)
        wanted = Wanted(
            SCENARIO, target=self.proxy.url, contract=str(contract), seed=trial.seed, out=folder, command=command
        )
        checked = draft(wanted)
        opened = write_run(checked, make_folder(checked), self.proxy.url)
        take_baseline(opened)
        mix = mix_of(trial.seed)
        lose = _between_losses(opened, mix) if trial.kind.loses else 0
        self.proxy.change(Weather(trial.seed, mix, lose, lists=trial.kind.lists))
        self._sender.send(folder)
        before = self.stored() if trial.kind.lists else []
        result = judge_run(opened, self.proxy.url)
        truth, wrong = hold(trial.kind, result, self._truths(trial.kind, opened, before), folder)
        if not wrong and any(map(_is_wide, result.metrics)):
            wrong = tuple(_wrong_strictly(result, judge_run(_strict(opened), self.proxy.url)))
        if wrong:
            write_reports(folder, result)
        else:
            shutil.rmtree(folder)
        passed = [one for one in result.metrics if one.verdict is Verdict.PASS]
        return Tried(
            trial,
            result.exit_code,
            wrong,
            lost=len(truth.lost),
            unknown=result.attempts.unknown,
            passed=len(passed),
            exact=sum(one.expected is not None and one.expected.width == 0 for one in passed),
            failed=sum(one.verdict is Verdict.FAIL for one in result.metrics),
            totals=len(result.metrics),
            held=sum(truth.plain.of((one.metric, one.by, one.cell)) is not None for one in result.metrics),
            seconds=time.monotonic() - began,
            folder=str(folder) if wrong else "",
        )

    def _truths(self, kind: Kind, opened: OpenedRun, before: Sequence[str]) -> Iterator[Truth]:
        """What is true of a run; where raw events can be listed at each moment since `before` were, the last first."""
        journal, acked = self.proxy.journal(), acked_events(opened)  # what was held has come through
        if kind is Kind.CORRECT_LISTED:
            for stored in moments(before, self.stored()):
                yield Truth(plain_count(opened, stored), frozenset())
            return
        by_ledger = plain_count(opened)
        for held in moments(before, self.stored()) if kind.lists else [None]:
            yield Truth(by_ledger, journal.lost_events(held) & acked)

    def stored(self) -> list[str]:
        """The externalIds of what the collector holds, in the order in which it came, asked behind the proxy's back."""
        found: list[str] = []
        after = 0
        while True:
            reply = httpx.get(
                f"{self.collector}/events/good", params={"max": 1_000, "after": after}, timeout=30, trust_env=False
            )
            events = reply.raise_for_status().json()
            if not events:
                return found
            found += [one["event"]["externalId"] for one in events]
            after = events[-1]["id"]


def _strict(opened: OpenedRun) -> OpenedRun:
    """The same run where nothing but one number may pass."""
    expect = opened.scenario.expect.model_copy(update={"max_width": 0})
    return replace(opened, scenario=opened.scenario.model_copy(update={"expect": expect}))


def _between_losses(opened: OpenedRun, mix: Mix) -> int:
    """One in so many is lost: one in 500, or so many more that a small run loses its five."""
    planned = sum(1 + request.duplicates for request in _requests(opened))
    untouched = planned * (PPM - sum(share.part for share in mix)) // PPM
    return min(MOST_BETWEEN_LOSSES, untouched // (3 * FEWEST_LOST))


def _requests(opened: OpenedRun) -> Iterator[Request]:
    for block in opened.plan.blocks:
        yield from chain.from_iterable(requests_of_block(opened.plan, opened.adapter, block).values())


def acked_events(opened: OpenedRun) -> frozenset[str]:
    """The externalIds of the events that the collector said it has."""
    acked: set[str] = set()
    with AttemptIndex(opened.folder, opened.manifest.run_id) as index:
        for request in _requests(opened):
            attempts = index.attempts_of(request.visitor).get(request.number, ())
            if any(attempt.outcome is Outcome.ACKED for attempt in attempts):
                acked.update(record.external_id for record in request.records)
    return frozenset(acked)


# ---- what must hold ----


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a run at one moment."""

    plain: PlainCount
    lost: frozenset[str]  # externalIds of events that were acked and are not stored


def moments(before: Sequence[str], after: Sequence[str]) -> Iterator[frozenset[str]]:
    """What may have been stored at a moment between two lists of it, in the order in which it came; the last first.

    Raises:
        EngineError: the second list is not the first with more behind it.
    """
    if list(after[: len(before)]) != list(before):
        raise EngineError("what the collector lists does more than grow")
    for many in range(len(after), len(before) - 1, -1):
        yield frozenset(after[:many])


def hold(kind: Kind, result: Result, truths: Iterable[Truth], folder: Path) -> tuple[Truth, tuple[str, ...]]:
    """The truth that a verdict is of, and nothing; or, where it is of none of them, the first, and what is wrong by it.

    The network may hold a request back until the verdict is out, and a verdict is right if it is so at one moment
    while it was looked for: in everything that it says, at the same one.

    Args:
        truths: at least one.
    """
    first: tuple[Truth, tuple[str, ...]] | None = None
    for truth in truths:
        wrong = tuple(_wrong(kind, result, truth, folder))
        if not wrong:
            return truth, ()
        first = first or (truth, wrong)
    assert first is not None
    return first


def _wrong(kind: Kind, result: Result, truth: Truth, folder: Path) -> Iterator[str]:
    lost = truth.lost
    yield from _not_as_counted(result, truth.plain)
    yield from _wrong_totals(result, truth.plain)
    if not kind.loses:
        yield from _alarms(result)
        if kind.lists:
            yield from _inexact(result)
        return
    if len(lost) < FEWEST_LOST:
        yield f"only {len(lost)} events were lost, at least {FEWEST_LOST} must be for the run to show anything"
    if kind.lists:
        yield from _wrong_lost(result, lost, folder)
        return
    verdicts = [one.verdict for one in result.metrics] + [one.verdict for one in result.findings]
    fails = Verdict.FAIL in verdicts
    if fails != (result.exit_code == ExitCode.FAIL):
        yield f"exit {result.exit_code} with {'something' if fails else 'nothing'} that fails"


def _not_as_counted(result: Result, plain: PlainCount) -> Iterator[str]:
    """Expectations that are not what the plain count says, and cells that are missing among them."""
    for one in result.metrics:
        counted = plain.of((one.metric, one.by, one.cell))
        expected = None if one.expected is None else (one.expected.low, one.expected.high)
        if counted is not None and expected != counted:
            yield f"{_name(one)}: expected {one.expected}, counted plainly {Interval(*counted)}"
    judged = {(one.metric, one.by, one.cell) for one in result.metrics}
    for cell in sorted(plain.high.keys() - judged):
        yield f"{' '.join(cell).rstrip()}: {plain.high[cell]} may be stored, and nothing was judged"


def _wrong_totals(result: Result, plain: PlainCount) -> Iterator[str]:
    """A total fails if and only if it lies outside, and a pass that is not exact says so."""
    for one in result.metrics:
        if one.expected is None or one.observed is None:
            continue
        counted = plain.of((one.metric, one.by, one.cell))
        allowed = one.expected if counted is None else Interval(*counted)
        if (one.observed not in allowed) != (one.verdict is Verdict.FAIL):
            yield f"{_name(one)}: {one.observed} of {allowed} is {one.verdict.word}"
        if _is_wide(one) and f"width of {one.expected.width:,}" not in one.why:
            yield f"{_name(one)}: passes within {one.expected} without a word of its width"


def _is_wide(one: Judged) -> bool:
    """Whether a total passes that might be another number as well."""
    return one.verdict is Verdict.PASS and one.expected is not None and one.expected.width > 0


def _wrong_strictly(result: Result, strict: Result) -> Iterator[str]:
    """Judged again where nothing but one number may pass: what passed within a width proves nothing then."""
    for one in filter(_is_wide, strict.metrics):
        yield f"{_name(one)}: passes within {one.expected} although nothing but one number may"
    if result.exit_code in {ExitCode.PASS, ExitCode.INCOMPLETE} and strict.exit_code != ExitCode.INCOMPLETE:
        yield f"exit {strict.exit_code} ({strict.verdict}) with max_width: 0, and exit {result.exit_code} without"


def _inexact(result: Result) -> Iterator[str]:
    """What keeps a correct collector that lists its events from passing, other than `max_failed`."""
    for one in result.metrics:
        if one.expected is None or one.expected.width or one.verdict is not Verdict.PASS:
            yield f"{_name(one)}: {one.verdict.word} against {one.expected} although every event is known"
    for reason in result.reasons:
        if "were refused or unknown" not in reason:
            yield f"no pass, because: {reason}"


def _name(one: Judged) -> str:
    return f"{one.metric} by {one.by} {one.cell}".rstrip()


def _alarms(result: Result) -> Iterator[str]:
    for one in result.metrics:
        if one.verdict >= Verdict.FAIL:
            yield f"{one.metric} by {one.by} {one.cell}: {one.observed} of {one.expected}, {one.why}"
    for finding in result.findings:
        if finding.verdict >= Verdict.FAIL:
            yield f"finding {finding.code}: {finding.text}"
    if result.exit_code not in {ExitCode.PASS, ExitCode.INCOMPLETE}:
        yield f"exit {result.exit_code} ({result.verdict}): {'; '.join(result.reasons)}"


def _wrong_lost(result: Result, lost: frozenset[str], folder: Path) -> Iterator[str]:
    """The finding `lost`, of exactly these events, and nothing said of the stored ones."""
    if result.exit_code != ExitCode.FAIL:
        yield f"exit {result.exit_code} ({result.verdict}) although {len(lost)} acked events were lost"
    counts = [one.count for one in result.findings if one.code == "lost" and one.verdict is Verdict.FAIL]
    if counts != [len(lost)]:
        yield f"finding lost of {counts or 'nothing'}, and {len(lost)} acked events were"
    found = lost_events(folder)
    if found != lost:
        yield f"lost are {sorted(lost)}, found were {sorted(found)}"
    others = [one.code for one in result.findings if one.verdict is Verdict.FAIL and one.code in _NOT_LOST]
    if others:
        yield f"findings {', '.join(others)} beside lost"


_NOT_LOST = {"duplicated", "unexpected", "altered", "misplaced"}


# ---- alone ----


def summary(tried: Sequence[Tried]) -> list[str]:
    """One line for each kind, and one in all."""
    lines = []
    for kind in Kind:
        some = [one for one in tried if one.trial.kind is kind]
        if some:
            failing = sum(one.exit_code == ExitCode.FAIL for one in some)
            passed, exact = sum(one.passed for one in some), sum(one.exact for one in some)
            lines.append(
                f"{kind}: {sum(one.is_good for one in some)} of {len(some)} as they must be; {failing} FAIL; "
                f"{sum(one.unknown for one in some):,} unknown sends, {sum(one.lost for one in some):,} lost events; "
                f"{passed:,} totals passed, {exact:,} of them exact"
            )
    wrong = sum(not one.is_good for one in tried)
    held, totals = sum(one.held for one in tried), sum(one.totals for one in tried)
    lines.append(f"{held:,} of {totals:,} expectations are known to a plain count, and were the same")
    lines.append(f"false alarms: {wrong} of {len(tried)} runs are not as they must be")
    return [*lines, *blunt(tried)]


def blunt(tried: Sequence[Tried]) -> list[str]:
    """What no run of a kind did although some must, one sentence each: a check that nothing fails is no check."""
    said = []
    for kind, does, must in _SHARP:
        some = [one for one in tried if one.trial.kind is kind]
        if len(some) >= _ENOUGH and not any(map(does, some)):
            said.append(f"none of {len(some)} {kind} runs {must}: that proves nothing")
    return said


_SHARP: tuple[tuple[Kind, Callable[[Tried], bool], str], ...] = (
    (Kind.CORRECT_TOTALS, lambda one: one.passed > 0, "had a total that passed"),
    (Kind.CORRECT_LISTED, lambda one: one.exit_code == ExitCode.PASS, "passed"),
    (Kind.LOSSY_TOTALS, lambda one: one.failed > 0, "failed by its totals"),
    (Kind.LOSSY_LISTED, lambda one: one.exit_code == ExitCode.FAIL, "failed"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs, and say what came of them."""
    try:
        return _main(_options(arguments))
    except MpsimError as wrong:
        return tell("false_alarms", wrong)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser("python -m simulator.runs.false_alarms", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--kind", type=Kind, choices=list(Kind), action="append", help="only this one; may be repeated")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="where wrong runs stay; default: a new temporary folder")
    return parser.parse_args(arguments)


def _main(options: argparse.Namespace) -> int:
    folder = options.out or Path(tempfile.mkdtemp(prefix="mpsim-false-alarms-"))
    began = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    tried = false_alarms(seeds, folder, kinds=options.kind or tuple(Kind), workers=options.workers, watch=_tell)
    print("\n".join(summary(tried)))
    good = all(one.is_good for one in tried) and not blunt(tried)
    print(f"{time.monotonic() - began:.0f} s" + ("" if good else f"; the wrong runs are in {folder}"))
    if good and options.out is None:
        shutil.rmtree(folder)
    return ExitCode.PASS if good else ExitCode.OWN_FAULT


def _tell(tried: Tried) -> None:
    trial, definitions = tried.trial, tried.trial.definitions
    said = f"{trial.kind} seed {trial.seed} ({definitions.opens}, {definitions.user}, {definitions.day})"
    print(f"{'ok   ' if tried.is_good else 'WRONG'} {said}: exit {tried.exit_code}, {tried.seconds:.1f} s", flush=True)
    for text in tried.wrong:
        print(f"      {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

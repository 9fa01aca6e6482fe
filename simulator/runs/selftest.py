"""`mpsim selftest`: wrong collectors must be caught, and right ones must pass.

The kill matrix is every seeded fault against the scenario that claims to cover it, which must kill it, and in full
against every other one that its definitions fit: there it is killed too, or nothing makes the collector wrong. A trial
is one run through Locust over real HTTP, judged as any run is (trial.py). Its controls are the same runs against an
honest collector: one for each scenario under each choice of definitions and with each seed. The other half are runs
behind a network that fails in every way (false_alarms.py).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from simulator.collector.faults import Fault, named, registered
from simulator.contract import Definitions
from simulator.errors import EngineError, UsageError
from simulator.runs import machine
from simulator.runs.false_alarms import Kind, blunt, false_alarms
from simulator.runs.false_alarms import Tried as AlarmTried
from simulator.runs.repeating import attempt_and_repeat
from simulator.runs.replayed import not_replayed
from simulator.runs.sender_process import Sender
from simulator.runs.trial import SCENARIOS, Standing, Trial, Tried, attempt
from simulator.scenario.load import load_scenario

_TRIALS_PER_CORE = 2  # a trial waits for children to start and for totals to settle
VERSION = 1  # of the JSON document

Watch = Callable[[Tried | AlarmTried, int, int], None]  # a trial is through; so many are, of so many


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be tried."""

    faults: tuple[Fault, ...]  # none: all of them
    seeds: tuple[int, ...] = (1,)
    everywhere: bool = False  # each fault on every scenario that its definitions fit, with the first seed
    alarm_seeds: tuple[int, ...] = ()  # of the runs behind a failing network; none: no such runs
    repeat: bool = False  # each kill once more, by one named visitor alone or by the smallest set found (repeating.py)
    replay: bool = False  # and `mpsim replay` of these visitors, with the first seed (replayed.py); needs `repeat`
    keep: Path | None = None  # where the run directories stay; None: nowhere
    jobs: int = 0  # trials at once; 0: by the number of cores


@dataclass(frozen=True, slots=True)
class Matrix:
    """What became of every trial, in the order of the registry: a control, then the faults it is the control of."""

    tried: tuple[Tried, ...]
    alarms: tuple[AlarmTried, ...]  # of the runs behind a failing network
    seconds: float  # by the clock on the wall, from the first start of a process to the last verdict
    cores: int = 1  # that could be used

    @property
    def is_good(self) -> bool:
        """Whether all is as it must be. No fault at all is not good.

        Every fault was killed on its own scenario, and passed on no other one where it made the collector wrong; every
        honest collector passed; the runs behind the failing network are as they must be, each and together.
        """
        own = {one.standing for one in self.tried if not one.trial.is_elsewhere}
        return (
            {Standing.KILLED, Standing.PASSED} == own
            and all(one.standing.is_good for one in self.tried)
            and all(one.is_good for one in self.alarms)
            and not self.blunt
        )

    @property
    def blunt(self) -> list[str]:
        """What no run behind the failing network did although some must."""
        return blunt(self.alarms)

    def as_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "version": VERSION,
            "verdict": "pass" if self.is_good else "error",
            "seconds": round(self.seconds, 1),
            "cores": self.cores,
            "counts": {standing.value: self.count(standing) for standing in Standing},
            "matrix": self.rows(),
            "trials": [_trial_json(one) for one in self.tried],
            "false_alarms": [_alarm_json(one) for one in self.alarms],
            "blunt": self.blunt,
        }

    def rows(self) -> dict[str, dict[str, str]]:
        """Fault → scenario → the worst that became of it there with any seed; honest ones by their definitions."""
        found: dict[str, dict[str, str]] = {}
        for (name, scenario), some in self.cells().items():
            found.setdefault(name, {})[scenario] = worst(some).value
        return found

    def cells(self) -> dict[tuple[str, str], list[Tried]]:
        """(fault, scenario) → what became of it with each seed, honest collectors first."""
        found: dict[tuple[str, str], list[Tried]] = {}
        for one in sorted(self.tried, key=lambda one: one.trial.fault is not None):  # stable
            fault = one.trial.fault
            name = f"honest: {', '.join(one.trial.definitions.as_json().values())}" if fault is None else fault.name
            found.setdefault((name, one.trial.scenario), []).append(one)
        return found

    def count(self, standing: Standing) -> int:
        """How many trials came to that."""
        return sum(one.standing is standing for one in self.tried)


def worst(some: Sequence[Tried]) -> Standing:
    """The worst of several standings."""
    return next((one.standing for one in some if not one.standing.is_good), some[0].standing)


def faults_named(names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of those names; all of them where none is given.

    Raises:
        UsageError: there is none of a name.
    """
    return tuple(map(named, dict.fromkeys(names))) or registered()


def selftest(asked: Asked, watch: Watch) -> Matrix:
    """Try everything that is asked for, several trials at a time.

    Args:
        watch: told of each trial when it is through.

    Raises:
        UsageError: the folder to keep the runs in holds something already.
        EngineError: a process that makes runs died.
    """
    if asked.keep is not None and asked.keep.exists() and any(asked.keep.iterdir()):
        raise UsageError(f"{asked.keep} is not empty; name a new directory with --out")
    began = monotonic()
    trials = list(trials_of(asked))
    count = len(trials) + len(asked.alarm_seeds) * len(Kind)
    cores = machine.cores()
    with ExitStack() as leaving:
        folder = asked.keep or Path(leaving.enter_context(TemporaryDirectory(prefix="mpsim-selftest-")))
        tried: dict[Trial, Tried] = {}
        for one in _run_all(asked, trials, folder, asked.jobs or _TRIALS_PER_CORE * cores):
            tried[one.trial] = one
            watch(one, len(tried), count)
        alarms: list[AlarmTried] = []

        def note(alarm: AlarmTried) -> None:
            alarms.append(alarm)
            watch(alarm, len(tried) + len(alarms), count)

        if asked.alarm_seeds:
            false_alarms(asked.alarm_seeds, folder / "false-alarms", workers=asked.jobs or cores, watch=note)
    return Matrix(tuple(tried[trial] for trial in trials), tuple(alarms), monotonic() - began, cores)


def trials_of(asked: Asked) -> Iterator[Trial]:
    """The controls, each followed by the faults that are tried under its definitions on its scenario."""
    groups: dict[tuple[str, Definitions], list[Fault]] = {}
    faults = asked.faults or registered()
    for fault in faults:
        groups.setdefault((fault.scenario, fault.definitions), []).append(fault)
    if asked.everywhere:
        for fault, scenario in product(faults, scenarios()):
            if scenario != fault.scenario and _fits(scenario, fault.definitions):
                groups.setdefault((scenario, fault.definitions), []).append(fault)
    for seed in asked.seeds:
        for (scenario, definitions), some in groups.items():
            here = [one for one in some if seed == asked.seeds[0] or one.scenario == scenario]
            if here:
                yield Trial(scenario, definitions, seed)
                for fault in here:
                    yield Trial(scenario, definitions, seed, fault)


def scenarios() -> tuple[str, ...]:
    """The names of the scenarios, in the order of the registry."""
    return tuple(dict.fromkeys(fault.scenario for fault in registered()))


def _fits(scenario: str, definitions: Definitions) -> bool:
    """Whether a scenario says nothing else: some are about one rule of opens, or about one zone."""
    said = load_scenario(SCENARIOS / f"{scenario}.yaml").definitions
    pairs = ((said.opens, definitions.opens), (said.user, definitions.user), (said.day, definitions.day))
    return all(given is None or given == wanted for given, wanted in pairs)


def _run_all(asked: Asked, trials: Sequence[Trial], folder: Path, jobs: int) -> Iterator[Tried]:
    """What became of each trial, in the order in which they end."""
    executor = ProcessPoolExecutor(min(jobs, len(trials)), get_context("spawn"), _begin_work)
    how = [(asked.keep is not None, asked.repeat, asked.replay and trial.seed == asked.seeds[0]) for trial in trials]
    try:
        wanted = zip(trials, how, strict=True)
        for future in as_completed([executor.submit(_try, trial, folder, *once_more) for trial, once_more in wanted]):
            yield future.result()
    except BrokenProcessPool as died:
        raise EngineError("a process that makes trials died") from died
    finally:
        # An interrupt ends what is being tried now, and begins nothing more.
        executor.shutdown(cancel_futures=True)


@cache
def _sender() -> Sender:
    """This process's own; it ends when its input does, which is when this process ends."""
    return Sender()


def _begin_work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that has the terminal decides


def _try(trial: Trial, folder: Path, keep: bool, repeat: bool, replay: bool) -> Tried:
    if not repeat or trial.is_elsewhere:
        return attempt(trial, folder / trial.name, _sender().send, keep=keep)
    tried = attempt_and_repeat(trial, folder, _sender().send, keep=keep)
    if not replay or not tried.again:
        return tried
    why = not_replayed(trial, tried.again, folder / trial.name)
    return replace(tried, standing=Standing.NOT_AGAIN, why=why) if why else replace(tried, replayed=True)


def _trial_json(one: Tried) -> dict[str, Any]:
    trial, fault = one.trial, one.trial.fault
    declared = None
    if fault is not None:
        declared = {
            "name": fault.name,
            "family": fault.family,
            "does": fault.does,
            "moves": list(fault.moves),
            "may_move": list(fault.may_move),
            "finding": fault.finding,
            "findings": list(fault.findings),
            "one_visitor": fault.one_visitor,
        }
    return {
        "fault": declared,  # null: a control
        "scenario": trial.scenario,
        "definitions": trial.definitions.as_json(),
        "seed": trial.seed,
        "standing": one.standing.value,
        "why": one.why,
        "failed": sorted(map(list, one.failed)),
        "findings": list(one.findings),
        "told": one.told,
        "visitors": list(one.visitors),
        "again": {"visitors": list(one.again), "tries": one.tries, "least": one.least} if one.again else None,
        "replayed": one.replayed,
        "seconds": round(one.seconds, 2),
    }


def _alarm_json(one: AlarmTried) -> dict[str, Any]:
    return {
        "kind": one.trial.kind.value,
        "seed": one.trial.seed,
        "definitions": one.trial.definitions.as_json(),
        "exit_code": one.exit_code,
        "wrong": list(one.wrong),
        "unknown": one.unknown,
        "lost": one.lost,
        "passed": one.passed,
        "exact": one.exact,
        "failed": one.failed,
        "totals": one.totals,
        "held": one.held,
        "seconds": round(one.seconds, 2),
    }

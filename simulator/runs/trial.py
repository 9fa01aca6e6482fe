"""One run of the selftest: a scenario through Locust against a faulty collector, or an honest one, judged as ever."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from time import monotonic

from simulator.collector.faults import Fault
from simulator.contract import Definitions
from simulator.errors import MpsimError
from simulator.finding import ExitCode, Verdict
from simulator.ledger.manifest import DATABASE_FILE
from simulator.report.folder import write_reports
from simulator.report.result import Result
from simulator.runs.affected import is_affected, unaffected
from simulator.runs.before import take_baseline
from simulator.runs.collector_process import embedded_collector
from simulator.runs.judging import judge_run
from simulator.runs.killing import failing, not_as_declared
from simulator.runs.links import register_links
from simulator.scenario.load import load_scenario
from simulator.times import format_duration
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import open_run

SCENARIOS = Path(__file__).parent / "selftest_scenarios"

# The collector has counted what it answered, so a total that is wrong will stay so; short waits keep many runs short.
_CONTRACT = "opens: {opens}\nuser: {user}\nday: {day}\nquiet: 200ms\ndeadline: 600ms\n"

_MOST_NAMED = 3  # visitors in the name of a folder

RUN = "run"  # the run directory inside a trial's folder

Check = tuple[str, str]  # metric and kind of cell
Send = Callable[[Path], object]  # sends the run in a directory


class Standing(StrEnum):
    """What a trial came to."""

    KILLED = "killed"  # exit 1, for the reasons that the fault declares and no others (killing.py)
    WRONG_FINDING = "wrong finding"  # exit 1, but not for the declared reasons
    WRONG_VISITOR = "wrong visitor"  # for these, but somebody is named whom the fault does not touch
    NOT_AGAIN = (
        "not again"  # killed, but neither by a named visitor alone nor, where that is no matter of one, by a set
    )
    SURVIVED = "SURVIVED"  # the faulty collector was not failed, although it was wrong
    NOT_COVERED = "not covered"  # nothing in a scenario that is not the fault's own makes the collector wrong
    PASSED = "passed"  # a control: the honest collector passed
    FALSE_ALARM = "FALSE ALARM"  # a control that did not pass
    BROKEN = "broken"  # the run itself did not come to a verdict

    @property
    def is_good(self) -> bool:
        return self in {Standing.KILLED, Standing.PASSED, Standing.NOT_COVERED}


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario to be run under some definitions and with one seed; without a fault it is a control."""

    scenario: str
    definitions: Definitions
    seed: int
    fault: Fault | None = None
    only: tuple[int, ...] = ()  # visitors who come, in turn as in a replay; none: all of them

    @property
    def is_elsewhere(self) -> bool:
        """Whether a fault is tried on another scenario than the one that claims to cover it."""
        return self.fault is not None and self.scenario != self.fault.scenario

    @property
    def name(self) -> str:
        """Unique among trials, and fit for a folder."""
        opens = self.definitions.opens
        rule = opens.rule if opens.timeout is None else f"timeout-{format_duration(opens.timeout)}"
        zone = self.definitions.day.rpartition("/")[2].lower()
        what = self.fault.name if self.fault is not None else f"honest-{rule}-{self.definitions.user}-{zone}"
        return ".".join([what, self.scenario, str(self.seed), *self._who()])

    def _who(self) -> list[str]:
        if len(self.only) <= _MOST_NAMED:
            return [f"visitor-{one}" for one in self.only]
        listed = blake2b(repr(self.only).encode(), digest_size=6).hexdigest()
        return [f"{len(self.only)}-visitors-{listed}"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a trial."""

    trial: Trial
    standing: Standing
    why: str  # what is wrong with the verdict; empty for a good one
    failed: frozenset[Check] = frozenset()  # kinds of cells of which at least one failed
    findings: tuple[str, ...] = ()  # codes of the failing ones
    told: str = ""  # the declared finding in its own words
    visitors: tuple[int, ...] = ()  # whom it names
    again: tuple[int, ...] = ()  # who showed it again; empty: it was not repeated, or nobody did
    tries: int = 0  # runs of the search for them
    least: bool = False  # with any one of them left out it was not shown
    replayed: bool = False  # `mpsim replay` of these said STILL FAILING and, of an honest collector, FIXED
    seconds: float = 0.0


def attempt(trial: Trial, folder: Path, send: Send, *, keep: bool = False) -> Tried:
    """Run a trial in a folder that does not exist yet. Never raises for what goes wrong in the run.

    Args:
        keep: somebody will look at it, also where it is good.
    """
    began = monotonic()
    try:
        result = _run(trial, folder, send)
    except MpsimError as broken:
        return Tried(trial, Standing.BROKEN, str(broken), seconds=monotonic() - began)
    tried = judge_trial(trial, result)
    if trial.is_elsewhere and tried.standing is Standing.SURVIVED:
        tried = _with_any_effect(tried, folder)
    elif tried.standing is Standing.KILLED and not trial.only and not trial.is_elsewhere:
        tried = _with_the_right_visitors(tried, result, folder)
    tried = replace(tried, seconds=monotonic() - began)
    if keep or not tried.standing.is_good:
        write_reports(folder / RUN, result)
    return tried


def _with_any_effect(tried: Tried, folder: Path) -> Tried:
    """Survived only if there was something to catch."""
    assert tried.trial.fault is not None
    opened = open_run(folder / RUN)
    if is_affected(tried.trial.fault, opened, opened.plan.blocks, folder):
        return tried
    return replace(tried, standing=Standing.NOT_COVERED, why="")


def _with_the_right_visitors(tried: Tried, result: Result, folder: Path) -> Tried:
    """Killed only if whoever the findings name is affected."""
    assert tried.trial.fault is not None
    astray = unaffected(tried.trial.fault, failing(result), open_run(folder / RUN), folder)
    if not astray:
        return tried
    why = "; ".join(f"the finding {code} names visitor {visitor}, who is not affected" for code, visitor in astray)
    return replace(tried, standing=Standing.WRONG_VISITOR, why=why)


def _run(trial: Trial, folder: Path, send: Send) -> Result:
    definitions = trial.definitions
    file = SCENARIOS / f"{trial.scenario}.yaml"
    app = load_scenario(file).app
    folder.mkdir(parents=True)
    contract = folder / "contract.yaml"
    contract.write_text(_CONTRACT.format_map(definitions.as_json()), encoding="utf-8")
    fault = trial.fault.name if trial.fault is not None else ""
    with ExitStack() as running:
        url = running.enter_context(
            embedded_collector(folder / DATABASE_FILE, definitions, app.tenant, app.events, fault=fault, fsync=False)
        )
        # As a target and not as our own collector, so that it is read once before the run, as any other would be.
        wanted = Wanted(
            file,
            target=url,
            contract=str(contract),
            namespace="selftest",
            seed=trial.seed,
            out=folder / RUN,
            command=("mpsim", "selftest", *([fault] if fault else [])),
        )
        checked = draft(wanted)
        checked = replace(checked, options=replace(checked.options, only=trial.only, in_turn=bool(trial.only)))
        write_run(checked, make_folder(checked), url)
        opened = open_run(folder / RUN)
        register_links(url, opened.scenario)
        take_baseline(opened)
        send(opened.folder)
        return judge_run(opened, url)


def judge_trial(trial: Trial, result: Result) -> Tried:
    """Hold a verdict against what the trial is for."""
    failed = frozenset((one.metric, one.by) for one in result.metrics if one.verdict is Verdict.FAIL)
    findings = failing(result)
    codes = tuple(dict.fromkeys(one.code for one in findings))
    fault = trial.fault
    if fault is None:
        good = result.exit_code == ExitCode.PASS
        why = "" if good else f"exit {result.exit_code}: {'; '.join(result.reasons)}"
        return Tried(trial, Standing.PASSED if good else Standing.FALSE_ALARM, why, failed, codes)
    declared = [one for one in findings if one.code == fault.finding]
    visitors = tuple(sorted({visitor for one in declared for visitor in one.visitors}))
    if result.exit_code != ExitCode.FAIL:
        standing, why = Standing.SURVIVED, f"exit {result.exit_code} ({result.verdict})"
    elif trial.is_elsewhere:
        standing, why = Standing.KILLED, ""  # for whatever reasons; what they must be is declared for its own scenario
    else:
        why = not_as_declared(fault, result, alone=bool(trial.only))
        standing = Standing.WRONG_FINDING if why else Standing.KILLED
    told = declared[0].text if declared else ""
    return Tried(trial, standing, why, failed, codes, told, visitors)

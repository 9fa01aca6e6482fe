"""The Python API: what the command line and the pytest plugin call, and all that a program of yours needs.

    from simulator.api import run_scenario

    run = run_scenario("scenarios/campaign_day.yaml", target="http://127.0.0.1:8000", seed=7)
    assert run.passed, run.sentence
    assert run.metric("opens", by="source", cell="poster").observed == 640

    run_scenario     a scenario sent and judged; `mpsim run`
    plan_scenario    what an honest collector must say, before anything is sent; `mpsim plan`
    verify_run       an earlier run judged again; `mpsim verify`
    read_run         an earlier run as it was judged; nothing is sent or read but its directory
    compare_runs     two runs of one scenario: what changed; `mpsim compare`
    serve_collector  the embedded collector, for as long as a `with` block

Whatever goes wrong is an MpsimError of simulator/errors.py, whose text is for a person; a run that failed is no error
but a `Run` with its verdict. Nothing here imports Locust: it is a child process. Nothing is decided here either: what a
run is and what it comes to is runs/.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import httpx

from simulator.contract import Definitions, User, parse_opens
from simulator.errors import (
    Complaint,
    ConnectionFailed,
    EngineError,
    MpsimError,
    ScenarioError,
    UsageError,
)
from simulator.finding import ExitCode, Finding, Interval, Judged, Slo, Verdict
from simulator.ledger.manifest import SCENARIO_FOLDER
from simulator.report.comparison import Comparison
from simulator.report.page import PAGE_FILE
from simulator.report.result import RESULT_FILE, Result, RunVerdict, read_result
from simulator.report.words import headline
from simulator.runs.collector_process import embedded_collector
from simulator.runs.load_process import Progress
from simulator.runs.planning import Planned, planned
from simulator.runs.running import Done, run, verify
from simulator.runs.two_runs import compare, judged_run
from simulator.times import Ms, parse_instant
from simulator.traffic.making import Wanted, command_of
from simulator.traffic.opened import open_run
from simulator.verify.noise import MARGIN
from simulator.wire.options import DEFAULT_PATH

__all__ = [
    "Collector",
    "Comparison",
    "Complaint",
    "ConnectionFailed",
    "EngineError",
    "ExitCode",
    "Finding",
    "Interval",
    "Judged",
    "MpsimError",
    "Planned",
    "Result",
    "Run",
    "ScenarioError",
    "Slo",
    "UsageError",
    "Verdict",
    "compare_runs",
    "plan_scenario",
    "read_run",
    "run_scenario",
    "serve_collector",
    "verify_run",
]

PathLike = str | os.PathLike[str]
_REPLY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A judged run and where it lies."""

    result: Result  # everything of result.json
    folder: Path  # the run directory

    @property
    def verdict(self) -> RunVerdict:
        """pass, fail, slo, incomplete, underload or error."""
        return self.result.verdict

    @property
    def exit_code(self) -> ExitCode:
        """What `mpsim run` ends with: 0 for a pass and for nothing else."""
        return ExitCode(self.result.exit_code)

    @property
    def passed(self) -> bool:
        """Whether everything that was judged is right, and enough was."""
        return self.exit_code is ExitCode.PASS

    @property
    def sentence(self) -> str:
        """The verdict and its weightiest reason, as the report begins: "FAIL: 3 of 150 totals are wrong: …"."""
        head = headline(self.result)
        return f"{head.word}: {head.sentence}"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is what it is, the weightiest first; none for a pass."""
        return self.result.reasons

    @property
    def metrics(self) -> tuple[Judged, ...]:
        """Every judged cell of every metric."""
        return self.result.metrics

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What else was found; one with Verdict.PASS is a remark."""
        return self.result.findings

    @property
    def slo(self) -> tuple[Slo, ...]:
        """The service levels of the scenario, with what was measured."""
        return self.result.slo

    @property
    def report(self) -> Path:
        """report.html of the run directory."""
        return self.folder / PAGE_FILE

    def metric(self, name: str, by: str = "all", cell: str = "") -> Judged:
        """One cell of one metric.

        Args:
            name: pv, uv, opens or new_users.
            by: all, source, content, hour, day or page.
            cell: such as wechat_ad, (none) or 2026-03-01T09:00+08:00; empty for all.

        Raises:
            KeyError: no such cell was judged; with those that were.
        """
        cells = {one.cell: one for one in self.metrics if (one.metric, one.by) == (name, by)}
        if cell not in cells:
            known = ", ".join(map(repr, sorted(cells))) or "none"
            raise KeyError(f"no cell {cell!r} of {name} by {by} was judged; known: {known}")
        return cells[cell]

    def place(self, path: str) -> tuple[Path, int]:
        """Where something stands in the scenario file, which may have changed since: the file as given, and the line.

        Args:
            path: such as expect.slo[0]; what the file itself does not have is at the nearest place around it.

        Raises:
            UsageError: the run directory is damaged.
        """
        opened = open_run(self.folder)
        manifest = opened.manifest
        found = opened.scenario.complaint(path, "")
        own = Path(found.file) == self.folder / SCENARIO_FOLDER / manifest.file  # and not of an included file
        return Path(manifest.given or manifest.file), found.line if own else 1

    def __repr__(self) -> str:
        return f"<Run {self.result.scenario} in {self.folder}: {self.sentence}>"


def run_scenario(
    scenario: PathLike,
    *,
    target: str | None = None,
    visitors: int | None = None,
    seed: int = 1,
    speed: float | str | None = None,
    out: PathLike | None = None,
    users: int | None = None,
    rate: str | None = None,
    contract: str | None = None,
    namespace: str | None = None,
    adapter: str = "dmhub",
    path: str = DEFAULT_PATH,
    token_variable: str = "",
    allowed_hosts: Collection[str] = (),
    real_looking_identities: bool = False,
    workers: int = 1,
    listen: str | None = None,
    web_port: int | None = None,
    metrics: str | None = None,
    on_progress: Progress | None = None,
    on_prepared: Progress | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Send a scenario's visitors and judge what the collector counted.

    Args:
        scenario: the file.
        target: URL or target file of a collector; None: the embedded one is started, and ends with the run.
        visitors, seed, speed, users, rate: instead of what the scenario says; see `mpsim run --help`.
        speed: event time per wall time, or "flood": nobody waits.
        out: run directory, new or empty; None: reports/<scenario>-<time>/.
        token_variable: environment variable with the target's access token.
        allowed_hosts: hosts other than this machine that may be sent to and read from.
        workers: processes that send; more than one have a master.
        listen: HOST:PORT at which workers of other machines come; None: they are started here.
        web_port: Locust's own page there, on loopback.
        metrics: a port on loopback, or HOST:PORT, where Prometheus finds the run's numbers meanwhile; None: nowhere.
        on_progress: told of the load's progress a few times a second, and, as `live`, of what the totals must be by
            then (runs/following.py), for which at most a tenth of the time is taken.
        on_prepared: told once, before the first send, where the run lies and what it is.
        command: what does the same run again, for its report; empty: the mpsim command with these options.

    Raises:
        UsageError, ScenarioError, ConnectionFailed: nothing was sent, and no directory stays behind.
        ConnectionFailed: also where the totals cannot be read afterwards; the run directory stays.
        EngineError: our own fault; the run directory stays.
    """
    wanted = Wanted(
        scenario=Path(scenario),
        target=target,
        adapter=adapter,
        path=path,
        contract=contract,
        namespace=namespace,
        seed=seed,
        visitors=visitors,
        users=users,
        rate=rate,
        speed=None if speed is None else str(speed),
        workers=workers,
        out=None if out is None else Path(out),
        allowed_hosts=tuple(allowed_hosts),
        real_looking_identities=real_looking_identities,
        token_variable=token_variable,
    )
    wanted = _with_command(wanted, command)
    told, begun = [on_progress or _nobody], [on_prepared or _nobody]
    with ExitStack() as serving:
        if metrics is not None:
            serving.enter_context(_served(metrics, told, begun))
        follow = on_progress is not None or web_port is not None
        done = run(wanted, _each(told), prepared=_each(begun), web_port=web_port, listen=listen, follow=follow)
    return _run_of(done)


def plan_scenario(
    scenario: PathLike,
    *,
    target: str | None = None,
    visitors: int | None = None,
    seed: int = 1,
    speed: float | str | None = None,
    users: int | None = None,
    rate: str | None = None,
    contract: str | None = None,
    namespace: str | None = None,
    adapter: str = "dmhub",
    path: str = DEFAULT_PATH,
    allowed_hosts: Collection[str] = (),
    start: str | None = None,
) -> Planned:
    """The totals that an honest collector must show, by every kind of cell. Needs no network.

    Args:
        start: of the period, ISO 8601 with offset; None: as the scenario says.
        others: as for `run_scenario`, on which they have the same effect.

    Raises:
        UsageError, ScenarioError: the scenario or an option cannot be used.
    """
    return planned(
        Wanted(
            scenario=Path(scenario),
            target=target,
            adapter=adapter,
            path=path,
            contract=contract,
            namespace=namespace,
            seed=seed,
            visitors=visitors,
            users=users,
            rate=rate,
            speed=None if speed is None else str(speed),
            start=_instant(start),
            allowed_hosts=tuple(allowed_hosts),
        )
    )


def verify_run(folder: PathLike, *, allowed_hosts: Collection[str] = ()) -> Run:
    """Read the collector again and judge an earlier run from its ledger, also one that was cut short.

    Raises:
        UsageError: no run directory, or damaged; a host that was not allowed; a run that is still being sent.
        ConnectionFailed: the collector does not answer any more.
    """
    return _run_of(verify(Path(folder), allowed_hosts))


def read_run(folder: PathLike) -> Run:
    """An earlier run as it was judged.

    Raises:
        UsageError: no run directory, or damaged; or it was not judged yet.
    """
    place = Path(folder)
    file = place / RESULT_FILE
    if (place / "run.json").exists() and not file.exists():
        raise UsageError(f"{place} has no {RESULT_FILE}: the run was not judged yet; mpsim verify {place} does that")
    return Run(read_result(file), place)


def compare_runs(before: Run | PathLike, after: Run | PathLike, *, margin: float = MARGIN) -> Comparison:
    """What changed from one run to another of the same scenario, beyond noise.

    Args:
        before, after: runs, or their directories.
        margin: a latency that changed by no more is the same; 0.1 is 10 %.

    Raises:
        UsageError: no run directory, or one that was not judged yet; runs of different scenarios.
    """
    runs = [one if isinstance(one, Run) else read_run(one) for one in (before, after)]
    first, second = (judged_run(one.folder, one.result) for one in runs)
    return compare(first, second, margin)


@dataclass(frozen=True, slots=True)
class Collector:
    """The embedded collector while it runs."""

    url: str  # of events and totals alike; what --target takes
    database: Path

    def totals(self, by: str = "all") -> dict[str, dict[str, int | None]]:
        """Cell to metric to total, of everything that is stored; None for opens and new users of a page.

        Raises:
            ConnectionFailed: it does not answer.
        """
        cells = self._get("/monitor/totals", {"by": by})["cells"]
        return cast("dict[str, dict[str, int | None]]", cells)

    def events(self, kind: Literal["good", "bad"] = "good", most: int = 1_000) -> list[dict[str, Any]]:
        """The first stored events with when they came, the request that brought them and, of a bad one, the reason.

        Raises:
            ConnectionFailed: it does not answer.
        """
        return cast("list[dict[str, Any]]", self._get(f"/events/{kind}", {"max": most}))

    def _get(self, path: str, query: dict[str, str | int]) -> Any:
        try:
            reply = httpx.get(f"{self.url}{path}", params=query, timeout=_REPLY_SECONDS, trust_env=False)
            reply.raise_for_status()
            return reply.json()
        except (httpx.HTTPError, ValueError) as failed:
            raise ConnectionFailed(f"the embedded collector at {self.url} does not answer {path}: {failed}") from failed


@contextmanager
def serve_collector(
    database: PathLike | None = None,
    *,
    opens: str = "launch",
    user: User = "openid",
    day: str = "Asia/Shanghai",
    tenant: str = "",
    events: Sequence[str] = (),
    port: int = 0,
) -> Iterator[Collector]:
    """The embedded collector, on loopback, for as long as the block runs; to point a tracker or a run at.

    Args:
        database: its file, kept; None: a new one that goes with the block.
        opens, user, day: by which definitions it counts.
        tenant, events: whose events are good, and which custom events are registered; empty: any.
        port: 0 takes a free one.

    Raises:
        UsageError: a definition that is none.
        EngineError: it did not start.
    """
    try:
        definitions = Definitions(parse_opens(opens), user, day)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    with tempfile.TemporaryDirectory(prefix="mpsim-") as own:
        file = Path(own) / "collector.db" if database is None else Path(database)
        with embedded_collector(file, definitions, tenant, tuple(events), port=port) as url:
            yield Collector(url, file)


@contextmanager
def _served(address: str, told: list[Progress], begun: list[Progress]) -> Iterator[None]:
    """The run's numbers at an address; whoever is told of its beginning is told where they are."""
    # Only here: who asks for no metrics does not pay for the library.
    from simulator.runs.metrics_out import RunMetrics, metrics_address, serving  # noqa: PLC0415

    metrics = RunMetrics()
    with serving(metrics, *metrics_address(address)) as url:
        told.insert(0, metrics.tell)
        first = begun[0]
        begun[0] = lambda facts: first({**facts, "metrics": url})
        begun.append(metrics.begin)
        yield


def _each(listeners: Sequence[Progress]) -> Progress:
    def tell(facts: dict[str, Any]) -> None:
        for listener in listeners:
            listener(facts)

    return tell


def _nobody(_: dict[str, Any]) -> None:
    """Listen to nothing."""


def _run_of(done: Done) -> Run:
    return Run(done.result, done.folder)


def _instant(text: str | None) -> Ms | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as wrong:
        raise UsageError(f"start: {wrong}") from wrong


def _with_command(wanted: Wanted, typed: Sequence[str]) -> Wanted:
    return replace(wanted, command=tuple(typed) or command_of(wanted))

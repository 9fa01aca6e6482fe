"""A scenario file as a collector of tests; they share one run, sent when the first of them is about to begin."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simulator.api import Run, UsageError, run_scenario
from simulator.pytest_plugin.expectations import Expectation, expectations
from simulator.pytest_plugin.once import NoRun, run_once
from simulator.pytest_plugin.settings import settings_of
from simulator.runs.load_report import read_load_report
from simulator.scenario.load import load


class ScenarioFile(pytest.File):
    """One scenario file."""

    _run: Run | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Its tests; a file that cannot be used is an error with its lines."""
        try:
            scenario = load(self.path).scenario
        except UsageError as wrong:
            raise self.CollectError(str(wrong)) from None
        for one in expectations(scenario.expect.slo):
            line = scenario.complaint(one.place, "").line
            yield ScenarioItem.from_parent(self, name=one.name, expectation=one, line=line)

    def run(self) -> Run:
        """The run that all tests of the file are about.

        Raises:
            NoRun: there is none, and why.
        """
        if self._run is None:
            self._run = run_once(_shared(self.config), str(self.path), self._send)
        return self._run

    def _send(self) -> Run:
        settings = settings_of(self.config)
        place = settings.out or _shared(self.config)
        name = f"{self.path.stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}"
        run = run_scenario(_shown(self.path), out=place / name, **settings.for_run())
        if read_load_report(run.folder).interrupted_by_signal:
            raise KeyboardInterrupt  # which the run took, to end in order
        return run


class ScenarioItem(pytest.Item):
    """One expectation of a scenario."""

    def __init__(self, *, expectation: Expectation, line: int, **others: Any) -> None:
        super().__init__(**others)
        self._expectation = expectation
        self._line = line  # 1-based

    def setup(self) -> None:
        """Have the scenario run, if it has not yet."""
        assert isinstance(self.parent, ScenarioFile)
        try:
            run = self.parent.run()
        except NoRun as why:
            raise pytest.fail.Exception(f"{self.parent.nodeid} was not run: {why}", pytrace=False) from None
        self.user_properties += [("mpsim_verdict", run.verdict), ("mpsim_report", str(run.report))]

    def runtest(self) -> None:
        """Pass, fail or skip as the expectation says."""
        assert isinstance(self.parent, ScenarioFile)
        said = self._expectation.judge(self.parent.run())
        if said.outcome == "skip":
            raise pytest.skip.Exception(said.text, _use_item_location=True)
        if said.outcome == "fail":
            pytest.fail(said.text, pytrace=False)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where it stands in the scenario file, and its name."""
        return self.path, self._line - 1, f"{self.path.name}: {self.name}"


def _shared(config: pytest.Config) -> Path:
    """A folder of this session, the same for all its processes; pytest keeps those of the last few sessions."""
    factory: pytest.TempPathFactory | None = getattr(config, "_tmp_path_factory", None)
    if factory is None:
        raise NoRun("pytest's tmpdir plugin is switched off, and a run needs a directory")
    base = factory.getbasetemp()
    return (base.parent if hasattr(config, "workerinput") else base) / "mpsim"


def _shown(path: Path) -> Path:
    """As somebody in the current directory would type it: the report repeats it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path

"""mpsim in pytest: scenario files collected as tests, and fixtures; pytest finds it by its entry point.

    recognising.py    which YAML files are scenarios
    settings.py       the options and their ini names
    collecting.py     a scenario file as a collector, its tests as items
    expectations.py   what the tests of a scenario are, and what each says of a run
    once.py           a scenario runs once, however many processes its tests are spread over

Nothing is imported here that a session without scenarios would pay for, and nothing of Locust ever. What a run is and
how it is judged is not here: this is one more face of simulator/api.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator.pytest_plugin.recognising import is_scenario
from simulator.pytest_plugin.settings import add_options, settings_of

if TYPE_CHECKING:
    from simulator.api import Collector, Run

_SUFFIXES = frozenset({".yaml", ".yml"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pytest --help`, group "mpsim"."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Tell of an option that cannot be used before anything is collected."""
    settings_of(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file as a collector of tests; any other file is left alone."""
    if file_path.suffix not in _SUFFIXES or not is_scenario(file_path):
        return None
    from simulator.pytest_plugin.collecting import ScenarioFile

    made: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return made


@pytest.fixture
def mpsim_collector(tmp_path: Path) -> Iterator[Collector]:
    """The embedded collector on a free loopback port, with nothing stored, for one test.

    `url` is what a tracker or a run is pointed at; `totals(by)` and `events(kind)` are what it has counted and stored.
    For other definitions, or for longer than a test, use simulator.api.serve_collector in a fixture of your own.
    """
    from simulator.api import serve_collector

    with serve_collector(tmp_path / "mpsim-collector.db") as collector:
        yield collector


@pytest.fixture
def run_scenario(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Run]:
    """simulator.api.run_scenario with the session's options as defaults and its run directory in `tmp_path`.

    A relative path leads from the test's file or, where there is none, from the root directory of the session.
    """
    from simulator.api import run_scenario as run

    given = settings_of(request.config).for_run()
    made: list[Path] = []

    def run_with_settings(scenario: str | Path, **options: Any) -> Run:
        made.append(tmp_path / f"mpsim-run-{len(made) + 1}")
        file = _found(Path(scenario), request)
        return run(file, **{"out": made[-1], **given, **options})

    return run_with_settings


def _found(scenario: Path, request: pytest.FixtureRequest) -> Path:
    beside, below = request.path.parent / scenario, request.config.rootpath / scenario
    return below if not beside.exists() and below.exists() else beside

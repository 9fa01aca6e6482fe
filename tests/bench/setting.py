"""How large the benchmarks are: as the table wants them, or small, as a check that they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Row
from tests.bench.machine import Cores


@dataclass(frozen=True, slots=True)
class Setting:
    """One call of the benchmarks."""

    folder: Path  # a temporary one; each row has a folder of its own below it
    cores: Cores
    say: Callable[[str], None]  # tells of the progress
    rounds: int = 5
    seconds: float = 6.0  # of one measurement
    access_log: bool = False  # whether nginx writes one meanwhile
    warm_up: int = 2_000  # visitors of the run from which the others' size is taken
    waiting: int = 1_000_000  # visitors
    most_mib: int = 3_072  # of memory for them, at which the benchmark gives up
    planned: int = 20_000  # visitors that are planned and encoded
    verified: int = 80_000  # visitors of the run that is verified
    search: int = 6  # trials for the highest rate that is held
    small: bool = False

    def of(self, name: str) -> Path:
        """The folder of a row."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder


def small(setting: Setting) -> Setting:
    """The same, as small as it still runs: no figure of it means anything."""
    return Setting(
        setting.folder,
        setting.cores,
        setting.say,
        rounds=1,
        seconds=0.4,
        access_log=setting.access_log,
        warm_up=60,
        waiting=150,
        planned=200,
        verified=200,
        search=1,
        small=True,
    )


Measure = Callable[[Setting], Row]

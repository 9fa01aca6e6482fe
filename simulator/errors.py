"""Errors that a person can do something about.

    MpsimError                  anything below; its text is for the user, never a traceback
    ├── UsageError              a wrong option or argument                       exit 5
    │   └── ScenarioError       a scenario or target file that cannot be used    exit 5
    ├── ConnectionFailed        no collector before the first event              exit 6
    └── EngineError             our own fault, with what we know of it           exit 7

The exit codes are given in entry.py. Whatever else reaches a command line is a bug of ours and exits 7 as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MpsimError(Exception):
    """Base of every error whose text is meant for the person at the keyboard."""


class UsageError(MpsimError):
    """A wrong option, argument, file or permission: exit 5."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with a file, and where."""

    file: str
    line: int  # 1-based
    column: int  # 1-based
    path: str  # such as journeys.browse.steps[2].view; empty for the whole file
    text: str  # what is wrong, what was expected, did you mean

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where}  {self.path}  {self.text}" if self.path else f"{where}  {self.text}"


class ScenarioError(UsageError):
    """A scenario, target or contract file that cannot be used; carries every complaint found."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


class ConnectionFailed(MpsimError):
    """Nobody answered before the first event was sent: exit 6."""


class EngineError(MpsimError):
    """Our own fault: a self-check that failed, a full disk, a bug: exit 7."""

"""How a process of ours takes its options and how it ends: the one table from an error to an exit code.

For `mpsim` and for the small entries beside it (`python -m simulator.collector` and others). What the errors mean is in
errors.py, what the codes mean in finding.py; which of several reasons decides a run's code is verify/verdict.py.
"""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from simulator.errors import ConnectionFailed, EngineError, MpsimError, ScenarioError, UsageError
from simulator.finding import ExitCode


def exit_code_of(error: Exception) -> ExitCode:
    """What a process ends with that cannot go on for this error; whatever is none of ours is a bug of ours."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, ConnectionFailed):
        return ExitCode.NO_CONNECTION
    return ExitCode.OWN_FAULT


def error_of(code: int) -> type[MpsimError]:
    """The same read backwards: what kept another process of ours from going on."""
    kinds: dict[int, type[MpsimError]] = {ExitCode.USAGE: UsageError, ExitCode.NO_CONNECTION: ConnectionFailed}
    return kinds.get(code, EngineError)


def tell(program: str, error: MpsimError) -> ExitCode:
    """Say an error on standard error, and what the process ends with.

    Args:
        program: stands before the text; not before complaints about a file, which begin with its name.
    """
    code = exit_code_of(error)
    prefix = "" if isinstance(error, ScenarioError) else f"{program}: "
    fault = "our own fault: " if code is ExitCode.OWN_FAULT else ""
    print(f"{prefix}{fault}{error}", file=sys.stderr)
    return code


class Parser(argparse.ArgumentParser):
    """argparse, with its errors as ours.

    Raises:
        UsageError: from `parse_args`, where argparse would end the process with 2.
    """

    def error(self, message: str) -> NoReturn:
        """Raise what argparse complains of."""
        raise UsageError(message)

"""Where commands print: rich's console, without its habit of ending the process on a closed pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console


class Terminal(Console):
    """A reader that has seen enough (`| head`) must not change a run's exit code."""

    def on_broken_pipe(self) -> None:
        """Print the rest to nowhere, and let the command end with its own code."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def terminal(*, stderr: bool = False) -> Console:
    """The console of a command."""
    return Terminal(stderr=stderr)

"""`python -m simulator.collector.faults FAULT --db FILE …`: the embedded collector with one fault, as a process."""

from __future__ import annotations

import sys

from simulator.collector.__main__ import parse
from simulator.collector.faults import named
from simulator.collector.server import serve
from simulator.entry import tell
from simulator.errors import MpsimError
from simulator.finding import ExitCode


def main() -> int:
    """Run one command line, those of `python -m simulator.collector` behind the name of a fault."""
    name, *arguments = sys.argv[1:] or [""]
    try:
        serve(parse(arguments), named(name).build)
    except MpsimError as wrong:
        return tell("collector", wrong)
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())

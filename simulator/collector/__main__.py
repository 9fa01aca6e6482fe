"""`python -m simulator.collector`: the embedded collector as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from simulator.collector.options import CollectorOptions
from simulator.contract import Definitions, parse_opens
from simulator.entry import Parser, tell
from simulator.errors import MpsimError, UsageError
from simulator.finding import ExitCode


def parse(arguments: Sequence[str]) -> CollectorOptions:
    """The options of a command line.

    Raises:
        UsageError: one of them is wrong.
    """
    parser = Parser(prog="python -m simulator.collector", description="the embedded collector, until SIGTERM")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--db", type=Path, required=True, help="database file; created when it does not exist")
    parser.add_argument("--opens", default="launch", help="launch, timeout=DURATION or every-foreground")
    parser.add_argument("--user", choices=("device", "openid", "customer"), default="openid")
    parser.add_argument("--day", default="Asia/Shanghai", metavar="ZONE", help="the zone of hours and days")
    parser.add_argument("--token", default="", help="access token that the OpenAPI asks for")
    parser.add_argument("--tenant", default="", help="events of another tenant are bad")
    parser.add_argument("--parent", type=int, default=0, metavar="PID", help="end when this process is no longer ours")
    parser.add_argument("--no-fsync", dest="fsync", action="store_false", help="do not wait for the disk: what is "
                        "stored survives the death of the process, and no power cut")  # fmt: skip
    parser.add_argument("--events", metavar="A,B", help="registered c_ events; others are bad")
    given = parser.parse_args(arguments)
    try:
        definitions = Definitions(parse_opens(given.opens), given.user, given.day)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    return CollectorOptions(
        db=given.db,
        host=given.host,
        port=given.port,
        definitions=definitions,
        token=given.token,
        tenant=given.tenant,
        fsync=given.fsync,
        parent=given.parent,
        events=None if given.events is None else frozenset(name for name in given.events.split(",") if name),
    )


def main() -> int:
    """Run one command line and return its exit code."""
    try:
        options = parse(sys.argv[1:])
        from simulator.collector.server import serve  # noqa: PLC0415  a wrong option need not wait for a web server

        serve(options)
    except MpsimError as wrong:
        return tell("collector", wrong)
    return ExitCode.PASS


if __name__ == "__main__":
    sys.exit(main())

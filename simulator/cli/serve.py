"""`mpsim serve`: the embedded collector with its monitor page."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.collector.options import CollectorOptions
from simulator.collector.server import serve
from simulator.contract import Definitions, User, parse_opens
from simulator.errors import UsageError
from simulator.finding import ExitCode


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--db", default="mpsim.db", show_default=True, type=click.Path(path_type=Path), help="Database file.")
@click.option("--opens", default="launch", show_default=True, help="launch, timeout=30m or every-foreground.")
@click.option(
    "--user",
    default="openid",
    show_default=True,
    type=click.Choice(["device", "openid", "customer"]),
    help="Who is one user.",
)
@click.option("--day", default="Asia/Shanghai", show_default=True, help="Time zone of hours and days.")
@click.option("--token", default="", help="Access token that the OpenAPI calls then need.")
@click.option("--tenant", default="", help="Tenant whose events are good; none: any.")
@click.option("--events", default=None, metavar="A,B", help="Registered custom events; without it any is good.")
def command(
    host: str, port: int, db: Path, opens: str, user: User, day: str, token: str, tenant: str, events: str | None
) -> int:
    """Serve the embedded collector until Ctrl-C."""
    try:
        definitions = Definitions(parse_opens(opens), user, day)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    registered = frozenset(filter(None, events.split(","))) if events is not None else None
    serve(CollectorOptions(db, host, port, definitions, token, tenant, registered))
    return ExitCode.PASS

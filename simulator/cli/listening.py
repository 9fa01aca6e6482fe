"""The options of `mpsim inspect --listen` and `--capture`: a listening, and a recorded one judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.cli.terminal import terminal
from simulator.errors import UsageError
from simulator.inspect.case import Facts
from simulator.inspect.listening.address import read_address
from simulator.inspect.listening.noting import Judged
from simulator.inspect.listening.reading import Format
from simulator.inspect.listening.recorded import read_recorded
from simulator.inspect.listening.session import Options, listen_to_phones
from simulator.inspect.rule import Level
from simulator.report.listening.capture import print_capture
from simulator.report.listening.page import listening_page
from simulator.report.listening.terminal import Terminal, print_summary
from simulator.scenario.load import load_scenario
from simulator.scenario.target import read_target
from simulator.times import parse_duration
from simulator.traffic.target_files import known_adapters
from simulator.traffic.targets import check_target
from simulator.wire.options import WireOptions

Function = TypeVar("Function", bound=Callable[..., Any])
_ANY_APPID = "wx0000000000000000"  # nothing that is read depends on it

_FILE = click.Path(path_type=Path, dir_okay=False)

_OPTIONS = (
    click.option(
        "--listen",
        is_flag=False,
        flag_value="127.0.0.1:8001",
        default=None,
        metavar="[ADDR]",
        help="Capture what a phone or WeChat DevTools sends to this address (127.0.0.1:8001 unless given).",
    ),
    click.option("--capture", type=_FILE, default=None, metavar="FILE", help="Judge what --listen --out recorded."),
    click.option("--pass-on", default=None, metavar="URL", help="--listen: send every request on to this collector."),
    click.option("--for", "seconds", default=None, metavar="DURATION", help='--listen: end after so long, as "30s".'),
    click.option(
        "--events",
        "most_events",
        type=click.IntRange(1),
        default=None,
        metavar="N",
        help="--listen: end after N.",
    ),
    click.option("--tls-cert", "certificate", type=_FILE, default=None, metavar="PEM", help="--listen: speak https."),
    click.option("--tls-key", "key", type=_FILE, default=None, metavar="PEM", help="Its key, where it is apart."),
)


def listening_options(function: Function) -> Function:
    """Give a command the options of a listening."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), function)


def listen_for(
    listen: str,
    *,
    pass_on: str | None,
    allowed_hosts: Collection[str],
    seconds: str | None,
    most_events: int | None,
    certificate: Path | None,
    key: Path | None,
    out: Path | None,
    scenario: Path | None,
    target: Path | None,
    quiet: bool,
    levels: Mapping[str, Level] | None = None,
) -> int:
    """Listen, show what comes, and end with what it came to.

    Args:
        levels: of rules, where they are not the rules' own.

    Raises:
        UsageError: an option that does not fit.
        EngineError: the capture file could not be written any more.
    """
    options = Options(
        address=read_address(listen),
        form=_format(scenario, target, levels),
        pass_on=check_target(pass_on, allowed_hosts, "--pass-on") if pass_on is not None else "",
        out=out,
        most_events=most_events,
        most_seconds=_seconds(seconds),
        certificate=certificate,
        key=key,
    )
    console = terminal()
    face = Terminal(console, quiet=quiet)
    try:
        summary = listen_to_phones(options, listening_page(), face)
    finally:
        face.end()
    print_summary(console, summary)
    return summary.exit_code


def judge_capture(
    path: Path, *, scenario: Path | None, target: Path | None, fail_on: str, levels: Mapping[str, Level] | None = None
) -> int:
    """Judge a recorded capture by the rules, and end with what they say.

    Raises:
        UsageError: no capture, or an option that does not fit.
    """
    form = _format(scenario, target, levels)
    recorded = read_recorded(path, form)
    inspection = recorded.inspected(form.judged)
    code = recorded.exit_code(inspection, Level(fail_on))
    print_capture(terminal(), recorded, inspection, code)
    return code


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        duration = parse_duration(text)
    except ValueError as wrong:
        raise UsageError(f"--for {text}: {wrong}") from wrong
    if not duration:
        raise UsageError(f'--for {text}: expected a duration longer than nothing, such as "30s"')
    return duration / 1000


def _format(scenario: Path | None, target: Path | None, levels: Mapping[str, Level] | None) -> Format:
    """How requests are read: by the target file's adapter, and with what the scenario says of the app."""
    options, facts = WireOptions(_ANY_APPID, "", "", ""), None
    if scenario is not None:
        app = load_scenario(scenario).app
        options = WireOptions(app.appid, app.name, app.tenant, "", events=tuple(app.events))
        facts = Facts(app.appid, frozenset(app.events), frozenset(app.identity_types))
    judged = Judged(facts, levels or {})
    if target is None:
        return Format(options, judged=judged)
    given = read_target(target, known_adapters())
    return Format(options, given.adapter, given.options, judged)

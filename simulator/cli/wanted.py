"""The options that `run` and `plan` share, once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.traffic.making import BOUNDS, Wanted, typed_again
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import adapter_names

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("scenario", type=click.Path(path_type=Path)),
    click.option(
        "--target", default=None, metavar="URL|FILE", help="A collector; without it the embedded one is started."
    ),
    click.option(
        "--allow-host",
        "allowed_hosts",
        multiple=True,
        metavar="HOST",
        help="Load may go to this host, or be read there.",
    ),
    click.option(
        "--seed", type=click.IntRange(*BOUNDS["seed"]), default=1, show_default=True, help="Draws another plan."
    ),
    click.option("--namespace", default=None, help="Enters every identity, so that runs on one collector stay apart."),
    click.option(
        "--visitors", type=click.IntRange(*BOUNDS["visitors"]), default=None, help="Instead of the scenario's count."
    ),
    click.option(
        "--users", type=click.IntRange(*BOUNDS["users"]), default=None, help="Closed model with so many Locust lanes."
    ),
    click.option("--rate", default=None, metavar="R", help='Open model at this rate, such as "50/s".'),
    click.option("--speed", default=None, metavar="S", help='Event time per wall time, or "flood": nobody waits.'),
    click.option(
        "--contract",
        default=None,
        metavar="NAME|FILE",
        help="Definitions and promises of the collector; by default opens: launch, user: openid, day: Asia/Shanghai, "
        "dedupe: by_id, time: event.",
    ),
    click.option(
        "--adapter",
        default="dmhub",
        show_default=True,
        type=click.Choice(sorted(adapter_names())),
        help="Wire format of the events.",
    ),
    click.option("--path", default=DEFAULT_PATH, show_default=True, help="Path of the event request."),
)


def planning_options(function: Function) -> Function:
    """Give a command the options on which a plan depends."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), function)


def wanted_of(options: dict[str, Any], **more: Any) -> Wanted:
    """The parsed options as the value that runs/ takes."""
    return Wanted(**options, command=as_typed(), **more)


def as_typed() -> tuple[str, ...]:
    """The command line without the run directory: it does the same run again."""
    return ("mpsim", *typed_again(sys.argv[1:], "--out"))

"""The options of `mpsim inspect APP_DIR`, and the inspection itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.cli.terminal import terminal
from simulator.errors import UsageError
from simulator.inspect.config import read_domains
from simulator.inspect.inspection import read_levels
from simulator.inspect.rule import Level
from simulator.inspect.rules import RULES
from simulator.inspect.variant import whole_program
from simulator.report import words
from simulator.report.inspection.folder import write_inspection
from simulator.report.inspection.junit import junit_xml
from simulator.report.inspection.outcome import Outcome, json_text
from simulator.report.inspection.page import page_html
from simulator.report.inspection.sarif import sarif_text
from simulator.report.inspection.text import print_inspection
from simulator.runs.inspecting import USUAL_VISITORS, Asked, run_inspection
from simulator.traffic.making import BOUNDS, Wanted

Function = TypeVar("Function", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
_PRINTED: dict[str, Callable[[Outcome], str]] = {
    "json": json_text,
    "junit": lambda outcome: junit_xml(outcome).decode(),
    "sarif": sarif_text,
    "html": page_html,
}

_OPTIONS = (
    click.option(
        "--seed", type=click.IntRange(*BOUNDS["seed"]), default=1, show_default=True, help="Draws another plan."
    ),
    click.option(
        "--visitors", type=click.IntRange(1, 100_000), default=None, help=f"How many; {USUAL_VISITORS} unless given."
    ),
    click.option("--contract", default=None, metavar="NAME|FILE", help="Definitions of the four totals."),
    click.option("--rule", "rules", multiple=True, metavar="CODE=LEVEL", help="off, info, warning or error."),
    click.option("--rules", "list_rules", is_flag=True, help="Print the rules, and end."),
    click.option("--config", type=_FILE, default=None, help="Instead of APP_DIR/inspect.toml."),
    click.option("--answers", type=_FILE, default=None, help="Instead of APP_DIR/mpsim.answers.json: your backend."),
    click.option("--domains", type=_FILE, default=None, help="The list of legal request domains, one a line."),
    click.option("--baseline", type=_FILE, default=None, help="Known findings, which do not fail."),
    click.option("--write-baseline", type=_FILE, default=None, help="Write what is found as known."),
    click.option(
        "--fail-on",
        type=click.Choice([level.value for level in Level if level is not Level.OFF]),
        default="warning",
        show_default=True,
        help="The least grave level that fails.",
    ),
    click.option("--no-trials", is_flag=True, help="Leave out the visits to a collector in trouble."),
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", *_PRINTED]),
        default="text",
        show_default=True,
        help="What is printed; --out writes all of them.",
    ),
)


def inspecting_options(function: Function) -> Function:
    """Give a command the options of an inspection."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), function)


def print_rules() -> int:
    """The rules, a line each."""
    for rule in RULES:
        click.echo(f"{rule.code:<20} {rule.level.value:<8} {rule.title}")
    return 0


def inspect_program(
    folder: Path,
    *,
    scenario: Path | None,
    seed: int,
    visitors: int | None,
    contract: str | None,
    target: Path | None,
    rules: tuple[str, ...],
    config: Path | None,
    answers: Path | None,
    domains: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    fail_on: str,
    no_trials: bool,
    form: str,
    out: Path | None,
    quiet: bool,
) -> int:
    """Drive the journeys through a mini program, and tell what is found.

    Raises:
        UsageError, ScenarioError: an option, the folder or the scenario cannot be used.
    """
    if scenario is None:
        raise UsageError("expected --journeys SCENARIO, the visits that drive the mini program")
    asked = Asked(
        folder=folder,
        name=str(folder),
        wanted=Wanted(
            scenario=scenario,
            seed=seed,
            visitors=visitors or USUAL_VISITORS,
            contract=contract,
            target=None if target is None else str(target),
            namespace="",
        ),
        config=config,
        answers=answers,
        levels=read_levels(rules),
        domains=None if domains is None else read_domains(domains),
        fails=Level(fail_on),
        baseline=baseline,
        new_baseline=write_baseline,
        with_trials=not no_trials,
    )
    live = sys.stderr.isatty() and not quiet
    with whole_program(folder) as whole:
        outcome = run_inspection(replace(asked, folder=whole), _show if live else None)
    if live:
        sys.stderr.write("\r\x1b[K")
    page = write_inspection(out, outcome) if out is not None else None
    if form == "text":
        print_inspection(terminal(), outcome)
        if page is not None and not quiet:
            click.echo(f"report: {page}")
        if write_baseline is not None and not quiet:
            known = words.plural(len(outcome.inspection.findings), "finding")
            click.echo(f"{known} written to {write_baseline}, to be named by --baseline")
    else:
        click.echo(_PRINTED[form](outcome), nl=False)
    return int(outcome.exit_code)


def _show(done: int, of: int) -> None:
    sys.stderr.write(f"\r\x1b[K{done:,} of {words.plural(of, 'visitor')}")
    sys.stderr.flush()

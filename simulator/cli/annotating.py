"""The option --annotations of `run`, `verify` and `report`: what a pipeline shows beside the scenario file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from simulator.api import Run
from simulator.errors import EngineError
from simulator.report.annotations import (
    CODE_QUALITY_FILE,
    SERVICES,
    Service,
    annotations_of,
    github_text,
    shown_file,
    write_gitlab,
)

Function = TypeVar("Function", bound=Callable[..., Any])

_TOLD_BY: tuple[tuple[str, Service], ...] = (("GITHUB_ACTIONS", "github"), ("GITLAB_CI", "gitlab"))
_ROOTS: dict[Service, str] = {"github": "GITHUB_WORKSPACE", "gitlab": "CI_PROJECT_DIR"}  # of the checkout


def annotation_option(function: Function) -> Function:
    """Give a command the option."""
    return click.option(
        "--annotations",
        "service",
        type=click.Choice([*SERVICES, "auto"]),
        default=None,
        help=f"What is wrong, beside the scenario file: for GitHub on standard output, for GitLab as "
        f"{CODE_QUALITY_FILE} in the run directory; auto: of the one in whose pipeline this runs, if any.",
    )(function)


def annotate(run: Run, asked: str | None) -> None:
    """Tell a pipeline of a run, where that is asked for.

    Raises:
        EngineError: the report cannot be written.
    """
    service = _of_environment() if asked == "auto" else next((one for one in SERVICES if one == asked), None)
    if service is None:
        return
    found = annotations_of(run.result, lambda path: run.place(path)[1])
    root = Path(os.environ.get(_ROOTS[service]) or Path.cwd())
    file = shown_file(run.place("scenario")[0], root)
    if service == "github":
        click.echo(github_text(found, file), nl=False)
        return
    try:
        write_gitlab(run.folder / CODE_QUALITY_FILE, found, file)
    except OSError as full:
        raise EngineError(f"{run.folder / CODE_QUALITY_FILE} cannot be written: {full.strerror}") from full


def _of_environment() -> Service | None:
    return next((service for variable, service in _TOLD_BY if os.environ.get(variable) == "true"), None)

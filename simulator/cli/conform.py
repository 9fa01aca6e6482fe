"""`mpsim conform`: the conformance suite against one or more collectors, and the definitions that they use."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import click

from simulator.cli.terminal import terminal
from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.report.conform_files import file_name, write_conform
from simulator.report.conform_text import print_found, print_matrix
from simulator.report.disk import write_whole
from simulator.runs.conform.cases import VERSION, chosen, suite
from simulator.runs.conform.conforming import Conformed, conform, discovered
from simulator.runs.conform.standing import Wanted
from simulator.traffic.making import typed_again
from simulator.wire.options import DEFAULT_PATH
from simulator.wire.registry import adapter_names


@click.command("conform")
@click.option("--target", "targets", multiple=True, metavar="URL|FILE",
              help="A collector; several stand side by side. Without one the embedded one is started.")  # fmt: skip
@click.option("--contract", metavar="NAME|FILE", default=None,
              help="What the collectors promise; what it leaves out is found out.")  # fmt: skip
@click.option("--only", multiple=True, metavar="PATTERN", help="Cases or areas, such as opens or 'visitors-*'.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=None,
              help="Directory of the results; with --discover the contract file.")  # fmt: skip
@click.option("--discover", is_flag=True, help="Only find out the definitions, and write them as a contract file.")
@click.option("--list", "list_only", is_flag=True, help="Name the cases and try nothing.")
@click.option("--adapter", type=click.Choice(adapter_names()), default="dmhub", show_default=True,
              help="Wire format, for a URL.")  # fmt: skip
@click.option("--path", default=DEFAULT_PATH, show_default=True, help="Path of the event request, for a URL.")
@click.option("--token-env", "token_variable", default="", metavar="NAME", help="Variable with the token, for a URL.")
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Events may go to this host.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    targets: tuple[str, ...],
    contract: str | None,
    only: tuple[str, ...],
    out: Path | None,
    *,
    discover: bool,
    list_only: bool,
    adapter: str,
    path: str,
    token_variable: str,
    allowed_hosts: tuple[str, ...],
    quiet: bool,
) -> int:
    """Send small, exact cases to collectors, and hold what they count against their definitions.

    Definitions that neither --contract nor the target file states are found out first. Cases and probes send events of
    the past, for discovery back to 1971: use a tenant for tests.
    """
    wanted = Wanted(targets, contract, adapter, path, token_variable, allowed_hosts)
    if list_only:
        return _list(only)
    if discover:
        return _discover(wanted, only, out, _Progress(quiet))
    cases = chosen(only, suite())
    progress = _Progress(quiet)
    again = shlex.join(["mpsim", *typed_again(sys.argv[1:], "--out", "-o")])
    with _folder(out) as folder:
        done = conform(wanted, cases, again, progress)
        progress.end()
        files = _write(folder, done)
    print_matrix(terminal(), done.matrix, files)
    return done.matrix.exit_code


def _list(only: tuple[str, ...]) -> int:
    cases = chosen(only, suite())
    width = max(len(case.id) for case in cases)
    for case in cases:
        click.echo(f"{case.id:{width}}  {case.section.title}")
    click.echo(f"{len(cases)} cases of version {VERSION} of the suite")
    return ExitCode.PASS


def _discover(wanted: Wanted, only: tuple[str, ...], out: Path | None, progress: _Progress) -> int:
    if only:
        raise UsageError("--only chooses cases, and --discover tries none; leave one of the two out")
    if out is not None and len(wanted.targets) > 1:
        raise UsageError("-o names one contract file, and several targets are given; discover them one by one")
    if out is not None:
        _check_file(out)
    results = discovered(wanted, progress)
    progress.end()
    for facts, found, text in results:
        print_found(terminal(stderr=True), facts, found.unknown)
        if out is None:
            click.echo(text, nl=False)
        else:
            _save(out, text)
            click.echo(f"{out}: mpsim run SCENARIO --target {facts.url} --contract {out}", err=True)
    return ExitCode.INCOMPLETE if any(found.unknown for _, found, _ in results) else ExitCode.PASS


def _check_file(out: Path) -> None:
    """Before anything is sent."""
    if out.is_dir():
        raise UsageError(f"{out} is a directory; with --discover -o names the contract file")
    if not out.parent.is_dir():
        raise UsageError(f"{out} cannot be written: there is no directory {out.parent}")


def _save(out: Path, text: str) -> None:
    try:
        write_whole(out, text.encode("utf-8"))
    except OSError as failed:
        raise UsageError(f"{out} cannot be written: {failed.strerror}") from failed


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The directory of the results, made before anything is sent; it goes again where nothing comes into it."""
    folder = out or Path("reports") / f"conform-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty; name a new directory with -o")
    except OSError as failed:
        raise UsageError(f"{folder} cannot be written: {failed.strerror}") from failed
    try:
        yield folder
    finally:
        with suppress(OSError):  # it holds the results
            folder.rmdir()


def _write(folder: Path, done: Conformed) -> list[str]:
    page = write_conform(folder, done.matrix)
    files = []
    for name, text in done.contracts.items():
        file = folder / (f"contract-{file_name(name)}.yaml" if len(done.matrix.targets) > 1 else "contract.yaml")
        write_whole(file, text.encode("utf-8"))
        files.append(f"Definitions found: {file}")
    return [*files, f"Report: {page}"]


class _Progress:
    """What is going on: one line that changes on a terminal, nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._live = sys.stderr.isatty() and not quiet

    def __call__(self, target: str, what: str) -> None:
        if self._live:
            sys.stderr.write(f"\r\x1b[K{target}: {what}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

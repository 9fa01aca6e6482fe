"""`mpsim selftest`: the kill matrix, and the false-alarm runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.collector.faults import registered
from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.runs import false_alarms
from simulator.runs.selftest import Asked, Matrix, faults_named, selftest
from simulator.runs.trial import Standing, Tried

_FULL_SEEDS, _FULL_ALARM_SEEDS = 5, 300
_ALARM_SEEDS = 9  # any nine in a row have every pair of definitions
_MOST_NAMED = 3  # visitors who show a fault again
_COLOURS = {Standing.KILLED: "green", Standing.PASSED: "green", Standing.WRONG_FINDING: "yellow"}


@click.command("selftest")
@click.argument("faults", nargs=-1, metavar="[FAULT]...")
@click.option(
    "--full",
    is_flag=True,
    help=f"{_FULL_SEEDS} seeds, --repeat, --replay, and {_FULL_ALARM_SEEDS} runs a kind behind a failing network.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=None, help="How many plans of each scenario.")
@click.option("--alarms", type=click.IntRange(0, 100_000), default=None,
              help="Runs of each kind behind a failing network; none by default where FAULTs are named.")  # fmt: skip
@click.option("--repeat", is_flag=True, help="Each kill once more, by as few visitors as show it: mostly by one alone.")
@click.option("--replay", is_flag=True, help="And mpsim replay of that visitor; with --repeat, and the first seed.")
@click.option("--jobs", type=click.IntRange(1, 64), default=None, help="Trials at once; default: two a core.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Keep the run directories there.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The matrix as JSON.")
@click.option("--list", "list_only", is_flag=True, help="Name the faults and try nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    faults: tuple[str, ...],
    *,
    full: bool,
    seeds: int | None,
    alarms: int | None,
    repeat: bool,
    replay: bool,
    jobs: int | None,
    out: Path | None,
    as_json: bool,
    list_only: bool,
    quiet: bool,
) -> int:
    """Prove that wrong collectors are caught: seeded FAULTs (all by default) against the scenarios that cover them.

    Exit code 0 when every faulty collector failed for the declared reason and every honest one passed, else 7.
    """
    if replay and not repeat:
        raise UsageError("--replay needs --repeat: it replays the visitors who showed a fault again")
    chosen = faults_named(faults)
    if list_only:
        _print_list()
        return ExitCode.PASS
    if alarms is None:
        alarms = 0 if faults else _FULL_ALARM_SEEDS if full else _ALARM_SEEDS
    asked = Asked(
        chosen,
        tuple(range(1, 1 + (seeds or (_FULL_SEEDS if full else 1)))),
        tuple(range(1, 1 + alarms)),
        repeat=full or repeat,
        replay=full or replay,
        keep=out,
        jobs=jobs or 0,
    )
    matrix = selftest(asked, _Progress(quiet))
    if as_json:
        click.echo(json.dumps(matrix.as_json(), ensure_ascii=False, indent=2))
    else:
        _print(Console(), matrix)
    return ExitCode.PASS if matrix.is_good else ExitCode.OWN_FAULT


class _Progress:
    """How far it is: one line that changes on a terminal, nothing elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._live = sys.stderr.isatty() and not quiet

    def __call__(self, one: Tried | false_alarms.Tried, done: int, count: int) -> None:
        if self._live:
            line = "" if done == count else f"{done} of {count}: {_name(one)}, {_state(one)}"
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()


def _name(one: Tried | false_alarms.Tried) -> str:
    seed = f"seed {one.trial.seed}"
    if isinstance(one, false_alarms.Tried):
        return f"{one.trial.kind} collector behind a failing network, {seed}"
    fault = one.trial.fault
    return f"{fault.name if fault is not None else 'honest collector'}, {one.trial.scenario}, {seed}"


def _state(one: Tried | false_alarms.Tried) -> str:
    if isinstance(one, Tried):
        return one.standing.value
    return "as it must be" if one.is_good else "WRONG"


def _trouble(one: Tried | false_alarms.Tried) -> str:
    return one.why if isinstance(one, Tried) else "; ".join(one.wrong)


def _print_list() -> None:
    for fault in registered():
        click.echo(f"{fault.name:32} {fault.does}")


def _print(console: Console, matrix: Matrix) -> None:
    """The matrix, a block for each scenario under its definitions, and whatever is not as it must be."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Fault, by scenario", no_wrap=True)
    table.add_column("Result", no_wrap=True)
    table.add_column("Fails in")
    table.add_column("Finding")
    repeated = any(one.again for one in matrix.tried)
    if repeated:
        table.add_column("Again by")
    for (scenario, definitions), block in groupby(
        matrix.tried, key=lambda one: (one.trial.scenario, one.trial.definitions)
    ):
        by_fault: dict[str, list[Tried]] = {}
        for one in block:
            by_fault.setdefault(one.trial.fault.name if one.trial.fault is not None else "", []).append(one)
        table.add_row()
        words = ", ".join(definitions.as_json().values())
        table.add_row(Text(f"{scenario}, honest", style="bold"), _result(by_fault.pop("")), Text(words, style="dim"))
        for name, seeds in by_fault.items():
            failed = sorted({metric for one in seeds for metric, _ in one.failed})
            codes = dict.fromkeys(code for one in seeds for code in one.findings)
            again = [_again(seeds)] if repeated else []
            table.add_row(f"  {name}", _result(seeds), " ".join(failed), ", ".join(codes), *again)
    console.print(table)
    console.print()
    everything: list[Tried | false_alarms.Tried] = [*matrix.tried, *matrix.alarms]
    for each in everything:
        if trouble := _trouble(each):
            console.print(Text(f"{_name(each)}: {trouble}", style="red"))
    if not matrix.is_good:
        console.print("mpsim selftest FAULT --out DIR keeps the run directories of a fault.", highlight=False)
    if matrix.alarms:
        console.print()
        for line in false_alarms.summary(matrix.alarms):
            console.print(line, highlight=False)
    console.print(_summary(matrix))


def _result(seeds: Sequence[Tried]) -> Text:
    """The worst of what became of a fault with each seed."""
    worst = next((one.standing for one in seeds if not one.standing.is_good), seeds[0].standing)
    several = f" {sum(one.standing is worst for one in seeds)} of {len(seeds)}" if len(seeds) > 1 else ""
    return Text(worst.value + several, style=_COLOURS.get(worst, "bold red"))


def _again(seeds: Sequence[Tried]) -> str:
    """Who showed a fault again; with several seeds how many visitors it took."""
    found = [one.again for one in seeds if one.again]
    if len(found) == 1 and len(found[0]) <= _MOST_NAMED:
        return ("visitor " if len(found[0]) == 1 else "visitors ") + ", ".join(map(str, found[0]))
    sizes = sorted({len(one) for one in found})
    if not sizes:
        return ""
    many = str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return f"{many} visitor{'' if sizes == [1] else 's'}"


def _summary(matrix: Matrix) -> Text:
    controls = sum(one.trial.fault is None for one in matrix.tried)
    caught = f"{matrix.count(Standing.KILLED)} of {len(matrix.tried) - controls} faulty collectors failed as they must"
    passed = f"{matrix.count(Standing.PASSED)} of {controls} honest ones passed"
    took = f"in {matrix.seconds:.0f} seconds on {matrix.cores} {'core' if matrix.cores == 1 else 'cores'}"
    return Text(f"{caught}, {passed}, {took}", style="green" if matrix.is_good else "bold red")

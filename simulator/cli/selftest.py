"""`mpsim selftest`: the kill matrix, and the false-alarm runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.collector.faults import registered
from simulator.contract import METRICS
from simulator.errors import UsageError
from simulator.finding import ExitCode
from simulator.runs import false_alarms
from simulator.runs.selftest import Asked, Matrix, faults_named, scenarios, selftest, worst
from simulator.runs.trial import Standing, Tried

_FULL_SEEDS, _FULL_ALARM_SEEDS = 5, 300
_ALARM_SEEDS = 9  # any nine in a row have every pair of definitions
_MOST_NAMED = 3  # visitors who show a fault again


@click.command("selftest")
@click.argument("faults", nargs=-1, metavar="[FAULT]...")
@click.option(
    "--full",
    is_flag=True,
    help=f"{_FULL_SEEDS} seeds, --everywhere, --repeat, --replay, and {_FULL_ALARM_SEEDS} runs of each kind behind a "
    "failing network.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=None, help="How many plans of each scenario.")
@click.option("--alarms", type=click.IntRange(0, 100_000), default=None,
              help="Runs of each kind behind a failing network; none by default where FAULTs are named.")  # fmt: skip
@click.option("--everywhere", is_flag=True, help="Each fault on every scenario that its definitions fit.")
@click.option("--repeat", is_flag=True, help="Each kill once more, by as few visitors as show it: mostly by one alone.")
@click.option("--replay", is_flag=True, help="And mpsim replay of that visitor; with --repeat, and the first seed.")
@click.option("--jobs", type=click.IntRange(1, 64), default=None, help="Trials at once; default: two a core.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Keep the run directories there, each with its result and report; of the runs behind a failing "
              "network those that are not as they must be.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The matrix as JSON.")
@click.option("--list", "list_only", is_flag=True, help="Name the faults and try nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    faults: tuple[str, ...],
    *,
    full: bool,
    seeds: int | None,
    alarms: int | None,
    everywhere: bool,
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
        everywhere=full or everywhere,
        alarm_seeds=tuple(range(1, 1 + alarms)),
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
    """The matrix, fault by scenario, and whatever is not as it must be."""
    shown = [name for name in scenarios() if any(one.trial.scenario == name for one in matrix.tried)]
    heads = [_head(name, shown) for name in shown]
    repeated = any(one.again for one in matrix.tried)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for column in ("Fault", *heads):
        table.add_column(column, no_wrap=True)
    for column in ("Fails in", "Finding", *(["Again by"] if repeated else [])):
        table.add_column(column)
    rows: dict[str, dict[str, list[Tried]]] = {}
    for (name, scenario), some in matrix.cells().items():
        rows.setdefault(name, {})[scenario] = some
    for name, by_scenario in rows.items():
        own = [one for some in by_scenario.values() for one in some if one.trial.fault and not one.trial.is_elsewhere]
        failed = [metric for metric in METRICS if any(metric == one for tried in own for one, _ in tried.failed)]
        codes = dict.fromkeys(code for one in own for code in one.findings)
        marks = [_mark(by_scenario.get(scenario, [])) for scenario in shown]
        table.add_row(name, *marks, " ".join(failed), ", ".join(codes), *([_again(own)] if repeated else []))
    console.print(table)
    console.print()
    console.print(", ".join(f"{head} {name}" for head, name in zip(heads, shown, strict=True)), highlight=False)
    console.print("; ".join(_legend(matrix)), highlight=False)
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


_MARKS = {
    Standing.KILLED: ("K", "green", "killed"),
    Standing.NOT_COVERED: ("·", "dim", "nothing there makes the collector wrong"),
    Standing.PASSED: ("ok", "green", "honest, and passed"),
    Standing.SURVIVED: ("S", "bold red", "SURVIVED"),
    Standing.FALSE_ALARM: ("F", "bold red", "FALSE ALARM"),
    Standing.WRONG_FINDING: ("W", "yellow", "killed, but not for the declared reasons"),
    Standing.WRONG_VISITOR: ("V", "yellow", "killed, and somebody named who is not affected"),
    Standing.NOT_AGAIN: ("A", "yellow", "killed, and not shown again"),
    Standing.BROKEN: ("x", "bold red", "no verdict"),
}
_ELSEWHERE = "k"  # killed by another scenario than the one that claims to cover it


def _head(name: str, names: Sequence[str]) -> str:
    """The shortest beginning of a scenario's name, of three letters at least, that no other one has."""
    for length in range(3, len(name)):
        if sum(other.startswith(name[:length]) for other in names) == 1:
            return name[:length]
    return name


def _mark(some: Sequence[Tried]) -> Text:
    """The worst of what became of a fault on a scenario with each seed; nothing where it was not tried."""
    if not some:
        return Text("")
    standing = worst(some)
    letter, style, _ = _MARKS[standing]
    if standing is Standing.KILLED and some[0].trial.is_elsewhere:
        return Text(_ELSEWHERE, style="dim green")
    return Text(letter, style=style)


def _legend(matrix: Matrix) -> Iterator[str]:
    """What the marks that occur mean."""
    for standing, (letter, _, says) in _MARKS.items():
        some = [one for one in matrix.tried if one.standing is standing]
        if standing is Standing.KILLED and any(one.trial.is_elsewhere for one in some):
            yield f"{letter} {says} by the scenario that claims to cover it, {_ELSEWHERE} by another"
        elif some:
            yield f"{letter} {says}"


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
    own = [one for one in matrix.tried if one.trial.fault is not None and not one.trial.is_elsewhere]
    killed = sum(one.standing is Standing.KILLED for one in own)
    caught = f"{killed} of {len(own)} faulty collectors failed as they must"
    elsewhere = [one for one in matrix.tried if one.trial.is_elsewhere]
    if elsewhere:
        also = sum(one.standing is Standing.KILLED for one in elsewhere)
        untouched = sum(one.standing is Standing.NOT_COVERED for one in elsewhere)
        caught += f", {also} of {len(elsewhere)} on other scenarios as well ({untouched} are not wrong there)"
    passed = f"{matrix.count(Standing.PASSED)} of {controls} honest ones passed"
    took = f"in {matrix.seconds:.0f} seconds on {matrix.cores} {'core' if matrix.cores == 1 else 'cores'}"
    return Text(f"{caught}, {passed}, {took}", style="green" if matrix.is_good else "bold red")

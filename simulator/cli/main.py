"""`mpsim`: the commands by name, and what a command line ends with; the table of errors is entry.py."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from simulator import __version__
from simulator.entry import exit_code_of, tell
from simulator.errors import MpsimError
from simulator.finding import ExitCode
from simulator.scenario.nearest import nearest

# A command's module is imported when it is asked for, so that `mpsim check` does not pay for a web server.
COMMANDS = {
    "run": "run a scenario under Locust and verify what the collector counted",
    "plan": "print the expected totals and the first events; needs no network",
    "check": "validate scenario files",
    "verify": "read the collector again and judge an earlier run",
    "replay": "send some visitors of an earlier run again: FIXED or STILL FAILING",
    "compare": "say what changed from one run to another, beyond noise",
    "selftest": "the kill matrix: seeded faults must be caught, honest collectors must pass",
    "conform": "the conformance suite against collectors, and the definitions that they use",
    "report": "print an earlier run's result and write its report again",
    "target": "try a target file: one event of each kind, and the totals before and after",
    "inspect": "your own mini program, headless or on a real phone: does it send what is needed?",
    "serve": "the embedded collector with its monitor page",
    "schema": "print the JSON Schema of scenario files, for editors",
    "init": "write a commented scenario to start from",
}


class _Commands(click.Group):
    """Commands found by name; a misspelt one names the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"simulator.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], COMMANDS)
            hint = f"; did you mean {near!r}?" if near else ""
            raise click.UsageError(f"no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # Written from the table: asking each command for its help would import them all.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="mpsim")
def group() -> None:
    """Simulate the visitors of a WeChat mini program, and verify what an analytics collector counted.

    Exit codes: 0 pass, 1 fail, 2 SLO missed, 3 incomplete, 4 underload, 5 usage or scenario error, 6 no connection,
    7 our own fault.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises."""
    try:
        code = group.main(args=None if arguments is None else list(arguments), prog_name="mpsim", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as nothing:
        click.echo(nothing.ctx.get_help(), err=True)
        return ExitCode.USAGE
    except click.UsageError as wrong:
        where = f" (see {wrong.ctx.command_path} --help)" if wrong.ctx is not None else ""
        click.echo(f"mpsim: {wrong.format_message()}{where}", err=True)
        return ExitCode.USAGE
    except click.ClickException as wrong:
        click.echo(f"mpsim: {wrong.format_message()}", err=True)
        return ExitCode.USAGE
    except MpsimError as wrong:
        return tell("mpsim", wrong)
    except (KeyboardInterrupt, click.Abort):
        click.echo("mpsim: interrupted", err=True)
        return ExitCode.INCOMPLETE
    except BrokenPipeError:
        # Nobody reads any more; what is still buffered must not raise again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASS
    except Exception as bug:  # noqa: BLE001  the one place where anything ends
        traceback.print_exc()
        click.echo("mpsim: this is a bug of mpsim, not of your scenario or collector; please report it", err=True)
        return exit_code_of(bug)
    return code if isinstance(code, int) else ExitCode.PASS


def main() -> NoReturn:
    """Entry of the console script."""
    for stream in (sys.stdout, sys.stderr):
        # Names may be Chinese and a terminal may not know them: a report must not die of that.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())

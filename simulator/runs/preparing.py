"""A run made ready to send: its directory, and the embedded collector where one is wanted."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from simulator.contract import Contract
from simulator.errors import EngineError, UsageError
from simulator.finding import ExitCode
from simulator.ledger.manifest import DATABASE_FILE
from simulator.ledger.read import ledger_files
from simulator.runs.collector_process import embedded_collector
from simulator.runs.load_process import LOG_FILE
from simulator.runs.load_report import read_load_report
from simulator.scenario.contracts import OF_TIMEOUT
from simulator.traffic.making import Wanted, draft, make_folder, take_back, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.target_files import check_variables
from simulator.traffic.targets import check_connection

_USUAL = Contract()


def prepare(wanted: Wanted, running: ExitStack) -> OpenedRun:
    """Make the run directory, start the embedded collector where one is wanted, and write run.json.

    Args:
        running: closes what was started; where it is left by an error before anything was sent, the directory goes too.

    Raises:
        UsageError: a bad option, a variable that is not set, or a run directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: nobody answers at the target.
    """
    checked = draft(wanted)
    if checked.url is not None:
        check_connection(checked.url)
    else:
        _check_embedded(checked.contract)
    check_variables(checked.target, wanted.token_variable)
    folder = make_folder(checked)
    running.push(partial(leave, folder))
    url = checked.url
    if url is None:
        app = checked.loaded.scenario.app
        database = folder / DATABASE_FILE
        url = running.enter_context(embedded_collector(database, checked.contract.definitions, app.tenant, app.events))
    return write_run(checked, folder, url)


def leave(folder: Path, kind: type[BaseException] | None, *_: object) -> None:
    """At the end of a run: take back a directory that would only be in the way of the next try.

    What was our own fault stays, and so does whatever may have been sent.

    Args:
        kind: of the error that ended the run; None where it ended well.
    """
    if kind is not None and not issubclass(kind, EngineError) and not _has_begun(folder):
        take_back(folder)


def _has_begun(folder: Path) -> bool:
    """Whether anything may have been sent; a load that found nobody at the target says so, and has no ledger."""
    if not (folder / LOG_FILE).exists():
        return False
    return bool(ledger_files(folder)) or read_load_report(folder).number("exit_code") != ExitCode.NO_CONNECTION


def _check_embedded(contract: Contract) -> None:
    """The embedded collector is what it is: a contract that it cannot keep would call it wrong.

    Raises:
        UsageError: such a contract.
    """
    other = [name for name in OF_TIMEOUT if getattr(contract, name) != getattr(_USUAL, name)]
    if other:
        raise UsageError(f"the embedded collector counts opens otherwise: leave {other[0]} out, or name a --target")
    if contract.replies.body is not None:
        raise UsageError(
            "the embedded collector's replies have no such body: leave replies.body out, or name a --target"
        )

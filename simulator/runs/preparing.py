"""A run made ready to send: its directory, and the embedded collector where one is wanted."""

from __future__ import annotations

from contextlib import ExitStack

from simulator.contract import Contract
from simulator.errors import UsageError
from simulator.ledger.manifest import DATABASE_FILE
from simulator.runs.collector_process import embedded_collector
from simulator.scenario.contracts import OF_TIMEOUT
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.traffic.targets import check_connection

_USUAL = Contract()


def prepare(wanted: Wanted, running: ExitStack) -> OpenedRun:
    """Make the run directory, start the embedded collector where one is wanted, and write run.json.

    Args:
        running: closes what was started.

    Raises:
        UsageError: a bad option, or a run directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: nobody answers at the target.
    """
    checked = draft(wanted)
    if checked.url is not None:
        check_connection(checked.url)
    else:
        _check_embedded(checked.contract)
    folder = make_folder(checked)
    url = checked.url
    if url is None:
        app = checked.loaded.scenario.app
        database = folder / DATABASE_FILE
        url = running.enter_context(embedded_collector(database, checked.contract.definitions, app.tenant, app.events))
    return write_run(checked, folder, url)


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

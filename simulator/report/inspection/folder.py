"""The files of one inspection in their folder."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import UsageError
from simulator.report.inspection.junit import write_junit
from simulator.report.inspection.outcome import JSON_FILE, Outcome, write_json
from simulator.report.inspection.page import PAGE_FILE, write_page
from simulator.report.inspection.sarif import SARIF_FILE, write_sarif
from simulator.report.junit import JUNIT_FILE


def write_inspection(folder: Path, outcome: Outcome) -> Path:
    """Write every form of a report; returns the page.

    Raises:
        UsageError: the folder cannot be written.
    """
    page = folder / PAGE_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / JSON_FILE, outcome)
        write_junit(folder / JUNIT_FILE, outcome)
        write_sarif(folder / SARIF_FILE, outcome)
        write_page(page, outcome)
    except OSError as failed:
        raise UsageError(f"--out {folder} cannot be written: {failed.strerror}") from failed
    return page

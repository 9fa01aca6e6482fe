"""The files of a run directory that people and pipelines open."""

from __future__ import annotations

from pathlib import Path

from simulator.report.junit import JUNIT_FILE, write_junit
from simulator.report.page import PAGE_FILE, write_page
from simulator.report.result import RESULT_FILE, Result, write_result


def write_reports(folder: Path, result: Result) -> Path:
    """Write result.json, junit.xml and report.html, in this order; the path of the last.

    result.json comes first: the others can be made again from it.

    Raises:
        OSError: no permission, no space; files of an earlier judgement stay whole.
    """
    write_result(folder / RESULT_FILE, result)
    write_junit(folder / JUNIT_FILE, result)
    write_page(folder / PAGE_FILE, result)
    return folder / PAGE_FILE

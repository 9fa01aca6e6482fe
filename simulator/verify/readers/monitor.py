"""The embedded collector's totals: GET /monitor/totals, once for each kind of cell.

Source: CONTRACT section 7.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import httpx

from simulator.contract import BY, METRICS
from simulator.times import Ms, iso_utc
from simulator.verify.readers.fetch import Unreadable, fetch, reading_client, start_of
from simulator.verify.readers.reading import Cells, Reading

_MOST = 2**63 - 1  # more than any collector can have counted
PATH = "/monitor/totals"


def read_monitor(
    url: str,
    begin: Ms,
    end: Ms,
    *,
    access_token: str = "",
    seconds: float = 30.0,
    kinds: Iterable[str] = BY,
    transport: httpx.BaseTransport | None = None,
) -> Reading:
    """Read the totals of [begin, end) in every kind of cell. Never raises for what the collector does.

    Args:
        url: scheme, host and port.
        access_token: sent along where the collector wants one; never part of an error text.
        seconds: for one reply, from its first byte to its last.
        transport: instead of the network, in tests.
    """
    cells: dict[str, Cells] = {}
    errors: dict[str, str] = {}
    invoked = time.time_ns()
    parameters = {"begin": iso_utc(begin), "end": iso_utc(end)}
    if access_token:
        parameters["access_token"] = access_token
    with reading_client(url, seconds, transport) as client:
        for by in kinds:
            try:
                body = fetch(client, PATH, {**parameters, "by": by}, seconds)
                cells[by], problem = _parse(body, by)
            except Unreadable as unreadable:
                problem = str(unreadable)
            if problem:
                errors[by] = f"{PATH}?by={by}: {problem}"
    return Reading(cells, errors, invoked, time.time_ns())


def _parse(body: bytes, by: str) -> tuple[Cells, str]:
    """The cells of one reply, and what of it could not be used.

    Raises:
        Unreadable: nothing of it can be.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise Unreadable(f"not JSON: {start_of(body)}") from bad
    if not isinstance(document, dict) or not isinstance(document.get("cells"), dict):
        raise Unreadable(f'no object "cells" in it: {start_of(body)}')
    if document.get("by", by) != by:
        raise Unreadable(f"it is by {str(document['by'])[:40]!r}")
    problem = ""
    cells: dict[str, dict[str, int | None]] = {}
    for cell, values in document["cells"].items():
        found = cells[cell] = {metric: _whole(values, metric) for metric in METRICS}
        for metric in METRICS:
            if found[metric] is None and not (by == "page" and metric in ("opens", "new_users")):
                problem = problem or f"{metric} of the cell {cell[:80]!r} is no whole number from 0 on"
    return cells, problem


def _whole(values: Any, metric: str) -> int | None:
    value = values.get(metric) if isinstance(values, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else None

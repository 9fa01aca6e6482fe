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
from simulator.verify.readers.reading import Cells, Reading

MAX_BYTES = 64 * 1024 * 1024  # of one reply; a million cells are about a third of it
_CONNECT_SECONDS = 5.0
_MOST = 2**63 - 1  # more than any collector can have counted
PATH = "/monitor/totals"


class UnreadableTotals(Exception):
    """A reply that cannot be used, with what was wrong."""


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
    timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
    # A proxy of the environment would stand between the run and what it measures.
    with httpx.Client(
        base_url=url, timeout=timeout, follow_redirects=False, trust_env=False, transport=transport
    ) as client:
        for by in kinds:
            try:
                body = _fetch(client, {**parameters, "by": by}, seconds)
                cells[by], problem = _parse(body, by)
            except UnreadableTotals as unreadable:
                problem = str(unreadable)
            if problem:
                errors[by] = f"{PATH}?by={by}: {problem}"
    return Reading(cells, errors, invoked, time.time_ns())


def _fetch(client: httpx.Client, parameters: dict[str, str], seconds: float) -> bytes:
    """The body of one reply, whole.

    Raises:
        UnreadableTotals: no connection, not 200, too large, too slow, cut short.
    """
    deadline = time.monotonic() + seconds
    body = bytearray()
    try:
        # Without compression a small reply cannot grow large here.
        with client.stream("GET", PATH, params=parameters, headers={"accept-encoding": "identity"}) as reply:
            if reply.status_code != httpx.codes.OK:
                raise UnreadableTotals(f"status {reply.status_code} where 200 was expected")
            if reply.headers.get("content-encoding", "identity") != "identity":
                raise UnreadableTotals("a compressed reply that nobody asked for")
            for part in reply.iter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise UnreadableTotals(f"a reply of more than {MAX_BYTES // 1024 // 1024} MB")
                if time.monotonic() > deadline:
                    raise UnreadableTotals(f"the reply was not complete after {seconds:g} s")
    except httpx.HTTPError as failed:
        # The text of an httpx error may hold the URL and with it the token.
        raise UnreadableTotals(f"{_WORDS.get(type(failed), 'no complete reply')} ({type(failed).__name__})") from failed
    return bytes(body)


_WORDS: dict[type[Exception], str] = {
    httpx.ConnectError: "no connection",
    httpx.ConnectTimeout: "no connection in time",
    httpx.ReadTimeout: "no reply in time",
}


def _parse(body: bytes, by: str) -> tuple[Cells, str]:
    """The cells of one reply, and what of it could not be used.

    Raises:
        UnreadableTotals: nothing of it can be.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as bad:
        raise UnreadableTotals(f"not JSON: {_start_of(body)}") from bad
    if not isinstance(document, dict) or not isinstance(document.get("cells"), dict):
        raise UnreadableTotals(f'no object "cells" in it: {_start_of(body)}')
    if document.get("by", by) != by:
        raise UnreadableTotals(f"it is by {str(document['by'])[:40]!r}")
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


def _start_of(body: bytes) -> str:
    return repr(body[:60].decode("utf-8", "replace"))

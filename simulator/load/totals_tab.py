"""Two tabs of ours in Locust's web UI: the totals, expected and observed, and how far the run is.

The numbers are those of progress.json and live.json in the run directory; whoever runs the load writes the second.
Locust's UI shows tables of other people's by `extended_tabs`, `extended_tables` and `extended_stats`; it makes text of
what is in them. It also answers every page that a browser shows (CORS) and every name that leads here, so requests of
other pages are refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import request  # comes with Locust

from simulator.ledger.manifest import LIVE_FILE, PROGRESS_FILE, read_document

_NAMES = {"pv": "PV", "uv": "UV", "opens": "Opens", "new_users": "New users"}
_TABS = [{"title": "Totals", "key": "totals"}, {"title": "Run", "key": "run"}]
_TABLES = [
    {
        "key": "totals",
        "structure": [
            {"key": "metric", "title": "Metric"},
            {"key": "source", "title": "Source"},
            {"key": "state", "title": "State"},
            {"key": "observed", "title": "Last reading"},
            {"key": "then", "title": "Expected then"},
            {"key": "now", "title": "Expected now"},
        ],
    },
    {"key": "run", "structure": [{"key": "what", "title": "What"}, {"key": "value", "title": "Value"}]},
]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def add_tabs(web_ui: Any, folder: Path) -> None:
    """Add the tabs to Locust's web UI, for one run.

    Args:
        web_ui: locust.web.WebUI, before or while it serves.
    """
    web_ui.template_args = {**web_ui.template_args, "extended_tabs": _TABS, "extended_tables": _TABLES}

    def extend(response: Any) -> Any:
        if response.is_json and response.status_code == 200 and request.path.endswith("/stats/requests"):
            document = response.get_json()
            progress, live = read_document(folder / PROGRESS_FILE), read_document(folder / LIVE_FILE)
            document["extended_stats"] = [
                {"key": "totals", "data": totals_rows(live)},
                {"key": "run", "data": run_rows(progress, live)},
            ]
            response.set_data(json.dumps(document))
        return response

    web_ui.app.after_request(extend)


def refuse_others(web_ui: Any) -> None:
    """Answer nobody but this machine's own browser, and no page of somebody else that it shows."""

    def check() -> Any:
        from_page, host = request.headers.get("origin"), request.host
        name = urlsplit(f"//{host}").hostname or ""
        if name not in _LOOPBACK or (from_page is not None and urlsplit(from_page).netloc != host):
            return "this page is for the browser of this machine alone\n", 403
        return None

    web_ui.app.before_request(check)


def totals_rows(live: dict[str, Any]) -> list[dict[str, str]]:
    """A row for each total; before there are any, one that says so."""
    if not live:
        return [_remark("nothing yet")]
    return [*([_remark(live["over"])] if live["over"] else []), *map(_row, live["totals"])]


def _remark(text: str) -> dict[str, str]:
    return {"metric": text, "source": "", "state": "", "observed": "", "then": "", "now": ""}


def _row(total: dict[str, Any]) -> dict[str, str]:
    bounds, observed = total["expected"], total["observed"]
    return {
        "metric": _NAMES[total["metric"]],
        "source": "in all" if total["source"] is None else total["source"],
        "state": _state(total),
        "observed": "not read" if observed is None else f"{observed:,}",
        "then": "" if bounds is None else _interval(total["then"]),
        "now": "not checkable" if bounds is None else _interval(bounds),
    }


def _state(total: dict[str, Any]) -> str:
    off = total["off"]
    if total["expected"] is None:
        return str(total["why"])
    if off is None:
        return "not compared yet"
    if off:
        return f"{off:,} more than was sent" if off > 0 else f"{-off:,} fewer than was acked"
    return "as expected"


def _interval(bounds: list[int | None]) -> str:
    """Its ends; a question mark for one that is not known."""
    low, high = ("?" if end is None else f"{end:,}" for end in bounds)
    return low if low == high else f"{low} to {high}"


def run_rows(progress: dict[str, Any], live: dict[str, Any]) -> list[dict[str, str]]:
    """How far the run is."""
    attempts, late, left = progress.get("attempts", {}), progress.get("late_p99_ms"), progress.get("left")
    rows = {
        "Phase": progress.get("phase", "not begun"),
        "Visitors started": f"{progress.get('visitors_started', 0):,} of {progress.get('visitors', 0):,}",
        "Visitors being served": f"{progress.get('in_flight', 0):,}",
        "Seconds left, about": "not known" if left is None else f"{left:,.0f}",
        "Visitors wanted per second": f"{progress['wanted_rate']:,.1f}" if progress.get("wanted_rate") else "no rate",
        "Visitors offered per second": f"{progress.get('offered_rate', 0):,.1f}",
        "Late starts, p99": "no instants" if late is None else f"{late:,.1f} ms",
        **{name.capitalize(): f"{attempts.get(name, 0):,}" for name in ("acked", "refused", "unknown")},
        "Workers lost": str(progress.get("workers_lost", 0)),
        "Seconds between the last reading and now": _age(live),
        "Attempts in the expectation": f"{live.get('attempts', 0):,}" + (" (behind)" if live.get("waiting") else ""),
    }
    return [{"what": what, "value": str(value)} for what, value in rows.items()]


def _age(live: dict[str, Any]) -> str:
    return f"{(live['at_ns'] - live['read_ns']) / 1e9:,.1f}" if live.get("read_ns") else "nothing was read yet"

"""What `mpsim run` says while it sends."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from simulator.cli.progress import Progress, progress_lines

LOAD: dict[str, Any] = {
    "phase": "load", "visitors_started": 1234, "left": 65.4, "wanted_rate": 40.0, "offered_rate": 39.82,
    "late_p99_ms": 1.24, "in_flight": 12, "attempts": {"sent": 6125, "acked": 6120, "refused": 3, "unknown": 2},
}  # fmt: skip
LIVE = {
    "over": "", "waiting": 0,
    "totals": [
        {"metric": "pv", "source": None, "expected": [4512, 4530]},
        {"metric": "uv", "source": None, "expected": [1180, 1180]},
        {"metric": "opens", "source": None, "expected": None},
        {"metric": "new_users", "source": None, "expected": [0, 890]},
        {"metric": "pv", "source": "ad", "expected": [1, 1]},
    ],
}  # fmt: skip
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "everything",
        LOAD | {"live": LIVE},
        [
            "load: 1,234 of 2,400 visitors, about 1:05 left",
            "wanted 40.0/s, offered 39.8/s, p99 of late starts 1.2 ms",
            "6,120 acked, 3 refused, 2 unknown, 12 visitors being served",
            "expected so far: PV 4,512 to 4,530, UV 1,180, Opens not checkable, New users 0 to 890",
        ],
    ),
    (
        "no rate, two workers lost, behind",
        {"phase": "draining", "offered_rate": 539.2, "workers_lost": 2, "live": LIVE | {"waiting": 4, "totals": []}},
        [
            "draining: 0 of 2,400 visitors, 2 workers lost",
            "offered 539.2/s",
            "0 acked, 0 refused, 0 unknown, 0 visitors being served",
            "expected so far: PV not checkable, UV not checkable, Opens not checkable, New users not checkable "
            "(counting is behind)",
        ],
    ),
    (
        "earlier visits",
        {"phase": "setup", "setup": {"acked": 7, "refused": 0, "unknown": 0}},
        ["setup: 0 of 2,400 visitors", "7 acked, 0 refused, 0 unknown, 0 visitors being served"],
    ),
    ("workers join", {"phase": "joining", "workers": 1}, ["1 of 2 workers ready"]),
    ("two hours", {"phase": "setup", "left": 7265}, ["setup: 0 of 2,400 visitors, about 2:01:05 left"]),
]


@pytest.mark.parametrize(("facts", "lines"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_lines(facts: dict[str, Any], lines: list[str]) -> None:
    assert progress_lines(facts, 2400, 2)[: len(lines)] == lines


BEGUN = {"visitors": 2400, "workers": 1, "target": "http://127.0.0.1:1", "folder": "reports/x"}


def shown(*, terminal: bool, quiet: bool = False) -> str:
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=terminal, width=100, legacy_windows=False), quiet)
    progress.begin(BEGUN)
    progress._shown_at -= 60  # a minute ago
    progress.show({})
    progress.show(LOAD)
    progress.show(LOAD | {"visitors_started": 1235})
    progress.end()
    progress.end()
    return out.getvalue()


def test_without_a_terminal_there_are_plain_lines_now_and_then() -> None:
    said = shown(terminal=False)

    assert said == (
        "2,400 visitors to http://127.0.0.1:1, into reports/x\n"
        "load: 1,234 of 2,400 visitors, about 1:05 left; wanted 40.0/s, offered 39.8/s, p99 of late starts 1.2 ms; "
        "6,120 acked, 3 refused, 2 unknown, 12 visitors being served\n"
    )


def test_on_a_terminal_the_lines_change_and_are_gone_in_the_end() -> None:
    said = shown(terminal=True)

    assert "1,234 of 2,400" in said
    assert "1,235 of 2,400" in said
    assert said.endswith("\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[?25h") or "\x1b[1A\x1b[2K" in said[-40:]


def test_quiet_says_nothing() -> None:
    assert shown(terminal=True, quiet=True) == shown(terminal=False, quiet=True) == ""

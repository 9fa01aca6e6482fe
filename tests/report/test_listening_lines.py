"""What a listening prints, whole: lines in a pipe, the sentences at begin and end, and what a flood leaves out."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from simulator.finding import ExitCode
from simulator.inspect.listening.application import State
from simulator.inspect.listening.entry import Answered, Entry, Kind, Note, Said
from simulator.inspect.listening.figures import Row
from simulator.inspect.listening.session import Summary, Where
from simulator.report.listening.terminal import Terminal, beginning, print_summary
from simulator.times import Ms

AT = Ms(1_795_444_968_250)
TAKEN = Answered(200, "mpsim", 0)


def said(event: str = "mini_program_view", **fields: object) -> Said:
    plain = Said(event, "view", AT, "o1", "d1", (), "poster", "spring", "pages/a", "")
    return replace(plain, **fields)  # type: ignore[arg-type]


def entry(*events: Said, kind: Kind = Kind.EVENTS, **fields: object) -> Entry:
    bad = sum(1 for one in events if one.is_bad)
    plain = Entry(7, AT, kind, "192.168.1.7", "GET", "/cbe/__utm?x=1", format="dmhub" if events else "", said=events,
                  events=len(events), bad=bad, answered=TAKEN)  # fmt: skip
    return replace(plain, **fields)  # type: ignore[arg-type]


def printed(*entries: Entry, quiet: bool = False, late: bool = False) -> list[str]:
    """The lines without their clock."""
    file = io.StringIO()
    terminal = Terminal(Console(file=file, width=100), quiet=quiet)
    for one in entries:
        terminal.was_answered(one) if late else terminal.came(one)
        terminal.goes_on(State())
    terminal.end()
    lines = file.getvalue().splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    return [line[9:] for line in lines]


LINES = [
    # what came           the entry                                   its line
    ("an event", entry(said()), "ok  dmhub      mini_program_view     pages/a  visitor o1  source poster / spring"),
    (
        "hardly anything",
        entry(said("", page="", visitor="", source="", content="")),
        f"ok  dmhub      {'(no event)':<20}",
    ),
    (
        "a bad event",
        entry(said("", bad="event is missing", page="", source="", content="")),
        "BAD dmhub      (no event)            visitor o1  event is missing",
    ),
    (
        "a warning",
        entry(said(notes=(Note("value-literal", "warning", "coupon is the text 'undefined'"),), source="", content="")),
        "ok  dmhub      mini_program_view     pages/a  visitor o1  value-literal: coupon is the text 'undefined'",
    ),
    (
        "markup and marks",
        entry(said("[red]x[/red]\x1b[31m\u202e", source="", page="", visitor="<b>")),
        "ok  dmhub      [red]x[/red]\\x1b[31m\\u202e  visitor <b>  source (none) / spring",
    ),
    (
        "an unknown encoding",
        entry(kind=Kind.UNKNOWN, method="POST", content_type="a/b", size=3, body=b"\x00\xff\n", why="a binary body"),
        "?   unknown    POST /cbe/__utm from 192.168.1.7  3 bytes, a/b  a binary body  \\x00\\\\xff\\x0a",
    ),
    (
        "no HTTP",
        entry(kind=Kind.REFUSED, method="", target="", why="TLS came to a plain port", body=b"\x16"),
        "?   refused    from 192.168.1.7  TLS came to a plain port  \\x16",
    ),
    (
        "settings",
        entry(kind=Kind.ASIDE, target="/config", why="a tracker asks for its settings"),
        "-   aside      GET /config from 192.168.1.7  a tracker asks for its settings",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "line"), [one[1:] for one in LINES], ids=[one[0] for one in LINES])
def test_a_line(given: Entry, line: str) -> None:
    assert printed(given) == [line]


def test_a_large_batch_is_summed_up() -> None:
    events = (*[said() for _ in range(12)], said(bad="event is missing"), said())

    lines = printed(entry(*events))

    assert len(lines) == 13
    assert lines[-1] == "BAD dmhub      and 2 more of this request, 1 of them bad"


def test_a_reply_is_told_where_it_is_no_success() -> None:
    answers = [
        Answered(200, "collector", 5),
        Answered(500, "collector", 5),
        Answered(502, "collector", 5, failed="no connection to 127.0.0.1:9"),
    ]

    assert printed(*[entry(said(), answered=one) for one in answers], late=True) == [
        "BAD reply      GET /cbe/__utm  the collector answered 500",
        "BAD reply      GET /cbe/__utm  not passed on: no connection to 127.0.0.1:9",
    ]


def test_quiet_prints_no_lines() -> None:
    assert printed(entry(said()), quiet=True) == []


def test_a_flood_is_counted_and_not_printed() -> None:
    file = io.StringIO()
    terminal = Terminal(Console(file=file, width=100))
    for _ in range(250):
        terminal.came(entry(said()))
    terminal.goes_on(State())
    terminal.goes_on(State())

    lines = file.getvalue().splitlines()
    assert len(lines) == 201
    assert lines[-1] == "50 lines not printed: they came too fast"


LOCAL = Where("http://127.0.0.1:8001", "http://127.0.0.1:8001/_mpsim/", "", True, "", "")


def test_what_is_said_at_the_beginning() -> None:
    assert list(beginning(LOCAL)) == [
        "listening on http://127.0.0.1:8001",
        "watch it in a browser: http://127.0.0.1:8001/_mpsim/",
        "only this machine can reach it; for a phone in the same network: --listen 0.0.0.0:8001",
        "every request is answered with 200 and passed on to nobody",
    ]


def test_what_is_said_where_the_network_can_reach_it() -> None:
    where = replace(LOCAL, url="http://0.0.0.0:8001", phone="http://192.168.1.5:8001", is_loopback=False,
                    pass_on="http://127.0.0.1:8000", out="c.jsonl")  # fmt: skip

    assert list(beginning(where)) == [
        "listening on http://0.0.0.0:8001",
        "watch it in a browser: http://127.0.0.1:8001/_mpsim/",
        "for the phone: http://192.168.1.5:8001",
        "anybody who can reach this address can send to it, and can see on its page what phones sent; "
        "stop it when you are done",
        "every request is passed on to http://127.0.0.1:8000, whose reply goes back",
        "recorded in c.jsonl",
    ]


GOOD = Summary(3, 5, 0, 0, 0, 0, 0, 0, 0, 12.4, None, (Row("", 4, 2, 1, 2), Row("poster", 4, 2, 1, 2)), "")
ENDS = [
    # how it ended                the summary                                         exit                  first line
    ("all good", GOOD, ExitCode.PASS, "PASS  Every event could be read, and none is bad."),
    ("as many as wanted", replace(GOOD, wanted=5), ExitCode.PASS, "PASS  Every event could be read, and none is bad."),
    ("one too few", replace(GOOD, wanted=6), ExitCode.INCOMPLETE, "INCOMPLETE  5 of 6 events came."),
    ("bad", replace(GOOD, bad=1, unknown=2), ExitCode.FAIL,
     "FAIL  1 bad event; 2 requests in an encoding that nobody here reads."),
    ("not taken", replace(GOOD, not_taken=1), ExitCode.FAIL,
     "FAIL  1 request answered by the collector with another status than 2xx."),
    ("refused", replace(GOOD, refused=1), ExitCode.INCOMPLETE, "INCOMPLETE  1 request refused: no HTTP, or too large."),
    ("not passed on", replace(GOOD, not_passed=1), ExitCode.INCOMPLETE, "INCOMPLETE  1 request not passed on."),
    ("our own fault", replace(GOOD, faults=1, bad=1), ExitCode.OWN_FAULT,
     "ERROR  mpsim itself failed on 1 request: a bug, please report it; 1 bad event."),
    ("nothing", replace(GOOD, events=0), ExitCode.INCOMPLETE, "INCOMPLETE  no event came."),
]  # fmt: skip


@pytest.mark.parametrize(("summary", "code", "line"), [one[1:] for one in ENDS], ids=[one[0] for one in ENDS])
def test_how_it_ends(summary: Summary, code: ExitCode, line: str) -> None:
    file = io.StringIO()
    print_summary(Console(file=file, width=100), summary)

    assert summary.exit_code == code
    assert file.getvalue().splitlines()[0] == line


def test_the_whole_summary() -> None:
    file = io.StringIO()
    print_summary(Console(file=file, width=100), replace(GOOD, repeated=1, nobodys=2, out="c.jsonl"))

    assert [line.rstrip() for line in file.getvalue().splitlines()] == [
        "PASS  Every event could be read, and none is bad.",
        "5 events in 3 requests, 12 s; 1 event came more than once and count once; opens and views that name nobody, "
        "so make no UV: 2",
        "recorded in c.jsonl; judge it again with: mpsim inspect --capture c.jsonl",
        "",
        "Source  PV  UV  Opens  New users",
        "all      4   2      1          2",
        "poster   4   2      1          2",
    ]

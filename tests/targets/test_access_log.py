"""Access logs of nginx and Apache: formats, escapes, rotation, packed and cut files, and the events in their lines."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.contract import Contract, Replies
from simulator.scenario.log_format import parse_format
from simulator.scenario.target_reading import CountedSection, EventsSection, LogSection, TotalsSection
from simulator.times import parse_instant
from simulator.verify.readers import log_files
from simulator.verify.readers.access_log import LogEvents
from simulator.verify.readers.counted import CountedTotals
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.items import BATCH
from simulator.verify.readers.log_files import LogFiles
from simulator.verify.readers.registry import make_totals
from tests.targets.settings import BEGIN, END, setting


def target(number: int, event: str = "mini_program_view", **more: str) -> str:
    """The path and query of one event, as the tracker sends it."""
    pairs = {
        "event": event,
        "date": f"2026-03-01T01:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "externalId": f"n.{number}.1",
        "anonymousId": f"d{number}",
        "tenantId": "740843171",
        "targetName": "pages/a",
        "source": "ad",
    }
    return "/cbe/__utm?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in {**pairs, **more}.items())


def line(number: int, status: int = 200, **more: str) -> str:
    return f'1772326800.123 {status} "GET {target(number, **more)} HTTP/1.1"\n'


def reader(folder: Path, contract: Contract | None = None, **more: Any) -> LogEvents:
    section = {"files": "events.log", "format": '$msec $status "$request"', **more}
    return LogEvents(LogSection.model_validate(section), setting(contract, folder=folder))


def ids(events: LogEvents, after: int = 0) -> list[str]:
    return [event.external_id for event in events.events("good", after=after)]


# ---- formats ------------------------------------------------------------------------------------------------------

REQUEST = f"GET {target(1)} HTTP/1.1"
LINES = {
    "combined": (
        "combined",
        f'10.0.0.1 - me [01/Mar/2026:09:00:01 +0800] "{REQUEST}" 200 43 "https://a/" "WeChat \\x22x\\x22 8"',
        "2026-03-01T01:00:01Z",
    ),
    "common": ("common", f'10.0.0.1 - - [01/Mar/2026:01:00:01 +0000] "{REQUEST}" 200 43', "2026-03-01T01:00:01Z"),
    "nginx, by parts": (
        "$time_iso8601|${status}|$request_method|$request_uri|",
        f"2026-03-01T09:00:01+08:00|200|GET|{target(1)}|",
        "2026-03-01T01:00:01Z",
    ),
    "nginx, milliseconds": (
        '$msec $status "$request"', f'1772326801.250 200 "{REQUEST}"', "2026-03-01T01:00:01.250Z",
    ),
    "nginx, as JSON": (
        '{"at":"$time_iso8601","r":"$request","s":$status,"ua":"$http_user_agent"}',
        f'{{"at":"2026-03-01T09:00:01+08:00","r":"{REQUEST}","s":200,"ua":"a \\"b\\" \\u4f60"}}',
        "2026-03-01T01:00:01Z",
    ),
    "Apache, combined": (
        '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
        f'10.0.0.1 - - [01/Mar/2026:09:00:01 +0800] "{REQUEST}" 200 - "-" "a \\"b\\""',
        "2026-03-01T01:00:01Z",
    ),
    "Apache, as httpd.conf quotes it": (
        '%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\"\\t\\"%{User-Agent}i\\"',
        f'10.0.0.1 - - [01/Mar/2026:09:00:01 +0800] "{REQUEST}" 200 - "-"\t"a \\"b\\""',
        "2026-03-01T01:00:01Z",
    ),
    "nginx, as its configuration quotes it": (
        '$msec|$status|\\"$request\\"|\\\\', f'1772326801.250|200|"{REQUEST}"|\\', "2026-03-01T01:00:01.250Z",
    ),
    "Apache, by parts": (
        '%t %m %U%q %>s %D', f"[01/Mar/2026:09:00:01 +0800] GET {target(1)} 200 812", "2026-03-01T01:00:01Z",
    ),
    "without a time": ('$status "$request"', f'200 "{REQUEST}"', None),
}  # fmt: skip


@pytest.mark.parametrize(("format_", "text", "at"), LINES.values(), ids=LINES)
def test_a_line_holds_an_event(tmp_path: Path, format_: str, text: str, at: str | None) -> None:
    (tmp_path / "events.log").write_text(text + "\n")
    escape = "json" if text.startswith("{") else "default"

    (event,) = reader(tmp_path, format=format_, escape=escape).events("good")

    assert (event.external_id, event.event, event.source) == ("n.1.1", "mini_program_view", "ad")
    assert (event.page, event.anonymous_id, event.action) == ("pages/a", "d1", "view")
    assert event.date == parse_instant("2026-03-01T01:00:01Z")
    assert event.received == (None if at is None else parse_instant(at))


def test_a_body_is_read_as_nginx_escapes_it(tmp_path: Path) -> None:
    body = target(7).partition("?")[2] + "&contentName=%E4%BD%A0"
    escaped = "".join(c if c not in '"\\' else f"\\x{ord(c):02X}" for c in body)
    (tmp_path / "events.log").write_text(f'200 "POST /cbe/__utm HTTP/1.1" "{escaped}"\n')

    (event,) = reader(tmp_path, format='$status "$request" "$request_body"').events("good")

    assert (event.external_id, event.content) == ("n.7.1", "你")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), min_size=1, max_size=40))
def test_whatever_stands_in_a_value_is_unescaped(text: str) -> None:
    raw = text.encode()
    written = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02X}" for byte in raw)
    pattern = parse_format('$status "$request_uri" "$request_body"').pattern

    match = pattern.fullmatch(f'200 "/" "{written}"')

    assert match is not None
    assert reader(Path())._bytes(match[3]) == raw


def test_a_line_takes_no_longer_than_its_length() -> None:
    pattern = parse_format("combined").pattern

    assert pattern.fullmatch('" ' * 200_000) is None


# ---- what counts --------------------------------------------------------------------------------------------------


def test_only_what_was_answered_as_stored_is_an_event(tmp_path: Path) -> None:
    text = line(1) + line(2, 404) + line(3, 499) + line(4, 204) + '1.0 400 "\\x16\\x03\\x01"\n' + '1.0 200 ""\n'
    text += '1.0 200 "GET /favicon.ico HTTP/1.1"\n' + "\n" + line(5)
    (tmp_path / "events.log").write_text(text)

    assert ids(reader(tmp_path)) == ["n.1.1", "n.5.1"]
    assert ids(reader(tmp_path, Contract(replies=Replies((200, 204))))) == ["n.1.1", "n.4.1", "n.5.1"]
    assert ids(reader(tmp_path, statuses=[499])) == ["n.3.1"]


def test_a_bad_event_is_listed_among_the_bad_ones(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text(line(1) + line(2, event="x" * 33) + line(3, date="yesterday"))
    events = reader(tmp_path)

    bad = list(events.events("bad"))

    assert ids(events) == ["n.1.1"]
    assert [(event.cursor // BATCH, event.reason) for event in bad] == [
        (2, "event is longer than 32 characters"), (3, "date is unreadable"),
    ]  # fmt: skip


def test_a_line_of_another_format_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text(line(1) + "something else\n" + line(3))

    with pytest.raises(Unreadable, match="line 2 is not in the format that the target file says: 'something else'"):
        ids(reader(tmp_path))


# ---- files --------------------------------------------------------------------------------------------------------


def test_rotated_and_packed_files_are_read_oldest_first(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text(line(9) + line(10))
    (tmp_path / "events.log.1").write_text(line(7) + line(8))
    (tmp_path / "events.log.2.gz").write_bytes(gzip.compress((line(5) + line(6)).encode()))
    (tmp_path / "events.log.10.gz").write_bytes(gzip.compress(line(1).encode()))
    (tmp_path / "events.log.bak").write_text(line(99))
    (tmp_path / "events.logs").write_text(line(98))

    assert ids(reader(tmp_path)) == [f"n.{number}.1" for number in (1, 5, 6, 7, 8, 9, 10)]
    assert ids(reader(tmp_path, rotated=False)) == ["n.9.1", "n.10.1"]


def test_files_that_are_named_by_their_day_are_in_the_order_of_days(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text(line(4))
    (tmp_path / "events.log-20260302").write_text(line(3))
    (tmp_path / "events.log-20260301.gz").write_bytes(gzip.compress(line(2).encode()))
    (tmp_path / "events.log-20260301").write_text(line(2))  # being packed: both are there
    (tmp_path / "events.log-20260228.gz").write_bytes(gzip.compress(line(1).encode()))

    assert ids(reader(tmp_path)) == ["n.1.1", "n.2.1", "n.3.1", "n.4.1"]


def test_a_last_line_that_is_being_written_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "events.log"
    log.write_text(line(1) + line(2)[:40])
    events = reader(tmp_path)

    assert ids(events) == ["n.1.1"]
    cursor = events.last_cursor("good")
    with log.open("a") as file:
        file.write(line(2)[40:] + line(3))
    assert ids(events, after=cursor) == ["n.2.1", "n.3.1"]


def test_a_rotated_file_whose_last_line_is_cut_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "events.log.1").write_text(line(1)[:40])
    (tmp_path / "events.log").write_text(line(2))

    with pytest.raises(Unreadable, match=r"the last line of events\.log\.1 is cut off, and a later file follows"):
        ids(reader(tmp_path))


def test_reading_goes_on_while_the_log_is_rotated_and_packed(tmp_path: Path) -> None:
    log, events = tmp_path / "events.log", reader(tmp_path)
    log.write_text(line(1) + line(2))
    assert ids(events) == ["n.1.1", "n.2.1"]
    cursor = events.last_cursor("good")

    with log.open("a") as file:
        file.write(line(3))
    log.rename(tmp_path / "events.log.1")
    log.write_text(line(4))
    assert ids(events, after=cursor) == ["n.3.1", "n.4.1"]
    cursor = events.last_cursor("good")

    (tmp_path / "events.log.2.gz").write_bytes(gzip.compress((tmp_path / "events.log.1").read_bytes()))
    (tmp_path / "events.log.1").unlink()
    log.rename(tmp_path / "events.log.1")
    log.write_text(line(5))
    assert ids(events, after=cursor) == ["n.5.1"]
    assert ids(events) == [f"n.{number}.1" for number in range(1, 6)]


def test_only_what_is_new_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "events.log"
    log.write_text("".join(line(number) for number in range(500)))
    files = LogFiles([log], rotated=True)
    assert len(list(files.lines())) == 500
    with log.open("a") as file:
        file.write(line(500))
    monkeypatch.setattr(log_files, "MOST_BYTES", 1_000)

    assert [number for number, _ in files.lines(after=500)] == [501]


def test_a_log_that_was_cut_is_read_anew(tmp_path: Path) -> None:
    log = tmp_path / "events.log"
    log.write_text(line(1) + line(2))
    files = LogFiles([log], rotated=True)
    mark = files.mark()
    assert len(list(files.lines())) == 2

    log.write_text(line(3))

    assert [number for number, _ in files.lines()] == [1]
    assert files.mark() != mark


@pytest.mark.parametrize("damage", ["cut", "no gzip"])
def test_a_damaged_packed_file_is_told(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(line(1).encode())
    (tmp_path / "events.log.1.gz").write_bytes(packed[:-12] if damage == "cut" else b"no gzip at all")
    (tmp_path / "events.log").write_text(line(2))

    with pytest.raises(Unreadable, match=r"events\.log\.1\.gz cannot be read"):
        ids(reader(tmp_path))


def test_a_log_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="there is no file"):
        ids(reader(tmp_path))


def test_a_line_without_an_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "LONGEST_LINE", 100)
    (tmp_path / "events.log").write_text("x" * 1_000)

    with pytest.raises(Unreadable, match="is longer than"):
        ids(reader(tmp_path))


def test_cursors_grow_and_go_on_behind_themselves(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_text("".join(line(number) for number in range(1, 6)))
    events = reader(tmp_path)
    listed = list(events.events("good"))

    cursors = [event.cursor for event in listed]

    assert cursors == sorted(set(cursors))
    for place, cursor in enumerate(cursors):
        assert ids(events, after=cursor) == [event.external_id for event in listed[place + 1 :]]
    assert ids(events, after=events.last_cursor("good")) == []


# ---- counted ------------------------------------------------------------------------------------------------------


def counted(folder: Path) -> CountedTotals:
    section = EventsSection(
        log=LogSection.model_validate({"files": "events.log", "format": '$msec $status "$request"'})
    )
    totals = make_totals(TotalsSection(events=CountedSection()), section, setting(folder=folder))
    assert isinstance(totals, CountedTotals)
    return totals


def test_the_totals_are_what_the_log_comes_to(tmp_path: Path) -> None:
    log = tmp_path / "events.log"
    opened = line(1, event="mini_program_open", externalId="n.1.0")
    log.write_text(opened + line(1) + line(2) + line(2) + line(3, 404))  # the second one of 2 is a copy
    totals = counted(tmp_path)

    first = totals.read(BEGIN, END)
    with log.open("a") as file:
        file.write(line(4, source="ad2"))
    second = totals.read(BEGIN, END)

    assert first.cells["all"] == {"": {"pv": 2, "uv": 2, "opens": 1, "new_users": 2}}
    assert first.error == ""
    assert second.cells["source"]["ad2"] == {"pv": 1, "uv": 1, "opens": 0, "new_users": 1}
    assert second.cells["page"]["pages/a"] == {"pv": 3, "uv": 3, "opens": None, "new_users": None}
    totals.close()


def test_a_log_whose_beginning_is_gone_is_not_counted(tmp_path: Path) -> None:
    log = tmp_path / "events.log"
    log.write_text(line(1) + line(2))
    totals = counted(tmp_path)
    assert totals.read(BEGIN, END).error == ""

    log.replace(tmp_path / "kept")
    log.write_text(line(3))

    assert "its oldest part is gone" in totals.read(BEGIN, END).errors["all"]
    totals.close()

"""The events in an access log of nginx or Apache: each line's request, decoded by the adapter that sent it.

A line says that a request came and what it was answered. Those with a status by which events are stored hold events;
what is no request of the adapter's format is passed over. A line that is not in the log's format is no line that may be
passed over: nobody knows what it said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from simulator.scenario.target_reading import LogSection
from simulator.times import Ms, instant, parse_instant
from simulator.verify.readers.events import MOST_EVENTS, StoredEvent, TooMany, Which, event_of
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.items import BATCH, cursor_behind, places_before
from simulator.verify.readers.log_files import LogFiles
from simulator.verify.readers.setting import Setting
from simulator.wire.request import Record, WireError

_ALL = frozenset(StoredEvent._fields) - {"user"}
_ESCAPED = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_SINGLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class LogEvents:
    """Lists the events of a log."""

    fields = _ALL
    compared = _ALL
    identity_types = None
    lists_bad = True

    def __init__(self, section: LogSection, setting: Setting) -> None:
        self._setting = setting
        self._format = section.parsed()
        self._statuses = frozenset(section.statuses or setting.contract.replies.acked)
        paths = [setting.folder / Path(setting.secrets.value(one)).expanduser() for one in section.files]
        self._files = LogFiles(paths, rotated=section.rotated)

    def events(self, which: Which, *, after: int = 0, limit: int = MOST_EVENTS) -> Iterator[StoredEvent]:
        """The events behind a cursor, oldest first."""
        listed = 0
        for number, line in self._files.lines(places_before(after)):
            for place, event in enumerate(self._of_line(number, line)):
                cursor = number * BATCH + place
                if cursor <= after or bool(event.reason) is not (which == "bad"):
                    continue
                if listed >= limit:
                    raise TooMany(f"the log has more than {limit:,} events")
                listed += 1
                yield event._replace(cursor=cursor)

    def last_cursor(self, which: Which) -> int:  # noqa: ARG002  good and bad events share their lines
        """The cursor behind every line that is there now."""
        last = 0
        for number, _ in self._files.lines(0):
            last = number
        return cursor_behind(last)

    def mark(self) -> str:
        """The first line of the log, by which it is known again."""
        return self._files.mark()

    def close(self) -> None:
        """Files are open only while they are read."""

    def _of_line(self, number: int, line: bytes) -> Iterator[StoredEvent]:
        text = line.decode("utf-8", "surrogateescape")
        if not text.strip():
            return
        match = self._format.pattern.fullmatch(text)
        if match is None:
            raise Unreadable(f"line {number} is not in the format that the target file says: {text[:80]!r}")
        told = dict(zip(self._format.roles, match.groups(), strict=True))
        if not told["status"].isdecimal() or int(told["status"]) not in self._statuses:
            return
        received = _received(told, number)
        for record in self._records(told):
            yield event_of(record, received)

    def _records(self, told: dict[str, str]) -> tuple[Record, ...]:
        method, target = told.get("method", "GET"), told.get("target", "")
        if "request" in told:
            parts = self._unescaped(told["request"]).split(" ")
            if len(parts) < 2:
                return ()
            method, target = parts[0], parts[1]
        elif target:
            target = self._unescaped(target)
        headers = {
            role.removeprefix("header "): self._unescaped(value)
            for role, value in told.items()
            if role.startswith("header ") and value != "-"
        }
        body = told.get("body", "")
        raw = b"" if body in ("", "-") else self._bytes(body)
        try:
            records = self._setting.adapter.decode(method, target, headers, raw)
        except WireError:
            return ()
        if len(records) >= BATCH:
            raise Unreadable(f"a request with {len(records):,} events; at most {BATCH - 1:,} are read")
        return records

    def _unescaped(self, text: str) -> str:
        return self._bytes(text).decode("utf-8", "surrogateescape")

    def _bytes(self, text: str) -> bytes:
        raw = text.encode("utf-8", "surrogateescape")
        return raw if self._format.escape == "none" or b"\\" not in raw else _ESCAPED.sub(_plain, raw)


def _plain(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes([int(match[1], 16)])
    if match[2] is not None:
        return chr(int(match[2], 16)).encode("utf-8", "surrogatepass")
    return _SINGLE.get(match[3], match[3])


def _received(told: dict[str, str], number: int) -> Ms | None:
    """When a request came, as far as its line says."""
    try:
        if "time_msec" in told:
            return Ms(round(float(told["time_msec"]) * 1000))
        if "time_iso8601" in told:
            return parse_instant(told["time_iso8601"])
        text = told.get("time_local", told.get("time_bracketed", "")).strip("[]")
        return instant(datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")) if text else None
    except (ValueError, OverflowError):
        raise Unreadable(f"line {number} has no time that can be read") from None

"""A collector that is no more than nginx's access log: `python -m tests.bench.tally PIPE FOLDER` counts it.

nginx writes a line for each event that it answered, this process reads them from a pipe and says how many views, users,
opens and new users they come to, in every kind of cell, at GET /monitor/totals (CONTRACT section 7). So a run against
nginx is judged by what arrived, and the counting shares no line with mpsim: neither with its verifier nor with its
embedded collector.

Definitions: opens: launch, user: device, day: Asia/Shanghai; a repeated externalId is one event, the first stands.

Memory does not grow with the events. Each becomes 31 bytes in one of 256 files by its device's hash, and a file, which
has all events of its devices, is counted alone. Ids are compared by hashes of 64 bits within a file: that two of ten
million are taken for one has a chance of one in a hundred million.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

FILES = 256
_ROW = struct.Struct("<QQqHHHB")  # device, id, instant in ms, source, content, page; whether it is a view
_KEPT = 16_384  # bytes of a file's rows in memory before they are written
_PIPE = 1 << 20
_QUIET = 1.5  # seconds without a line after which nginx, which writes at least once a second, has written all
_COUNTING = 20.0  # seconds that a question waits for its answer
_ZONE = timedelta(hours=8)  # China has had this one offset since 1991
_NONE = "(none)"
_MOST_NAMES = 65_535
_MOST_SECONDS = 200_000  # remembered


class Log:
    """The lines read so far, as rows by device."""

    def __init__(self, folder: Path) -> None:
        self.rows = 0
        self.passed_over = 0  # lines that are no open and no view, or were not answered with 200
        self.names: list[str] = []  # of sources, contents and pages, by number
        self._numbers: dict[bytes, int] = {}  # as sent; two spellings of one name have one number
        self._seconds: dict[bytes, int] = {}  # instants in ms by their text up to the second
        self._paths = [folder / f"rows.{number}" for number in range(FILES)]
        self._files = [path.open("wb", buffering=0) for path in self._paths]
        self._pending = [bytearray() for _ in range(FILES)]
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the log."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        event, date, identifier, device, source, content, page, status = line.split(b"\t")
        is_view = event == b"mini_program_view"
        if status != b"200" or not device or not identifier or not (is_view or event == b"mini_program_open"):
            self.passed_over += 1
            return
        at = self._seconds.get(date[:-4])
        if at is None:
            at = self._second(date)
        owner = hash(device)
        number = owner % FILES
        pending = self._pending[number]
        pending += _ROW.pack(
            owner & 0xFFFFFFFFFFFFFFFF,
            hash(identifier) & 0xFFFFFFFFFFFFFFFF,
            at + int(date[-4:-1]),
            self._number(source),
            self._number(content),
            self._number(page) if is_view else 0,
            is_view,
        )
        if len(pending) >= _KEPT:
            self._files[number].write(pending)
            pending.clear()
        self.rows += 1

    def rows_of(self, number: int) -> bytes:
        """The rows of one file, in the order of their arrival."""
        if self._pending[number]:
            self._files[number].write(self._pending[number])
            self._pending[number].clear()
        return self._paths[number].read_bytes()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _number(self, escaped: bytes) -> int:
        number = self._numbers.get(escaped)
        if number is None:
            name = unquote(escaped.decode("ascii"))
            if name not in self.names:
                self.names.append(name)
            if len(self.names) > _MOST_NAMES:
                raise ValueError(f"more than {_MOST_NAMES} sources, contents and pages")
            number = self._numbers[escaped] = self.names.index(name)
        return number

    def _second(self, date: bytes) -> int:
        """The instant of "2026-03-01T00%3A00%3A00.000Z" with its milliseconds left off."""
        text = unquote(date.decode("ascii"))
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or text[-5] != "." or not text.endswith("Z"):
            raise ValueError(f"no date of this wire: {text!r}")
        if len(self._seconds) >= _MOST_SECONDS:
            self._seconds.clear()
        at = self._seconds[date[:-4]] = int(moment.replace(microsecond=0).timestamp()) * 1_000
        return at


@dataclass(slots=True)
class Cell:
    """The numbers of one cell."""

    pv: int = 0
    uv: int = 0
    opens: int = 0
    new_users: int = 0
    visitors: set[int] = field(default_factory=set)  # devices of the file that is being counted


def count(log: Log, begin: int | None, end: int | None) -> dict[str, dict[str, Cell]]:
    """The cells of every kind in [begin, end), milliseconds since 1970; None: no limit."""
    cells: dict[tuple[str, object], Cell] = {("all", ""): Cell()}
    low, high = (-(1 << 62) if begin is None else begin), ((1 << 62) if end is None else end)
    for number in range(FILES):
        _count_file(log.rows_of(number), low, high, cells)
        for cell in cells.values():
            cell.uv += len(cell.visitors)
            cell.visitors.clear()
    named: dict[str, dict[str, Cell]] = {by: {} for by in ("all", "source", "content", "hour", "day", "page")}
    for (by, key), cell in cells.items():
        named[by][_name(by, key, log.names)] = cell
    return named


def _count_file(data: bytes, low: int, high: int, cells: dict[tuple[str, object], Cell]) -> None:
    seen: set[int] = set()
    rows = []
    for row in _ROW.iter_unpack(data):
        if row[1] not in seen:
            seen.add(row[1])
            rows.append(row)
    rows.sort(key=lambda row: row[2])  # stable: what has one instant stays in the order of arrival
    known: set[int] = set()
    places: dict[tuple[int, ...], tuple[list[Cell], Cell]] = {}
    for device, _, at, source, content, page, is_view in rows:
        is_new = device not in known
        known.add(device)
        if not low <= at < high:
            continue
        place = (source, content, page, at // 3_600_000)
        found = places.get(place)
        if found is None:
            found = places[place] = _place(cells, *place)
        everywhere, of_page = found
        for cell in everywhere:
            cell.visitors.add(device)
            if is_view:
                cell.pv += 1
            else:
                cell.opens += 1
            if is_new:
                cell.new_users += 1
        if is_view:
            of_page.pv += 1
            of_page.visitors.add(device)


def _place(
    cells: dict[tuple[str, object], Cell], source: int, content: int, page: int, hour: int
) -> tuple[list[Cell], Cell]:
    """The cells of a row, and that of its page if it is a view; hours of the zone begin with those of UTC."""
    day = (datetime.fromtimestamp(hour * 3_600, UTC) + _ZONE).date().isoformat()
    kinds = (("all", ""), ("source", source), ("content", content), ("hour", hour), ("day", day))
    everywhere = [cells.setdefault(key, Cell()) for key in kinds]
    return everywhere, cells.setdefault(("page", page), Cell())


def _name(by: str, key: object, names: list[str]) -> str:
    if by == "hour":
        assert isinstance(key, int)
        return datetime.fromtimestamp(key * 3_600, UTC).isoformat(timespec="minutes")
    if by in ("source", "content", "page"):
        assert isinstance(key, int)
        return names[key] or _NONE
    return str(key)


def told(by: str, cells: Mapping[str, Cell]) -> dict[str, object]:
    """The answer to a question for totals."""
    numbers = {
        name: {
            "pv": cell.pv,
            "uv": cell.uv,
            "opens": None if by == "page" else cell.opens,
            "new_users": None if by == "page" else cell.new_users,
        }
        for name, cell in cells.items()
        if by == "all" or cell.pv or cell.uv or cell.opens
    }
    return {"by": by, "cells": numbers}


class Tally:
    """The log and what it came to when it was last counted."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()  # of the log: while it is counted nothing is read, and nginx waits
        self._last_line = 0.0
        self._counted: tuple[int, int | None, int | None] | None = None
        self._cells: dict[str, dict[str, Cell]] = {}
        self._counting: threading.Thread | None = None

    def read(self, pipe: int) -> None:
        """Read the pipe for as long as the process lives."""
        while data := os.read(pipe, _PIPE):
            with self._lock:
                self._log.feed(data)
                self._last_line = time.monotonic()

    def totals(self, by: str, begin: int | None, end: int | None) -> dict[str, object] | None:
        """The totals of everything that was answered; None while they are not known."""
        deadline = time.monotonic() + _COUNTING
        if time.monotonic() - self._last_line < _QUIET:
            return None
        while time.monotonic() < deadline:
            if self._counted == (self._log.rows, begin, end):
                return told(by, self._cells[by])
            thread = self._counting
            if thread is None or not thread.is_alive():
                thread = self._counting = threading.Thread(target=self._count, args=(begin, end), daemon=True)
                thread.start()
            thread.join(deadline - time.monotonic())
        return None

    def _count(self, begin: int | None, end: int | None) -> None:
        with self._lock:
            self._cells = count(self._log, begin, end)
            self._counted = (self._log.rows, begin, end)


class _Handler(BaseHTTPRequestHandler):
    tally: Tally

    def do_GET(self) -> None:
        """Answer a question for totals; 503 while they are being counted."""
        asked = parse_qs(urlsplit(self.path).query)
        by = _one(asked, "by") or "all"
        begin, end = (_instant(_one(asked, name)) for name in ("begin", "end"))
        answer = self.tally.totals(by, begin, end)
        body = json.dumps(answer if answer is not None else {"error": "still counting"}).encode()
        self.send_response(503 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each question."""


def _one(asked: Mapping[str, Iterable[str]], name: str) -> str:
    return next(iter(asked.get(name, ())), "")


def _instant(text: str) -> int | None:
    return round(datetime.fromisoformat(text).timestamp() * 1_000) if text else None


def main() -> int:
    """Serve until the process is ended."""
    pipe_path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    # For reading and writing: so it is open before nginx writes, and does not end when nginx does.
    pipe = os.open(pipe_path, os.O_RDWR)
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
    tally = Tally(Log(folder))
    handler = type("Handler", (_Handler,), {"tally": tally})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    tally.read(pipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())

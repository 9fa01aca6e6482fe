"""A capture as a file: JSON lines, a head and then one exchange each, written as they are answered and read back.

The head says what it is and since when; a body is text where it is UTF-8, else base64. Reading gives the same Exchange
values as the headless runtime, so that the same rules judge both.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.errors import EngineError, UsageError
from simulator.runtime.trace import Exchange, Reply, Trace
from simulator.times import Ms

WHAT = "mpsim capture"
_VERSION = 1
_LONGEST_LINE = 32 << 20  # bytes; a body of 4 MiB with its reply stays far below
_MOST_EXCHANGES = 200_000


class Recorder:
    """An open capture file. It holds what phones sent, so only its owner may read it."""

    def __init__(self, path: Path, began: Ms) -> None:
        """Create the file, or empty it.

        Raises:
            UsageError: it cannot be written.
        """
        self._path = path
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as no:
            raise UsageError(f"--out {path}: {no.strerror or no}") from no
        self._descriptor = descriptor
        try:
            self._write({"what": WHAT, "version": _VERSION, "mpsim": __version__, "began": began})
        except BaseException:
            os.close(descriptor)
            raise

    def add(self, exchange: Exchange) -> None:
        """Write one exchange; it is in the file when this returns.

        Raises:
            EngineError: the disk is full, or gone.
        """
        self._write(_as_json(exchange))

    def _write(self, document: dict[str, Any]) -> None:
        left = memoryview(json.dumps(document, separators=(",", ":")).encode() + b"\n")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as no:
            raise EngineError(f"the capture cannot be written to {self._path}: {no.strerror or no}") from no

    def close(self) -> None:
        """Nothing comes any more."""
        os.close(self._descriptor)


def read_capture(path: Path) -> Trace:
    """What a capture file holds, in the order in which the requests came.

    A last line that was cut off, by a power cut or a full disk, is left out.

    Raises:
        UsageError: no such file, no capture, damaged, or larger than what is read; with the line.
    """
    exchanges: list[Exchange] = []
    for number, line in _lines(path):
        document = _document(path, number, line)
        if number == 1:
            if document.get("what") != WHAT or document.get("version") != _VERSION:
                raise UsageError(f"{path}: expected a capture of mpsim (version {_VERSION}), as --listen --out writes")
            continue
        if len(exchanges) >= _MOST_EXCHANGES:
            raise UsageError(f"{path}:{number}: at most {_MOST_EXCHANGES:,} requests of a capture are read")
        try:
            exchanges.append(_exchange(document))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as wrong:
            raise UsageError(f"{path}:{number}: no request of a capture: {_told(wrong)}") from wrong
    exchanges.sort(key=lambda one: one.number)
    return Trace(-1, tuple(exchanges))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The whole lines, with their numbers from 1."""
    count = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE + 1):
                if len(line) > _LONGEST_LINE:
                    raise UsageError(f"{path}:{count + 1}: a line of more than {_LONGEST_LINE} bytes")
                if not line.endswith(b"\n") and count:
                    return
                count += 1
                yield count, line
    except OSError as no:
        raise UsageError(f"{path}: {no.strerror or no}") from no
    if not count:
        raise UsageError(f"{path}: empty; expected a capture, as --listen --out writes")


def _document(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise UsageError(f"{path}:{number}: no JSON: {str(wrong)[:80]}") from wrong
    if not isinstance(document, dict):
        raise UsageError(f"{path}:{number}: expected a JSON object")
    return document


def _told(wrong: Exception) -> str:
    return f"{wrong} is missing" if isinstance(wrong, KeyError) else str(wrong)[:80]


def _as_json(exchange: Exchange) -> dict[str, Any]:
    document: dict[str, Any] = {
        "number": exchange.number,
        "at": exchange.at,
        "method": exchange.method,
        "url": exchange.url,
        "headers": exchange.headers,
        **_body(exchange.body),
    }
    if exchange.reply is not None:
        reply = exchange.reply
        document["reply"] = {"at": reply.at, "status": reply.status, "headers": reply.headers, **_body(reply.body)}
    if exchange.failed:
        document["failed"] = exchange.failed
    return document


def _body(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _exchange(document: dict[str, Any]) -> Exchange:
    reply = document.get("reply")
    return Exchange(
        number=_whole(document["number"]),
        at=Ms(_whole(document["at"])),
        method=_text(document["method"]),
        url=_text(document["url"]),
        headers=_headers(document["headers"]),
        body=_bytes(document),
        reply=None if reply is None else _reply(reply),
        failed=_text(document.get("failed", "")),
    )


def _reply(document: dict[str, Any]) -> Reply:
    return Reply(
        Ms(_whole(document["at"])), _whole(document["status"]), _headers(document["headers"]), _bytes(document)
    )


def _bytes(document: dict[str, Any]) -> bytes:
    if "base64" in document:
        return base64.b64decode(_text(document["base64"]), validate=True)
    return _text(document.get("body", "")).encode()


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        raise TypeError("headers is no list")
    return tuple([(_text(key), _text(text)) for key, text in value])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, not {str(value)[:40]!r}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected a whole number, not {str(value)[:40]!r}")
    return value

"""A V8 in a process of its own, and the scripts of ours that make a phone of it.

`Engine` runs code within bounds of time and memory and gives back texts; it is ended when something overruns them, and
the next use starts another. Nothing here knows what the texts mean (phone.py), and nothing of Python is visible inside.
"""

from __future__ import annotations

import json
import os
import selectors
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from types import TracebackType
from typing import IO, Any

from simulator.errors import EngineError
from simulator.immutable import immutable

ZONE = "Asia/Shanghai"  # of the phones: what Date shows as local time
_HEAD = struct.Struct(">I")
_PARTS = (
    "builtins",
    "record",
    "clock",
    "modules",
    "program",
    "pages",
    "navigation",
    "network",
    "storage",
    "wx",
    "host",
)
_GRACE = 3.0  # seconds beyond a bound before the process is killed
_OPENING = 30.0
_LONGEST_MESSAGE = 256_000_000


@lru_cache(maxsize=1)
def shim(name: str) -> str:
    """Our side of the isolate as one script; its only way in is a function under `name`."""
    folder = resources.files("simulator.runtime") / "js"
    body = "\n".join((folder / f"{part}.js").read_text(encoding="utf-8") for part in _PARTS)
    return f'const {name} = (function () {{ "use strict";\n{body}\n}})(); 0\n//# sourceURL=mpsim'


class Stopped(Exception):
    """The program overran a bound: time or memory. The isolate is gone.

    Args:
        texts: what it had said before.
    """

    def __init__(self, why: str, texts: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.why = why  # "time" or "memory"
        self.texts = tuple(texts)


@immutable(frozen=True, slots=True)
class Ran:
    """What a run of turns came to."""

    state: str  # the letter of host.js: I idle, M more, R wants an answer, D dead
    texts: tuple[str, ...]


class Engine:
    """One process with at most one isolate; a `with` block ends it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def open(self, scripts: Sequence[str], memory: int) -> tuple[tuple[int, str], ...]:
        """A fresh isolate with these scripts run in it; those that V8 refused, by number, with its words.

        Raises:
            Stopped: they do not fit into the memory, or parsing them takes too long.
            EngineError: the process cannot be started, or it ended for a reason of its own.
        """
        answer = self._ask({"open": list(scripts), "memory": memory}, _OPENING)
        if "stopped" in answer:
            self.close()
            raise Stopped(answer["stopped"])
        return tuple([(number, text) for number, text in answer["wrong"]])

    def run(self, codes: Sequence[str], turn: str, flush: str, seconds: float) -> Ran:
        """Run the codes, then turns for a while.

        Raises:
            Stopped: a bound was overrun.
            EngineError: the process ended for a reason of its own.
        """
        ask = {"run": list(codes), "turn": turn, "flush": flush, "seconds": seconds}
        answer = self._ask(ask, seconds + _GRACE)
        if "stopped" in answer:
            self.close()
            raise Stopped(answer["stopped"], answer["texts"])
        return Ran(answer["state"], tuple(answer["texts"]))

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.communicate()
        if self._errors is not None:
            self._errors.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "simulator.runtime.engine_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, "TZ": ZONE},
            )
        except OSError as failed:
            raise EngineError(f"the JavaScript engine's process cannot be started: {failed}") from failed

    def _ask(self, message: object, seconds: float) -> Any:
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        body = json.dumps(message).encode()
        try:
            process.stdin.write(_HEAD.pack(len(body)) + body)
            process.stdin.flush()
            (length,) = _HEAD.unpack(self._read(process.stdout, _HEAD.size, seconds))
            return json.loads(self._read(process.stdout, length, seconds))
        except Stopped:
            self.close()
            raise
        except (BrokenPipeError, EOFError):
            said = self._last_words()
            status = process.returncode
            self.close()
            if status < 0:  # a signal: V8 ends its process when an allocation fails
                raise Stopped("memory") from None
            raise EngineError(f"the JavaScript engine's process ended with {status}:\n{said}") from None

    def _last_words(self) -> str:
        assert self._process is not None
        assert self._errors is not None
        self._process.wait()
        self._errors.seek(0)
        return self._errors.read(1_000_000)[-4_000:].decode(errors="replace")

    def _read(self, stream: IO[bytes], size: int, seconds: float) -> bytes:
        if size > _LONGEST_MESSAGE:
            raise Stopped("memory")
        parts = []
        with selectors.DefaultSelector() as ready:
            ready.register(stream, selectors.EVENT_READ)
            while size:
                if not ready.select(seconds):
                    raise Stopped("time")
                part = os.read(stream.fileno(), min(size, 1 << 20))
                if not part:
                    raise EOFError
                parts.append(part)
                size -= len(part)
        return b"".join(parts)

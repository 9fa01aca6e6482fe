"""The process around V8: `python -m simulator.runtime.engine_process`, one isolate at a time, asked over its stdin.

It runs apart because V8 ends its whole process when memory runs out in the wrong place, and because the zone of its
Date is the process's. It knows nothing of mini programs; engine.py is the other end. Messages are JSON behind four
bytes of length:

    {"open": [script, …], "memory": bytes}                a fresh isolate
                                                          → {"wrong": [[number, text], …]} or {"stopped": why}
    {"run": [code, …], "turn": code, "seconds": s}        code, then the turn until it says something else than "M"
                                                          → {"state": "I", "texts": […]} or {"stopped": why, …}
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import traceback
from collections.abc import Sequence
from typing import Any, BinaryIO

from py_mini_racer import JSEvalException, JSOOMException, MiniRacer, init_mini_racer, mini_racer

_HEAD = struct.Struct(">I")
_FLAGS = ("--single-threaded", "--disallow-code-generation-from-strings")
_MOST_DATA = 800_000_000  # bytes that this process may write to; array buffers are outside V8's heap
_SLICE = 0.25  # seconds of turns in one answer, so that the caller can tell slow from stuck
_OPENING = 20.0  # seconds for the scripts of an isolate; files of a program are parsed, not run


def send(stream: BinaryIO, message: object) -> None:
    """Write one message."""
    body = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(body)) + body)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; None at the end."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    return json.loads(stream.read(_HEAD.unpack(head)[0]))


def _bound_process() -> None:
    try:
        import resource  # noqa: PLC0415  not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_DATA, _MOST_DATA))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _open(racer: MiniRacer, scripts: Sequence[str]) -> list[tuple[int, str]]:
    """The scripts that V8 refused, with its words."""
    wrong = []
    for number, script in enumerate(scripts):
        try:
            await racer.eval_cancelable(script)
        except JSOOMException:
            raise
        except JSEvalException as refused:
            wrong.append((number, str(refused)))
    return wrong


async def _run(racer: MiniRacer, ask: dict[str, Any]) -> dict[str, object]:
    texts: list[str] = []
    loop = asyncio.get_running_loop()
    seconds = float(ask["seconds"])
    state = "M"
    stopped = ""
    try:
        async with asyncio.timeout(seconds) as limit:
            for code in ask["run"]:
                await racer.eval_cancelable(code)
            end = loop.time() + _SLICE
            while state == "M" and loop.time() < end:
                limit.reschedule(loop.time() + seconds)
                text = str(await racer.eval_cancelable(ask["turn"]))
                state = text[:1]
                if len(text) > 3:
                    texts.append(text[1:])
    except TimeoutError:
        stopped = "time"
    except JSOOMException:
        stopped = "memory"
    if racer.was_hard_memory_limit_reached():
        stopped = "memory"
    if not stopped:
        return {"state": state, "texts": texts}
    racer.set_hard_memory_limit(0)
    try:
        async with asyncio.timeout(1.0):
            texts.append(str(await racer.eval_cancelable(ask["flush"]))[1:])
    except (TimeoutError, JSEvalException, JSOOMException):
        pass  # promise jobs that never end: what they said is lost, what was said before is in `texts`
    return {"stopped": stopped, "texts": texts}


async def _serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    opened = mini_racer(loop)
    racer: MiniRacer | None = None
    while (ask := receive(incoming)) is not None:
        if "open" in ask:
            if racer is not None:
                opened.__exit__(None, None, None)
                opened = mini_racer(loop)
            racer = opened.__enter__()
            racer.set_hard_memory_limit(ask["memory"])
            try:
                async with asyncio.timeout(_OPENING):
                    send(outgoing, {"wrong": await _open(racer, ask["open"])})
            except (JSOOMException, TimeoutError) as overrun:
                send(outgoing, {"stopped": "time" if isinstance(overrun, TimeoutError) else "memory"})
        else:
            assert racer is not None
            send(outgoing, await _run(racer, ask))


def main() -> None:
    """Serve until stdin ends; then go at once, whatever still runs in V8."""
    _bound_process()
    init_mini_racer(flags=_FLAGS)
    status = 1
    try:
        asyncio.run(_serve(sys.stdin.buffer, sys.stdout.buffer))
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()

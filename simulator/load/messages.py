"""What master and workers say to one another, over Locust's own channel, and how it is read.

All of it is one type of Locust message, whose data holds `kind` and, always, the id of the `run`; a message of another
run is refused. Every message can be lost, and said again: a report and an order each tell the whole state of who sends
them, so the next one makes good for any before it.

    worker to master
      hello     there is a worker without a run; `run` is empty
      fetch     the part of a file of the scenario that it needs next: file, offset
      report    where it stands: course, leases that came (got), visitors ahead and wanted, floor, numbers; its end,
                with leases that it gives back: from number `given` on, and how many are the rest
      echo      of a ping: sent, and the worker's own clock
      ledger    a part of its ledger: offset, data
    master to worker
      run       what will be sent: the worker's name, the folder, the files
      file      a part of a file: file, offset, data
      orders    which course, since when, how many places, the leases from number `base` on, whether to drain,
                how many leases it has `given` back
      ping      the master's clock
      have      so many bytes of the ledger have come
      refused   why the worker can have no part in this run

What comes from outside is bounded and checked here, and never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.load.leases import Lease
from simulator.load.numbers import Told

TYPE = "mpsim"  # of Locust's message
CHUNK = 262_080  # bytes of a file or ledger in one message: whole slots of the ledger
MOST_LEASES = 20_000  # in one message
_MOST_NUMBER = 1 << 63

Message = Mapping[str, Any]
Send = Callable[[str, dict[str, Any]], None]  # to whom (a worker's id), what; it may be lost


class BadMessage(ValueError):
    """A message that says nothing that we could use, and why."""


def text(message: Message, name: str, most: int = 1_000) -> str:
    """A text of bounded length."""
    value = message.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise BadMessage(f"{name} is no text of at most {most} characters")
    return value


def whole(message: Message, name: str, most: int = _MOST_NUMBER) -> int:
    """A whole number, 0 or more."""
    value = message.get(name)
    if not isinstance(value, int) or not 0 <= value <= most:
        raise BadMessage(f"{name} is no whole number from 0 to {most}")
    return value


def data(message: Message, name: str = "data") -> bytes:
    """Bytes of at most a chunk."""
    value = message.get(name)
    if not isinstance(value, bytes) or len(value) > CHUNK:
        raise BadMessage(f"{name} is not at most {CHUNK} bytes")
    return value


def told(message: Message, name: str) -> Told:
    """A worker's numbers."""
    value = message.get(name)
    try:
        return Told.from_json(value)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise BadMessage(f"{name} are no numbers: {wrong}") from wrong


def leases(message: Message, name: str) -> list[Lease]:
    """Ranges of visitors, none of them empty."""
    value = message.get(name)
    if not isinstance(value, list | tuple) or len(value) > MOST_LEASES:
        raise BadMessage(f"{name} is no list of at most {MOST_LEASES} leases")
    found = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(end, int) for end in pair):
            raise BadMessage(f"{name} holds something that is no lease")
        first, stop = pair
        if not 0 <= first < stop <= _MOST_NUMBER:
            raise BadMessage(f"{name} holds a lease from {first} to {stop}")
        found.append((first, stop))
    return found

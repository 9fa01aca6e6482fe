"""What the collector is started with, and the bounds on what it takes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simulator.contract import Definitions

MAX_TARGET = 64 * 1024  # bytes of a request's path and query; a longer one is answered 414
MAX_HEADERS = 64 * 1024  # bytes of all header names and values; more is answered 431
MAX_BODY = 4 * 1024 * 1024  # bytes of a body; 100 events of the largest documented size fit several times


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """One collector. The definitions are switches of counting only: another choice counts the same rows anew."""

    db: Path  # created when it does not exist
    host: str = "127.0.0.1"  # anything but loopback only because somebody asked for it
    port: int = 0  # 0: any free one
    definitions: Definitions = field(default_factory=Definitions)
    # The access token of the OpenAPI; empty: not asked for. It imitates the documented flow and is no lock:
    # /security/accesstoken hands it to every appid and secret.
    token: str = ""
    tenant: str = ""  # events of another tenant are bad; empty: not checked
    events: frozenset[str] | None = None  # registered c_ events, others are bad; None: not checked
    fsync: bool = True  # an answer waits for the disk: stored survives a power cut; False: the death of the process
    parent: int = 0  # process id; the collector ends when its parent is another one. 0: it outlives everybody

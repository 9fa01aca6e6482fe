"""One collector served over HTTP: the socket, the signals, and the line that says it listens."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from simulator.collector.app import Application
from simulator.collector.options import MAX_HEADERS, MAX_TARGET, CollectorOptions
from simulator.collector.parts import Collector
from simulator.collector.store import open_store
from simulator.collector.totals import Totals
from simulator.traffic.serving import BoundedProtocol, Server, config_of, listen, url_of

# Longer than any pause of a load: a connection closed under a client that is about to send looks like a lost event.
_KEEP_ALIVE = 3600  # seconds
_CONNECTIONS = 65_536  # at once, as far as the system lets us; each takes a file descriptor
_STOPPING = 5  # seconds that requests in progress are given


def serve(options: CollectorOptions, build: Callable[[CollectorOptions], Collector] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; prints `listening on http://HOST:PORT` when it is ready.

    `build` puts the parts together, `collector` by default.

    Raises:
        UsageError: the port is taken or not ours, or the database cannot be used.
    """
    listener = listen(options.host, options.port)
    try:
        parts = (build or collector)(options)
    except BaseException:
        listener.close()
        raise
    said = parts.store.note_definitions(options.definitions)
    if said:
        print(said, file=sys.stderr, flush=True)
    if options.parent:
        threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    config = config_of(Application(parts), _Protocol, keep_alive=_KEEP_ALIVE, stopping=_STOPPING)
    _allow_connections()
    # The writer's thread asks for the interpreter between statements; the default of 5 ms would be most of its time.
    sys.setswitchinterval(0.0005)
    gc.freeze()  # what is loaded now stays: no need to look through it again and again
    try:
        Server(config, lambda: print(f"listening on {url_of(listener)}", flush=True)).run(sockets=[listener])
    finally:
        parts.close()


def _end_with(parent: int) -> None:
    """Whoever started this collector is gone: nobody else knows its port."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def collector(options: CollectorOptions) -> Collector:
    """The honest collector.

    Raises:
        UsageError: the database cannot be used.
    """
    return Collector(options, open_store(options.db, fsync=options.fsync), Totals(options.db, options.definitions))


def _allow_connections() -> None:
    """Raise our own limit of open files towards the system's; 1024, a usual one, is fewer than a load needs."""
    if sys.platform == "win32":  # has no such limit
        return
    import resource  # noqa: PLC0415  not there on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Protocol(BoundedProtocol):
    """With the collector's own bounds."""

    most_target = MAX_TARGET
    most_headers = MAX_HEADERS

"""Whether a port is free to listen on, asked before anything is made or started for it."""

from __future__ import annotations

import os
import socket

from simulator.errors import UsageError


def check_port(host: str, port: int, option: str) -> None:
    """Listen there for a moment.

    Args:
        host: empty for every interface.
        option: that names the port, for the sentence.

    Raises:
        UsageError: somebody listens there already, or nobody can.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as taken:
        # Its own text names the address once more.
        reason = os.strerror(taken.errno) if taken.errno is not None and taken.errno > 0 else str(taken)
        where = f"{host}:{port}" if host else f"port {port}"
        raise UsageError(f"nobody can listen on {where}: {reason}; choose another {option}") from taken

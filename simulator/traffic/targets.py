"""Where events may be sent, and whether anybody answers there."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from simulator.errors import ConnectionFailed, UsageError

CONNECT_SECONDS = 5.0


def check_target(url: str, allowed_hosts: Collection[str], option: str = "--target") -> str:
    """The target's base URL without a trailing slash.

    Loopback needs no permission; any other host must be named, for every command that sends or reads.

    Args:
        option: that gave the URL, for the sentence.

    Raises:
        UsageError: not an http(s) URL of a host, or a host that was not allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as bad:
        raise UsageError(f"{option} {url}: {bad}") from bad
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{option} {url}: expected a URL such as http://127.0.0.1:8000")
    if parts.path not in {"", "/"}:
        of_path = "the path of events is --path" if option == "--target" else "each request keeps its own path"
        raise UsageError(f"{option} {url}: expected scheme, host and port only; {of_path}")
    if not is_loopback(parts.hostname) and parts.hostname not in allowed_hosts:
        what = "load goes there" if option == "--target" else "requests are passed on"
        raise UsageError(f"{parts.hostname} is not this machine: {what} only with --allow-host {parts.hostname}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def is_loopback(host: str) -> bool:
    """Whether a host name can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Whether a target's URL can only mean this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def check_connection(url: str) -> None:
    """Open and close one connection.

    Raises:
        ConnectionFailed: nobody listens there.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as refused:
        reason = refused.strerror or str(refused)
        raise ConnectionFailed(
            f"no connection to {host}:{port}: {reason}; is the collector running there?"
        ) from refused

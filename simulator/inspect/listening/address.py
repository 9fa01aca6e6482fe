"""Where the capture server listens, and what a phone must be told to reach it."""

from __future__ import annotations

import ipaddress
import re
import socket

from simulator.errors import UsageError
from simulator.immutable import immutable
from simulator.traffic.targets import is_loopback

USUAL_PORT = 8001
LOOPBACK = "127.0.0.1"
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_NOWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # for documentation (RFC 5737, RFC 3849)


@immutable(frozen=True, slots=True)
class Address:
    """An address to listen on."""

    host: str
    port: int  # 0: any free one

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_everywhere(self) -> bool:
        """Whether it means every interface of this machine."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False


def read_address(text: str) -> Address:
    """HOST, PORT or HOST:PORT; what is missing is loopback, and port 8001.

    Raises:
        UsageError: none of these.
    """
    host, port = LOOPBACK, str(USUAL_PORT)
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.%]+)\](?::(\d+))?", text)
    if bracketed:
        host, port = bracketed[1], bracketed[2] or port
    elif text.isascii() and text.isdecimal():
        port = text
    elif text.count(":") > 1:
        host = text  # IPv6 without a port
    else:
        given, colon, after = text.partition(":")
        host, port = given or host, after if colon else port
    is_host = _HOST.fullmatch(host) is not None or _is_ip(host)
    if not text or not is_host or not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65_535):
        raise UsageError(
            f"--listen {text}: expected an address such as 127.0.0.1:8001, 0.0.0.0:8001, [::1]:8001, or a port"
        )
    return Address(host, int(port))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def address_in_the_network(address: Address) -> str:
    """The host that a phone in the same network can reach; empty where this machine knows none.

    The system is asked which of its addresses it would send from; nothing is sent for that.
    """
    if not address.is_everywhere:
        return address.host
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((_NOWHERE[family], 9))
            host: str = asking.getsockname()[0]
    except OSError:
        return ""
    return "" if is_loopback(host) else host


def is_named(host_header: str, address: Address) -> bool:
    """Whether a browser that says this Host was given the server's own address, and not a stranger's name for it.

    A page of another site can have its name point at this machine; then the name stands in Host, and what phones sent
    is none of its business. Where only this machine listens, only its own names are taken; else any plain address, and
    the host that it was told to listen on.
    """
    host = _without_port(host_header).lower()
    if is_loopback(host):
        return True
    if address.is_loopback:
        return False
    return _is_ip(host) or host == address.host.lower()


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]

"""Machines that are network namespaces of this one, on a switch of their own: iproute2's `ip netns`, veth and a bridge.

Nothing outside of them is touched, and they are taken away again. Needs the right to make them: root, mostly.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.commands import environment

_SUBNET = "10.77.0"


def why_not() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"mpsim-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, text=True)
    if made.returncode:
        return f"network namespaces are not permitted: {made.stderr.strip()}"
    try:
        link = ["ip", "-n", name, "link", "add", "br0", "type", "bridge"]
        bridged = subprocess.run(link, check=False, capture_output=True, text=True)
    finally:
        _ip("netns", "del", name)
    return f"bridges are not permitted: {bridged.stderr.strip()}" if bridged.returncode else ""


@dataclass(frozen=True, slots=True)
class Machine:
    """One namespace with an address on the switch."""

    name: str
    address: str
    switch: str
    port: str  # of the switch

    def start(self, *command: object, log: Path) -> subprocess.Popen[bytes]:
        """A Python module with its arguments, as a process of that machine."""
        with log.open("wb") as file:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, sys.executable, "-m", *map(str, command)],
                cwd=log.parent,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def unplug(self) -> None:
        """Take its cable out of the switch."""
        _ip("-n", self.switch, "link", "set", self.port, "down")

    def forget_the_way_to(self, other: Machine) -> None:
        """Reach everybody but one."""
        _ip("-n", self.name, "route", "add", "blackhole", f"{other.address}/32")


@contextmanager
def machines(names: Sequence[str]) -> Iterator[list[Machine]]:
    """So many machines that reach one another and nobody else."""
    switch = f"mpsim-{os.getpid()}"
    with ExitStack() as made:
        _make(switch, made)
        _ip("-n", switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", switch, "link", "set", "br0", "up")
        there = []
        for number, name in enumerate(names, 1):
            machine = Machine(f"{switch}-{name}", f"{_SUBNET}.{number}", switch, f"port{number}")
            _make(machine.name, made)
            peer = ("peer", "name", "eth0", "netns", machine.name)
            _ip("-n", switch, "link", "add", machine.port, "type", "veth", *peer)
            _ip("-n", switch, "link", "set", machine.port, "master", "br0", "up")
            _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", "eth0")
            _ip("-n", machine.name, "link", "set", "eth0", "up")
            there.append(machine)
        yield there


def _make(name: str, made: ExitStack) -> None:
    _ip("netns", "add", name)
    made.callback(_ip, "netns", "del", name)
    _ip("-n", name, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)

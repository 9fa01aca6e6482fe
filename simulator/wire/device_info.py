"""What wx tells of a phone, cut into the parts that formats ask for."""

from __future__ import annotations

from simulator.events import Device


def system_of(device: Device) -> tuple[str, str]:
    """Name and version of the operating system: "iOS 17.4.1" is ("iOS", "17.4.1"); the version may be empty."""
    name, _, version = device.system.partition(" ")
    return name, version.partition(" ")[0]


def model_of(device: Device) -> str:
    """The model without its code: "iPhone 13<iPhone14,5>" is "iPhone 13"."""
    return device.model.partition("<")[0]

"""What discovery found out of one collector."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Found:
    """Grows while probes are answered."""

    keys: dict[str, str] = field(default_factory=dict)  # of a contract file, as they are written there
    remarks: list[str] = field(default_factory=list)  # what is worth knowing, and no key of a contract says
    unknown: dict[str, str] = field(default_factory=dict)  # keys that were not found out, with why

    def set(self, key: str, value: str) -> None:
        """A definition was seen."""
        self.keys[key] = value

    def leave(self, key: str, why: str) -> None:
        """A definition could not be found out."""
        self.unknown[key] = why

    def remark(self, text: str) -> None:
        """Something else was seen."""
        self.remarks.append(text)

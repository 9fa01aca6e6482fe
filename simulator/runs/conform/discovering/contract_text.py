"""What was found as a contract file, with what could not be found out as comments."""

from __future__ import annotations

from textwrap import wrap

from simulator.runs.conform.discovering.found import Found
from simulator.scenario.contracts import GivenContract, read_contract_text

_WIDTH = 110
# Of a contract file, that can be found out, in the order in which they are written.
KEYS = (
    "opens", "timeout_inclusive", "midnight", "source_change", "launch_opens", "user", "day", "dedupe", "time",
    "max_age",
)  # fmt: skip


def contract_text(found: Found, name: str, heading: str) -> str:
    """The text of a contract file; `mpsim run --contract FILE` takes it.

    Args:
        name: what reports call it.
        heading: of whom and when it was found, one line.
    """
    lines = [f"# {heading}", f"name: {_quoted(name)}"]
    for key in KEYS:
        if key in found.keys:
            lines.append(f"{key}: {_quoted(found.keys[key])}" if key == "day" else f"{key}: {found.keys[key]}")
        elif key in found.unknown:
            lines += _comment(f"{key} was not found out: {found.unknown[key]}")
    for remark in found.remarks:
        lines += _comment(remark)
    return "\n".join(lines) + "\n"


def as_contract(found: Found, name: str) -> GivenContract:
    """The same as it is read back."""
    return read_contract_text(contract_text(found, name, "found by mpsim conform"), f"{name}.yaml")


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(" ".join(text.split()), _WIDTH, break_long_words=False)]


def _quoted(text: str) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_./+:" else "_" for letter in text)
    return f'"{safe[:64]}"'

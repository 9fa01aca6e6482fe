"""The scenario that `mpsim init` writes: commented, small, and clean of warnings. Its text is starter.yaml."""

from __future__ import annotations

from importlib.resources import files


def template() -> str:
    """The text of the starter scenario."""
    return files("simulator.scenario").joinpath("starter.yaml").read_text(encoding="utf-8")

"""A wire format as the registry knows it: its name, its own options, how its adapter is built, and what fits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.scenario.adapter_options import PathOptions
from simulator.wire.options import DEFAULT_PATH, WireOptions
from simulator.wire.request import Adapter


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format.

    A third party's is found by the entry point group `mpsim.adapters`, whose entries name such a value.
    """

    name: str  # of the adapter
    options: type[PathOptions]  # model of its own options; a target file's are held against it
    build: Callable[[WireOptions, Any], Adapter[Any]]  # the second is an instance of `options`
    path: str = DEFAULT_PATH  # where its events go where nobody says otherwise
    # Keys of a contract file that fit this wire, in force where nothing else is said.
    contract: Mapping[str, Any] = field(default_factory=dict)

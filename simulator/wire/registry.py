"""Adapters by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from simulator.errors import UsageError
from simulator.wire import dmhub
from simulator.wire.options import WireOptions
from simulator.wire.request import Adapter

Factory = Callable[[WireOptions], Adapter[Any]]

# Each wire file names its adapters; a new file adds its line here.
_FACTORIES: Mapping[str, Factory] = {
    **dmhub.FACTORIES,
}


def adapter_names() -> tuple[str, ...]:
    """Every adapter's name, in alphabetical order."""
    return tuple(sorted(_FACTORIES))


def make_adapter(name: str, options: WireOptions) -> Adapter[Any]:
    """The adapter of that name, set up.

    Raises:
        UsageError: no adapter has that name.
    """
    factory = _FACTORIES.get(name)
    if factory is None:
        near = get_close_matches(name, adapter_names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"no adapter {name!r}; expected one of {', '.join(adapter_names())}{hint}")
    return factory(options)

"""Adapters by name: those of this package, and those of installed packages that declare some.

A package of a third party declares an entry point of the group `mpsim.adapters` that names a `Format` (formats.py);
its name is the adapter's. It is imported only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from simulator.errors import UsageError
from simulator.scenario.adapter_options import read_options
from simulator.scenario.nearest import nearest
from simulator.wire import (
    aladdin,
    dmhub,
    ga4,
    generic,
    growingio,
    matomo,
    posthog,
    segment,
    sensors,
    snowplow,
    thinkingdata,
    umeng,
)
from simulator.wire.formats import Format
from simulator.wire.options import DEFAULT_PATH, WireOptions
from simulator.wire.request import Adapter

GROUP = "mpsim.adapters"

# Each wire file names its format; a new file adds its line here.
_OURS = (
    *dmhub.FORMATS,
    aladdin.FORMAT,
    ga4.FORMAT,
    generic.FORMAT,
    growingio.FORMAT,
    matomo.FORMAT,
    posthog.FORMAT,
    segment.FORMAT,
    sensors.FORMAT,
    snowplow.FORMAT,
    thinkingdata.FORMAT,
    umeng.FORMAT,
)
_BY_NAME: Mapping[str, Format] = {one.name: one for one in _OURS}


def adapter_names() -> tuple[str, ...]:
    """Every adapter's name, in alphabetical order."""
    return tuple(sorted({*_BY_NAME, *_declared()}))


def format_of(name: str) -> Format:
    """The format of an adapter.

    Raises:
        UsageError: no adapter has that name, or the package that declares it cannot be used.
    """
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    entry = _declared().get(name)
    if entry is None:
        near = nearest(name, adapter_names())
        hint = f"; did you mean {near}?" if near else ""
        raise UsageError(f"no adapter {name!r}; expected one of {', '.join(adapter_names())}{hint}")
    return _load(entry)


def make_adapter(name: str, options: WireOptions, own: Mapping[str, Any] | None = None) -> Adapter[Any]:
    """The adapter of that name, set up.

    Its events go to the path that its own options say, else to that of `options`, else where the format has them.

    Args:
        own: the adapter's own options, as a target file says them.

    Raises:
        UsageError: no adapter has that name, or an option that does not fit.
    """
    form = format_of(name)
    given = read_options(name, form.options, own or {})
    path = given.fixed_path or (form.path if options.path == DEFAULT_PATH else options.path)
    return form.build(replace(options, path=path), given)


def path_of(name: str, own: Mapping[str, Any]) -> str:
    """Where an adapter's events go by its own options, else where its format has them; of a template, the template.

    Raises:
        UsageError: no adapter has that name, or an option that does not fit.
    """
    form = format_of(name)
    given = read_options(name, form.options, own)
    return given.fixed_path or given.path or form.path


def _declared() -> dict[str, EntryPoint]:
    """The adapters of other packages; a name of ours stays ours."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in _BY_NAME}


def _load(entry: EntryPoint) -> Format:
    package = entry.dist.name if entry.dist is not None else entry.module
    try:
        found = entry.load()
    except Exception as broken:  # whatever a stranger's import may raise
        raise UsageError(f"the adapter {entry.name} of {package} cannot be imported: {broken}") from broken
    if not isinstance(found, Format) or found.name != entry.name:
        raise UsageError(
            f"the adapter {entry.name} of {package}: {entry.value} is no simulator.wire.formats.Format of that name"
        )
    return found

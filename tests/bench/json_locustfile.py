"""Locust's own face of mpsim with the JSON wire of the benchmarks in the place of the default one.

    locust -f tests/bench/json_locustfile.py --scenario FILE -H URL --path /v1/collector/pushevent

Everything else is simulator/load/locustfile.py as it is: the same plan, client, ledger and statistics.
"""

from __future__ import annotations

from locust import events  # first: it replaces sockets and threads for everything that follows

# isort: split

from typing import cast

from simulator.load.locustfile import Visitors
from simulator.scenario.adapter_options import PathOptions
from simulator.wire import registry
from simulator.wire.formats import Format
from tests.bench.json_events import JsonEvents

cast("dict[str, Format]", registry._BY_NAME)["dmhub"] = Format(
    "dmhub", PathOptions, lambda options, _own: JsonEvents(options)
)

__all__ = ["Visitors", "events"]

"""Locust's own face of mpsim with the JSON wire of the benchmarks in the place of the default one.

    locust -f tests/bench/json_locustfile.py --scenario FILE -H URL --path /v1/collector/pushevent

Everything else is simulator/load/locustfile.py as it is: the same plan, client, ledger and statistics.
"""

from __future__ import annotations

from locust import events  # first: it replaces sockets and threads for everything that follows

# isort: split

from typing import Any, cast

from simulator.load.locustfile import Visitors
from simulator.wire import registry
from tests.bench.json_events import JsonEvents

cast("dict[str, Any]", registry._FACTORIES)["dmhub"] = JsonEvents

__all__ = ["Visitors", "events"]

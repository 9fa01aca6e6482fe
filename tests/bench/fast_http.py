"""The yardstick: a plain Locust file with FastHttpUser that sends prepared requests.

    BENCH_REQUESTS=FILE locust -f tests/bench/fast_http.py --headless -u 64 -r 64 -H URL

It is spared what mpsim does beside sending: the requests are planned and encoded beforehand, and it keeps no ledger.
Each user has a connection of its own and waits for nothing; rows are grouped by `name`, nothing is printed.
"""

from __future__ import annotations

from locust import FastHttpUser, task  # first: it replaces sockets and threads for everything that follows

# isort: split

import json
import os
from itertools import cycle
from pathlib import Path

_LINES = Path(os.environ["BENCH_REQUESTS"]).read_text(encoding="utf-8").splitlines()
_REQUESTS = cycle([(one["target"], one["headers"], one["body"].encode()) for one in map(json.loads, _LINES)])


class Repeater(FastHttpUser):  # type: ignore[misc]
    """Sends one request after another."""

    @task  # type: ignore[untyped-decorator]
    def send(self) -> None:
        """One request."""
        target, headers, body = next(_REQUESTS)
        if body:
            self.client.post(target, data=body, headers=headers, name="event")
        else:
            self.client.get(target, headers=headers, name="event")

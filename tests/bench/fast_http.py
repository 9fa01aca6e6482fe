"""The yardstick: a plain Locust file with FastHttpUser that sends the same requests as mpsim.

    BENCH_REQUESTS=FILE [BENCH_PREPARED=1] locust -f tests/bench/fast_http.py --headless -u 64 -r 64 -H URL

Each task builds its request from its fields, as tasks do: query parameters or a JSON body; which fields is planned
beforehand. With BENCH_PREPARED the request is built beforehand too, and a task does nothing but send. Neither keeps a
ledger. Each user has a connection of its own and waits for nothing; rows are grouped by `name`, nothing is printed.
"""

from __future__ import annotations

from locust import FastHttpUser, task  # first: it replaces sockets and threads for everything that follows

# isort: split

import json
import os
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

Fields = dict[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # as short as mpsim's


def _read(line: str) -> tuple[str, str, dict[str, str], bytes, Fields]:
    """A request of the file: whole target, its path alone, headers, body, and the fields of query or body."""
    one = json.loads(line)
    path, _, query = one["target"].partition("?")
    fields = json.loads(one["body"]) if one["body"] else dict(parse_qsl(query, keep_blank_values=True))
    return one["target"], path, one["headers"], one["body"].encode(), fields


_LINES = Path(os.environ["BENCH_REQUESTS"]).read_text(encoding="utf-8").splitlines()
_REQUESTS = cycle([_read(line) for line in _LINES])
_PREPARED = bool(os.environ.get("BENCH_PREPARED"))


class Repeater(FastHttpUser):  # type: ignore[misc]
    """Sends one request after another."""

    @task  # type: ignore[untyped-decorator]
    def send(self) -> None:
        """One request."""
        target, path, headers, body, fields = next(_REQUESTS)
        if body:
            data = body if _PREPARED else _encode(fields).encode()
            self.client.post(target, data=data, headers=headers, name="event")
        elif _PREPARED:
            self.client.get(target, headers=headers, name="event")
        else:
            self.client.get(path, params=fields, headers=headers, name="event")

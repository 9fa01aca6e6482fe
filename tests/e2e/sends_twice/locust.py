"""Stands in for Locust on PYTHONPATH: our own load, over a transport that sends again what was closed on it."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import sys  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

from simulator.load.client import Client  # noqa: E402
from simulator.load.connection import Connection  # noqa: E402
from simulator.load.drive import Drive  # noqa: E402
from simulator.load.self_check import assert_sends_once, send  # noqa: E402
from simulator.traffic.opened import open_run  # noqa: E402
from simulator.wire.request import Answer, Evidence, Request  # noqa: E402


def sends_twice(connection: Connection, client: Client, request: Request) -> Answer:
    answer = send(connection, client, request)
    return send(connection, client, request) if answer.evidence is Evidence.CLOSED else answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run-dir", type=Path, required=True)
    given, _ = parser.parse_known_args()
    sys.exit(Drive(open_run(given.run_dir), self_check=partial(assert_sends_once, sends_twice)).go())

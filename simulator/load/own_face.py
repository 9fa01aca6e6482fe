"""Locust's own face: a scenario sent with `locust -f …/locustfile.py --scenario FILE`, without `mpsim run`.

It makes the run directory that `mpsim verify` reads, as `mpsim run` does, and registers the links of method 2 through
the same client that will look them up. There is no verdict here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from simulator.errors import ConnectionFailed
from simulator.journey.plan import complete_links
from simulator.load.client import Client, send_once
from simulator.times import Ms
from simulator.traffic.making import Wanted, draft, make_folder, write_run
from simulator.traffic.opened import OpenedRun
from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.request import Evidence, Purpose, Request


def make_run(wanted: Wanted) -> OpenedRun:
    """Make a run directory for a collector that runs already.

    Raises:
        UsageError: a bad option, a host that was not allowed, or a directory that cannot be written.
        ScenarioError: the scenario cannot be used.
        ConnectionFailed: the collector did not take a link of method 2.
    """
    checked = draft(wanted)
    assert checked.url is not None, "Locust's own face starts no collector"
    opened = write_run(checked, make_folder(checked), checked.url)
    _register_links(Client(checked.url), complete_links(opened.scenario))
    return opened


def _register_links(client: Client, links: Mapping[str, str]) -> None:
    for code, link in links.items():
        body = json.dumps({"url": link, "code": code}).encode()
        headers = (("Content-Type", "application/json"),)
        request = Request(0, 0, Purpose.LOOKUP, Ms(0), "POST", LINKS_PATH, headers, body, ())
        answer = send_once(client, request)
        if answer.evidence is not Evidence.REPLY or answer.status not in {200, 201}:
            seen = f"HTTP {answer.status}" if answer.status else answer.evidence.name.lower().replace("_", " ")
            raise ConnectionFailed(f"the collector did not take the link {code} at {LINKS_PATH}: {seen}")

"""Links of method 2, registered with the target before a run."""

from __future__ import annotations

import httpx

from simulator.errors import ConnectionFailed
from simulator.journey.plan import complete_links
from simulator.scenario.model import Scenario
from simulator.traffic.links import refusal, registration

_SECONDS = 10.0


def register_links(url: str, scenario: Scenario) -> None:
    """Tell the collector the complete URL behind each code of the scenario.

    Raises:
        ConnectionFailed: the collector did not answer, or did not take a link.
    """
    links = complete_links(scenario)
    if not links:
        return
    with httpx.Client(base_url=url, timeout=_SECONDS, trust_env=False) as client:
        for code, link in links.items():
            path, body = registration(code, link)
            try:
                reply = client.post(path, content=body, headers={"content-type": "application/json"})
            except httpx.HTTPError as failed:
                raise ConnectionFailed(f"the collector did not take the link {code}: {failed}") from failed
            wrong = refusal(code, reply.status_code, reply.content)
            if wrong:
                raise ConnectionFailed(wrong)

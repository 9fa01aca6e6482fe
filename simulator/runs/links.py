"""Links of method 2, registered before the run: `POST /v1/source/links {"url": …}` (CONTRACT section 1, Assumed)."""

from __future__ import annotations

import httpx

from simulator.errors import ConnectionFailed
from simulator.journey.plan import complete_links
from simulator.scenario.model import Scenario
from simulator.wire.dmhub import LINKS_PATH

_SECONDS = 10.0


def register_links(url: str, scenario: Scenario) -> int:
    """Tell the collector the complete URL behind each code of the scenario; how many were registered.

    Raises:
        ConnectionFailed: the collector did not answer, refused, or gave the link another code.
    """
    links = complete_links(scenario)
    if not links:
        return 0
    with httpx.Client(base_url=url, timeout=_SECONDS, trust_env=False) as client:
        for code, link in links.items():
            try:
                reply = client.post(LINKS_PATH, json={"url": link, "code": code})
                given = reply.json().get("code") if reply.status_code in {200, 201} else None
            except (httpx.HTTPError, ValueError, AttributeError) as failed:
                raise ConnectionFailed(f"the collector did not take the link {code}: {failed}") from failed
            if given != code:
                raise ConnectionFailed(
                    f"the collector did not take the link {code}: HTTP {reply.status_code}, code {given!r}; "
                    f"expected POST {LINKS_PATH} to answer the code it was given"
                )
    return len(links)

"""Links of method 2: what is sent to register one before a run, and whether the reply took it.

Source: CONTRACT section 1.
Assumed: the code is sent along, since the plan is fixed before any reply; a collector that answers another code has not
taken the link.
"""

from __future__ import annotations

import json

from simulator.wire.dmhub import LINKS_PATH


def registration(code: str, link: str) -> tuple[str, bytes]:
    """(path, JSON body) of the POST that registers a complete URL."""
    return LINKS_PATH, json.dumps({"url": link, "code": code}, ensure_ascii=False).encode()


def refusal(code: str, status: int, body: bytes) -> str:
    """Why a reply did not take the link, as a sentence; empty when it did. Never raises."""
    if status not in {200, 201}:
        return f"the collector did not take the link {code}: POST {LINKS_PATH} answered HTTP {status}"
    try:
        document = json.loads(body)
        given = document.get("code") if isinstance(document, dict) else None
    except ValueError:
        given = None
    if given == code:
        return ""
    return f"the collector did not take the link {code}: it answered the code {str(given)[:64]!r} instead"

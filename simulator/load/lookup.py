"""The lookup of a complete URL by its code (method 2): whether the reply is the one that was registered.

Source: CONTRACT section 1: `GET /v1/source/links/{code}` → `{"url": …}` (Assumed).
"""

from __future__ import annotations

import json

from simulator.wire.request import Answer, Evidence, Request

_SHOWN = 200  # characters of a wrong answer in a message


def wrong_lookup(request: Request, answer: Answer) -> str:
    """What is wrong with the answer to a lookup; empty when it gave the complete URL. Never raises."""
    if answer.evidence is not Evidence.REPLY:
        return answer.evidence.name.lower().replace("_", " ")
    if answer.status != 200:
        return f"HTTP {answer.status}"
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "a reply that is no JSON"
    url = document.get("url") if isinstance(document, dict) else None
    if url == request.expects:
        return ""
    return f"another URL: {str(url)[:_SHOWN]}"

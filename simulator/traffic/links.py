"""Links of method 2: what is sent to register one, whether the reply took it, and whether a lookup brought it back.

Source: CONTRACT section 1: `GET /v1/source/links/{code}` → `{"url": …}` (Assumed).
Assumed: the code is sent along, since the plan is fixed before any reply; a collector that answers another code has not
taken the link.
"""

from __future__ import annotations

import json

from simulator.wire.dmhub import LINKS_PATH
from simulator.wire.request import Answer, Evidence, Request

_SHOWN = 200  # characters of a wrong answer in a message


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

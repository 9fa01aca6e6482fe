"""One request on a plain connection of its own: no Locust, no ledger, no retry; the caller looks at what came.

For trials and conformance cases, which are few. Load is load/client.py.
"""

from __future__ import annotations

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

from simulator.wire.request import Adapter, Answer, Evidence, Outcome, Request, outcomes_of

_MOST_BYTES = 65_536  # of a reply that are kept
_SECONDS = 15.0


def outcome_of(adapter: Adapter[Any], request: Request, answer: Answer) -> Outcome:
    """What an answer tells of all events of a request: acked only where each of them is."""
    apart = outcomes_of(adapter)
    each = None if apart is None else apart(len(request.records), answer)
    if each is None:
        return adapter.outcome(answer)
    return next((one for one in (Outcome.REFUSED, Outcome.UNKNOWN) if one in each), Outcome.ACKED)


def answer_to(url: str, request: Request) -> Answer:
    """Send a request once, on a connection of its own. Never raises for what the network or the collector does."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=_SECONDS, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=_SECONDS)
    try:
        try:
            connection.connect()
        except OSError:
            return Answer(Evidence.NO_CONNECTION)
        connection.putrequest(request.method, request.target, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        if request.body or request.method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body or None)
        reply = connection.getresponse()
        return Answer(Evidence.REPLY, reply.status, reply.read(_MOST_BYTES))
    except TimeoutError:
        return Answer(Evidence.TIMEOUT)
    except ConnectionResetError:
        return Answer(Evidence.RESET)
    except http.client.IncompleteRead:
        return Answer(Evidence.TRUNCATED)
    except http.client.RemoteDisconnected:
        return Answer(Evidence.CLOSED)
    except (http.client.HTTPException, OSError):
        return Answer(Evidence.GARBAGE)
    finally:
        connection.close()

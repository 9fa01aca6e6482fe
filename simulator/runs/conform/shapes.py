"""The same events in another shape: by another method, another content type, or through DM Hub's OpenAPI.

Only DM Hub's wire has these: its tracker sends a GET with everything in the query, and its documents name the calls by
which a server sends events.

Source: CONTRACT section 7; reference/dmhub.md, section 9.2.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from simulator.errors import UsageError
from simulator.scenario.case_file import Shape
from simulator.wire.request import Request

_PUSH, _BATCH = "/v1/collector/pushevent", "/v1/collector/batchPushEvents"
_JSON = (("content-type", "application/json"),)
_FORM = (("content-type", "application/x-www-form-urlencoded"),)


class NoSuchShape(UsageError):
    """The wire has no such form."""


def reshaped(requests: Sequence[Request], shape: Shape, adapter: str) -> tuple[Request, ...]:
    """The requests of one visitor in a shape.

    Raises:
        NoSuchShape: the adapter's requests have none of it.
    """
    if shape == "as it is":
        return tuple(requests)
    if adapter != "dmhub" or any(one.method != "GET" or one.body for one in requests):
        raise NoSuchShape(f"the adapter {adapter} sends events in one way only")
    if shape == "form":
        return tuple(_post(one, one.target.partition("?")[0], _query(one).encode(), _FORM) for one in requests)
    if shape == "json":
        return tuple(_post(one, one.target.partition("?")[0], _json(_fields(one)), _JSON) for one in requests)
    if shape == "one by one":
        return tuple(_post(one, _PUSH, _json(_fields(one)), _JSON) for one in requests)
    batch = _json({"events": [_fields(one) for one in requests], "commonProps": {}})
    whole = replace(requests[0], records=tuple(record for one in requests for record in one.records))
    return (_post(whole, _BATCH, batch, _JSON),)


def _post(request: Request, target: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> Request:
    kept = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
    return replace(request, method="POST", target=target, headers=(*headers, *kept), body=body)


def _query(request: Request) -> str:
    return request.target.partition("?")[2]


def _fields(request: Request) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in _query(request).split("&"))
    return {unquote(key): unquote(value) for key, _, value in pairs}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

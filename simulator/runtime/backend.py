"""The user's own backend, stood in for by a small table: what a request is answered with, for each visitor.

An integration pushes identities that its backend tells it (the openid for a login code, the mobile of an account). The
table lies beside app.json as `mpsim.answers.json`, or where an option says:

    {"answers": [
      {"url": "https://api.example.com/login", "body": {"openid": "{applet-wechat}", "unionid": "{wechat-unionid}"}},
      {"url": "https://api.example.com/goods/*", "method": "GET", "status": 200, "after": "120ms", "body": {"id": 1}}
    ]}

`url` may hold `*` for any text, and is compared with the address without its query unless it has a `?` itself. The
first entry that fits answers; nothing fitting is answered 200 with {}. In `body`, `{type}` is the visitor's identity of
that type, `{code}` the login code that the request carries, `{visitor}` the visitor's number. A text that is only a
placeholder becomes null where the visitor has no such identity; inside a longer text it becomes empty.

Not here: the collector, whose requests the caller answers itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

from simulator.errors import UsageError
from simulator.events import Json
from simulator.immutable import immutable
from simulator.runtime.answering import Answerer
from simulator.runtime.program import BACKEND
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms, parse_duration

FILE = BACKEND
LATENCY = Ms(40)  # of an answer where the table says nothing
_PLACEHOLDER = re.compile(r"\{([A-Za-z][\w-]*)\}")
_KEYS = frozenset({"url", "method", "status", "after", "body"})
_MOST_FILE = 5_000_000
_JSON_HEADERS = (("content-type", "application/json; charset=utf-8"),)


@immutable(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    url: str
    method: str = ""  # upper case; empty: any
    status: int = 200
    after: Ms = LATENCY
    body: Json = None


@immutable(frozen=True, slots=True)
class Backend:
    """The table; without entries everything is answered 200 with {}."""

    entries: tuple[Entry, ...] = ()


def load_backend(path: Path) -> Backend:
    """Read a table.

    Raises:
        UsageError: it cannot be read, or says something that it cannot mean.
    """
    try:
        if path.stat().st_size > _MOST_FILE:
            raise UsageError(f"{path} has more than {_MOST_FILE} bytes")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as wrong:
        raise UsageError(f"{path} cannot be read: {wrong.strerror}") from wrong
    except UnicodeDecodeError as wrong:
        raise UsageError(f"{path} is not UTF-8 (byte {wrong.start})") from wrong
    except json.JSONDecodeError as wrong:
        raise UsageError(f"{path}:{wrong.lineno}:{wrong.colno} is not JSON: {wrong.msg}") from wrong
    except RecursionError as wrong:
        raise UsageError(f"{path} is nested too deeply") from wrong
    listed = value.get("answers") if isinstance(value, dict) else None
    if not isinstance(listed, list) or len(value) != 1:
        raise UsageError(f'{path}: expected {{"answers": [{{"url": …, "body": …}}, …]}}')
    return Backend(tuple([_entry(path, number, one) for number, one in enumerate(listed, 1)]))


def _entry(path: Path, number: int, value: object) -> Entry:
    where = f"{path}: answer {number}"
    if not isinstance(value, dict) or not isinstance(value.get("url"), str) or not value["url"]:
        raise UsageError(f'{where}: expected an object with "url", such as {{"url": "https://api.example.com/login"}}')
    strange = sorted(set(value) - _KEYS)
    if strange:
        raise UsageError(f"{where}: unknown key {strange[0]}; known are {', '.join(sorted(_KEYS))}")
    status, method, after = value.get("status", 200), value.get("method", ""), value.get("after")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        raise UsageError(f"{where}: expected a status from 100 to 599, not {status!r}")
    if not isinstance(method, str):
        raise UsageError(f"{where}: expected a method such as POST, not {method!r}")
    try:
        wait = LATENCY if after is None else parse_duration(str(after))
    except ValueError as wrong:
        raise UsageError(f"{where}: after: {wrong}") from wrong
    return Entry(value["url"], method.upper(), status, wait, value.get("body", {}))


def answerer(backend: Backend, identities: Mapping[str, str], visitor: int) -> Answerer:
    """Who answers one visitor's requests by the table."""

    def answer(exchange: Exchange) -> Reply:
        entry = entry_for(backend, exchange)
        if entry is None:
            return Reply(Ms(exchange.at + LATENCY), 200, _JSON_HEADERS, b"{}")
        known = {**identities, "code": login_code(exchange), "visitor": str(visitor)}
        body = json.dumps(_filled(entry.body, known), ensure_ascii=False).encode()
        return Reply(Ms(exchange.at + entry.after), entry.status, _JSON_HEADERS, body)

    return answer


def entry_for(backend: Backend, exchange: Exchange) -> Entry | None:
    """The line of the table that answers a request; None: nobody said what the backend answers."""
    for entry in backend.entries:
        address = exchange.url if "?" in entry.url else exchange.url.partition("?")[0]
        if entry.method in {"", exchange.method} and _pattern(entry.url).fullmatch(address):
            return entry
    return None


@lru_cache(maxsize=1_024)
def _pattern(url: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in url.split("*")), re.DOTALL)


def login_code(exchange: Exchange) -> str:
    """The `code` that a request carries in its query, form or JSON; empty where it has none."""
    found = parse_qs(exchange.url.partition("?")[2]).get("code")
    if found:
        return found[0]
    text = exchange.body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        found = parse_qs(text).get("code") if len(text) < 100_000 else None
        return found[0] if found else ""
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, str) else ""


def _filled(value: Json, known: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole is not None:
            return known.get(whole[1])
        return _PLACEHOLDER.sub(lambda match: known.get(match[1], ""), value)
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, known) for key, one in value.items()}
    return value

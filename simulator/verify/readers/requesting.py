"""Requests of a target file, sent one page after another: bounded in pages, bytes and time, to one host.

Secrets are put in here and nowhere else; no text that leaves this module has a URL in it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from simulator.scenario.placeholders import fill, fill_all
from simulator.scenario.secret import FromEnvironment
from simulator.scenario.target_reading import AuthSection, RequestSection
from simulator.times import Ms
from simulator.verify.readers.documents import found, parsed
from simulator.verify.readers.fetch import MAX_BYTES, Unreadable, fetch_request, reading_client
from simulator.verify.readers.setting import Setting

_MOST_BYTES = 16 * MAX_BYTES  # of all pages together
_NOTHING = (None, "", False)

Row = TypeVar("Row")


class Requests:
    """One collector's HTTP interface, with what a target file sends along with every request."""

    def __init__(
        self,
        setting: Setting,
        url: str | None,
        headers: Mapping[str, str | FromEnvironment],
        auth: AuthSection | None,
        timeout: Ms,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._setting = setting
        self._base = (url or setting.url).rstrip("/")
        self._seconds = timeout / 1000
        secrets = setting.secrets
        secrets.values(headers)  # a variable that is not set is said before anything is asked
        self._headers, self._authorization = headers, _authorization(auth, setting)
        self._client = reading_client(self._base, self._seconds, transport)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def pages(
        self,
        section: RequestSection,
        values: Mapping[str, str],
        rows_of: Callable[[Any], list[Row]],
        seconds: float | None = None,
    ) -> Iterator[list[Row]]:
        """The rows of all pages, page by page.

        Args:
            rows_of: those of one document.
            seconds: for one reply, where that is less than the target file says.

        Raises:
            Unreadable: a reply that cannot be used, more pages or bytes than are read, a page of another host.
        """
        pages = section.pages
        number = first = pages.first if pages is not None else 1
        cursor, offset, size, seen = "", 0, 0, set[str]()
        following: str | None = None
        while True:
            filled = {**values, "cursor": cursor, "page": str(number), "offset": str(offset)}
            body = self._send(section, filled, following, min(seconds or self._seconds, self._seconds))
            size += len(body)
            if size > _MOST_BYTES:
                raise Unreadable(f"more than {_MOST_BYTES // 1024 // 1024} MB in all pages")
            document = parsed(body)
            rows = rows_of(document)
            yield rows
            if pages is None:
                return
            offset += len(rows)
            number += 1
            if number - first >= pages.most:
                raise Unreadable(f"more than {pages.most:,} pages")
            following, cursor, more = _onward(section, document, len(rows))
            if not more:
                return
            place = following or cursor
            if place and place in seen:
                raise Unreadable("the pages run in a circle")
            seen.add(place)

    def _send(self, section: RequestSection, values: Mapping[str, str], following: str | None, seconds: float) -> bytes:
        secrets = self._setting.secrets

        def filled(texts: Mapping[str, str | FromEnvironment]) -> dict[str, str]:
            return {
                name: fill(one, values) if isinstance(one, str) else secrets.value(one) for name, one in texts.items()
            }

        path, _, inside = section.path.partition("?")
        # Filled when it is taken apart: a cursor may have an & or a + of its own.
        own = [(fill(name, values), fill(one, values)) for name, one in parse_qsl(inside, keep_blank_values=True)]
        query = [*(pair for pair in own if pair[0] not in section.query), *filled(section.query).items()]
        url = f"{self._base}{fill(path, values)}"
        if following is not None:
            url, query = self._next(url, following), []
        headers = {**filled(self._headers), **self._authorization, **filled(section.headers)}
        content = None
        if section.json_body is not None:
            content = json.dumps(fill_all(section.json_body, values), ensure_ascii=False).encode()
            headers.setdefault("content-type", "application/json")
        elif section.form:
            content = urlencode(filled(section.form)).encode()
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return fetch_request(self._client, section.method, url, query, seconds, headers=headers, content=content)

    def _next(self, url: str, following: str) -> str:
        """The URL of the next page, which must be of the same host: a secret goes along with it."""
        joined = urljoin(url, following)
        ours, theirs = urlsplit(url), urlsplit(joined)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise Unreadable(f"the next page is of another host: {theirs.scheme}://{theirs.hostname}")
        return joined


def _onward(section: RequestSection, document: object, rows: int) -> tuple[str | None, str, bool]:
    """(URL of the next page, cursor, whether there is one)."""
    pages = section.pages
    assert pages is not None
    if pages.next is not None:
        following = found(pages.next, document)
        if following in _NOTHING:
            return None, "", False
        if not isinstance(following, str):
            raise Unreadable(f"{pages.next} is expected to find the next page's URL, not {str(following)[:60]!r}")
        return following, "", True
    if pages.size is not None and rows < pages.size:
        return None, "", False
    if pages.cursor is not None:
        cursor = found(pages.cursor, document)
        if cursor in _NOTHING:
            return None, "", False
        if not isinstance(cursor, str | int):
            raise Unreadable(f"{pages.cursor} is expected to find a cursor, not {str(cursor)[:60]!r}")
        return None, str(cursor), True
    return None, "", rows > 0


def _authorization(auth: AuthSection | None, setting: Setting) -> dict[str, str]:
    if auth is None:
        return {}
    if auth.bearer is not None:
        return {"authorization": f"Bearer {setting.secrets.value(auth.bearer)}"}
    assert auth.basic is not None
    user, password = setting.secrets.value(auth.basic.user), setting.secrets.value(auth.basic.password)
    value = b64encode(f"{user}:{password}".encode()).decode()
    if isinstance(auth.basic.password, FromEnvironment):
        setting.secrets.keep(value, auth.basic.password.env)
    return {"authorization": f"Basic {value}"}

"""Where a request goes, taken apart: a program may send to anything that it takes for a URL."""

from __future__ import annotations

from urllib.parse import urlsplit

from simulator.immutable import immutable


@immutable(frozen=True, slots=True)
class Address:
    """The parts of a URL; of one that is none all are empty, and `why_not` says what is wrong with it."""

    scheme: str = ""
    netloc: str = ""  # host, port and whoever else stands there, as it is written
    host: str = ""  # lower case, without its port
    port: int | None = None
    path: str = ""  # as it is written, perhaps empty
    query: str = ""
    why_not: str = ""

    @property
    def target(self) -> str:
        """Path and query as they go on the request line."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path


def address_of(url: str) -> Address:
    """The parts of a URL. Never raises."""
    try:
        parts = urlsplit(url)
        return Address(parts.scheme, parts.netloc, parts.hostname or "", parts.port, parts.path, parts.query)
    except ValueError as wrong:
        return Address(why_not=str(wrong))

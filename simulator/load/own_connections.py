"""One connection a visitor, as phones have: opened with the visitor's first request, closed when it has sent its last.

The other way, one connection a lane, needs nothing but the lane (course.py). A visitor's connection stays open while
the visitor thinks, as a phone's does; where the collector has closed it meanwhile, the next request opens another. So
as many are open as visitors are on their way, and each takes a file descriptor and a local port.
"""

from __future__ import annotations

from simulator.load.client import Client
from simulator.load.connection import Connection


class OwnConnections:
    """The connections of the visitors on their way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._of: dict[int, Connection] = {}

    def of(self, visitor: int) -> Connection:
        """The visitor's own; one visitor never has two requests on their way."""
        connection = self._of.get(visitor)
        if connection is None:
            connection = self._of[visitor] = self._client.connection()
        return connection

    def leave(self, visitor: int) -> None:
        """The visitor has nothing left to send."""
        self._of.pop(visitor).close()

    def close(self) -> None:
        """Whoever is still on the way sends no more."""
        for visitor in list(self._of):
            self.leave(visitor)

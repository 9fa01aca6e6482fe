"""The four numbers in each kind of cell, counted in SQL over every stored row.

The definitions are files in sql/; here they are put together for the switches in force and run. A reading connection
keeps the outcome in scratch tables while nothing new is stored: `tally` says what each event adds, and a period or a
kind of cell is then one sum over it. No number is kept, only rows, and a single new event makes them anew.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

from simulator.collector.customers import Customers
from simulator.contract import Definitions
from simulator.times import Ms, day_cell, hour_cell

_SQL = Path(__file__).parent / "sql"
_QUARTER_HOUR = 900_000  # ms
_COLUMNS = {"all": "''", "source": "source", "content": "content", "hour": "hour", "day": "day", "page": "page"}
_FOREVER = (Ms(-(2**62)), Ms(2**62))


class Figures(TypedDict):
    """The four numbers of one cell; opens and new users are None for pages."""

    pv: int
    uv: int
    opens: int | None
    new_users: int | None


@dataclass(frozen=True, slots=True)
class Within:
    """What is counted of a period: all of it, or the events of one source, of one content, or the views of one page.

    Each is named as a cell is, "(none)" too, and None is no limit. Within one source the numbers in total are those
    of its cell.
    """

    source: str | None = None
    content: str | None = None
    page: str | None = None  # its views; opens and new users are None then, as in the cell of a page


EVERYTHING = Within()


class Totals:
    """The counting side of one file, for one thread at a time."""

    def __init__(self, path: Path, definitions: Definitions) -> None:
        self.definitions = definitions
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None  # of the rows that the scratch tables were made from
        self._customers = Customers()

    def cells(
        self, by: str, begin: Ms | None = None, end: Ms | None = None, within: Within = EVERYTHING
    ) -> dict[str, Figures]:
        """The numbers of the events in [begin, end), by event time, in each cell that has any; None: no limit.

        Of "all" the one cell "" is there even when nothing is.

        Raises:
            KeyError: no such kind of cell.
        """
        of_pages = by == "page" or within.page is not None
        statement = self.sql("pages" if of_pages else "cells").format(cell=_COLUMNS[by])
        period = {"begin": _FOREVER[0] if begin is None else begin, "end": _FOREVER[1] if end is None else end}
        rows = self.tallied().execute(statement, period | asdict(within)).fetchall()
        cells = {cell: Figures(pv=pv, uv=uv, opens=opens, new_users=new) for cell, pv, uv, opens, new in rows}
        if by == "all" and not cells:
            none = None if of_pages else 0
            cells[""] = Figures(pv=0, uv=0, opens=none, new_users=none)
        return cells

    def sql(self, name: str) -> str:
        """The text of a file in sql/."""
        return _sql(name)

    def stored(self) -> sqlite3.Connection:
        """The reading connection: it sees whatever is committed, and never waits for the writer."""
        if self._connection is None:
            self._connection = _connect(self._path, self.definitions.day)
        return self._connection

    def tallied(self) -> sqlite3.Connection:
        """The reading connection, its scratch tables made from all that is committed at this moment."""
        connection = self.stored()
        # Changes with every commit of another connection.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = None
            self._count(connection)
            self._version = version
        return connection

    def _count(self, connection: sqlite3.Connection) -> None:
        """Fill the scratch tables from one snapshot of the stored rows."""
        definitions = self.definitions
        connection.execute("BEGIN")
        try:
            if definitions.user == "customer":
                self._customers.refresh(connection)
            connection.execute(
                "INSERT OR IGNORE INTO calendar SELECT quarter, hour_cell(quarter), day_cell(quarter) "
                "FROM (SELECT DISTINCT at / 900000 AS quarter FROM event)"
            )
            connection.execute("DELETE FROM tally")
            connection.execute(
                self.sql("tally").format(
                    person=self.sql(f"person_{definitions.user}"),
                    opening=self.sql(f"opening_{definitions.opens.rule.replace('-', '_')}"),
                ),
                {"timeout": definitions.opens.timeout},
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _sql(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _connect(path: Path, zone: str) -> sqlite3.Connection:
    """A connection that reads the stored rows and writes its own scratch tables."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.create_function(
        "hour_cell", 1, lambda quarter: hour_cell(Ms(quarter * _QUARTER_HOUR), zone), deterministic=True
    )
    connection.create_function(
        "day_cell", 1, lambda quarter: day_cell(Ms(quarter * _QUARTER_HOUR), zone), deterministic=True
    )
    connection.executescript(_sql("tally_tables"))
    return connection

"""Totals asked for in SQL: queries of the target file by kind of cell, with columns named for what they hold."""

from __future__ import annotations

from simulator.contract import BY, METRICS
from simulator.scenario.nearest import did_you_mean
from simulator.scenario.target_reading import SqlSection
from simulator.times import Ms
from simulator.verify.readers.database import Database
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.figures import MOST_CELLS, Figures
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import Setting


class SqlTotals:
    """Reads the totals by the queries of a section."""

    def __init__(self, section: SqlSection, setting: Setting) -> None:
        self._section, self._setting = section, setting
        self._database = Database(section, setting)

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:
        """The totals of [begin, end). Never raises for what the database does."""
        figures = Figures(self._setting, kinds)
        parameters = self._database.parameters(begin, end)
        for by, queries in self._section.queries.items():
            for number, query in enumerate(queries, 1):
                if by in kinds:
                    where = f"the query for {by}" + (f", number {number}" if len(queries) > 1 else "")
                    with figures.reading(by, where):
                        self._take(figures, by, query, parameters, seconds)
        return figures.reading_of_all()

    def _take(
        self, figures: Figures, by: str, query: str, parameters: dict[str, object], seconds: float | None
    ) -> None:
        names, rows = self._database.ask(query, parameters, MOST_CELLS, seconds)
        columns = _checked(names, by)
        told = [dict(zip(columns, row, strict=True)) for row in rows]
        figures.add(by, ((row.get("cell", ""), row) for row in told), [name for name in columns if name in METRICS])

    def close(self) -> None:
        """Close its connections."""
        self._database.close()


def _checked(names: tuple[str, ...], by: str) -> tuple[str, ...]:
    """The names of the columns, small.

    Raises:
        Unreadable: one that means nothing, or one that is missing.
    """
    columns = tuple(name.lower() for name in names)
    known = (*(() if by == "all" else ("cell",)), *METRICS)
    for name in columns:
        if name not in known:
            raise Unreadable(f"nobody knows its column {name[:64]}{did_you_mean(name, known)}")
    if by != "all" and "cell" not in columns:
        raise Unreadable("it has no column cell, which names the cells; write … as cell")
    if not any(name in METRICS for name in columns):
        raise Unreadable("it has no column pv, uv, opens or new_users; write … as pv")
    return columns

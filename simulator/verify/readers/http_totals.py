"""Totals asked for over HTTP: requests of the target file, and where in their replies the figures stand."""

from __future__ import annotations

import httpx

from simulator.contract import BY
from simulator.scenario.target_reading import FiguresRequest, HttpSection
from simulator.times import Ms
from simulator.verify.readers.documents import Row, figures_in
from simulator.verify.readers.figures import Figures
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.requesting import Requests
from simulator.verify.readers.setting import Setting


class HttpTotals:
    """Reads the totals by the requests of a section."""

    def __init__(self, section: HttpSection, setting: Setting, transport: httpx.BaseTransport | None = None) -> None:
        self._section, self._setting = section, setting
        self._requests = Requests(setting, section.url, section.headers, section.auth, section.timeout, transport)

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:
        """The totals of [begin, end). Never raises for what the collector does."""
        figures = Figures(self._setting, kinds)
        values = self._setting.placeholders(begin, end)
        for request in self._section.requests:
            if request.by in kinds:
                where = f"{request.method} {request.path.partition('?')[0]}"
                with figures.reading(request.by, where, request.metrics):
                    figures.add(request.by, self._rows(request, values, seconds), request.metrics)
        return figures.reading_of_all()

    def _rows(self, request: FiguresRequest, values: dict[str, str], seconds: float | None) -> list[Row]:
        rows: list[Row] = []
        for page in self._requests.pages(request, values, lambda document: figures_in(document, request), seconds):
            rows += page
        return rows

    def close(self) -> None:
        """Close its connections."""
        self._requests.close()

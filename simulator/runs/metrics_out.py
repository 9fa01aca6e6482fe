"""A run's numbers while it goes on, as Prometheus scrapes them: off unless asked for, on loopback unless told.

The numbers are those of progress.json, which the load writes twice a second; nothing is measured or sent for them. The
server answers one request after another, gives a connection five seconds, and ends with the run.

Source: prometheus.io, "Exposition formats"; the text is made by prometheus_client.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import make_wsgi_app
from prometheus_client.registry import Collector

from simulator import __version__
from simulator.errors import UsageError
from simulator.traffic.listening import check_port

PHASES = ("joining", "setup", "load", "draining", "over")
_SECONDS = 5.0  # that a connection may be silent
_LOOPBACK = "127.0.0.1"

_COUNTERS = (  # name in progress.json, name, help
    ("visitors_started", "mpsim_visitors_started", "Visitors whose first request left, or who had nothing to send."),
    ("visitors_finished", "mpsim_visitors_finished", "Visitors of whom everything was sent."),
    ("visitors_held", "mpsim_visitors_held", "Visitors who started late because the collector left requests waiting."),
)
_GAUGES = (
    ("visitors", "mpsim_visitors_planned", "Visitors of the plan.", 1.0),
    ("in_flight", "mpsim_requests_in_flight", "Requests that wait for a reply.", 1.0),
    ("wanted_rate", "mpsim_wanted_rate", "Visitors per wall second that the plan asks for; 0: none.", 1.0),
    ("offered_rate", "mpsim_offered_rate", "Visitors started per wall second.", 1.0),
    ("punctual", "mpsim_punctual_ratio", "Part of the visitors due so far that started within a second.", 1.0),
    ("late_p99_ms", "mpsim_late_p99_seconds", "99th percentile of starts after their instant.", 0.001),
    ("elapsed", "mpsim_elapsed_seconds", "Since the load process began.", 1.0),
    ("workers", "mpsim_workers", "Processes that send.", 1.0),
    ("workers_lost", "mpsim_workers_lost", "Processes that were not heard of any more.", 1.0),
)
_OUTCOMES = (
    ("attempts", "mpsim_attempts", "Sends of judged events that are through, by outcome."),
    ("setup", "mpsim_setup_attempts", "Sends of earlier visits that are through, by outcome."),
)


class RunMetrics(Collector):
    """The last numbers that were told, as metrics. What is not known is not there, rather than 0."""

    def __init__(self) -> None:
        self._facts: Mapping[str, Any] = {}
        self._about: dict[str, str] = {"version": __version__}

    def begin(self, run: Mapping[str, Any]) -> None:
        """What the run is, before its first send."""
        self._about |= {name: str(run[name]) for name in ("target", "folder") if name in run}

    def tell(self, facts: Mapping[str, Any]) -> None:
        """The load's progress; one that could not be read changes nothing."""
        if facts:
            self._facts = facts

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks for them at each scrape."""
        facts = self._facts
        yield InfoMetricFamily("mpsim_run", "The run that is going on.", value=self._about)
        for name, shown, text in _COUNTERS:
            if (value := _number(facts.get(name))) is not None:
                yield CounterMetricFamily(shown, text, value=value)
        for name, shown, text, factor in _GAUGES:
            if (value := _number(facts.get(name))) is not None:
                yield GaugeMetricFamily(shown, text, value=value * factor)
        for name, shown, text in _OUTCOMES:
            counts = facts.get(name)
            if isinstance(counts, dict):
                family = CounterMetricFamily(shown, text, labels=["outcome"])
                for outcome in ("acked", "refused", "unknown"):
                    family.add_metric([outcome], _number(counts.get(outcome)) or 0.0)
                yield family
        phase = GaugeMetricFamily("mpsim_phase", "1 for the phase that the run is in.", labels=["phase"])
        for one in PHASES:
            phase.add_metric([one], float(facts.get("phase") == one))
        yield phase


@contextmanager
def serving(metrics: RunMetrics, host: str, port: int) -> Iterator[str]:
    """Serve them at /metrics for as long as the block runs; gives the URL.

    Args:
        port: 0 takes a free one.

    Raises:
        UsageError: nobody can listen there.
    """
    check_port(host, port, "--metrics")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    app: Any = make_wsgi_app(registry, disable_compression=True)
    with make_server(host, port, app, _Server, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join(2 * _SECONDS)


def metrics_address(text: str) -> tuple[str, int]:
    """Where to serve: a port alone is on loopback, HOST:PORT wherever that is.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535 or bool(colon) is not bool(host):
        raise UsageError(f"--metrics {text}: expected a port, such as 9464, or an address and a port")
    return host or _LOOPBACK, int(port)


class _Server(WSGIServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke or said nothing; what goes wrong in an answer is told by the handler."""


class _Handler(WSGIRequestHandler):
    """Quiet, and not for ever."""

    timeout = _SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """A scrape is nothing to tell of."""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

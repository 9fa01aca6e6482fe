"""The readers of one run, as its target says: made when somebody reads, and closed when that is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.runs.baseline import Cursors, read_cursors
from simulator.scenario.target import Target
from simulator.times import parse_instant
from simulator.traffic.opened import OpenedRun
from simulator.traffic.sending import requests_of_block
from simulator.traffic.target_files import target_of_run
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.monitor_reader import token_of
from simulator.verify.readers.registry import make_events, make_totals
from simulator.verify.readers.secrets import Secrets
from simulator.verify.readers.setting import ALWAYS, EventsReader, Setting, TotalsReader
from simulator.wire.dmhub_fields import place_of
from simulator.wire.registry import path_of

NO_EVENTS = "the target file does not say how stored events are listed"


@dataclass(frozen=True, slots=True)
class Readers:
    """What a run's collector is read by."""

    target: Target
    setting: Setting
    totals: TotalsReader
    events: EventsReader | None  # None: the target file does not say how they are listed
    token: str = ""  # access token of a collector with mpsim's own interface

    @property
    def is_monitor(self) -> bool:
        """Whether the collector has mpsim's own interface, and so its other paths, too."""
        return self.target.totals.monitor is not None

    def close(self) -> None:
        """Let go of connections and files."""
        self.totals.close()
        if self.events is not None:
            self.events.close()


@contextmanager
def reading(opened: OpenedRun, url: str | None = None) -> Iterator[Readers]:
    """The readers of a run.

    Args:
        url: where its collector answers now; None: where it did when it was sent.

    Raises:
        UsageError: an environment variable that is not set, a driver that is not installed.
    """
    before = cursors_before(opened)
    mark = "" if before is None else before.mark
    target = target_of_run(opened.manifest.target)
    readers = make_readers(target, setting_of(opened, target, url), mark)
    try:
        yield readers
    finally:
        readers.close()


def make_readers(target: Target, setting: Setting, mark: str = "") -> Readers:
    """The readers that a target file says.

    Args:
        mark: of the list of events before the run.

    Raises:
        UsageError: as `reading`.
    """
    totals = make_totals(target.totals, target.events, setting, mark)
    events = None if target.events is None else make_events(target.events, setting)
    monitor = target.totals.monitor
    return Readers(target, setting, totals, events, "" if monitor is None else token_of(monitor, setting))


def setting_of(opened: OpenedRun, target: Target, url: str | None = None) -> Setting:
    """What the readers are told of a run."""
    manifest, app = opened.manifest, opened.scenario.app
    by_event = opened.contract.time == "event"
    return Setting(
        url or manifest.target.url,
        opened.contract,
        opened.adapter,
        namespace=manifest.namespace,
        appid=app.appid,
        tenant=app.tenant,
        own=manifest.target.embedded,
        scope=target.file.scope,
        folder=target.folder,
        created=parse_instant(manifest.created),
        period=(opened.plan.start, opened.plan.end) if by_event else ALWAYS,
        left_out=target.left_out,
        path=path_of(target.adapter, target.options),
        ids_name_visitors=ids_name_visitors(opened),
        secrets=Secrets(),
    )


def ids_name_visitors(opened: OpenedRun) -> bool:
    """Whether an event's id says whose it is, as `namespace.visitor.number` does; ids of other products do not."""
    if not opened.adapter.carries_id:
        return False
    for requests in requests_of_block(opened.plan, opened.adapter, opened.plan.blocks[0]).values():
        for request in requests:
            for record in request.records:
                if record.external_id and not record.bad:
                    return place_of(record.external_id, opened.manifest.namespace) == (record.visitor, record.number)
    return True


def cursors_now(events: EventsReader | None) -> Cursors | None:
    """Where the lists of good and bad events end at this moment; None where the collector lists none."""
    if events is None:
        return None
    try:
        bad = events.last_cursor("bad") if events.lists_bad else 0
        return Cursors(events.last_cursor("good"), bad, events.mark())
    except Unreadable:
        return None


def cursors_before(opened: OpenedRun) -> Cursors | None:
    """Where the lists ended before the run; None where that is not known."""
    return Cursors(0, 0) if opened.manifest.target.embedded else read_cursors(opened.folder)

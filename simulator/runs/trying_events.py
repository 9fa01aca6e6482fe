"""The stored events of a trial held against what was sent: as in a run, by the same rule and in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.finding import Finding, Verdict
from simulator.runs.baseline import Cursors, write_baseline
from simulator.runs.diagnosing import findings_of_events
from simulator.runs.listing import Listing
from simulator.runs.reading import Readers, ids_name_visitors
from simulator.traffic.opened import OpenedRun
from simulator.verify.listed import ListedEvents, Owner, content_of
from simulator.verify.readers.fetch import Unreadable
from simulator.verify.readers.reading import Reading
from simulator.verify.reconcile import COMPARED, Reconciliation, note_other, reconcile, reconcile_others
from simulator.verify.sighting import planned_sightings
from simulator.wire.request import Request


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of the events that were sent, where all were acked."""

    listed: int | None  # stored events behind those of before; None: they cannot be listed
    why_not_listed: str = ""
    fields: tuple[str, ...] = ()  # that were compared; none: they were not
    why_not_compared: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether every event that could be compared is stored as it was sent."""
        return all(one.verdict is not Verdict.FAIL for one in self.findings)


class TrialEvents:
    """The list of stored events before and after a trial."""

    def __init__(self, opened: OpenedRun, readers: Readers, requests: Sequence[Request]) -> None:
        self._opened, self._readers, self._requests = opened, readers, requests
        self._before: Cursors | None = None

    def begin(self, totals: Reading, cursors: Cursors | None) -> None:
        """Keep where the list ends before anything is sent."""
        self._before = cursors
        write_baseline(self._opened.folder, totals, cursors)

    def compared(self, *, acked: bool) -> Compared:
        """What is listed now.

        Args:
            acked: every event was; else nobody knows what must be stored, and nothing is compared.
        """
        events, before = self._readers.events, self._before
        if events is None:
            return Compared(None, "the target file does not say how")
        try:
            number = sum(1 for _ in events.events("good", after=0 if before is None else before.good))
        except Unreadable as unreadable:
            return Compared(None, self._hidden(str(unreadable)))
        if before is None:
            return Compared(None, "they could not be read before")
        if not acked:
            return Compared(number, why_not_compared="not every event was acked")
        listing = Listing(self._opened, events, self._owner(), self._contents())
        listed = listing.take(len(self._requests))
        if listed is None:
            return Compared(number, why_not_compared=self._hidden(listing.why_not))
        findings = tuple(findings_of_events(self._reconciled(listed), listed))
        return Compared(number, fields=tuple(sorted(events.compared & COMPARED)), findings=findings)

    def _reconciled(self, listed: ListedEvents) -> Reconciliation:
        opened, found, asked = self._opened, Reconciliation(), set[str]()
        sightings = planned_sightings(self._requests, opened.contract, opened.plan.start)
        index = listed.shared().index_of(0)
        reconcile(sightings, index, found, asked, opened.contract.definitions.day, opened.contract.dedupe)
        reconcile_others(index, found, asked)
        for event in listed.elsewhere():
            note_other(event, listed.owner.visitor_of(event.external_id), found)
        return found

    def _owner(self) -> Owner:
        """Of a large plan only what was sent: a trial is no reason to make all of it."""
        namespace = self._opened.manifest.namespace
        if ids_name_visitors(self._opened):
            return Owner(namespace, own=False)
        known = {record.external_id: one.visitor for one in self._requests for record in one.records}
        known.pop("", None)
        return Owner(namespace, own=False, known=known)

    def _contents(self) -> dict[str, int]:
        return {content_of(record): one.visitor for one in self._requests for record in one.records}

    def _hidden(self, text: str) -> str:
        return self._readers.setting.secrets.hidden(text)

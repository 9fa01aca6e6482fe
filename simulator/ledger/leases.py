"""Which worker had which visitors: written by the master before a lease leaves it, read when the run is judged.

A run of one process has no such file. It is a row of JSON objects, a line each, appended and never changed, in
`ledger/leases.jsonl`. All instants are nanoseconds of the master's wall clock since 1970, UTC.

    {"what": "run", "version": 1, "run_id": …, "visitors": N}     the first line; visitors are 0..N-1
    {"what": "joined", "worker": "worker-1", "host": …, "keeps": "here" | "elsewhere", "at": …}
                    here: its ledger is written straight into this directory, and is whole whatever happens to it
                    elsewhere: its ledger is shipped; until all of it has come its name ends in .partial
    {"what": "clock", "worker": …, "ahead_ns": …, "bound_ns": …}
                    its clock was found so far ahead of the master's, and is set right by that; what is left is at most
                    the bound. Of several lines the last holds
    {"what": "leased", "worker": …, "course": "setup" | "load", "visitors": [[first, stop], …], "at": …}
    {"what": "returned", "worker": …, "course": …, "visitors": [[first, stop], …], "at": …}
                    never begun, so somebody else may have them
    {"what": "lost" | "found" | "left", "worker": …, "at": …}
                    not heard of any more; heard of again; it has said its last word

A worker whose ledger has not come as a whole leaves a hole: of the visitors that it had leased, what is not in the part
that came may have been sent all the same. Who is in a hole is said here; what it means for a visitor's requests is
runs/holes.py.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from simulator.errors import EngineError
from simulator.ledger.manifest import LEDGER_FOLDER
from simulator.ledger.read import LedgerDamage
from simulator.ledger.write import SUFFIX

LEASES_FILE = "leases.jsonl"
VERSION = 1

CourseName = Literal["setup", "load"]
Keeps = Literal["here", "elsewhere"]
Pairs = Sequence[tuple[int, int]]  # visitors, each from the first number up to the second


class LeaseLog:
    """The file, open for appending. Every line is on file when its call returns.

    Raises:
        EngineError: it cannot be written; the same of every method.
    """

    def __init__(self, folder: Path, run_id: str, visitors: int) -> None:
        self._path = folder / LEDGER_FOLDER / LEASES_FILE
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as reason:
            raise EngineError(f"cannot create {self._path}: {reason.strerror}") from reason
        self._write("run", version=VERSION, run_id=run_id, visitors=visitors)

    def joined(self, worker: str, host: str, keeps: Keeps, at: int) -> None:
        self._write("joined", worker=worker, host=host, keeps=keeps, at=at)

    def clock(self, worker: str, ahead_ns: int, bound_ns: int) -> None:
        self._write("clock", worker=worker, ahead_ns=ahead_ns, bound_ns=bound_ns)

    def leased(self, worker: str, course: CourseName, visitors: Pairs, at: int) -> None:
        self._write("leased", worker=worker, course=course, visitors=list(visitors), at=at)

    def returned(self, worker: str, course: CourseName, visitors: Pairs, at: int) -> None:
        self._write("returned", worker=worker, course=course, visitors=list(visitors), at=at)

    def fate(self, worker: str, what: Literal["lost", "found", "left"], at: int) -> None:
        self._write(what, worker=worker, at=at)

    def close(self) -> None:
        """No line after this."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, what: str, **facts: Any) -> None:
        line = {"what": what, **facts}
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            written = os.write(self._file, data)
        except OSError as reason:
            raise EngineError(f"{self._path} cannot be written: {reason.strerror}") from reason
        if written != len(data):
            raise EngineError(f"{self._path} cannot grow: the disk is full")


@dataclass(slots=True)
class WorkerRecord:
    """What the file says of one worker."""

    name: str
    host: str
    is_whole: bool  # every attempt that it made is in the run directory
    lost: bool = False
    left: bool = False
    clock_bound_ns: int = 0
    returned: int = 0  # visitors of the judged load that it had leased and not begun, and others could have


@dataclass(frozen=True, slots=True)
class Hole:
    """Visitors of one course of whom a lost worker may have sent more than is known."""

    first: int
    stop: int
    since_ns: int  # leased then, so nothing was sent before
    worker: str


@dataclass(frozen=True, slots=True)
class Leases:
    """The lease table of a run, as far as judging needs it."""

    workers: tuple[WorkerRecord, ...] = ()
    holes: dict[CourseName, tuple[Hole, ...]] = field(default_factory=dict)  # disjoint, ascending

    @property
    def clock_bound_ns(self) -> int:
        """The most by which a worker's instants differ from the master's clock."""
        return max((worker.clock_bound_ns for worker in self.workers), default=0)

    def hole_of(self, course: CourseName, visitor: int) -> Hole | None:
        """The hole that a visitor is in."""
        holes = self.holes.get(course, ())
        at = bisect_right(holes, visitor, key=lambda hole: hole.first) - 1
        return holes[at] if at >= 0 and visitor < holes[at].stop else None


def read_leases(folder: Path, run_id: str = "") -> Leases:
    """The lease table of a run directory; empty for a run of one process.

    Order: memory for the leases of lost workers alone, neighbouring ones joined.

    Raises:
        LedgerDamage: the file is of another run, or damaged. A last line without its end is no damage: the master was
            killed while it wrote that, so it never left it.
    """
    path = folder / LEDGER_FOLDER / LEASES_FILE
    if not path.exists():
        return Leases()
    workers: dict[str, WorkerRecord] = {}
    for offset, line in _lines(path):
        with _damage_at(path, offset):
            _note(line, workers, folder, run_id)
    partial = {name for name, worker in workers.items() if not worker.is_whole}
    return Leases(tuple(workers.values()), _holes(path, partial) if partial else {})


def _note(line: dict[str, Any], workers: dict[str, WorkerRecord], folder: Path, run_id: str) -> None:
    match line["what"]:
        case "run":
            if line["version"] != VERSION:
                raise ValueError(f"version {line['version']}; this mpsim reads version {VERSION}")
            if run_id and line["run_id"] != run_id:
                raise ValueError(f"it belongs to run {line['run_id']}, and this is run {run_id}")
        case "joined":
            name = str(line["worker"])
            whole = line["keeps"] == "here" or (folder / LEDGER_FOLDER / f"{name}{SUFFIX}").exists()
            workers[name] = WorkerRecord(name, str(line["host"]), whole)
        case "clock":
            workers[line["worker"]].clock_bound_ns = int(line["bound_ns"])
        case "lost" | "found":
            workers[line["worker"]].lost = line["what"] == "lost"
        case "returned" if line["course"] == "load":
            workers[line["worker"]].returned += sum(stop - first for first, stop in line["visitors"])
        case "left":
            workers[line["worker"]].left = True
            workers[line["worker"]].lost = False


def _holes(path: Path, partial: set[str]) -> dict[CourseName, tuple[Hole, ...]]:
    """What the workers of those names had leased and did not give back, joined where neighbours are of one worker."""
    held: dict[CourseName, dict[int, Hole]] = {"setup": {}, "load": {}}  # by first visitor
    for offset, line in _lines(path):
        if line.get("what") not in {"leased", "returned"} or line.get("worker") not in partial:
            continue
        with _damage_at(path, offset):
            holes = held[line["course"]]
            for first, stop in line["visitors"]:
                if line["what"] == "leased":
                    holes[first] = Hole(int(first), int(stop), int(line["at"]), line["worker"])
                else:
                    _cut(holes, int(first), int(stop))
    return {course: _joined(holes) for course, holes in held.items()}


def _cut(holes: dict[int, Hole], first: int, stop: int) -> None:
    """Take visitors out again; what is given back may be the end of one lease and the whole of others."""
    for hole in [hole for hole in holes.values() if hole.first < stop and first < hole.stop]:
        del holes[hole.first]
        for left, right in ((hole.first, min(hole.stop, first)), (max(hole.first, stop), hole.stop)):
            if left < right:
                holes[left] = Hole(left, right, hole.since_ns, hole.worker)


def _joined(holes: dict[int, Hole]) -> tuple[Hole, ...]:
    joined: list[Hole] = []
    for first in sorted(holes):
        hole = holes[first]
        if joined and joined[-1].stop == first and joined[-1].worker == hole.worker:
            before = joined.pop()
            hole = Hole(before.first, hole.stop, min(before.since_ns, hole.since_ns), hole.worker)
        joined.append(hole)
    return tuple(joined)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every whole line, with the byte at which it begins."""
    offset = 0
    with path.open("rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                return
            with _damage_at(path, offset):
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise TypeError(f"expected an object, found {raw[:40]!r}")
            yield offset, line
            offset += len(raw)


@contextmanager
def _damage_at(path: Path, offset: int) -> Iterator[None]:
    """Whatever a line that no master has written leads to is damage, told with its file and byte."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as wrong:
        raise LedgerDamage(path, offset, f"no line of a lease table: {wrong!r}") from wrong

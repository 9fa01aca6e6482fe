"""A run counted by several processes: chunks go out to whoever is free, and what they come to is given in their order.

The processes are simulator/runs/counting_process.py. They inherit the ledger's index and the listed events as open
files, plan and encode their chunks again from run.json, and send back sums. A run too small for that is counted by the
process that asks. No threads: a user's own process may run under gevent, as one that has imported Locust does.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from simulator.contract import Contract
from simulator.errors import EngineError, UsageError
from simulator.ledger.index import SharedIndex
from simulator.runs.chunks import Basis, Chunks, Tallied
from simulator.runs.machine import cores, memory
from simulator.times import Ms
from simulator.verify.listed import SharedEvents

LENGTH_BYTES = 8  # before each answer: how long it is
_WORTH_A_PROCESS = 50_000  # attempts: less than a second or two of counting is sooner done here
_MEMORY_EACH = 192 << 20  # bytes: several times what one takes, but a scenario may have large blocks
_STOP_SECONDS = 5.0
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """What a process that counts is told first; the numbers of its chunks follow."""

    folder: Path
    contract: Contract  # by which the run is judged; its clocks may be less certain than the run directory says
    attempts: SharedIndex
    begin: Ms
    end: Ms
    chunks: Chunks
    listed: SharedEvents | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a process cannot count a chunk, in words for the user."""

    text: str
    usage: bool  # the run directory is at fault, not we


def processes_for(attempts: int) -> int:
    """How many processes a run of so many attempts is worth: one for each core that we may use, once it is large.

    No more than there is memory for beside the process that asks.
    """
    limit = memory()
    room = cores() if limit is None else limit // _MEMORY_EACH - 1
    return max(min(cores(), room, attempts // _WORTH_A_PROCESS), 1)


def tallied_by_processes(
    processes: int, basis: Basis, chunks: Chunks, listed: SharedEvents | None
) -> Iterator[Tallied]:
    """What each chunk of a run comes to, in their order.

    Raises:
        UsageError: the run directory was damaged meanwhile.
        EngineError: a process died; with its last word.
    """
    opened = basis.opened
    folder, shared = opened.folder.resolve(), basis.attempts.shared
    job = Job(folder, opened.contract, shared, basis.begin, basis.end, chunks, listed)
    numbers = chunks.of_plan(opened.plan)
    left = iter(numbers)
    tallied: dict[int, Tallied] = {}  # that are not yet given, since one before is not yet there
    with ExitStack() as running, DefaultSelector() as answers:
        for number in islice(left, processes):
            counter = running.enter_context(_Counter(job))
            answers.register(counter.answers, EVENT_READ, counter)
            counter.begin(number)
        for wanted in numbers:
            while wanted not in tallied:
                for ready, _ in answers.select():
                    counter = ready.data
                    answer = counter.take()
                    if answer is not None:
                        tallied[counter.number] = answer
                        following = next(left, None)
                        if following is not None:
                            counter.begin(following)
            yield tallied.pop(wanted)


class _Counter:
    """One process that counts. Use it in a `with` block."""

    def __init__(self, job: Job) -> None:
        self.number = -1  # of the chunk that it counts
        self._job = job
        self._answer = bytearray()  # as much of it as has come

    def __enter__(self) -> _Counter:
        job = self._job
        inherited = [job.attempts.descriptor, *([] if job.listed is None else [job.listed.descriptor])]
        with ExitStack() as opened:
            self._said = opened.enter_context(tempfile.TemporaryFile())
            with ExitStack() as its_own:  # ends of the pipes, so that either of us sees when the other is gone
                told, self._tell = os.pipe()
                its_own.callback(os.close, told)
                opened.callback(os.close, self._tell)
                self.answers, answering = os.pipe()
                its_own.callback(os.close, answering)
                opened.callback(os.close, self.answers)
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "simulator.runs.counting_process", str(told), str(answering)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._said,
                    pass_fds=[told, answering, *inherited],
                    start_new_session=True,  # Ctrl-C at the terminal comes to us
                )
            opened.callback(self._end)
            self._send(job)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def begin(self, number: int) -> None:
        """Have it count a chunk.

        Raises:
            EngineError: it died.
        """
        self.number = number
        self._send(number)

    def take(self) -> Tallied | None:
        """Read what it has answered; None until that is whole.

        Raises:
            UsageError, EngineError: it could not count the chunk.
        """
        more = os.read(self.answers, _READ_BYTES)
        if not more:
            raise self._died()
        self._answer += more
        length = LENGTH_BYTES + int.from_bytes(self._answer[:LENGTH_BYTES], "big")
        if len(self._answer) < max(length, LENGTH_BYTES + 1):
            return None
        answer = pickle.loads(memoryview(self._answer)[LENGTH_BYTES:])  # noqa: S301 - from our own process
        self._answer = bytearray()
        if isinstance(answer, Refused):
            raise (UsageError if answer.usage else EngineError)(answer.text)
        assert isinstance(answer, Tallied)
        return answer

    def _send(self, message: Job | int) -> None:
        rest = memoryview(pickle.dumps(message))
        try:
            while rest:
                rest = rest[os.write(self._tell, rest) :]
        except OSError as gone:
            raise self._died() from gone

    def _end(self) -> None:
        self.process.kill()  # whatever it is doing: it has nothing to lose
        self.process.wait()

    def _died(self) -> EngineError:
        try:
            code = self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return EngineError(
            f"a process that counts the run ended with {code}: {said[-1] if said else 'it said nothing'}"
        )

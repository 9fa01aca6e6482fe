"""A process that counts chunks of a run for another one: a job comes in, then numbers of chunks; sums go out.

Started by dividing.py, as `python -m simulator.runs.counting_process` with the descriptors of two pipes; it ends when
the first one does.
"""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from typing import BinaryIO

from simulator.errors import MpsimError, UsageError
from simulator.ledger.index import AttemptIndex
from simulator.runs.chunks import basis_of, tally_chunk
from simulator.runs.dividing import LENGTH_BYTES, Job, Refused
from simulator.traffic.opened import open_run


def main() -> int:
    """Count what is asked for."""
    with os.fdopen(int(sys.argv[1]), "rb") as told, os.fdopen(int(sys.argv[2]), "wb") as answers:
        job = pickle.load(told)  # noqa: S301 - from the process that started this one
        assert isinstance(job, Job)
        try:
            _count(job, told, answers)
        except BrokenPipeError:  # nobody wants to know any more
            return 1
    return 0


def _count(job: Job, told: BinaryIO, answers: BinaryIO) -> None:
    opened = open_run(job.folder)
    opened = replace(opened, manifest=replace(opened.manifest, contract=job.contract))
    with AttemptIndex.of(job.attempts) as attempts:
        basis = basis_of(opened, attempts, job.begin, job.end)
        while True:
            try:
                number = pickle.load(told)  # noqa: S301 - likewise
            except EOFError:
                return
            try:
                index = None if job.listed is None else job.listed.index_of(number)
                blocks = job.chunks.blocks_of(opened.plan, number)
                answer: object = tally_chunk(basis, blocks, index)
            except MpsimError as wrong:
                answer = Refused(str(wrong), isinstance(wrong, UsageError))
            written = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
            answers.write(len(written).to_bytes(LENGTH_BYTES, "big"))
            answers.write(written)
            answers.flush()


if __name__ == "__main__":
    sys.exit(main())

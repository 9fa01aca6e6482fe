"""A recorded capture as what the rules look at: the same values as a run of the headless program leaves, without marks.

Rules that need the program's life or source find nothing to say of a capture; what was sent, by whom and how often is
all there.
"""

from __future__ import annotations

from pathlib import Path

from simulator.inspect.capture import Recogniser
from simulator.inspect.case import Seen
from simulator.inspect.listening.reading import Format, without_packing
from simulator.inspect.listening.recording import read_capture


def seen_in_capture(path: Path, form: Format) -> Seen:
    """All that a capture file holds, as of one visitor whose number nobody knows; events name their devices.

    Raises:
        UsageError: no such file, no capture, damaged; or a format that there is not.
    """
    recogniser = Recogniser(form.options, format_name=form.name, own=form.own, everything=True)
    trace = read_capture(path)
    captures = [recogniser.read(without_packing(exchange)[0]) for exchange in trace.exchanges]
    return Seen(trace, tuple(captures))

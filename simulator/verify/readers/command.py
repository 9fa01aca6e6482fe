"""A program of the target file that prints JSON: started without a shell, ended after its time, its output bounded."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress

from simulator.contract import BY, METRICS
from simulator.scenario.placeholders import fill
from simulator.scenario.target_reading import CommandEventsSection, CommandSection
from simulator.times import Ms
from simulator.verify.readers.documents import figures_in, listed, parsed, take_cells
from simulator.verify.readers.fetch import MAX_BYTES, Unreadable
from simulator.verify.readers.figures import Figures
from simulator.verify.readers.items import ItemEvents
from simulator.verify.readers.reading import Reading
from simulator.verify.readers.setting import Setting

_MOST_SAID = 65_536  # bytes of standard error that are kept
_SHOWN = 200  # characters of it in an error


class CommandTotals:
    """Reads the totals that a program prints."""

    def __init__(self, section: CommandSection, setting: Setting) -> None:
        self._section, self._setting = section, setting

    def read(self, begin: Ms, end: Ms, *, seconds: float | None = None, kinds: tuple[str, ...] = BY) -> Reading:
        """The totals of [begin, end). Never raises for what the program does."""
        section = self._section
        figures = Figures(self._setting, kinds)
        limit = min(seconds or section.timeout / 1000, section.timeout / 1000)
        try:
            document = parsed(printed(section.run, self._setting.placeholders(begin, end), self._setting, limit))
        except Unreadable as bad:
            for by in kinds:
                said = [metric for one in section.figures if one.by == by for metric in one.metrics]
                if said or not section.figures:
                    figures.wrong(by, f"{section.run[0]}: {bad}", said or METRICS)
            return figures.reading_of_all()
        if not section.figures:
            take_cells(document, figures)
        for one in section.figures:
            if one.by in kinds:
                with figures.reading(one.by, section.run[0], one.metrics):
                    figures.add(one.by, figures_in(document, one), one.metrics)
        return figures.reading_of_all()

    def close(self) -> None:
        """Nothing is kept."""


class CommandEvents(ItemEvents):
    """Lists the events that a program prints."""

    def __init__(self, section: CommandEventsSection, setting: Setting) -> None:
        super().__init__(section, setting)
        self._section = section

    @property
    def where(self) -> str:
        """The program."""
        return self._section.run[0]

    def all_items(self, values: Mapping[str, str]) -> list[object]:
        """Every item that it prints."""
        section = self._section
        return listed(parsed(printed(section.run, values, self._setting, section.timeout / 1000)), section.rows)

    def close(self) -> None:
        """Nothing is kept."""


def printed(arguments: list[str], values: Mapping[str, str], setting: Setting, seconds: float) -> bytes:
    """What a program prints, whole. It runs in the target file's folder, in a process group that ends with it.

    Raises:
        Unreadable: it cannot be started, fails, prints too much, or is not done in time.
    """
    filled = [fill(one, values) for one in arguments]
    try:
        process = subprocess.Popen(
            filled,
            cwd=setting.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as failed:
        said = failed.strerror if isinstance(failed, OSError) else str(failed)
        raise Unreadable(f"it cannot be started: {said}") from None
    try:
        with process:
            try:
                return _output(process, time.monotonic() + seconds, seconds, setting)
            finally:
                _end(process)
    except OSError as failed:
        raise Unreadable(f"it cannot be read: {failed.strerror}") from None


def _output(process: subprocess.Popen[bytes], deadline: float, seconds: float, setting: Setting) -> bytes:
    assert process.stdout is not None
    assert process.stderr is not None
    out, said = bytearray(), bytearray()
    late = Unreadable(f"it was not done after {seconds:g} s")
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ, out)
        waiting.register(process.stderr, selectors.EVENT_READ, said)
        while waiting.get_map():
            ready = waiting.select(max(deadline - time.monotonic(), 0))
            if not ready and time.monotonic() >= deadline:
                raise late
            for key, _ in ready:
                part = os.read(key.fd, 65_536)
                if not part:
                    waiting.unregister(key.fileobj)
                elif key.data is out or len(said) < _MOST_SAID:
                    key.data.extend(part)
            if len(out) > MAX_BYTES:
                raise Unreadable(f"it printed more than {MAX_BYTES // 1024 // 1024} MB")
    try:
        code = process.wait(max(deadline - time.monotonic(), 0.01))
    except subprocess.TimeoutExpired:
        raise late from None
    if code:
        last = setting.secrets.hidden(said.decode("utf-8", "replace")).strip()[-_SHOWN:]
        raise Unreadable(f"it ended with {code}{f': {last}' if last else ''}")
    return bytes(out)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with whatever it started, where it did not end by itself."""
    if process.returncode is None:  # not waited for, so its group is still its own
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

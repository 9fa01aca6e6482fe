"""When Python looks for garbage while a run is sent: often and little, so that nobody comes late for it.

Python decides by objects made less objects freed. In a run as many visitors leave as come, so that difference stands
still while what is "young" grows to everybody on their way; looking through them then takes a tenth of a second, in
which nothing is sent. Looked at every few milliseconds, the young are few. What is planned and sent makes no cycles,
so the rare look at everything is for the code of others: Locust's, and a user's own listeners.
"""

from __future__ import annotations

import gc
from time import monotonic

import gevent

_YOUNG = 0.05  # seconds between two looks at what is young
_ALL = 600.0  # seconds between two looks at everything, which takes a second where a million visitors wait


class Garbage:
    """Python's own times of looking are off from `begin` until `end`. For one run of a process at a time."""

    def __init__(self) -> None:
        self._is_on = False

    def begin(self) -> None:
        """Set what is loaded now aside for as long as the run lasts, and look at the rest from time to time."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._is_on = True
        gevent.spawn(self._look)

    def end(self) -> None:
        """Leave it to Python again. May be called from another thread."""
        if self._is_on:
            self._is_on = False
            gc.unfreeze()
            gc.enable()

    def _look(self) -> None:
        looked = monotonic()
        while True:
            gevent.sleep(_YOUNG)
            if not self._is_on:
                return
            if monotonic() - looked < _ALL:
                gc.collect(0)
            else:
                gc.collect()
                looked = monotonic()

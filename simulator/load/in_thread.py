"""Work that may wait long for a disk, in a thread of gevent's pool: visitors and messages go on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gevent.hub import get_hub

Result = TypeVar("Result")


def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """What it returns; what it raises is raised here.

    An error that left the thread would first be printed by gevent: into a log that may be on the same full disk, and
    then nobody would ever be told.
    """
    returned, raised = get_hub().threadpool.apply(_caught, (work, arguments))
    if raised is not None:
        raise raised
    result: Result = returned
    return result


def _caught(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    try:
        return work(*arguments), None
    except Exception as raised:  # noqa: BLE001  whoever waits for it raises it
        return None, raised

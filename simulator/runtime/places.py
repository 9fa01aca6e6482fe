"""Where in the program something happened: V8's stacks, read for the first line that is the program's own."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from simulator.runtime.trace import Place

ROOT = "https://usr/"  # as on a phone, so that a tracker that reads stacks finds what it expects
WRAPPER = "function (require, module, exports) {"  # before the first character of a file, on its first line
NAME_LENGTH = 38  # of the way into the isolate
BEFORE_CODE = NAME_LENGTH + len("('define', '00000', ") + len(WRAPPER)  # columns on a file's first line
_FRAME = re.compile(r"https://usr/([^\s():]+):(\d{1,9})(?::(\d{1,9}))?")


def address(file: str) -> str:
    """What V8 calls a file."""
    return ROOT + quote(file)


def place_in(stack: str) -> Place | None:
    """The first place of a stack that lies in the program; None where there is none."""
    found = _FRAME.search(stack)
    if found is None:
        return None
    file, line, column = found.groups()
    at = int(column or 0)
    if int(line) == 1 and at:
        at = max(at - BEFORE_CODE, 1)
    return Place(unquote(file), int(line), at)

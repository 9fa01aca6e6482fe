"""Which YAML files are scenarios, told from their text without reading YAML: most files in a project are none.

A scenario has `scenario:` with a name at the beginning of a line, and beside it another of its sections; that much is
true of one with a mistake in it too, which is told when it is read. A file whose `scenario:` holds keys of its own is
somebody else's. Not here: whether it is a right one (scenario/load.py).
"""

from __future__ import annotations

import re
from pathlib import Path

_MOST_BYTES = 1 << 20  # of a file that are looked at
_NAME = re.compile(rb"""^(["']?)scenario\1[ \t]*:[ \t]+["']?[^\s#"'{\[|>&*!]""", re.MULTILINE)
_SECTION = re.compile(rb"""^(["']?)(?:app|visitors|sources|journeys|load|expect|include)\1[ \t]*:""", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"


def is_scenario(file: Path) -> bool:
    """Whether a file is meant as a scenario; one that cannot be read is none."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).removeprefix(_BOM).replace(b"\r\n", b"\n")
    except OSError:
        return False
    return _NAME.search(text) is not None and _SECTION.search(text) is not None

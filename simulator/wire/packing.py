"""Bodies taken out of gzip and zlib, within bounds."""

from __future__ import annotations

from zlib import decompressobj
from zlib import error as NoZlib  # noqa: N812 - an error's name

from simulator.wire.json_text import MOST_BYTES
from simulator.wire.request import WireError


def unpacked(data: bytes) -> bytes:
    """gzip or zlib taken off, within bounds.

    Raises:
        WireError: neither, cut off, or too large.
    """
    unpack = decompressobj(wbits=47)
    try:
        plain = unpack.decompress(data, MOST_BYTES)
    except NoZlib as bad:
        raise WireError(f"neither gzip nor zlib: {str(bad)[:80]}") from bad
    if unpack.unconsumed_tail or not unpack.eof:
        raise WireError("cut off, or too large when unpacked")
    return plain

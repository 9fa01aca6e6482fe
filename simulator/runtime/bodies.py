"""Bodies on their way between the isolate, which knows text, and the wire, which knows bytes."""

from __future__ import annotations

import base64


def body_bytes(text: str, binary: bool) -> bytes:
    """What a request carries: base64 of an ArrayBuffer, or text as UTF-8 (half of a surrogate pair becomes U+FFFD)."""
    if binary:
        return base64.b64decode(text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def reply_text(body: bytes) -> tuple[str, bool]:
    """A reply's body for the program: its text, or (base64, True) where it is no UTF-8."""
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True

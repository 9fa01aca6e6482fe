"""The page of a listening as one document: offline, style and script inside, and a policy that allows just those."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from simulator.inspect.listening.own_pages import OWN, Page

_FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def listening_page() -> Page:
    """The document and its Content-Security-Policy: what is shown comes from strangers, so nothing else may run."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("simulator", "report/listening"), autoescape=True, undefined=StrictUndefined
    )
    # Our own files, and their digests must match to the byte: the only texts that are not escaped.
    html = environment.get_template("page.html").render(
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        own=OWN,
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(f"{html}\n".encode(), policy)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

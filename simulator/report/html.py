"""What every page of ours has in common: one offline file, escaped by default, that can load and run nothing.

The styles stand in the page, and its policy allows these and nothing else, so a name that slips through the escaping is
still only text. What a page shows is page.py and conform_page.py.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from simulator.report.visible import visible, visible_lines

# An instant, or a joint of a name or an address after which a line may end.
_BREAKS = re.compile(r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.]*(?:Z| ?[+-]\d\d:\d\d)?)?)|([_/](?=\w)|[.:](?=[^\W\d]))")


def html_template(name: str, styles: Sequence[str], **known: Any) -> Template:
    """A template of this folder.

    Args:
        styles: its style sheets, in their order; the template gets them as one text, with its digest.
        known: what the template knows beside what it is rendered with.
    """
    environment = Environment(
        loader=PackageLoader("simulator", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    style = "".join(Path(__file__).with_name(sheet).read_text(encoding="utf-8") for sheet in styles)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment.globals.update(
        # Our own files, and their digest must match to the byte: the one thing that is not escaped.
        style=Markup(style),  # noqa: S704
        style_digest=digest,
        **known,
    )
    environment.filters["visible"] = visible
    environment.filters["breaking"] = breaking
    return environment.get_template(name)


def _harmless(value: Any) -> Any:
    """Whatever the template prints, even where it forgot to ask for `visible`."""
    return visible_lines(value) if type(value) is str else value


def breaking(text: str) -> Markup:
    """Text that breaks after its joints rather than anywhere, and never within an instant; escaped."""
    parts, end = [], 0
    for found in _BREAKS.finditer(harmless := visible_lines(text)):
        parts.append(escape(harmless[end : found.start()]))
        instant, joint = found.groups()
        parts.append(Markup('<span class="whole">{}</span>').format(instant) if instant else escape(joint))
        parts.append(Markup("<wbr>") if joint else Markup())
        end = found.end()
    return Markup().join([*parts, escape(harmless[end:])])

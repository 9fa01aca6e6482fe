"""The page of a listening as a document: whole, offline, and deaf to what names try to do."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import simulator.report.listening
from simulator.report.listening.page import listening_page

FOLDER = Path(simulator.report.listening.__file__).parent
HTML = listening_page().html.decode()
SCRIPT = (FOLDER / "page.js").read_text(encoding="utf-8")


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_policy_allows_its_own_style_and_script_and_nothing_else() -> None:
    (style,), (script,) = (re.findall(rf"<{tag}>(.*?)</{tag}>", HTML, re.DOTALL) for tag in ("style", "script"))

    assert listening_page().policy == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_nothing_is_inline_that_the_policy_would_block() -> None:
    body = re.sub(r"<(style|script)>.*?</\1>", "", HTML, flags=re.DOTALL)

    assert not re.search(r"\sstyle=|\son\w+=|javascript:", body)
    assert not re.findall(r'(?:src|href)="(?!#|data:|/_mpsim/)', body)


def test_the_script_never_makes_markup_of_text() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|srcdoc", SCRIPT)
    assert "</script" not in SCRIPT
    assert "<!--" not in SCRIPT


def test_every_element_that_the_script_asks_for_is_there_once() -> None:
    there = re.findall(r'\bid="([^"]+)"', HTML)

    assert len(there) == len(set(there))
    asked = set(re.findall(r'byId\("([\w-]+)"\)', SCRIPT))
    assert asked <= set(there)
    assert {"visitor", "event", "source", "page"} == {
        name.removeprefix("filter-") for name in there if "filter-" in name
    }

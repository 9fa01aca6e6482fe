"""Pages as a browser shows them: Debian's Chromium under Playwright, and axe-core as the judge of accessibility.

`browser` is a fixture for all tests (conftest.py); a test that takes it is skipped, with the reason, where Playwright
or Chromium is not installed. Nothing is downloaded: the browser is the system's, axe-core is in axe-playwright-python.

    with look(browser, url, width=390, scheme="dark") as seen:
        seen.page.locator("#pv").wait_for()
    seen.check()            # no console error, nothing wider than the window, nothing serious for axe

Set MPSIM_SCREENSHOTS to a folder to look at the pages yourself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Scheme = Literal["light", "dark"]
WIDTHS = (390, 1280, 1920)  # CSS pixels: a phone, a laptop, a wall
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = [pytest.param(width, scheme, id=f"{width}-{scheme}") for width in WIDTHS for scheme in SCHEMES]
_SERIOUS = {"serious", "critical"}
_SECONDS = 20  # that anything on a page may take
# The widest that can be scrolled sideways to, and who is to blame for it.
_OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > wide + 1)
    .map((one) => `${one.tagName} #${one.id} .${one.getAttribute("class")}: ${one.textContent.slice(0, 60)}`)
    .slice(0, 5);
}"""


@pytest.fixture(scope="module")  # while Playwright is there, an event loop runs, and no test could begin another
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium here; Debian's is `apt-get install chromium`")
    with playwright.sync_playwright() as started:
        # Root in a container has no sandbox; pages are our own.
        launched = started.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@dataclass
class Seen:
    """A page that is open, and what it complained of so far."""

    page: Page
    name: str  # of its screenshot
    errors: list[str] = field(default_factory=list)  # of the console, of scripts, of requests

    def check(self, within: str | None = None) -> None:
        """Whether the page can be shown as it is now: no error, no overflow, nothing serious for axe.

        Args:
            within: what axe looks at, as a selector, where not all of the page is ours.
        """
        from axe_playwright_python.sync_playwright import Axe

        folder = os.environ.get("MPSIM_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{self.name}.png", full_page=True)
        assert self.errors == []
        assert self.page.evaluate(_OVERFLOW) == []
        found = Axe().run(self.page, context=within).response["violations"]
        assert [_told(one) for one in found if one["impact"] in _SERIOUS] == []


@contextmanager
def look(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    scheme: Scheme = "light",
    locale: str = "en",
    name: str = "page",
    ignore: tuple[str, ...] = (),
) -> Iterator[Seen]:
    """A page opened in a window of that width; its address is `url`.

    Args:
        ignore: parts of errors that are not the page's own.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale)
    context.set_default_timeout(_SECONDS * 1000)
    page = context.new_page()
    seen = Seen(page, f"{name}-{width}-{scheme}-{locale}")

    def complain(text: str) -> None:
        if not any(part in text for part in ignore):
            seen.errors.append(text)

    page.on("console", lambda said: complain(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("requestfailed", lambda request: complain(f"{request.url}: {request.failure}"))
    try:
        page.goto(url)
        yield seen
    finally:
        context.close()


def _told(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    return f"{violation['id']} ({violation['impact']}): {nodes[0]['html'][:200]}"

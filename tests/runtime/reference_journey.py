"""The journey on which real trackers were measured, and the folder of the app that it is made on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from simulator.runtime.answering import Answerer
from simulator.runtime.phone import Phone, Storage
from simulator.runtime.program import load_program
from simulator.runtime.trace import Trace
from simulator.times import Ms, parse_instant

APP = Path(__file__).parent / "apps" / "reference"
START = parse_instant("2026-03-01T09:00:00+08:00")
ENTRY = "pages/home/home?utm_source=wechat_moments&utm_campaign=spring&channel=qr01"


def copy_of(folder: Path, files: Mapping[str, str | Path]) -> Path:
    """The app in a folder of the test's own, with further files (texts, or paths of what is copied)."""
    app = folder / "app"
    shutil.copytree(APP, app)
    for name, content in files.items():
        target = app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_text(content, encoding="utf-8")
    return app


def travel(app: Path, answer: Answerer, storage: Storage | None = None, start: Ms = START) -> Trace:
    """Cold start, login, detail, add to cart, share, cart, checkout, 35.5 s away, back, away."""
    with Phone(load_program(app), answer, now=start, storage=storage) as phone:
        at = 0

        def after(milliseconds: int) -> Ms:
            nonlocal at
            at += milliseconds
            return Ms(start + at)

        phone.launch(after(0), ENTRY, 1047)
        phone.tap(after(1_800), "openGoods")
        phone.tap(after(1_500), "addToCart")
        phone.share(after(200))
        phone.tap(after(200), "openCart")
        phone.tap(after(1_500), "checkout")
        phone.hide(after(300))
        phone.show(after(35_500), "", 1089)
        phone.back(after(1_500))
        phone.hide(after(1_500))
        phone.advance(after(10_000))
        return phone.trace()

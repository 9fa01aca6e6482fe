from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from simulator.runtime.answering import Answerer
from simulator.runtime.engine import Engine
from simulator.runtime.phone import Bounds, Phone, Storage
from simulator.runtime.program import load_program
from simulator.runtime.trace import Exchange, Reply
from simulator.times import Ms, parse_instant

NOON = parse_instant("2026-03-01T12:00:00+08:00")

MakePhone = Callable[..., Phone]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as one:
        yield one


def accepted(exchange: Exchange) -> Reply:
    return Reply(Ms(exchange.at + 40), 200, (("content-type", "application/json"),), b'{"ok":true}')


def write_app(folder: Path, files: Mapping[str, str]) -> Path:
    """A mini program with these files; page scripts without app.json make one that names them."""
    pages = [name.removesuffix(".js") for name in files if name.startswith("pages/") and name.endswith(".js")]
    given = {"app.js": "App({})", "app.json": json.dumps({"pages": pages or ["pages/a/a"]}), **files}
    if not pages and "app.json" not in files:
        given["pages/a/a.js"] = "Page({})"
    for name, text in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def phone_with(tmp_path: Path, engine: Engine) -> MakePhone:
    """A phone at noon with a mini program of these files."""

    def make(
        files: Mapping[str, str],
        answer: Answerer = accepted,
        storage: Storage | None = None,
        bounds: Bounds = Bounds(),  # noqa: B008
    ) -> Phone:
        app = write_app(tmp_path / f"app{len(list(tmp_path.iterdir()))}", files)
        return Phone(load_program(app), answer, now=NOON, storage=storage, bounds=bounds, engine=engine)

    return make


def said(phone: Phone) -> list[str]:
    """What console.log was given, in order."""
    return [mark.detail.removeprefix("log ") for mark in phone.trace().marks if mark.moment == "console"]


def story(phone: Phone) -> list[str]:
    """The marks of the lifecycle, in order, as "page_show pages/a/a"."""
    left_out = {"console", "call", "api", "missing_api"}
    return [f"{mark.moment} {mark.page}".strip() for mark in phone.trace().marks if mark.moment not in left_out]


def errors(phone: Phone) -> list[str]:
    return [mark.detail for mark in phone.trace().marks if mark.moment == "error"]


def stops(phone: Phone) -> list[str]:
    return [mark.detail for mark in phone.trace().marks if mark.moment == "stopped"]


def after(milliseconds: int) -> Ms:
    return Ms(NOON + milliseconds)

"""A page's WXML, as far as taps and components need it: who is bound to what, and which tags are components.

Expressions stay text ("{{goods.id}}"); the runtime reads simple paths from the page's data. Inside `wx:for` the item
is the list's first. Nothing is laid out. Markup that cannot be parsed gives what was read before the fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

from simulator.immutable import immutable

_BINDING = re.compile(r"(?:capture-)?(?:mut-bind|bind|catch):?([a-z][a-z0-9]*)", re.IGNORECASE)
_EXPRESSION = re.compile(r"\{\{\s*([A-Za-z_$][\w$]*)((?:[.\[][^}]*)?)\s*\}\}")
_MOST_TAGS = 20_000


@immutable(frozen=True, slots=True)
class Tag:
    """One element."""

    name: str
    id: str
    class_name: str  # the first class
    dataset: tuple[tuple[str, str], ...]  # camelCase name → value or expression
    bound: tuple[tuple[str, str], ...]  # event → handler
    given: tuple[tuple[str, str], ...]  # other attributes, camelCase


class _Reader(HTMLParser):
    def __init__(self, take: Callable[[Tag], None]) -> None:
        super().__init__(convert_charrefs=True)
        self._take = take
        self._items: list[tuple[str, str, str]] = []  # tag, item's name, path of the first item
        self._depths: list[tuple[str, bool]] = []
        self._count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open(tag, attrs)
        over = any(name == "wx:for" for name, _ in attrs)
        self._depths.append((tag, over))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._open(tag, attrs):
            self._items.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._depths:
            name, over = self._depths.pop()
            if over and self._items:
                self._items.pop()
            if name == tag:
                break

    def _open(self, name: str, attrs: list[tuple[str, str | None]]) -> bool:
        """Take the element; whether it began a list."""
        values = {key: value or "" for key, value in attrs}
        over = values.get("wx:for")
        if over is not None:
            inner = self._filled(over).strip().removeprefix("{{").removesuffix("}}").strip()
            self._items.append((name, values.get("wx:for-item", "item"), f"{inner}[0]"))
        self._count += 1
        if self._count <= _MOST_TAGS:
            self._take(self._tag(name, values))
        return over is not None

    def _tag(self, name: str, values: Mapping[str, str]) -> Tag:
        dataset, bound, given = [], [], []
        for key, value in values.items():
            event = _BINDING.fullmatch(key)
            if key.startswith("data-"):
                dataset.append((_camel(key[5:]), self._filled(value)))
            elif event is not None:
                bound.append((event[1], value))
            elif ":" not in key:
                given.append((_camel(key), self._filled(value)))
        classes = values.get("class", "").split() or [""]
        return Tag(name, values.get("id", ""), classes[0], tuple(dataset), tuple(bound), tuple(given))

    def _filled(self, value: str) -> str:
        """The value with the items of the lists around it as paths of their first elements."""

        def first(match: re.Match[str]) -> str:
            for _, item, path in reversed(self._items):
                if match[1] == item:
                    return f"{{{{{path}{match[2]}}}}}"
                if match[1] == "index":
                    return "{{0}}"
            return match[0]

        return _EXPRESSION.sub(first, value) if self._items else value


def tags(wxml: str) -> tuple[Tag, ...]:
    """The elements of a page's markup, in their order. Never raises."""
    found: list[Tag] = []
    reader = _Reader(found.append)
    reader.feed(wxml)
    reader.close()
    return tuple(found)


def _camel(name: str) -> str:
    head, *rest = name.lower().split("-")
    return head + "".join(part.capitalize() for part in rest)

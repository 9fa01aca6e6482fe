"""YAML text as a tree of which every node knows its file, line and column.

PyYAML only splits the text into events; nothing here constructs an object, whatever a tag says. Scalars are read as in
YAML 1.2, and more narrowly where a slip is likely: `on`, `10:30`, `0123`, `0x1f` and dates stay texts.
What the values mean is the models' business (model.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from simulator.errors import Complaint, ScenarioError

MAX_BYTES = 1 << 20  # of one YAML file
MAX_DEPTH = 32
MAX_NODES = 100_000  # of a scenario with its includes, aliases expanded
MAX_ALIASES = 1_000
_MAX_KEY = 256  # characters

Scalar = None | bool | int | float | str

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")  # a longer one stays text: it is an id, not a quantity
_FLOAT = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,30})?(?:[eE][-+]?\d{1,3})?")
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_TEXT_TAGS = {None, "!", "tag:yaml.org,2002:str"}

# What PyYAML says, and what helps.
_HINTS = (
    (r"found character '\\t'", "a tab stands where spaces must; indent with spaces only"),
    (r"found character '(.)'", "a text cannot begin with this character; put it in quotes"),
    (r"mapping values are not allowed", "a colon is not expected here; check the indentation, or quote the text"),
    (r"could not find expected ':'", "expected a colon and a space after the key"),
    (r"expected <block end>", "the indentation does not fit the lines above"),
    (r"expected ',' or ", "a comma is missing, or a bracket is not closed; put texts with , [ ] { } in quotes"),
    (r"found unexpected end of stream", "a quote is not closed"),
    (r"expected the node content", "a value or a closing bracket is missing"),
    (r"found duplicate anchor", "the same &anchor twice"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column are 1-based, the column counts characters."""

    file: str
    line: int
    column: int

    def complaint(self, path: str, text: str) -> Complaint:
        return Complaint(self.file, self.line, self.column, path, text)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map, with its value."""

    place: Place  # of the key
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place."""

    place: Place
    value: Scalar | list[Node] | dict[str, Entry]


@dataclass(slots=True)
class Budget:
    """What is left of the bounds, over all files of one scenario."""

    nodes: int = MAX_NODES
    aliases: int = MAX_ALIASES


def read_text(path: Path) -> str:
    """The text of a YAML file, UTF-8 with or without byte order mark.

    Raises:
        OSError: it cannot be read.
        ScenarioError: no regular file, larger than 1 MiB, or not UTF-8.
    """
    if path.exists() and not path.is_file():
        raise ScenarioError([Complaint(str(path), 1, 1, "", "this is no file; expected a YAML file")])
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ScenarioError([Complaint(str(path), 1, 1, "", "the file is larger than 1 MiB")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        before = data[: bad.start].decode("utf-8", "replace")
        line, column = _line_and_column(before, len(before))
        text = f"the byte {data[bad.start]:#04x} is no UTF-8; save the file as UTF-8"
        raise ScenarioError([Complaint(str(path), line, column, "", text)]) from bad


def read_tree(text: str, file: str, budget: Budget) -> tuple[Node, list[Complaint]]:
    """The tree of one document, and what is wrong with it without making it unreadable (a key given twice).

    Raises:
        ScenarioError: no YAML, nothing in it, more than one document, or over a bound.
    """
    if len(text) > MAX_BYTES:
        raise ScenarioError([Complaint(file, 1, 1, "", "the text is larger than 1 MiB")])
    try:
        return _Builder(text, file, budget).document()
    except yaml.MarkedYAMLError as wrong:
        raise ScenarioError([_syntax(wrong, file)]) from None
    except yaml.reader.ReaderError as wrong:
        line, column = _line_and_column(text, wrong.position)
        said = f"the character U+{ord(text[wrong.position]):04X} may not stand in a YAML file"
        raise ScenarioError([Complaint(file, line, column, "", said)]) from None


def plain(node: Node) -> object:
    """The bare value: what a YAML library would have returned."""
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def places(node: Node, path: str = "") -> Iterator[tuple[str, Place]]:
    """(path, place) of every value, and of every key under its path with `~` behind."""
    yield path, node.place
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            below = f"{path}.{key}" if path else key
            yield f"{below}~", entry.place
            yield from places(entry.node, below)
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from places(item, f"{path}[{index}]")


@dataclass(slots=True)
class _Anchor:
    node: Node | None = None  # None: still being read, so an alias to it would contain itself
    nodes: int = 0
    depth: int = 0


@dataclass(slots=True)
class _Builder:
    text: str
    file: str
    budget: Budget
    complaints: list[Complaint] = field(default_factory=list)
    anchors: dict[str, _Anchor] = field(default_factory=dict)
    deepest: int = 0

    def document(self) -> tuple[Node, list[Complaint]]:
        events = iter(yaml.parse(self.text, Loader=yaml.SafeLoader))
        root: Node | None = None
        for event in events:
            if not isinstance(event, DocumentStartEvent):
                continue
            if root is not None:
                raise self.wrong(event, "a second document begins here; expected one document, without ---")
            root = self.node(next(events), events, 1)
        if root is None:
            raise ScenarioError([Complaint(self.file, 1, 1, "", "the file is empty")])
        return root, self.complaints

    def node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            raise self.wrong(event, f"more than {MAX_DEPTH} levels inside each other")
        if isinstance(event, AliasEvent):
            return self.alias(event, depth)
        self.spend(event, 1)
        anchor = _Anchor()
        name = getattr(event, "anchor", None)
        if name is not None:
            self.anchors[name] = anchor
        before, outer = self.budget.nodes, self.deepest
        self.deepest = depth
        node = self.scalar(event) if isinstance(event, ScalarEvent) else self.collection(event, events, depth)
        anchor.node, anchor.nodes, anchor.depth = node, before - self.budget.nodes + 1, self.deepest - depth
        self.deepest = max(self.deepest, outer)
        return node

    def alias(self, event: AliasEvent, depth: int) -> Node:
        anchor = self.anchors.get(event.anchor or "")
        if anchor is None:
            raise self.wrong(event, f"no &{event.anchor} stands before *{event.anchor}")
        if anchor.node is None:
            raise self.wrong(event, f"*{event.anchor} stands inside &{event.anchor}, so it would never end")
        self.budget.aliases -= 1
        if self.budget.aliases < 0:
            raise self.wrong(event, f"more than {MAX_ALIASES} aliases")
        if depth + anchor.depth > MAX_DEPTH:
            raise self.wrong(event, f"more than {MAX_DEPTH} levels inside each other")
        self.deepest = max(self.deepest, depth + anchor.depth)
        self.spend(event, anchor.nodes)
        return anchor.node

    def scalar(self, event: ScalarEvent) -> Node:
        if event.tag not in _TEXT_TAGS:
            raise self.wrong(event, _no_tag(event.tag))
        place = self.place(event)
        text = _joined_surrogates(event.value)
        if text is None:
            raise self.wrong(event, "half of a surrogate pair is no character")
        is_plain = event.style is None and event.tag is None
        return Node(place, _scalar(text) if is_plain else text)

    def collection(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        if isinstance(event, CollectionStartEvent) and event.tag not in {None, "!"}:
            raise self.wrong(event, _no_tag(event.tag))
        if isinstance(event, SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(events), SequenceEndEvent):
                items.append(self.node(inner, events, depth + 1))
            return Node(self.place(event), items)
        assert isinstance(event, MappingStartEvent)  # the parser gives nothing else here
        entries: dict[str, Entry] = {}
        while not isinstance(inner := next(events), MappingEndEvent):
            key = self.key(inner)
            place = self.place(inner)
            node = self.node(next(events), events, depth + 1)
            if key in entries:
                first = entries[key].place
                text = f"the key {key} stands here a second time, first in line {first.line}"
                self.complaints.append(place.complaint("", text))
            else:
                entries[key] = Entry(place, node)
        return Node(self.place(event), entries)

    def key(self, event: Event) -> str:
        self.spend(event, 1)
        if not isinstance(event, ScalarEvent):
            raise self.wrong(event, 'expected a word as a key; put a text with {name} in quotes: "{name}"')
        if event.tag not in _TEXT_TAGS:
            raise self.wrong(event, _no_tag(event.tag))
        key: str = event.value
        if len(key) > _MAX_KEY or _joined_surrogates(key) != key:
            raise self.wrong(event, f"expected a key of at most {_MAX_KEY} characters")
        return key

    def spend(self, event: Event, nodes: int) -> None:
        self.budget.nodes -= nodes
        if self.budget.nodes < 0:
            raise self.wrong(event, f"more than {MAX_NODES} values, aliases counted as often as they are used")

    def place(self, event: Event) -> Place:
        mark = event.start_mark
        assert mark is not None  # the parser marks every event
        return Place(self.file, mark.line + 1, mark.column + 1)

    def wrong(self, event: Event, text: str) -> ScenarioError:
        return ScenarioError([self.place(event).complaint("", text)])


def _scalar(text: str) -> Scalar:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def _no_tag(tag: str | None) -> str:
    written = (tag or "").replace("tag:yaml.org,2002:", "!!")
    return f"the tag {written} is not read; write the plain value"


def _joined_surrogates(text: str) -> str | None:
    """The text with "\\ud83d\\ude00" as one character; None when half a pair stands alone."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _syntax(wrong: yaml.MarkedYAMLError, file: str) -> Complaint:
    problem = wrong.problem or wrong.context or "this is no YAML"
    mark = wrong.problem_mark or wrong.context_mark
    for pattern, hint in _HINTS:
        if re.match(pattern, problem):
            if "quote" in hint and wrong.context_mark is not None and "end of stream" in problem:
                mark = wrong.context_mark  # where the quote begins, not the end of the file
            problem = hint
            break
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Complaint(file, line, column, "", f"no YAML: {problem}")


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")

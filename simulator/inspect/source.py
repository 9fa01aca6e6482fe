"""The source of a mini program as the static rules read it: files, their syntax trees, and the calls in them.

Parsed by tree-sitter, which also makes something of a file with an error in it. Nothing is run; what a call does at
run time is what the traces tell. A text that is put together at run time has no value here, and no rule speaks of it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from simulator.immutable import immutable
from simulator.runtime.trace import Place

TRACKER_FILE = "utils/cl_tracker.js"  # where the source document puts it
_NAMED_LIKE_ONE = re.compile(r"track|cl_|sensorsdata|analytics", re.IGNORECASE)
_DEEPEST = 200  # scripts that require one another in a row; lists and objects in one another
_FUNCTIONS = frozenset({"function_declaration", "function_expression", "arrow_function", "method_definition"})
_MOST_BYTES = 4 << 20  # of a file that is parsed; a mini program may have 2 MB in all


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


class Opaque:
    """What an expression comes to is known at run time only."""

    def __repr__(self) -> str:
        return "…"


OPAQUE = Opaque()
Value = str | float | bool | None | Opaque | dict[str, "Value"] | list["Value"]


@immutable(frozen=True, slots=True)
class Called:
    """One call in the source."""

    name: str  # what is called, such as "this.cl_tracker.track"; a call in it has its parentheses: "getApp().x"
    arguments: tuple[Node, ...]
    place: Place
    inside: tuple[str, ...]  # names of the functions around it, the outermost first; "" for one without

    def values(self) -> list[Value]:
        """The arguments, as far as they are written out."""
        return [value_of(node) for node in self.arguments]


class Script:
    """One JavaScript file."""

    def __init__(self, file: str, text: bytes) -> None:
        self.file = file
        self.text = text[:_MOST_BYTES]
        self._tree = _parser().parse(self.text)

    @property
    def statements(self) -> list[Node]:
        """The statements of the file, without comments and "use strict"."""
        return [node for node in self._tree.root_node.named_children if not _says_nothing(node)]

    @cached_property
    def calls(self) -> tuple[Called, ...]:
        """Every call, as they stand."""
        return tuple(self._calls(self._tree.root_node, ()))

    @cached_property
    def required(self) -> dict[str, tuple[str, Node]]:
        """What is required or imported: file as it is written → (variable that it is bound to, its statement)."""
        found: dict[str, tuple[str, Node]] = {}
        for statement in self.statements:
            for name, variable in _required_in(statement):
                found.setdefault(name, (variable, statement))
        return found

    @cached_property
    def aliases(self) -> dict[str, str]:
        """What variables stand for, where they are given a name: `var t = this.cl_tracker` → t: this.cl_tracker."""
        found: dict[str, str] = {}
        for node in walk(self._tree.root_node):
            if node.type == "variable_declarator":
                name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
                if name is not None and value is not None and name.type == "identifier" and (on := dotted(value)):
                    found[_source_text(name)] = on
        return found

    def texts(self) -> Iterator[tuple[str, Place]]:
        """Every text that is written out, without the parts of a template that are put in."""
        for node in walk(self._tree.root_node):
            if node.type in ("string", "template_string"):
                yield _text_of(node), self.place(node)

    def assigns(self, *names: str) -> bool:
        """Whether a variable of one of these names is assigned to, such as the global App."""
        return any(
            node.type == "assignment_expression"
            and (left := node.child_by_field_name("left")) is not None
            and dotted(left).rpartition(".")[2] in names
            for node in walk(self._tree.root_node)
        )

    def place(self, node: Node) -> Place:
        """Where a node begins."""
        return Place(self.file, node.start_point.row + 1, node.start_point.column + 1)

    def _calls(self, top: Node, inside: tuple[str, ...]) -> Iterator[Called]:
        waiting: list[tuple[Node, tuple[str, ...]]] = [(top, inside)]
        while waiting:
            node, around = waiting.pop()
            if node.type in ("call_expression", "new_expression"):
                function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
                given = node.child_by_field_name("arguments")
                arguments = tuple(given.named_children) if given is not None and given.type == "arguments" else ()
                if function is not None:
                    yield Called(dotted(function), arguments, self.place(node), around)
            if node.type in _FUNCTIONS:
                around = (*around, _name_of(node))
            waiting.extend((child, around) for child in reversed(node.named_children))


def walk(top: Node) -> Iterator[Node]:
    """A node and everything in it, as it stands in the text."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def dotted(node: Node) -> str:
    """What an expression names, such as `getApp().cl_tracker.push`; empty for one that names nothing."""
    behind: list[str] = []  # the last part first; a chain of calls may be longer than Python's stack
    inner: Node | None = node
    while inner is not None:
        inner, part = _outermost(inner)
        behind.append(part)
    return "".join(reversed(behind))


def _outermost(node: Node) -> tuple[Node | None, str]:
    """What an expression is a part, a call or the whole of, if of anything, and how its own part is written."""
    if node.type in ("identifier", "this", "property_identifier", "super"):
        return None, _source_text(node)
    if node.type == "parenthesized_expression" and node.named_children:
        return node.named_children[0], ""
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        return function, "()" if function is not None else ""
    if node.type == "member_expression":
        whole, part = node.child_by_field_name("object"), node.child_by_field_name("property")
        if whole is not None and part is not None:
            return whole, f".{_source_text(part)}"
    if node.type == "subscript_expression":
        whole, part = node.child_by_field_name("object"), node.child_by_field_name("index")
        if whole is not None and part is not None and part.type == "string":
            return whole, f".{_text_of(part)}"
    return None, ""


def value_of(node: Node, depth: int = 0) -> Value:
    """What an expression comes to, as far as it is written out, and not too deep in objects and lists.

    Args:
        depth: objects and lists around it.
    """
    match node.type:
        case "string":
            return _text_of(node)
        case "template_string" if not any(child.type == "template_substitution" for child in node.children):
            return _text_of(node)
        case "number":
            try:
                return float(_source_text(node))
            except ValueError:
                return OPAQUE
        case "true" | "false":
            return node.type == "true"
        case "null" | "undefined":
            return None
        case "object" if depth < _DEEPEST:
            return dict(_members(node, depth + 1))
        case "array" if depth < _DEEPEST:
            return [value_of(child, depth + 1) for child in node.named_children]
    return OPAQUE


def _members(node: Node, depth: int) -> Iterator[tuple[str, Value]]:
    for child in node.named_children:
        key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
        if child.type == "pair" and key is not None and value is not None:
            yield (_text_of(key) if key.type == "string" else _source_text(key)), value_of(value, depth)
        elif child.type == "shorthand_property_identifier":
            yield _source_text(child), OPAQUE


def _source_text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _text_of(node: Node) -> str:
    """A text without its quotes; escapes stay as they are written, but for those of quotes and letters."""
    parts: list[str] = []
    for child in node.children:
        if child.type in ("string_fragment", "template_chars"):
            parts.append(_source_text(child))
        elif child.type == "escape_sequence":
            parts.append(_unescaped(_source_text(child)))
    return "".join(parts)


def _unescaped(escape: str) -> str:
    if escape.startswith("\\u") and not escape.startswith("\\u{"):
        try:
            value: str = json.loads(f'"{escape}"')
        except ValueError:
            return escape
        return value
    return {"\\n": "\n", "\\t": "\t"}.get(escape, escape[1:])


def _name_of(function: Node) -> str:
    """What a function is called, or the property or variable that it is given to."""
    own = function.child_by_field_name("name")
    if own is not None:
        return _source_text(own)
    around = function.parent
    if around is not None and around.type == "pair":
        key = around.child_by_field_name("key")
        return _source_text(key).strip("'\"") if key is not None else ""
    if around is not None and around.type == "variable_declarator":
        name = around.child_by_field_name("name")
        return _source_text(name) if name is not None else ""
    return ""


def _says_nothing(node: Node) -> bool:
    if node.type in ("comment", "hash_bang_line", "empty_statement"):
        return True
    return (
        node.type == "expression_statement"
        and len(node.named_children) == 1
        and node.named_children[0].type == "string"
    )


def _required_in(statement: Node) -> Iterator[tuple[str, str]]:
    """(file, variable) of each require or import in one statement of the file itself."""
    if statement.type == "import_statement":
        source = statement.child_by_field_name("source")
        clause = next((child for child in statement.named_children if child.type == "import_clause"), None)
        if source is not None:
            names = [node for node in walk(clause) if node.type == "identifier"] if clause is not None else []
            yield _text_of(source), _source_text(names[-1]) if names else ""
        return
    for node in walk(statement):
        if node.type != "call_expression" or dotted(node).removesuffix("()") != "require":
            continue
        given = node.child_by_field_name("arguments")
        first = given.named_children[0] if given is not None and given.named_children else None
        if first is not None and first.type == "string":
            yield _text_of(first), _bound_to(node)


def _bound_to(node: Node) -> str:
    around = node.parent
    if around is not None and around.type == "variable_declarator":
        name = around.child_by_field_name("name")
        return _source_text(name) if name is not None else ""
    if around is not None and around.type == "assignment_expression":
        left = around.child_by_field_name("left")
        return dotted(left) if left is not None else ""
    return ""


class SourceCode:
    """The files of a mini program.

    Args:
        files: bytes by path, relative to the program's folder, with forward slashes.
        tracker: the tracker's file; empty: the one that looks like it.
    """

    def __init__(self, files: Mapping[str, bytes], tracker: str = "") -> None:
        self.files = files
        self._named = tracker

    @cached_property
    def scripts(self) -> Mapping[str, Script]:
        """Every JavaScript file but those of packages, by path."""
        return {
            file: Script(file, text)
            for file, text in sorted(self.files.items())
            if file.endswith(".js") and not file.startswith(("miniprogram_npm/", "node_modules/"))
        }

    @property
    def app(self) -> Script | None:
        """app.js."""
        return self.scripts.get("app.js")

    @cached_property
    def tracker(self) -> str:
        """The tracker's file; empty where there is none that can be told."""
        if self._named:
            return self._named
        if TRACKER_FILE in self.files:
            return TRACKER_FILE
        required = [] if self.app is None else [self.resolved(name) for name in self.app.required]
        likely = chain(required, (file for file in self.files if file.startswith("utils/")))
        named = (file for file in likely if file.endswith(".js") and _NAMED_LIKE_ONE.search(posixpath.basename(file)))
        return next(named, "")

    @cached_property
    def own_scripts(self) -> tuple[Script, ...]:
        """The scripts of the application: all but the tracker's."""
        return tuple(script for file, script in self.scripts.items() if file != self.tracker)

    def resolved(self, name: str, beside: str = "app.js") -> str:
        """The file that a `require` of this name means; empty where there is none.

        A bare name is also looked for next to the file that requires it, as WeChat does.
        """
        folder = "" if name.startswith("/") else posixpath.dirname(beside)
        plain = posixpath.normpath(posixpath.join(folder, name.removeprefix("/")))
        candidates = (plain, f"{plain}.js", f"{plain}/index.js")
        return next((file for file in candidates if file in self.files), "")

    def bound_tracker(self, script: Script) -> tuple[str, Node] | None:
        """The variable to which a script binds the tracker (empty: none) and the statement; None: not required."""
        for name, (variable, statement) in script.required.items():
            if self.tracker and self.resolved(name, script.file) == self.tracker:
                return variable, statement
        return None

    def circles(self) -> Iterator[tuple[tuple[str, ...], Place]]:
        """Scripts that require one another in a circle while they are loaded, each circle once, and where it closes.

        A require inside a function runs later, when everything is loaded.
        """
        told: set[frozenset[str]] = set()
        done: set[str] = set()
        for start in self.scripts:
            yield from self._circles_from(start, (), done, told)

    def _circles_from(
        self, file: str, way: tuple[str, ...], done: set[str], told: set[frozenset[str]]
    ) -> Iterator[tuple[tuple[str, ...], Place]]:
        if file in done or len(way) > _DEEPEST:
            return
        for called in self.scripts[file].calls:
            first = called.values()[:1] if called.name == "require" and not called.inside else []
            other = self.resolved(first[0], file) if first and isinstance(first[0], str) else ""
            if other not in self.scripts:
                continue
            circle = (*way, file)[(*way, file).index(other) :] if other in (*way, file) else ()
            if circle and frozenset(circle) not in told:
                told.add(frozenset(circle))
                yield circle, called.place
            elif not circle:
                yield from self._circles_from(other, (*way, file), done, told)
        done.add(file)

    def tracker_calls(self, *methods: str) -> Iterator[Called]:
        """The calls of the tracker's methods in the application, by what they are called on."""
        for script in self.own_scripts:
            bound = self.bound_tracker(script)
            variable = bound[0] if bound is not None else ""
            for called in script.calls:
                on, _, method = called.name.rpartition(".")
                on = on if on == variable else script.aliases.get(on, on)
                if method in methods and on and (on == variable or on.rpartition(".")[2] in ("cl_tracker", variable)):
                    yield called

"""ES modules turned into CommonJS, as WeChat's tool does it before anything runs.

Every line stays where it was, so that the line of an error is the line of the source. Bindings stay live in both
directions: an export is a getter of its variable, and a use of an imported name reads the other module's export at that
moment; so circles of modules behave as the language says, but for calls of what is not there yet.

Source: ECMAScript, "Modules"; the marker __esModule and default imports of CommonJS modules as bundlers agreed on.
Not here: whether a module is valid JavaScript; V8 says that (program.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

_MENTIONS = re.compile(r"\b(?:import|export)\b")
_FUNCTIONS = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
    }
)
_BLOCKS = frozenset(
    {
        "statement_block",
        "for_statement",
        "for_in_statement",
        "switch_body",
        "catch_clause",
        "class",
        "class_static_block",
    }
)
_DECLARED = frozenset({"function_declaration", "generator_function_declaration", "class_declaration"})
_PATTERNS = frozenset({"object_pattern", "array_pattern", "rest_pattern"})


def is_es_module(source: str) -> bool:
    """Whether a file imports or exports at its top."""
    if _MENTIONS.search(source) is None:
        return False
    root = _parser().parse(source.encode()).root_node
    return any(child.type in {"import_statement", "export_statement"} for child in root.children)


def as_commonjs(source: str) -> str:
    """The same module with require and exports; as many lines as before."""
    text = source.encode()
    module = _Esm(text)
    root = _parser().parse(text).root_node
    for child in root.children:
        if child.type == "import_statement":
            module.take_import(child)
        elif child.type == "export_statement":
            module.take_export(child)
    module.rename(root)
    return module.result().decode()


def unmatched_brace(source: str) -> tuple[int, int]:
    """Line and column of the first } that closes nothing, 1-based; (0, 0) where there is none.

    A file that V8 takes inside of a function may still be one that closes this function and opens another.
    """
    root = _parser().parse(source.encode()).root_node
    if not root.has_error:
        return 0, 0
    depth, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        if node.type == "}":
            depth -= 1
        elif node.type in {"{", "${"}:
            depth += 1
        if depth < 0:
            return node.start_point.row + 1, node.start_point.column + 1
        waiting += reversed(node.children)
    return 0, 0


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(Language(tree_sitter_javascript.language()))


@dataclass(slots=True)
class _Scope:
    parent: _Scope | None
    function: _Scope | None = None  # where `var` goes; itself for a function's
    names: set[str] = field(default_factory=set)

    def declares(self, name: str) -> bool:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True
            scope = scope.parent
        return False


class _Esm:
    """One module on its way: what it imports and exports, and the edits of its text."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.edits: list[tuple[int, int, str]] = []
        self.imported: dict[str, str] = {}  # local name → what reads it now
        self.exported: dict[str, str] = {}  # name → local name or expression
        self.requires: list[str] = []
        self.variables: dict[str, str] = {}  # module → variable
        self.gone: list[tuple[int, int]] = []  # statements without anything left of them

    # ---- statements -----------------------------------------------------------------------------------------------

    def take_import(self, node: Node) -> None:
        """`import …`: the names read the other module from now on, and the statement goes."""
        source = node.child_by_field_name("source")
        if source is None:
            return
        variable = self._require(source)
        for clause in _children(node, "import_clause"):
            for one in clause.named_children:
                if one.type == "identifier":
                    self.imported[self._of(one)] = f"{self._default(variable)}.default"
                elif one.type == "namespace_import":
                    self.imported[self._of(one.named_children[-1])] = self._namespace(variable)
                elif one.type == "named_imports":
                    for specifier in _children(one, "import_specifier"):
                        name, alias = _specified(specifier)
                        self.imported[self._of(alias)] = self._member(variable, self._name(name))
        self._remove(node)

    def take_export(self, node: Node) -> None:
        """`export …`: a getter for each name, and the declaration without the word."""
        source = node.child_by_field_name("source")
        declaration = node.child_by_field_name("declaration")
        value = node.child_by_field_name("value")
        if source is not None:
            self._export_from(node, self._require(source))
        elif declaration is not None:
            default = any(child.type == "default" for child in node.children)
            names = list(_declared_names(declaration))
            if default:
                self.exported["default"] = self._of(names[0])
            else:
                self.exported |= {self._of(name): self._of(name) for name in names}
            self.edits.append(
                (node.start_byte, declaration.start_byte, self._lines(node.start_byte, declaration.start_byte))
            )
        elif value is not None:
            self.exported["default"] = "_mp$default"
            lines = self._lines(node.start_byte, value.start_byte)
            self.edits.append((node.start_byte, value.start_byte, f"const _mp$default = {lines}"))
        else:
            for clause in _children(node, "export_clause"):
                for specifier in _children(clause, "export_specifier"):
                    name, alias = _specified(specifier)
                    self.exported[self._name(alias)] = self._name(name)
            self._remove(node)

    def _export_from(self, node: Node, variable: str) -> None:
        clauses = list(_children(node, "export_clause"))
        for clause in clauses:
            for specifier in _children(clause, "export_specifier"):
                name, alias = _specified(specifier)
                wanted = self._name(name)
                owner = self._default(variable) if wanted == "default" else variable
                self.exported[self._name(alias)] = self._member(owner, wanted)
        spaces = list(_children(node, "namespace_export"))
        for space in spaces:
            self.exported[self._name(space.named_children[-1])] = self._namespace(variable)
        if not clauses and not spaces:
            self.requires.append(
                f"Object.keys({variable}).forEach(function (k) {{ if (k !== 'default' && "
                f"!Object.prototype.hasOwnProperty.call(exports, k)) Object.defineProperty(exports, k, "
                f"{{ enumerable: true, configurable: true, get: function () {{ return {variable}[k]; }} }}); }});"
            )
        self._remove(node)

    # ---- modules --------------------------------------------------------------------------------------------------

    def _require(self, source: Node) -> str:
        written = self._of(source)
        path = written[1:-1]
        known = self.variables.get(path)
        if known is None:
            base = re.sub(r"\W", "_", path.rpartition("/")[2].removesuffix(".js"), flags=re.ASCII) or "module"
            known = self.variables[path] = f"_{base}${len(self.variables)}"
            self.requires.append(f"const {known} = require({written});")
        return known

    def _default(self, variable: str) -> str:
        """The variable in which `default` of a module stands, also of one that is CommonJS."""
        name = f"{variable}d"
        line = f"const {name} = {variable} && {variable}.__esModule ? {variable} : {{ default: {variable} }};"
        if line not in self.requires:
            self.requires.append(line)
        return name

    def _namespace(self, variable: str) -> str:
        name = f"{variable}n"
        line = (
            f"const {name} = {variable} && {variable}.__esModule ? {variable} : "
            f"Object.assign({{}}, {variable}, {{ default: {variable} }});"
        )
        if line not in self.requires:
            self.requires.append(line)
        return name

    def _member(self, variable: str, name: str) -> str:
        if name == "default":
            return f"{self._default(variable)}.default"
        return f"{variable}.{name}" if name.isidentifier() else f"{variable}[{json.dumps(name)}]"

    # ---- names ----------------------------------------------------------------------------------------------------

    def rename(self, root: Node) -> None:
        """Every use of an imported name that nothing nearer declares; and `import()`."""
        top = _Scope(None)
        top.function = top
        uses: list[tuple[Node, _Scope]] = []
        waiting: list[tuple[Node, _Scope]] = [(root, top)]
        while waiting:
            node, scope = waiting.pop()
            kind = node.type
            if kind in {"identifier", "shorthand_property_identifier"}:
                uses.append((node, scope))
                continue
            if kind in {"import_statement", "export_clause"}:
                continue
            if kind == "import" and node.parent is not None and node.parent.type == "call_expression":
                self.edits.append((node.start_byte, node.end_byte, "require.async"))
            inner = self._declare(node, scope)
            waiting.extend([(child, inner) for child in node.children])
        for node, scope in uses:
            name = self._of(node)
            if name in self.imported and not scope.declares(name):
                read = self.imported[name]
                written = read if node.type == "identifier" else f"{name}: {read}"
                self.edits.append((node.start_byte, node.end_byte, written))

    def _declare(self, node: Node, scope: _Scope) -> _Scope:
        """What a node declares, where; the scope of its children."""
        kind = node.type
        if kind in _DECLARED:
            name = node.child_by_field_name("name")
            if name is not None:
                scope.names.add(self._of(name))
        if kind in _FUNCTIONS:
            inner = _Scope(scope)
            inner.function = inner
            own = node.child_by_field_name("name")
            if own is not None and own.type == "identifier" and kind not in _DECLARED:
                inner.names.add(self._of(own))
            for part in ("parameters", "parameter"):
                given = node.child_by_field_name(part)
                if given is not None:
                    inner.names.update(self._of(one) for one in _bound(given))
            return inner
        if kind in _BLOCKS:
            scope = _Scope(scope, scope.function)
            for part in ("parameter", "left") if kind != "class" else ("name",):
                given = node.child_by_field_name(part)
                if given is not None and (kind != "for_in_statement" or node.child_by_field_name("kind") is not None):
                    scope.names.update(self._of(one) for one in _bound(given))
        if kind in {"lexical_declaration", "variable_declaration"}:
            where = scope if kind == "lexical_declaration" else scope.function or scope
            where.names.update(self._of(name) for name in _declared_names(node))
        return scope

    # ---- text -----------------------------------------------------------------------------------------------------

    def result(self) -> bytes:
        """The text with everything done to it."""
        getters = "".join(
            f"Object.defineProperty(exports, {json.dumps(name)}, {{ enumerable: true, configurable: true, "
            f"get: function () {{ return {self.imported.get(local, local)}; }} }}); "
            for name, local in self.exported.items()
        )
        head = f'"use strict"; Object.defineProperty(exports, "__esModule", {{ value: true }}); {getters}'
        parts = [(head + " ".join(self.requires) + " ").encode()]
        at = 0
        for start, end, text in sorted(self.edits):
            if start < at:
                continue  # inside of something that went as a whole
            parts += [self.text[at:start], text.encode()]
            at = end
        parts.append(self.text[at:])
        return b"".join(parts)

    def _of(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte].decode()

    def _name(self, node: Node) -> str:
        """A name that may be written as a text."""
        text = self._of(node)
        return text[1:-1] if node.type == "string" else text

    def _lines(self, start: int, end: int) -> str:
        return "\n" * self.text.count(b"\n", start, end)

    def _remove(self, node: Node) -> None:
        self.edits.append((node.start_byte, node.end_byte, f";{self._lines(node.start_byte, node.end_byte)}"))


def _children(node: Node, kind: str) -> Iterator[Node]:
    return (child for child in node.named_children if child.type == kind)


def _specified(specifier: Node) -> tuple[Node, Node]:
    """(name in its module, name outside or here) of `a as b` or `a`."""
    name = specifier.child_by_field_name("name")
    assert name is not None
    return name, specifier.child_by_field_name("alias") or name


def _declared_names(declaration: Node) -> Iterator[Node]:
    """The names that a declaration binds."""
    if declaration.type in _DECLARED:
        name = declaration.child_by_field_name("name")
        if name is not None:
            yield name
        return
    for declarator in _children(declaration, "variable_declarator"):
        name = declarator.child_by_field_name("name")
        if name is not None:
            yield from _bound(name)


def _bound(pattern: Node) -> Iterator[Node]:
    """The names that a pattern or a list of parameters binds; those inside default values are no names of it."""
    waiting = [pattern]
    while waiting:
        node = waiting.pop()
        kind = node.type
        if kind in {"identifier", "shorthand_property_identifier_pattern"}:
            yield node
        elif kind in {"assignment_pattern", "object_assignment_pattern"}:
            left = node.child_by_field_name("left")
            waiting += [left] if left is not None else []
        elif kind == "pair_pattern":
            value = node.child_by_field_name("value")
            waiting += [value] if value is not None else []
        elif kind in _PATTERNS or kind == "formal_parameters":
            waiting += node.named_children
